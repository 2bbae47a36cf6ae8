// <sagitta-viewer src="https://viewer.example.org/"> : the viewer as an element of any page.
//
// `await element.viewer(1)` gives the API of embed.d.ts. The element holds a frame and speaks to it by
// postMessage, to the origin of `src` and to no other; the frame answers only parents that its gateway
// allows. Every method returns a promise; `on` is local to this page.
const NAME = 'sagitta';
const VERSION = 1;

/** How long the frame may take to start, to acknowledge a call, and to answer one, in ms. */
const START_MS = 30_000;
const ACK_MS = 15_000;
const ANSWER_MS = 120_000;

const METHODS = ['open', 'close', 'setLayout', 'viewports', 'setSlice', 'setWindow', 'setPlane', 'setView', 'probe', 'pixels',
  'planeValues', 'capture', 'fuse', 'setTime', 'complete', 'stats', 'signIn', 'setAppearance'];

/** Methods that end when they end: loading a whole series may take any time. */
const UNLIMITED = ['complete'];

const failure = (code, message) => Object.assign(new Error(message), { code });

/** Errors that only say that something newer was asked for. */
const isSuperseded = (error) => ['superseded', 'closed', 'aborted'].includes(error.code);

class Remote {
  #frame;
  #origin;
  #next = 1;
  #waiting = new Map();
  #listeners = new Map();
  #answer;
  #greeting;
  #isReady = false;
  #isEnded = false;

