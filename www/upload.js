// The upload panel of the study list: what is chosen or dropped, how far it is, and what became of each file.
//
// `www/boot.js` loads it when it is wanted. It stands in the list and goes with it; what is being sent goes on. The list's button
// names the DICOMweb root, and is told of studies that came. The work is done by `www/sending.js`.

const meta = (name) => document.querySelector(`meta[name="sagitta-${name}"]`);
const address = (name) => new URL(meta(name).content, document.baseURI).href;
const { Job } = await import(address('sending'));

/** How often the panel is drawn while something is sent, ms, and how often the list looks for studies that came. */
const DRAW_MS = 250;
const TELL_MS = 2000;
/** Studies that are listed in the panel. */
const MOST_STUDIES = 50;

/** Of each reason: what is said of one file, and of how many: "is not DICOM", "are not DICOM". */
const REASONS = {
  other: ['No DICOM file.', 'is not DICOM', 'are not DICOM'],
  index: ['The index of a disc (DICOMDIR), which is not needed.', 'is the index of a disc', 'are indexes of discs'],
  conflict: ['Another file with this SOP Instance UID is there; nothing is replaced.', 'differs from what is there', 'differ from what is there'],
  patient: ['The study there has another Patient ID.', 'has another Patient ID than the study there', 'have another Patient ID than the study there'],
  large: ['Larger than what is taken.', 'is too large', 'are too large'],
  forbidden: ['You may not add to this study.', 'is of a study to which you may not add', 'are of studies to which you may not add'],
  incomplete: ['No whole DICOM file.', 'is damaged', 'are damaged'],
  contradiction: ['Its head and its content name different objects.', 'contradicts itself', 'contradict themselves'],
  syntax: ['Its transfer syntax is none of the standard’s.', 'has an unknown transfer syntax', 'have an unknown transfer syntax'],
  class: ['Objects of this kind are not stored.', 'is of a kind that is not stored', 'are of a kind that is not stored'],
  unindexed: ['It could not be indexed.', 'could not be indexed', 'could not be indexed'],
  nested: ['An archive within an archive is not opened.', 'is an archive within an archive', 'are archives within archives'],
  bomb: ['It would unpack to far more than images do: not opened.', 'would unpack to far too much', 'would unpack to far too much'],
  locked: ['Protected by a password.', 'is protected by a password', 'are protected by a password'],
  packed: ['Packed in a way that is not understood.', 'is packed in an unknown way', 'are packed in an unknown way'],
  damaged: ['The archive is damaged here.', 'cannot be unpacked', 'cannot be unpacked'],
  unread: ['It could not be read.', 'could not be read', 'could not be read'],
  unknown: ['The server did not take it.', 'was refused', 'were refused'],
};

/** Why everything stopped: title, and what it means. */
const STOPS = {
  offline: ['No connection.', 'The server cannot be reached. What was stored stays.'],
  full: ['The disk is full.', 'The server has no room left. What was stored stays.'],
  unwritable: ['The store cannot be written just now.', 'What was stored stays.'],
  busy: ['The server is busy.', 'Others are storing just now.'],
  off: ['Nothing is stored here.', 'The server takes no files.'],
  login: ['Your session has ended or is locked.', 'Log in again, then go on.'],
  refused: ['The server refused this.', ''],
};

const SVG = 'http://www.w3.org/2000/svg';

