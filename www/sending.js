// What an upload does: finds files in what was chosen, sends them by STOW-RS, and counts what became of each.
//
// Nothing is read whole: of each file its head, and requests are made of files that the browser reads while it sends. An entry of
// an archive is unpacked just before it is sent. `www/upload.js` shows all this.
// Source: DICOM PS3.10 7.1, PS3.18 10.5 and annex I.

/** Bounds of one request, and requests at once. */
const MOST_FILES = 20;
const MOST_BYTES = 32 << 20;
const AT_ONCE = 2;
/** Names that are kept to be shown, of each reason. */
const MOST_NAMES = 500;
/** Of a file's head, bytes that are looked at. */
const HEAD = 4096;
/** How often a connection that was lost is tried again by itself; waits grow up to the longest, seconds. */
const TRIES = 6;
const LONGEST_S = 15;

const DISC_INDEX = '1.2.840.10008.1.3.10';
/** What computers add to folders and archives by themselves. */
const OF_COMPUTERS = /(^|\/)(__MACOSX\/.*|\.DS_Store|Thumbs\.db|desktop\.ini)$/i;

/** Reasons of the Store Instances Response Module that are said of one file. */
const FAILURES = new Map([
  [0x0110, 'unindexed'], [0x0111, 'conflict'], [0x0122, 'class'], [0x0124, 'forbidden'], [0xA900, 'contradiction'],
  [0xA902, 'patient'], [0xC000, 'incomplete'], [0xC122, 'syntax'],
]);
const NO_ROOM = 0xA700;

const wait = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
const isArchive = (bytes) => bytes.length > 3 && bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** SOP class and instance of a file's meta group; `null` where it is no file of DICOM. */
export function headOf(bytes) {
  if (bytes.length < 132 || String.fromCharCode(...bytes.subarray(128, 132)) !== 'DICM') return null;
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = {};
  let at = 132;
  while (at + 12 <= bytes.length && data.getUint16(at, true) === 2) {
    const element = data.getUint16(at + 2, true);
    const isLong = ['OB', 'UN', 'OW'].includes(String.fromCharCode(bytes[at + 4], bytes[at + 5]));
    const length = isLong ? data.getUint32(at + 8, true) : data.getUint16(at + 6, true);
    const from = at + (isLong ? 12 : 8);
    if (from + length > bytes.length) break;
    const text = () => String.fromCharCode(...bytes.subarray(from, from + length)).replace(/[\0 ]+$/, '');
    if (element === 2) found.sopClass = text();
    if (element === 3) found.uid = text();
    at = from + length;
  }
  return found;
}

const only = (set, tag) => set[tag]?.Value?.[0];

/** First in, first out; what was taken is let go of now and then, as moving a million places down for each would take hours. */
class Queue {
  #all = [];
  #at = 0;

  get length() {
    return this.#all.length - this.#at;
  }

  push(one) {
    this.#all.push(one);
  }

  shift() {
    const one = this.#all[this.#at];
    this.#at = Math.min(this.#at + 1, this.#all.length);
    if (this.#at * 2 > this.#all.length) {
      this.#all = this.#all.slice(this.#at);
      this.#at = 0;
    }
    return one;
  }
}

/** One upload, from the first file that is added until nothing is left. */
export class Job {
  /** Files seen, and bytes of them; files that are settled, and bytes of them. */
  found = { files: 0, bytes: 0 };
  done = { files: 0, bytes: 0 };
  stored = 0;
  present = 0;
  /** By Study Instance UID: how many were stored, and how many were there before. */
  studies = new Map();
  /** By reason: how many, and names. */
  refused = new Map();
  /** `running`, `waiting` for a connection, `stopped`, `done` or `cancelled`. */
  state = 'running';
  /** Why it stopped: a word, and what the server said. */
  why = null;
  isSearching = true;
  #root;
  #changed;
  #isWalking = false;
  #chosen = new Queue();
  #files = new Queue();
  #requests = new Map();
  #cancel = new AbortController();
  #resume = () => {};
  #wake = () => {};
  #unzip;