  constructor(frame, origin) {
    this.#frame = frame;
    this.#origin = origin;
    this.ready = new Promise((resolve, reject) => { this.#answer = { resolve, reject }; });
    // Whoever asks for the API hears of it; nobody has to.
    this.ready.catch(() => {});
    this.receive = (event) => this.#receive(event);
    addEventListener('message', this.receive);
  }

  end() {
    this.#isEnded = true;
    clearInterval(this.#greeting);
    removeEventListener('message', this.receive);
    const error = failure('closed', 'the viewer was taken away');
    this.#answer.reject(error);
    this.#abandon(error);
  }

  // The frame's app starts some time after its page is loaded: it is greeted until it answers.
  hello() {
    clearInterval(this.#greeting);
    // What an earlier page of the frame was asked is not answered by this one.
    if (this.#isReady) this.#abandon(failure('closed', 'the frame was loaded anew'));
    const greet = () => this.#frame.contentWindow?.postMessage({ [NAME]: VERSION, hello: true }, this.#origin);
    this.#greeting = setInterval(greet, 50);
    greet();
  }

  #abandon(error) {
    for (const { finish, reject } of this.#waiting.values()) { finish(); reject(error); }
    this.#waiting.clear();
  }

  async call(method, args, { signal, timeout } = {}) {
    if (signal?.aborted) throw failure('aborted', 'the call was aborted');
    await this.ready;
    if (this.#isEnded) throw failure('closed', 'the viewer was taken away');
    if (signal?.aborted) throw failure('aborted', 'the call was aborted');
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      const limit = timeout ?? (UNLIMITED.includes(method) ? undefined : ANSWER_MS);
      const timers = [];
      const giveUp = (code, message) => {
        this.#waiting.delete(id);
        finish();
        reject(failure(code, message));
      };
      const onabort = () => giveUp('aborted', 'the call was aborted');
      const finish = () => {
        timers.forEach(clearTimeout);
        signal?.removeEventListener('abort', onabort);
      };
      const acknowledge = setTimeout(() => giveUp('no_answer', 'the viewer does not answer'), ACK_MS);
      timers.push(acknowledge);
      if (limit !== undefined) timers.push(setTimeout(() => giveUp('timeout', `${method} took longer than ${limit} ms`), limit));
      signal?.addEventListener('abort', onabort);
      this.#waiting.set(id, { resolve, reject, finish, acknowledged: () => clearTimeout(acknowledge) });
      try {
        this.#frame.contentWindow.postMessage({ [NAME]: VERSION, id, method, args }, this.#origin);
      } catch {
        // A function, or an element of the page, cannot travel.
        giveUp('bad_argument', `arguments of ${method} cannot be sent`);
      }
    });
  }

  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event).delete(listener);
  }

  tell(event, detail) {
    for (const listener of [...this.#listeners.get(event) ?? []]) {
      // What one listener throws does not reach the others.
      try { listener(detail); } catch (error) { console.error(error); }
    }
  }

  #receive(event) {
    const data = event.data;
    if (event.source !== this.#frame.contentWindow || event.origin !== this.#origin || data?.[NAME] !== VERSION) return;
    if (data.ready) {
      clearInterval(this.#greeting);
      this.#isReady = true;
      this.#answer.resolve();
    }
    if (typeof data.event === 'string') this.tell(data.event, data.detail);
    if ('ack' in data) this.#waiting.get(data.ack)?.acknowledged();
    const waiting = this.#waiting.get(data.id);
    if (!waiting) return;
    this.#waiting.delete(data.id);
    waiting.finish();
    if (data.error) waiting.reject(failure(data.error.code, data.error.message));
    else waiting.resolve(data.value);
  }
}

const api = (remote, options) => {
  const made = {
    version: VERSION,
    on: (event, listener) => remote.on(event, listener),
    with: (more) => api(remote, { ...options, ...more }),
  };
  for (const method of METHODS) made[method] = (...args) => remote.call(method, args, options);
  return Object.freeze(made);
};

class SagittaViewer extends HTMLElement {
  static observedAttributes = ['src', 'study', 'accession', 'patient', 'series', 'source', 'theme', 'locale', 'ticket', 'title'];
  #remote;
  #frame;
  #isScheduled = false;
  #hasOpened = false;
  #awaitsLogin = false;

  connectedCallback() { this.#build(); }

  disconnectedCallback() {
    this.#remote?.end();
    this.#remote = this.#frame = undefined;
    this.replaceChildren();
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || before === now) return;
    if (name === 'src') this.#build();
    else if (!this.#remote) return;
    else if (name === 'title') this.#frame.title = now ?? 'Images';
    else if (name === 'ticket') { if (now) this.#signIn(now); }
    else if (name === 'theme' || name === 'locale') { if (now) this.#try('setAppearance', { [name]: now }); }
    else this.#schedule();
  }

  /** The API of a version; rejects where the viewer does not speak it, or does not answer this page. */
  async viewer(version = VERSION, { timeout = START_MS } = {}) {
    if (version !== VERSION) throw failure('unsupported', 'this version is not spoken');
    const remote = this.#remote;
    if (!remote) throw failure('no_viewer', 'the element has no src, or is in no page');
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(failure('no_answer', 'the viewer does not answer: it cannot be reached, or does not allow this page')), timeout);
    });
    await Promise.race([remote.ready, late]).finally(() => clearTimeout(timer));
    return api(remote, {});
  }

  #build() {
    this.#remote?.end();
    this.#remote = this.#frame = undefined;
    this.#hasOpened = this.#awaitsLogin = false;
    this.replaceChildren();
    const src = this.getAttribute('src');
    if (!src) return;
    const gateway = new URL(src.endsWith('/') ? src : `${src}/`, document.baseURI);
    const address = new URL('embed', gateway);
    // What stands behind # goes to no server.
    const given = new URLSearchParams();
    for (const name of ['theme', 'locale', 'ticket']) if (this.getAttribute(name)) given.set(name, this.getAttribute(name));
    address.hash = given.toString().replaceAll('+', '%20');
    const frame = this.#frame = document.createElement('iframe');
    frame.src = address.href;
    frame.title = this.getAttribute('title') ?? 'Images';
    // What the page adds is delegated besides, for example local-network-access.
    frame.allow = ['fullscreen', 'clipboard-write', this.getAttribute('allow')].filter(Boolean).join('; ');
    frame.style.border = '0';
    frame.style.width = '100%';
    frame.style.height = '100%';
    if (getComputedStyle(this).display === 'inline') this.style.display = 'block';
    const remote = this.#remote = new Remote(frame, gateway.origin);
    frame.addEventListener('load', () => remote.hello());
    remote.on('login', () => { if (this.#awaitsLogin) this.#schedule(); });
    this.append(frame);
    // A ticket is taken once: it is left nowhere.
    this.removeAttribute('ticket');
    if (this.#target()) this.#schedule();
  }

  /** What the attributes name; undefined where they name nothing. */
  #target() {
    const target = {};
    const studies = this.getAttribute('study')?.split(',').map((uid) => uid.trim()).filter(Boolean) ?? [];
    if (studies.length > 0) target.studies = studies;
    for (const name of ['accession', 'patient']) if (this.getAttribute(name)) target[name] = this.getAttribute(name);
    if (Object.keys(target).length === 0) return undefined;
    for (const name of ['series', 'source']) if (this.getAttribute(name)) target[name] = this.getAttribute(name);
    return target;
  }

  // Several attributes that change together open one thing.
  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#remote) return;
      const target = this.#target();
      if (target) { this.#hasOpened = true; this.#try('open', target); }
      else if (this.#hasOpened) { this.#hasOpened = false; this.#try('close'); }
    });
  }

  #signIn(ticket) {
    this.removeAttribute('ticket');
    this.#try('signIn', ticket);
  }

  async #try(method, ...args) {
    const remote = this.#remote;
    try {
      await remote.call(method, args);
      if (method === 'open') this.#awaitsLogin = false;
    } catch (error) {
      if (isSuperseded(error)) return;
      if (method === 'open') this.#awaitsLogin = error.code === 'login_needed';
      const detail = { code: error.code ?? 'failed', message: error.message };
      remote.tell('error', detail);
      this.dispatchEvent(new CustomEvent('error', { detail }));
    }
  }
}

if (!customElements.get('sagitta-viewer')) customElements.define('sagitta-viewer', SagittaViewer);