function icon(name, kind = 's') {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', `i ${kind}`);
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** An element with properties and children; `aria-` and `role` are attributes. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (/^(aria-|role$)/.test(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const number = (value) => value.toLocaleString('en');
const counted = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;
const files = (count) => counted(count, 'file', 'files');

function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `${value < 10 && unit !== 'kB' ? value.toFixed(1) : number(Math.ceil(value))} ${unit}`;
}

const time = (seconds) => (seconds < 90 ? `${Math.max(Math.ceil(seconds / 5) * 5, 5)} s` : `${Math.round(seconds / 60)} min`);
const button = () => document.getElementById('list-upload');

let job = null;
let drawn = 0;
let told = 0;
let toldCount = 0;
let began = { at: 0, bytes: 0 };
const labels = new Map();
const rows = new Map();

// What stands in the panel: made once, filled by `draw`.
const picker = (folder) => make('input', {
  type: 'file', multiple: true, hidden: true, webkitdirectory: folder,
  onchange: ({ target }) => { add([...target.files]); target.value = ''; },
});
const [byFiles, byFolder] = [picker(false), picker(true)];
const title = make('h2', { id: 'upload-title' });
const count = make('span', { className: 'count' });
const line = make('i');
const bar = make('div', { className: 'prog', role: 'progressbar', 'aria-label': 'Upload', 'aria-valuemin': '0', 'aria-valuemax': '100' }, line);
const said = make('p', { role: 'status' });
const sayMark = icon('warn', 's warn');
const saying = make('div', { className: 'say' }, sayMark, said);
const studies = make('div');
const names = make('ul', { className: 'names', id: 'upload-names', hidden: true });
const showNames = make('button', { className: 'btn quiet', onclick: () => { names.hidden = !names.hidden; draw(); } });
showNames.setAttribute('aria-controls', names.id);
const lost = make('span', { className: 'warn fs12' });
const lostCount = make('b', { className: 'b' });
const lostMark = icon('warn', 's warn');
const refused = make('div', { className: 'row', hidden: true }, lostMark, make('span', { className: 'grow' }, lostCount, lost), showNames);
const body = make('div', { className: 'body', role: 'group', tabIndex: 0, 'aria-label': 'What became of the files' }, studies, refused, names);
const words = make('p', { className: 't2' });
const choose = make('div', { className: 'choose' }, icon('upload', ''), words, make('div', {},
  make('button', { className: 'btn', textContent: 'Choose files', onclick: () => byFiles.click() }),
  make('button', { className: 'btn', textContent: 'Choose a folder', onclick: () => byFolder.click() })), byFiles, byFolder);
const close = make('button', { className: 'tool', 'aria-label': 'Close', title: 'Close (Esc)', onclick: hide }, icon('close'));
const hint = make('span', { className: 'hint', textContent: 'You can go on working; this continues in the background.' });
const again = make('button', { className: 'btn primary', textContent: 'Try again', onclick: () => job?.again() });
const cancel = make('button', { className: 'btn', textContent: 'Cancel', onclick: () => job?.cancel() });
const more = make('button', { className: 'btn', textContent: 'Add more', onclick: () => { job = null; draw(); choose.querySelector('button').focus(); } });
const footer = make('footer', {}, hint, make('span', { className: 'grow' }), again, cancel, more);
const panel = make('section', { className: 'upl', id: 'upload', role: 'region', 'aria-labelledby': title.id, hidden: true },
  make('header', {}, make('div', { className: 'head' }, title, count), close), bar, saying, body, choose, footer);
const aimed = make('div', { className: 'upl-aim', hidden: true }, icon('upload', ''),
  make('p', { textContent: 'Drop files, folders or ZIP archives to add them to the store' }));

panel.addEventListener('keydown', (event) => {
  // Keys of the list are not meant here.
  event.stopPropagation();
  if (event.key === 'Escape') hide();
});

const style = make('link', { rel: 'stylesheet', integrity: meta('upload-style').dataset.integrity ?? '', href: address('upload-style') });
await new Promise((resolve) => {
  style.onload = style.onerror = resolve;
  document.head.append(style);
});

// The list is made anew whenever somebody comes back to it.
new MutationObserver(() => { if (!panel.isConnected && !panel.hidden) attach(); })
  .observe(document.getElementById('app'), { childList: true, subtree: true });

function attach() {
  const list = button()?.closest('main');
  // What is moved loses the focus.
  if (list && !list.contains(panel)) list.append(panel, aimed);
}

/** Opens the panel. */
export function show() {
  panel.hidden = false;
  attach();
  draw();
  (panel.querySelector('.choose:not([hidden]) button') ?? close).focus();
}

function hide() {
  panel.hidden = true;
  button()?.focus();
}

/** Files are over the list. */
export function aim() {
  attach();
  aimed.hidden = false;
}

// The pointer leaves the page, or the drag ends in another way.
addEventListener('dragleave', (event) => { if (!event.relatedTarget) aimed.hidden = true; });
for (const kind of ['drop', 'dragend', 'pointermove']) addEventListener(kind, () => { aimed.hidden = true; });

/** Takes in what was chosen or dropped. */
export function add(chosen) {
  const place = button();
  aimed.hidden = true;
  if (!place || chosen.length === 0) return;
  // What is on its way to one server is not mixed with what is meant for another.
  if (job && !job.isOver && job.root !== place.dataset.root) {
    show();
    return;
  }
  if (!job || job.isOver) {
    rows.clear();
    studies.replaceChildren();
    names.hidden = true;
    began = { at: performance.now(), bytes: 0 };
    toldCount = 0;
    job = new Job(place.dataset.root, address('unzip'), changed);
    job.source = place.dataset.source;
    job.root = place.dataset.root;
  }
  const isWatched = panel.hidden || panel.contains(document.activeElement);
  panel.hidden = false;
  attach();
  job.add(chosen);
  draw();
  if (isWatched) close.focus();
}

addEventListener('beforeunload', (event) => { if (job && !job.isOver) event.preventDefault(); });
addEventListener('online', () => { if (job?.state === 'waiting') job.again(); });

function changed() {
  const now = performance.now();
  if (job.isOver || job.state === 'stopped') {
    tell();
    draw();
  } else if (now - drawn >= DRAW_MS) {
    drawn = now;
    if (now - told >= TELL_MS) tell();
    draw();
  } else {
    // The last of many changes is drawn as well.
    clearTimeout(changed.late);
    changed.late = setTimeout(() => { if (job) draw(); }, DRAW_MS);
  }
}

/** The list looks for studies that came. */
function tell() {
  if (job.stored === toldCount && job.state !== 'cancelled') return;
  told = performance.now();
  toldCount = job.stored;
  button()?.dispatchEvent(new Event('change', { bubbles: true }));
}

/** What a study is called, asked for once. */
function label(uid) {
  // A server that does not say which study it was.
  if (!uid) return 'Study';
  if (!labels.has(uid)) {
    labels.set(uid, null);
    const wanted = `${job.root}/studies?StudyInstanceUID=${encodeURIComponent(uid)}`;
    const ask = async () => {
      const answer = await fetch(wanted, { headers: { Accept: 'application/dicom+json' } });
      const [set] = answer.ok ? await answer.json() : [];
      const value = (tag) => set?.[tag]?.Value?.[0];
      const name = (value('00100010')?.Alphabetic ?? '').split('^').filter(Boolean).slice(0, 2).join(', ');
      labels.set(uid, [name || 'No name', value('00081030')].filter(Boolean).join(' · '));
      draw();
    };
    ask().catch(() => {});
  }
  return labels.get(uid) ?? 'Study';
}

function rowOf(uid) {
  let row = rows.get(uid);
  if (!row) {
    const { source } = job;
    const [name, state] = [make('b', { className: 'b' }), make('span', { className: 'ok fs12' })];
    const open = make('button', {
      className: 'btn', textContent: 'Open',
      onclick: () => window.sagitta.open({ studies: [uid], source }).catch(console.error),
    });
    const element = make('div', { className: 'row' }, icon('check', 's ok'), make('span', { className: 'grow' }, name, state), open);
    row = { name, state, open };
    rows.set(uid, row);
    studies.append(element);
  }
  return row;
}

const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

function drawStudies() {
  let shown = 0;
  for (const [uid, { stored, present }] of job.studies) {
    shown += 1;
    if (shown > MOST_STUDIES) break;
    const row = rowOf(uid);
    const name = label(uid);
    set(row.name, name);
    row.open.hidden = !uid;
    row.open.setAttribute('aria-label', `Open ${name}`);
    const there = `${counted(present, 'was', 'were')} there already`;
    set(row.state, stored === 0 ? `${files(present)} ${present === 1 ? 'was' : 'were'} there already.`
      : `${files(stored)} stored${present > 0 ? `, ${there}` : ''}.`);
  }
  const rest = job.studies.size - MOST_STUDIES;
  if (rest > 0) {
    const last = rows.get('') ?? make('p', { className: 'row t2' });
    if (!rows.has('')) studies.append(last);
    rows.set('', last);
    set(last, `${counted(rest, 'more study', 'more studies')} in the list.`);
  }
}

/** "2 are not DICOM, 1 is damaged." */
function reasons() {
  const all = [...job.refused].map(([reason, { count: n }]) => counted(n, REASONS[reason][1], REASONS[reason][2]));
  return `${all.join(', ')}.`;
}

function drawRefused() {
  const total = [...job.refused.values()].reduce((sum, { count: n }) => sum + n, 0);
  refused.hidden = total === 0;
  if (total === 0) return;
  set(lostCount, `${files(total)} not taken`);
  set(lost, reasons());
  set(showNames, names.hidden ? `Show the ${files(total)}` : 'Hide them');
  showNames.setAttribute('aria-expanded', String(!names.hidden));
  if (names.hidden || names.childElementCount === total) return;
  const items = [...job.refused].flatMap(([reason, told]) => {
    const listed = told.names.map((name) => make('li', {}, name, make('span', { textContent: REASONS[reason][0] })));
    const rest = told.count - told.names.length;
    return rest > 0 ? [...listed, make('li', { textContent: `${number(rest)} more: ${REASONS[reason][0]}` })] : listed;
  });
  names.replaceChildren(...items);
}

/** What the live region says: little, and only when something begins or ends. */
function sentence() {
  switch (job.state) {
    case 'running': return '';
    case 'waiting': return 'No connection. It is tried again by itself.';
    case 'stopped': {
      const [head, rest] = STOPS[job.why.word];
      const message = job.why.word === 'refused' && job.why.message ? `It said: ${job.why.message}.` : rest;
      return `${head} ${message}`.trim();
    }
    default: {
      const what = `${number(job.stored)} of ${files(job.found.files)}`;
      const there = job.present > 0 ? ` ${counted(job.present, 'was', 'were')} there already.` : '';
      if (job.state === 'cancelled') return `Cancelled. ${what} were added; some that were on their way may have come too.${there}`;
      return job.stored > 0 ? `Added ${what}.${there}` : `Nothing was added.${there}`;
    }
  }
}

function draw() {
  const isOver = job?.isOver ?? false;
  const isGoing = Boolean(job) && !isOver;
  set(title, !job ? 'Add to the store' : isOver ? 'Upload' : 'Adding to the store');
  body.hidden = !job || (job.studies.size === 0 && refused.hidden && job.refused.size === 0);
  choose.hidden = Boolean(job);
  footer.hidden = !job;
  bar.hidden = !isGoing;
  count.hidden = !isGoing;
  hint.hidden = !isGoing || job.state !== 'running';
  cancel.hidden = !isGoing;
  more.hidden = !isOver;
  again.hidden = !job || (job.state !== 'stopped' && job.state !== 'waiting');
  const canDrag = matchMedia('(pointer: fine)').matches;
  set(words, canDrag ? 'Drop DICOM files, folders or ZIP archives anywhere on the list, or choose them here.'
    : 'Choose DICOM files, a folder or ZIP archives.');
  if (!job) {
    set(said, '');
    saying.hidden = true;
    return;
  }
  set(said, sentence());
  sayMark.toggleAttribute('hidden', !isGoing);
  saying.hidden = said.textContent === '';
  drawStudies();
  drawRefused();
  if (!isGoing) return;
  const { done, found } = job;
  const left = Math.max(found.bytes - job.bytes, 0);
  const seconds = (performance.now() - began.at) / 1000;
  const rest = job.state === 'running' && seconds > 3 && job.bytes > 0 && left > 0
    ? `, about ${time(left * seconds / job.bytes)}` : '';
  const far = `${number(done.files)} of ${files(found.files)}${job.isSearching ? ' so far' : ''}`;
  set(count, `${far} · ${size(left)} left${rest}`);
  const percent = found.bytes > 0 ? Math.min(100 * job.bytes / found.bytes, 100) : 0;
  line.style.setProperty('width', `${percent.toFixed(1)}%`);
  bar.setAttribute('aria-valuenow', percent.toFixed(0));
  bar.setAttribute('aria-valuetext', far);
}