  /** `root` is the DICOMweb root; `unzip` the address of the module that reads archives. */
  constructor(root, unzip, changed) {
    this.#root = root;
    this.#unzip = unzip;
    this.#changed = changed;
    this.#run();
  }

  get isOver() {
    return this.state === 'done' || this.state === 'cancelled';
  }

  /** Bytes that are settled or on their way. */
  get bytes() {
    return [...this.#requests.values()].reduce((sum, bytes) => sum + bytes, this.done.bytes);
  }

  /** Files, and entries of folders. */
  add(chosen) {
    // A loop: no call takes as many arguments as a folder may have files.
    for (const one of chosen) if (one) this.#chosen.push(one);
    if (!this.#isWalking) this.#walk();
  }

  cancel() {
    this.state = 'cancelled';
    this.#cancel.abort();
    this.#files = new Queue();
    this.#resume();
    this.#wake();
    this.#changed();
  }

  /** Goes on after it stopped, or at once where it waits. */
  again() {
    if (this.state !== 'stopped' && this.state !== 'waiting') return;
    this.state = 'running';
    this.why = null;
    this.#resume();
    this.#changed();
  }

  async #run() {
    const flights = new Set();
    let batch = [];
    let bytes = 0;
    const flush = async () => {
      if (batch.length === 0) return;
      const sent = batch;
      [batch, bytes] = [[], 0];
      const flight = this.#send(sent).finally(() => flights.delete(flight));
      flights.add(flight);
      if (flights.size >= AT_ONCE) await Promise.race(flights);
    };
    do {
      for await (const file of this.#ready()) {
        const isFull = bytes + (file?.size ?? 0) > MOST_BYTES || batch.length === MOST_FILES;
        // Where no more is ready, what is goes out; answers name files by their UIDs.
        if (!file || isFull || (file.uid && batch.some(({ uid }) => uid === file.uid))) await flush();
        if (this.isOver) break;
        if (!file) continue;
        batch.push(file);
        bytes += file.size;
      }
      await flush();
      await Promise.all(flights);
    } while (!this.isOver && (this.isSearching || this.#files.length > 0));
    if (!this.isOver) this.state = 'done';
    this.#changed();
  }

  /** Looks through folders ahead of what is sent, so that it is known how much there is. */
  async #walk() {
    this.#isWalking = this.isSearching = true;
    while (this.#chosen.length > 0 && !this.isOver) {
      const one = this.#chosen.shift();
      try {
        if (one.isDirectory) {
          const reader = one.createReader();
          for (;;) {
            // Each call gives some of them, the last one none.
            const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
            if (some.length === 0 || this.isOver) break;
            for (const entry of some) this.#chosen.push(entry);
          }
        } else {
          const file = one.isFile ? await new Promise((resolve, reject) => { one.file(resolve, reject); }) : one;
          const name = (one.fullPath ?? file.webkitRelativePath) || file.name;
          if (!OF_COMPUTERS.test(name)) this.#find({ name: name.replace(/^\//, ''), blob: file });
        }
      } catch {
        this.found.files += 1;
        this.#settle({ name: one.fullPath ?? one.name, size: 0 }, 'unread');
      }
    }
    this.#isWalking = this.isSearching = false;
    this.#wake();
    this.#changed();
  }

  #find(file) {
    this.#files.push(file);
    this.found.files += 1;
    this.found.bytes += file.blob.size;
    this.#wake();
    this.#changed();
  }

  /** Files that are to be sent, each looked at; entries of archives are unpacked one by one. */
  async* #ready() {
    while (!this.isOver) {
      const file = this.#files.shift();
      if (file) {
        yield* this.#looked(file);
      } else if (this.isSearching) {
        yield null;
        if (this.#files.length > 0 || !this.isSearching) continue;
        await new Promise((resolve) => { this.#wake = resolve; });
      } else {
        return;
      }
    }
  }

  async* #looked(file) {
    const { name, blob } = file;
    try {
      const bytes = new Uint8Array(await blob.slice(0, HEAD).arrayBuffer());
      if (isArchive(bytes)) {
        yield* this.#unpacked(file);
      } else if (this.#isTaken({ name, size: blob.size }, bytes)) {
        yield { ...file, ...headOf(bytes), size: blob.size };
      }
    } catch {
      this.#settle({ name, size: blob.size }, 'unread');
    }
  }

  /** Says of a file that is not sent why. */
  #isTaken(file, bytes) {
    const head = headOf(bytes);
    if (!head) this.#settle(file, isArchive(bytes) ? 'nested' : 'other');
    else if (head.sopClass === DISC_INDEX) this.#settle(file, 'index');
    else return true;
    return false;
  }

  async* #unpacked({ name: archive, blob }) {
    const { files } = await import(this.#unzip);
    let all;
    try {
      all = (await files(blob)).filter(({ name }) => !OF_COMPUTERS.test(name));
    } catch (error) {
      this.#settle({ name: archive, size: blob.size }, error.reason ?? 'unread');
      return;
    }
    // What is in it stands in its place.
    this.found.files += all.length - 1;
    this.found.bytes += all.reduce((sum, { size }) => sum + size, 0) - blob.size;
    for (const entry of all) {
      if (this.isOver) return;
      const file = { name: `${archive}/${entry.name}`, size: entry.size };
      try {
        const unpacked = await this.#gather(file, entry);
        if (unpacked) yield unpacked;
      } catch (error) {
        this.#settle(file, error.reason ?? 'unread');
      }
    }
  }

  /** One entry as a blob, which the browser keeps outside of the page's memory; what is no DICOM ends with its first bytes. */
  async #gather(file, entry) {
    let [held, count, head] = [[], 0, null];
    let blob = new Blob();
    const look = () => {
      const first = new Uint8Array(Math.min(count, HEAD));
      let at = 0;
      for (const piece of held) {
        first.set(piece.subarray(0, first.length - at), at);
        at = Math.min(at + piece.length, first.length);
      }
      head = headOf(first) ?? {};
      return this.#isTaken(file, first);
    };
    for await (const piece of entry.pieces()) {
      held.push(piece);
      count += piece.length;
      if (!head && count >= HEAD && !look()) return null;
      if (this.isOver) return null;
      if (head && held.length >= 64) {
        blob = new Blob([blob, ...held]);
        held = [];
      }
    }
    if (!head && !look()) return null;
    return { ...file, ...head, blob: new Blob([blob, ...held]) };
  }

