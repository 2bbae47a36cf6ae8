// ZIP archives, read where they lie: the directory at the end, then one entry after the other, piece by piece.
//
// An archive is believed in nothing: sizes are checked while an entry unpacks, no byte belongs to two entries, and what would
// become far more than archives of images do is refused before it unpacks. Names are shown and lead nowhere.
// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5; RFC 1951.

/** Most entries of an archive, and most bytes of its directory. */
const MOST_ENTRIES = 100_000;
const MOST_DIRECTORY = 64 << 20;
/** Most bytes of one entry: the browser keeps it until it is sent. */
const MOST_UNPACKED = 2 ** 31;
/** Beyond these sizes an entry, or all of them, may become so many times larger. Blank images reach a thousand, but are small. */
const FREE = 16 << 20;
const MOST_TIMES = 300;
const ALL_FREE = 2 ** 30;
const ALL_MOST_TIMES = 100;
/** Bytes that are read at once, and bytes that unpack at once: a thousand times as many may come out of these. */
const READ = 256 << 10;
const STEP = 16 << 10;

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const LISTED = 0x02014b50;
const LOCAL = 0x04034b50;
const ALL_32 = 0xffffffff;

/** Why an archive or an entry is not taken; `reason` is a word that `upload.js` knows. */
export class Refused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const damaged = () => new Refused('damaged');

async function view(file, from, length) {
  if (from < 0 || from + length > file.size) throw damaged();
  return new DataView(await file.slice(from, from + length).arrayBuffer());
}

/** A length or a place of 64 bits; there are no files beyond 2^53. */
function long(data, at) {
  const value = data.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged();
  return Number(value);
}

/** Where the directory is: place, bytes, entries, and what stands before the archive. */
async function directory(file) {
  const length = Math.min(file.size, 22 + 0xffff);
  const start = file.size - length;
  const tail = await view(file, start, length);
  let at = length - 22;
  while (at >= 0 && !(tail.getUint32(at, true) === END && at + 22 + tail.getUint16(at + 20, true) === length)) at -= 1;
  if (at < 0) throw damaged();
  let end = start + at;
  let [count, size, place] = [tail.getUint16(at + 10, true), tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  const locator = end >= 20 ? await view(file, end - 20, 20) : null;
  if (locator?.getUint32(0, true) === LOCATOR_64) {
    end = long(locator, 8);
    const large = await view(file, end, 56);
    if (large.getUint32(0, true) !== END_64) throw damaged();
    [count, size, place] = [long(large, 32), long(large, 40), long(large, 48)];
  } else if (tail.getUint16(at + 4, true) !== 0) {
    // The archive goes on in other files.
    throw new Refused('packed');
  }
  if (count > MOST_ENTRIES || size > MOST_DIRECTORY) throw new Refused('bomb');
  const before = end - size - place;
  if (before < 0) throw damaged();
  return { place: before + place, size, count, before };
}

function nameOf(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** One line of the directory, and where the next one begins. */
function listed(data, at, before) {
  if (at + 46 > data.byteLength || data.getUint32(at, true) !== LISTED) throw damaged();
  const [nameLength, moreLength, noteLength] = [28, 30, 32].map((place) => data.getUint16(at + place, true));
  const next = at + 46 + nameLength + moreLength + noteLength;
  if (next > data.byteLength) throw damaged();
  const entry = {
    name: nameOf(new Uint8Array(data.buffer, data.byteOffset + at + 46, nameLength)),
    nameLength,
    isLocked: (data.getUint16(at + 8, true) & 1) === 1,
    method: data.getUint16(at + 10, true),
    sum: data.getUint32(at + 16, true),
    packed: data.getUint32(at + 20, true),
    size: data.getUint32(at + 24, true),
    place: data.getUint32(at + 42, true),
  };
  for (let more = at + 46 + nameLength; more + 4 <= next - noteLength; more += 4 + data.getUint16(more + 2, true)) {
    if (data.getUint16(more, true) !== 1) continue;
    // Only what does not fit into 32 bits stands here, in this order.
    let value = more + 4;
    for (const field of ['size', 'packed', 'place']) {
      if (entry[field] !== ALL_32) continue;
      if (value + 8 > next) throw damaged();
      entry[field] = long(data, value);
      value += 8;
    }
  }
  entry.place += before;
  return [entry, next];
}

/**
 * The files of an archive in the order of their bytes: `name`, `size`, and `pieces()`, which gives the bytes or throws `Refused`.
 * Throws `Refused` where the archive as a whole is not opened.
 */
export async function files(file) {
  const { place, size, count, before } = await directory(file);
  const data = await view(file, place, size);
  const all = [];
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const [entry, next] = listed(data, at, before);
    all.push(entry);
    at = next;
  }
  all.sort((a, b) => a.place - b.place);
  all.forEach((entry, index) => {
    const end = all[index + 1]?.place ?? place;
    // A byte that unpacks twice makes a small archive a large one.
    if (entry.place + 30 + entry.nameLength + entry.packed > end) throw new Refused('bomb');
  });
  const total = all.reduce((sum, entry) => sum + entry.size, 0);
  if (total > ALL_FREE && total > ALL_MOST_TIMES * file.size) throw new Refused('bomb');
  const kept = all.filter(({ name }) => !name.endsWith('/'));
  return kept.map((entry) => ({ name: entry.name, size: entry.size, pieces: () => pieces(file, entry) }));
}

/** The bytes of an entry, checked: no more and no fewer than the directory says, and the sum is right. */
async function* pieces(file, entry) {
  if (entry.isLocked) throw new Refused('locked');
  if (entry.method !== 0 && entry.method !== 8) throw new Refused('packed');
  if (entry.size > MOST_UNPACKED) throw new Refused('large');
  if (entry.size > FREE && entry.size > MOST_TIMES * entry.packed) throw new Refused('bomb');
  const head = await view(file, entry.place, 30);
  if (head.getUint32(0, true) !== LOCAL) throw damaged();
  const from = entry.place + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  if (from + entry.packed > file.size) throw damaged();
  const source = stored(file, from, from + entry.packed);
  let [count, sum] = [0, 0xffffffff];
  for await (const bytes of entry.method === 8 ? inflated(source) : source) {
    count += bytes.length;
    if (count > entry.size) throw damaged();
    sum = add(sum, bytes);
    yield bytes;
  }
  if (count !== entry.size || (sum ^ 0xffffffff) >>> 0 !== entry.sum) throw damaged();
}

async function* stored(file, from, end) {
  for (let at = from; at < end; at += READ) {
    yield new Uint8Array(await file.slice(at, Math.min(at + READ, end)).arrayBuffer());
  }
}

/** Feeds a few bytes at a time and waits until what came of them has been taken. */
async function* inflated(source) {
  const stream = new DecompressionStream('deflate-raw');
  const [writer, reader] = [stream.writable.getWriter(), stream.readable.getReader()];
  const feed = async () => {
    for await (const bytes of source) {
      for (let at = 0; at < bytes.length; at += STEP) await writer.write(bytes.subarray(at, at + STEP));
    }
    await writer.close();
  };
  // What goes wrong here is heard of by whoever reads.
  feed().catch((error) => writer.abort(error).catch(() => {}));
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw error instanceof DOMException ? error : damaged();
  } finally {
    reader.cancel().catch(() => {});
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of the ZIP format. */
function add(sum, bytes) {
  let value = sum;
  for (let at = 0; at < bytes.length; at += 1) value = (value >>> 8) ^ TABLE[(value ^ bytes[at]) & 255];
  return value;
}
