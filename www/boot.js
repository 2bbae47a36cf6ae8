// Starts the app: the page names glue and module in its meta tags, so that no inline script is needed.
const address = (name) => new URL(document.querySelector(`meta[name="${name}"]`).content, document.baseURI);

/**
 * Behind a shared link what comes first is always the same: it is asked for while the module is on its way. The app takes each
 * answer once (`platform/early.rs`); what was refused, or did not come, it asks for itself.
 */
function askEarly() {
  const answers = new Map();
  const absolute = (path) => new URL(path, document.baseURI).href;
  const ask = (path, type) => fetch(absolute(path), { headers: { Accept: type, 'X-Sagitta-Link': '1' } })
    .then((answer) => (answer.ok ? answer.text() : null)).catch(() => null);
  const config = ask('config.json', 'application/json');
  const opened = ask('api/shares/opened', 'application/json');
  const askNext = async () => {
    const { sources } = JSON.parse(await config);
    const { source, studies, series, first } = JSON.parse(await opened);
    if (studies.length !== 1) return;
    const root = sources.find(({ id }) => id === source).dicomweb.replace(/\/+$/, '');
    const listed = `${root}/studies/${encodeURIComponent(studies[0])}/series`;
    const shown = series ?? first;
    const paths = [...(series ? [] : [listed]), ...(shown ? [`${listed}/${encodeURIComponent(shown)}/metadata`] : [])];
    for (const path of paths) answers.set(absolute(path), ask(path, 'application/dicom+json'));
  };
  // Whoever hears what was opened finds what comes next on its way.
  const asked = askNext().catch(() => {});
  answers.set(absolute('config.json'), config);
  answers.set(absolute('api/shares/opened'), asked.then(() => opened));
  window.sagittaEarly = answers;
}

if (location.pathname.endsWith('/shared')) askEarly();

/**
 * Uploading is a module of its own, fetched once it is wanted: by the button of a list that may store, or by files over it.
 * Elsewhere files that are dropped do nothing; a browser would leave the page for them.
 */
const upload = (call) => import(address('sagitta-upload').href).then(call).catch(console.error);
const button = '#list-upload';
addEventListener('click', ({ target }) => target.closest?.(button) && upload((it) => it.show()));
for (const kind of ['dragenter', 'dragover', 'drop']) {
  addEventListener(kind, (event) => {
    const { dataTransfer: data } = event;
    if (!data?.types.includes('Files')) return;
    event.preventDefault();
    if (!document.querySelector(button)) data.dropEffect = 'none';
    else if (kind === 'dragenter') upload((it) => it.aim());
    else if (kind === 'drop') {
      const files = [...data.items].filter((it) => it.kind === 'file');
      const dropped = files.map((it) => it.webkitGetAsEntry?.() ?? it.getAsFile());
      upload((it) => it.add(dropped));
    }
  });
}

try {
  const glue = await import(address('sagitta-app').href);
  await glue.default({ module_or_path: address('sagitta-app-wasm') });
} catch (error) {
  console.error(error);
  const place = document.getElementById('app');
  const message = document.createElement('p');
  message.className = 'boot-failure';
  message.textContent = 'Sagitta could not be started in this browser. It needs WebAssembly with SIMD: a current Chrome, Edge, Firefox or Safari.';
  if (!place.firstElementChild) place.append(message);
}
