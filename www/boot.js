// Starts the app: the page names glue and module in its meta tags, so that no inline script is needed.
const address = (name) => new URL(document.querySelector(`meta[name="${name}"]`).content, document.baseURI);

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