  #settle({ name, size }, reason) {
    this.done.files += 1;
    this.done.bytes += size;
    if (reason) {
      const told = this.refused.get(reason) ?? { count: 0, names: [] };
      told.count += 1;
      if (told.names.length < MOST_NAMES) told.names.push(name);
      this.refused.set(reason, told);
    }
    this.#changed();
  }

  #took(file, study, wasThere) {
    const one = this.studies.get(study) ?? { stored: 0, present: 0 };
    one[wasThere ? 'present' : 'stored'] += 1;
    this.studies.set(study, one);
    this[wasThere ? 'present' : 'stored'] += 1;
    this.#settle(file);
  }

  /** Sends files until each is settled; what concerns all stops everything until somebody goes on. */
  async #send(batch) {
    for (let tries = 0; !this.isOver; tries += 1) {
      if (this.state === 'stopped') await this.#stopped();
      const answer = await this.#post(batch);
      const all = (reason) => batch.forEach((file) => this.#settle(file, reason));
      const stop = (word) => this.#stop(word, answer.message);
      if (this.isOver) return;
      switch (answer.status) {
        case 200: case 202: case 409: {
          if (this.state === 'waiting') this.again();
          const left = this.#answered(batch, answer.body);
          if (left.length > 0) await this.#send(left);
          return;
        }
        case 400: case 413:
          // Each alone, so that one does not keep the others out.
          if (batch.length === 1) return void all(answer.status === 413 ? 'large' : 'unknown');
          for (const file of batch) await this.#send([file]);
          return;
        case 401: stop('login'); break;
        case 403:
          if (answer.code === 'store_refused') return void all('forbidden');
          stop('refused');
          break;
        case 404: case 405: case 415: case 501: stop('off'); break;
        case 507: stop('full'); break;
        case 429: case 503:
          if (answer.code === 'store_unavailable') stop('unwritable');
          else if (tries < TRIES) await wait(Math.min(answer.after || 2 ** tries, 60));
          else stop('busy');
          break;
        case 0: case 408: case 502: case 504:
          batch = await this.#readable(batch);
          if (batch.length === 0) return;
          if (tries < TRIES) await this.#waiting(Math.min(2 ** tries, LONGEST_S));
          else stop('offline');
          break;
        default: stop('refused');
      }
      if (this.state === 'stopped') tries = -1;
    }
  }

  /** Files that can still be read: others would look like a connection that is lost. */
  async #readable(batch) {
    const left = [];
    for (const file of batch) {
      try {
        await file.blob.slice(0, 1).arrayBuffer();
        left.push(file);
      } catch {
        this.#settle(file, 'unread');
      }
    }
    return left;
  }

  #stop(word, message) {
    this.state = 'stopped';
    this.why = { word, message };
    this.#changed();
  }

  #stopped() {
    return this.#until(new Promise(() => {}));
  }

  async #waiting(seconds) {
    if (this.state === 'running') this.state = 'waiting';
    this.#changed();
    await this.#until(wait(seconds));
  }

  /** Waits, but no longer than until somebody goes on or gives up. */
  async #until(promise) {
    const before = this.#resume;
    await Promise.race([promise, new Promise((resolve) => {
      this.#resume = () => { before(); resolve(); };
    })]);
  }

  /** Settles files by the server's answer; gives back what is to be sent again to learn why. */
  #answered(batch, body) {
    const items = (tag) => body?.[tag]?.Value ?? [];
    const stored = new Map(items('00081199').map((item) => [only(item, '00081155'), item]));
    const failed = new Map(items('00081198').map((item) => [only(item, '00081155'), item]));
    const nameless = items('0008119A');
    const known = new Set(batch.map(({ uid }) => uid));
    for (const [uid, item] of failed) if (!known.has(uid)) nameless.push(item);
    const again = [];
    for (const file of batch) {
      const item = stored.get(file.uid);
      if (item) {
        const [, study] = /\/studies\/([^/]+)/.exec(only(item, '00081190') ?? '') ?? [];
        this.#took(file, study && decodeURIComponent(study), only(item, '00091001') === 'PRESENT');
        continue;
      }
      const code = only(failed.get(file.uid) ?? nameless.shift() ?? {}, '00081197');
      // Alone it is answered by the status that says what is missing.
      if (code === NO_ROOM && batch.length > 1) again.push(file);
      else this.#settle(file, code === NO_ROOM ? 'large' : FAILURES.get(code) ?? 'unknown');
    }
    return again;
  }

  #post(batch) {
    const boundary = `sagitta-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}`;
    const head = `\r\n--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`;
    const body = new Blob([...batch.flatMap(({ blob }) => [head, blob]), `\r\n--${boundary}--\r\n`]);
    const request = new XMLHttpRequest();
    const { signal } = this.#cancel;
    const abort = () => request.abort();
    const most = batch.reduce((sum, { size }) => sum + size, 0);
    return new Promise((resolve) => {
      request.upload.onprogress = ({ loaded }) => {
        this.#requests.set(request, Math.min(loaded, most));
        this.#changed();
      };
      request.onloadend = () => {
        this.#requests.delete(request);
        signal.removeEventListener('abort', abort);
        let told = null;
        try {
          told = JSON.parse(request.responseText);
        } catch {
          // A server before it speaks another language: the status says enough.
        }
        const after = Number(request.getResponseHeader('retry-after'));
        resolve({ status: request.status, body: told, after, code: told?.error?.code, message: told?.error?.message });
      };
      request.open('POST', `${this.#root}/studies`);
      request.setRequestHeader('Accept', 'application/dicom+json');
      request.setRequestHeader('Content-Type', `multipart/related; type="application/dicom"; boundary="${boundary}"`);
      if (new URL(this.#root).origin === location.origin) request.setRequestHeader('X-Sagitta', '1');
      signal.addEventListener('abort', abort);
      if (signal.aborted) return void resolve({ status: 0 });
      request.send(body);
    });
  }
}
