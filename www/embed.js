// <sagitta-viewer src="https://viewer.example.org/"> : the viewer as an element of any page.
//
// `await element.viewer(1)` gives the API of embed.d.ts. The element holds a frame and speaks to it by
// postMessage, to the origin of `src` and to no other; the frame answers only parents that its gateway
// allows. Every method returns a promise; `on` is local to this page.
const NAME = 'sagitta';
const VERSION = 1;

class Remote {
  #frame;
  #origin;
  #next = 1;
  #waiting = new Map();
  #listeners = new Map();
  #ready;
  #isReady;
  #greeting;

  constructor(frame, origin) {
    this.#frame = frame;
    this.#origin = origin;
    this.#isReady = new Promise((resolve) => { this.#ready = resolve; });
    this.receive = (event) => this.#receive(event);
    addEventListener('message', this.receive);
  }

  get ready() { return this.#isReady; }

  end() {
    clearInterval(this.#greeting);
    removeEventListener('message', this.receive);
    for (const { reject } of this.#waiting.values()) reject(Object.assign(new Error('the viewer was taken away'), { code: 'closed' }));
    this.#waiting.clear();
  }

  // The frame's app starts some time after its page is loaded: it is greeted until it answers.
  hello() {
    clearInterval(this.#greeting);
    const greet = () => this.#frame.contentWindow?.postMessage({ [NAME]: VERSION, hello: true }, this.#origin);
    this.#greeting = setInterval(greet, 100);
    greet();
  }

  call(method, args) {
    return this.#isReady.then(() => new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#frame.contentWindow.postMessage({ [NAME]: VERSION, id, method, args }, this.#origin);
    }));
  }

  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event).delete(listener);
  }

  #receive(event) {
    const data = event.data;
    if (event.source !== this.#frame.contentWindow || event.origin !== this.#origin || data?.[NAME] !== VERSION) return;
    if (data.ready) {
      clearInterval(this.#greeting);
      this.#ready();
    }
    if (data.event) for (const listener of this.#listeners.get(data.event) ?? []) listener(data.detail);
    const waiting = this.#waiting.get(data.id);
    if (!waiting) return;
    this.#waiting.delete(data.id);
    if (data.error) waiting.reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
    else waiting.resolve(data.value);
  }
}

const METHODS = ['open', 'close', 'setLayout', 'viewports', 'setSlice', 'setWindow', 'setPlane', 'setView', 'probe', 'pixels',
  'planeValues', 'capture', 'fuse', 'setTime', 'complete', 'stats'];

class SagittaViewer extends HTMLElement {
  static observedAttributes = ['src'];
  #remote;

  connectedCallback() { this.#build(); }
  disconnectedCallback() { this.#remote?.end(); this.#remote = undefined; this.replaceChildren(); }
  attributeChangedCallback() { if (this.isConnected) this.#build(); }

  #build() {
    this.#remote?.end();
    this.#remote = undefined;
    this.replaceChildren();
    const src = this.getAttribute('src');
    if (!src) return;
    const gateway = new URL(src.endsWith('/') ? src : `${src}/`, document.baseURI);
    const frame = document.createElement('iframe');
    frame.src = new URL('embed', gateway).href;
    frame.title = this.getAttribute('title') ?? 'Images';
    frame.allow = 'fullscreen; clipboard-write';
    frame.style.border = '0';
    frame.style.width = '100%';
    frame.style.height = '100%';
    if (getComputedStyle(this).display === 'inline') this.style.display = 'block';
    const remote = this.#remote = new Remote(frame, gateway.origin);
    frame.addEventListener('load', () => remote.hello());
    this.append(frame);
  }

  /** The API of a version; rejects where the viewer does not speak it. */
  async viewer(version = VERSION) {
    if (version !== VERSION) throw Object.assign(new Error('this version is not spoken'), { code: 'unsupported' });
    const remote = this.#remote;
    if (!remote) throw Object.assign(new Error('the element has no src, or is in no page'), { code: 'no_viewer' });
    await remote.ready;
    const api = { version: VERSION, on: (event, listener) => remote.on(event, listener) };
    for (const method of METHODS) api[method] = (...args) => remote.call(method, args);
    return Object.freeze(api);
  }
}

if (!customElements.get('sagitta-viewer')) customElements.define('sagitta-viewer', SagittaViewer);
