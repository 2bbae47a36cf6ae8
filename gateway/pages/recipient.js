// The page behind a link: says who shared it and until when, and opens it when its button is pressed.
// Both halves of the link stay in this file's memory alone: never in the address, the history, storage or a log.

const TEXTS = {
  en: {
    title: 'Images shared with you', checking: 'Checking the link', from: 'From', until: 'Open until',
    pin: 'PIN', pinHint: 'Six digits, sent to you separately.', open: 'Show images', opening: 'Opening', again: 'Try again',
    recorded: 'Opening is recorded. A phone screen is fine for viewing, not for a diagnosis.',
    request: 'Copy a request to send', requested: 'Copied. Paste it into a message.',
    letter: 'Hello,\n\nthe link to the images that you shared with me is no longer open. Could you please send me a new one?\n\nThank you.',
    pinNeeded: 'Enter the six digits of the PIN.',
    pinWrong: 'This PIN is not right. Tries left: {0}.', pinWait: 'Too many tries. Try again in {0}.',
    second: '{0} s', minute: '{0} min',
    expired: ['This link has expired', 'Ask the person who sent it for a new one.'],
    revoked: ['This link was taken back', 'The person who sent it has closed it. Ask them if you still need the images.'],
    used_up: ['This link has been used up', 'It was opened as often as it may be. Ask the person who sent it for a new one.'],
    locked: ['This link is locked', 'The PIN was wrong too often. Ask the person who sent it for a new link.'],
    unknown: ['This link is not known here', 'It may be damaged. Open it once more from the message that you got, or ask for a new one.'],
    incomplete: ['This link is not complete', 'Its last part is missing. Open it from the message that you got, or copy the whole of it.'],
    unconfigured: ['This server opens no links', 'Links are not set up here. Ask the person who sent it.'],
    offline: ['No connection', 'The server could not be reached. Nothing was used up; check your connection and try again.'],
    failed: ['This link cannot be opened just now', 'The server could not do it. Nothing is wrong with your link; try again in a moment.'],
  },
  de: {
    title: 'Bilder für Sie', checking: 'Der Link wird geprüft', from: 'Von', until: 'Offen bis',
    pin: 'PIN', pinHint: 'Sechs Ziffern, die Sie getrennt erhalten haben.', open: 'Bilder zeigen', opening: 'Wird geöffnet', again: 'Erneut versuchen',
    recorded: 'Das Öffnen wird protokolliert. Ein Telefon reicht zum Ansehen, nicht für eine Diagnose.',
    request: 'Eine Bitte zum Senden kopieren', requested: 'Kopiert. Fügen Sie sie in eine Nachricht ein.',
    letter: 'Guten Tag,\n\nder Link zu den Bildern, die Sie mir gesendet haben, ist nicht mehr offen. Könnten Sie mir bitte einen neuen senden?\n\nVielen Dank.',
    pinNeeded: 'Geben Sie die sechs Ziffern der PIN ein.',
    pinWrong: 'Diese PIN stimmt nicht. Verbleibende Versuche: {0}.', pinWait: 'Zu viele Versuche. Versuchen Sie es in {0} erneut.',
    second: '{0} s', minute: '{0} min',
    expired: ['Dieser Link ist abgelaufen', 'Bitten Sie die Person, die ihn gesendet hat, um einen neuen.'],
    revoked: ['Dieser Link wurde zurückgezogen', 'Die Person, die ihn gesendet hat, hat ihn geschlossen. Fragen Sie nach, wenn Sie die Bilder noch brauchen.'],
    used_up: ['Dieser Link ist aufgebraucht', 'Er wurde so oft geöffnet, wie es erlaubt war. Bitten Sie die Person, die ihn gesendet hat, um einen neuen.'],
    locked: ['Dieser Link ist gesperrt', 'Die PIN war zu oft falsch. Bitten Sie die Person, die ihn gesendet hat, um einen neuen Link.'],
    unknown: ['Dieser Link ist hier nicht bekannt', 'Er ist vielleicht beschädigt. Öffnen Sie ihn noch einmal aus der Nachricht, die Sie erhalten haben, oder bitten Sie um einen neuen.'],
    incomplete: ['Dieser Link ist nicht vollständig', 'Sein letzter Teil fehlt. Öffnen Sie ihn aus der Nachricht, die Sie erhalten haben, oder kopieren Sie ihn ganz.'],
    unconfigured: ['Dieser Server öffnet keine Links', 'Links sind hier nicht eingerichtet. Fragen Sie die Person, die ihn gesendet hat.'],
    offline: ['Keine Verbindung', 'Der Server ist nicht erreichbar. Nichts wurde verbraucht; prüfen Sie Ihre Verbindung und versuchen Sie es erneut.'],
    failed: ['Dieser Link kann gerade nicht geöffnet werden', 'Der Server konnte es nicht. Mit Ihrem Link ist alles in Ordnung; versuchen Sie es gleich noch einmal.'],
  },
  fr: {
    title: 'Images partagées avec vous', checking: 'Vérification du lien', from: 'De', until: 'Ouvert jusqu’au',
    pin: 'Code PIN', pinHint: 'Six chiffres, reçus séparément.', open: 'Afficher les images', opening: 'Ouverture', again: 'Réessayer',
    recorded: 'L’ouverture est enregistrée. Un téléphone suffit pour regarder, pas pour un diagnostic.',
    request: 'Copier une demande à envoyer', requested: 'Copié. Collez-la dans un message.',
    letter: 'Bonjour,\n\nle lien vers les images que vous m’avez envoyées n’est plus ouvert. Pourriez-vous m’en envoyer un nouveau ?\n\nMerci.',
    pinNeeded: 'Saisissez les six chiffres du code PIN.',
    pinWrong: 'Ce code PIN n’est pas correct. Essais restants : {0}.', pinWait: 'Trop d’essais. Réessayez dans {0}.',
    second: '{0} s', minute: '{0} min',
    expired: ['Ce lien a expiré', 'Demandez-en un nouveau à la personne qui l’a envoyé.'],
    revoked: ['Ce lien a été retiré', 'La personne qui l’a envoyé l’a fermé. Demandez-lui si vous avez encore besoin des images.'],
    used_up: ['Ce lien est épuisé', 'Il a été ouvert autant de fois que permis. Demandez-en un nouveau à la personne qui l’a envoyé.'],
    locked: ['Ce lien est bloqué', 'Le code PIN a été faux trop souvent. Demandez un nouveau lien à la personne qui l’a envoyé.'],
    unknown: ['Ce lien est inconnu ici', 'Il est peut-être abîmé. Ouvrez-le encore une fois depuis le message reçu, ou demandez-en un nouveau.'],
    incomplete: ['Ce lien est incomplet', 'Sa dernière partie manque. Ouvrez-le depuis le message reçu, ou copiez-le en entier.'],
    unconfigured: ['Ce serveur n’ouvre pas de liens', 'Les liens ne sont pas configurés ici. Demandez à la personne qui l’a envoyé.'],
    offline: ['Pas de connexion', 'Le serveur est injoignable. Rien n’a été consommé ; vérifiez votre connexion et réessayez.'],
    failed: ['Ce lien ne peut pas être ouvert pour le moment', 'Le serveur n’a pas pu le faire. Votre lien est bon ; réessayez dans un instant.'],
  },
  es: {
    title: 'Imágenes compartidas con usted', checking: 'Comprobando el enlace', from: 'De', until: 'Abierto hasta',
    pin: 'PIN', pinHint: 'Seis cifras, recibidas por separado.', open: 'Ver las imágenes', opening: 'Abriendo', again: 'Intentar de nuevo',
    recorded: 'La apertura queda registrada. Un teléfono sirve para ver, no para un diagnóstico.',
    request: 'Copiar una petición para enviar', requested: 'Copiado. Péguelo en un mensaje.',
    letter: 'Buenos días:\n\nEl enlace a las imágenes que compartió conmigo ya no está abierto. ¿Podría enviarme uno nuevo?\n\nGracias.',
    pinNeeded: 'Introduzca las seis cifras del PIN.',
    pinWrong: 'Este PIN no es correcto. Intentos restantes: {0}.', pinWait: 'Demasiados intentos. Inténtelo de nuevo en {0}.',
    second: '{0} s', minute: '{0} min',
    expired: ['Este enlace ha caducado', 'Pida uno nuevo a la persona que lo envió.'],
    revoked: ['Este enlace fue retirado', 'La persona que lo envió lo ha cerrado. Pregúntele si todavía necesita las imágenes.'],
    used_up: ['Este enlace está agotado', 'Se abrió tantas veces como estaba permitido. Pida uno nuevo a la persona que lo envió.'],
    locked: ['Este enlace está bloqueado', 'El PIN fue incorrecto demasiadas veces. Pida un enlace nuevo a la persona que lo envió.'],
    unknown: ['Este enlace no se conoce aquí', 'Puede estar dañado. Ábralo otra vez desde el mensaje que recibió, o pida uno nuevo.'],
    incomplete: ['Este enlace no está completo', 'Falta su última parte. Ábralo desde el mensaje que recibió, o cópielo entero.'],
    unconfigured: ['Este servidor no abre enlaces', 'Los enlaces no están configurados aquí. Pregunte a la persona que lo envió.'],
    offline: ['Sin conexión', 'No se pudo llegar al servidor. No se gastó nada; compruebe su conexión e inténtelo de nuevo.'],
    failed: ['Este enlace no se puede abrir ahora', 'El servidor no pudo hacerlo. Su enlace está bien; inténtelo de nuevo en un momento.'],
  },
  ja: {
    title: '画像が共有されています', checking: 'リンクを確認しています', from: '送信者', until: '有効期限',
    pin: '暗証番号', pinHint: '別途お知らせした6桁の数字です。', open: '画像を表示', opening: '開いています', again: 'もう一度試す',
    recorded: '閲覧は記録されます。携帯電話の画面は閲覧用で、診断には使えません。',
    request: '依頼文をコピー', requested: 'コピーしました。メッセージに貼り付けてください。',
    letter: 'お世話になっております。\n\n共有していただいた画像のリンクが開けなくなりました。新しいリンクをお送りいただけますでしょうか。\n\nよろしくお願いいたします。',
    pinNeeded: '6桁の暗証番号を入力してください。',
    pinWrong: '暗証番号が違います。残り{0}回です。', pinWait: '試行回数が多すぎます。{0}後にもう一度お試しください。',
    second: '{0}秒', minute: '{0}分',
    expired: ['このリンクは期限切れです', '送信者に新しいリンクを依頼してください。'],
    revoked: ['このリンクは取り消されました', '送信者がリンクを閉じました。画像がまだ必要な場合は送信者にお尋ねください。'],
    used_up: ['このリンクは使用済みです', '許可された回数だけ開かれました。送信者に新しいリンクを依頼してください。'],
    locked: ['このリンクはロックされています', '暗証番号の誤りが多すぎました。送信者に新しいリンクを依頼してください。'],
    unknown: ['このリンクは登録されていません', 'リンクが壊れている可能性があります。受け取ったメッセージからもう一度開くか、新しいリンクを依頼してください。'],
    incomplete: ['このリンクは不完全です', '末尾が欠けています。受け取ったメッセージから開くか、全体をコピーしてください。'],
    unconfigured: ['このサーバーはリンクを開けません', 'リンクの機能が設定されていません。送信者にお尋ねください。'],
    offline: ['接続がありません', 'サーバーに接続できませんでした。回数は消費されていません。接続を確認してもう一度お試しください。'],
    failed: ['このリンクは現在開けません', 'サーバーで処理できませんでした。リンクに問題はありません。しばらくしてからお試しください。'],
  },
};

const wanted = navigator.languages?.length ? navigator.languages : [navigator.language || 'en'];
const locale = wanted.find((tag) => TEXTS[tag.slice(0, 2).toLowerCase()]) ?? 'en';
const language = locale.slice(0, 2).toLowerCase();
const texts = TEXTS[language];
const fill = (text, value) => text.replace('{0}', value);

const place = (id) => document.getElementById(id);
// The attribute: what is drawn has no property of that name.
const show = (id, shown) => place(id).toggleAttribute('hidden', !shown);
const say = (id, text) => { place(id).textContent = text; };

// What the answer's code is called here, and the sign beside it.
const CLOSED = {
  share_expired: ['expired', 'sign-late'],
  share_revoked: ['revoked', 'sign-shut'],
  share_used_up: ['used_up', 'sign-shut'],
  share_locked: ['locked', 'sign-shut'],
  share_unknown: ['unknown', 'sign-shut'],
  login_needed: ['unconfigured', 'sign-shut'],
};

// Both halves of the link; null where the address had nothing behind #, false where that was no link.
let link = null;
// The link is open in this browser already: nothing is used up by showing it once more.
let isOpen = false;
let needsPin = false;
let isBusy = false;
// Ends when the app's files have come: whoever leaves before that would have them sent once more from the start.
let ahead = Promise.resolve();
let stopAhead = null;

/** The link of the address, which is there no longer afterwards: neither in the bar nor in the history. */
function take() {
  const had = location.hash !== '';
  const found = /^#v1\.([^.]{1,64})\.([^.]{1,128})$/.exec(location.hash);
  history.replaceState(null, '', location.pathname);
  if (found) return { id: found[1], secret: found[2] };
  return had ? false : null;
}

class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Asks the gateway; what it refuses is thrown with its code, and 'offline' where it is not there. */
async function ask(path, body) {
  const options = body && {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Sagitta': '1' },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, { ...options, cache: 'no-store' });
  } catch {
    throw new Refused('offline');
  }
  const read = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(read?.error?.code ?? 'failed');
  return read;
}

/** Nothing can be opened: says why, and offers another try where one may help. */
function shut(state, sign, canTryAgain) {
  leaveAhead();
  for (const part of ['facts', 'form', 'sign-shut', 'sign-late', 'sign-away']) show(part, part === sign);
  say('title', texts[state][0]);
  say('sentence', texts[state][1]);
  document.body.dataset.state = state;
  show('again', canTryAgain);
  offerRequest(!canTryAgain);
  say('recorded', '');
  place('title').focus();
}

/** A few words to whoever sent the link, to be pasted into a message; they name neither the link nor what it opened. */
function offerRequest(shown) {
  show('request', shown);
  show('letter', false);
  say('request', texts.request);
}

async function copyRequest() {
  try {
    await navigator.clipboard.writeText(texts.letter);
    say('request', texts.requested);
  } catch {
    // No clipboard: whoever reads this can mark the words and copy them.
    place('letter').value = texts.letter;
    show('letter', true);
    place('letter').select();
  }
}

function refuse(error) {
  const known = CLOSED[error.code];
  if (known) shut(...known, false);
  else if (error.code === 'offline') shut('offline', 'sign-away', true);
  else shut('failed', 'sign-away', true);
}

function until(seconds) {
  const format = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' };
  return new Intl.DateTimeFormat(locale, format).format(new Date(seconds * 1000));
}

/** Who shared it and until when; the PIN where one is asked for; the button. */
function offer(before) {
  for (const sign of ['sign-shut', 'sign-late', 'sign-away', 'again', 'request', 'letter']) show(sign, false);
  say('title', texts.title);
  say('sentence', '');
  say('from', before.from);
  say('until', until(before.ends));
  say('recorded', texts.recorded);
  needsPin = Boolean(before.pin) && !isOpen;
  show('facts', true);
  show('pin-part', needsPin);
  show('form', true);
  document.body.dataset.state = 'offered';
  if (before.wait > 0) problem(fill(texts.pinWait, pause(before.wait)));
}

function pause(seconds) {
  return seconds < 100 ? fill(texts.second, seconds) : fill(texts.minute, Math.ceil(seconds / 60));
}

function problem(text) {
  say('problem', text);
  const pin = place('pin');
  if (text) pin.setAttribute('aria-invalid', 'true');
  else pin.removeAttribute('aria-invalid');
}

function busy(now) {
  isBusy = now;
  say('open', now ? texts.opening : texts.open);
  place('open').setAttribute('aria-disabled', String(now));
}

/** Fetches a file to its end, so that the browser has it; what it could not get the app asks for itself. */
async function bring(name, signal) {
  try {
    const { body } = await fetch(name, { signal, priority: 'low' });
    const reader = body.getReader();
    while (!(await reader.read()).done);
  } catch {
    // Nothing is lost by it.
  }
}

/** Fetches the app's files while the link is looked at and the page is read; all that the page needs for itself is there. */
function fetchAhead() {
  if (stopAhead || navigator.connection?.saveData) return;
  stopAhead = new AbortController();
  const names = document.querySelector('meta[name="sagitta-ahead"]').content.split(' ').filter(Boolean);
  ahead = Promise.all(names.map((name) => bring(name, stopAhead.signal)));
  // The page that they are for holds nothing of anybody; of a hint browsers take it without asking once more.
  const hint = document.createElement('link');
  hint.rel = 'prefetch';
  hint.href = 'shared';
  document.head.append(hint);
}

/** Nothing will be opened: what is still on its way is not sent for nothing. */
function leaveAhead() {
  stopAhead?.abort();
  stopAhead = null;
}

/** Waits for what is on its way, and not for ever. */
const arrived = () => Promise.race([ahead, new Promise((resolve) => { setTimeout(resolve, 20_000); })]);

/** The link that is open in this browser; null where none is. */
async function opened() {
  try {
    return await ask('api/shares/opened');
  } catch (error) {
    if (error.code === 'offline') throw error;
    return null;
  }
}

async function look() {
  say('title', texts.checking);
  for (const part of ['facts', 'form', 'again', 'request', 'letter', 'sign-shut', 'sign-late', 'sign-away']) show(part, false);
  problem('');
  busy(false);
  isOpen = false;
  if (link === false) return shut('incomplete', 'sign-shut', false);
  try {
    // Loaded anew: what is open in this browser already can be shown without a link. The question goes first, the files after it.
    const asked = link ? ask('api/shares/look', link) : opened();
    fetchAhead();
    const before = await asked;
    if (!before) return shut('incomplete', 'sign-shut', false);
    isOpen = !link;
    offer(before);
  } catch (error) {
    await otherwise(error);
  }
}

/** A link that is used up by its very reader still shows what it opened. */
async function otherwise(error) {
  try {
    const before = error.code === 'share_used_up' ? await opened() : null;
    if (before?.id !== link?.id || !before) return refuse(error);
    isOpen = true;
    offer(before);
  } catch (second) {
    refuse(second);
  }
}

async function redeem() {
  if (isBusy) return;
  // Digits of any width, as keyboards and messages have them.
  const pin = place('pin').value.normalize('NFKC').replace(/\D/g, '');
  if (needsPin && pin.length !== 6) {
    problem(texts.pinNeeded);
    place('pin').focus();
    return;
  }
  busy(true);
  problem('');
  try {
    if (!isOpen) await ask('api/shares/redeem', needsPin ? { ...link, pin } : link);
    await arrived();
    // Nothing of the link and nothing of a patient is in that address.
    location.replace('shared');
  } catch (error) {
    busy(false);
    if (error.code === 'share_pin_wrong' || error.code === 'share_slowed') await wrong(error.code);
    else refuse(error);
  }
}

/** The PIN was wrong, or came too soon after a wrong one: how many tries are left, or how long to wait. */
async function wrong(code) {
  let before;
  try {
    before = await ask('api/shares/look', link);
  } catch (error) {
    return refuse(error);
  }
  const isEarly = code === 'share_slowed' && before.wait > 0;
  problem(isEarly ? fill(texts.pinWait, pause(before.wait)) : fill(texts.pinWrong, before.tries));
  place('pin').select();
  place('pin').focus();
}

document.documentElement.lang = language;
document.title = `${texts.title} · Sagitta`;
for (const [id, text] of [['from-label', texts.from], ['until-label', texts.until], ['pin-label', texts.pin],
  ['pin-hint', texts.pinHint], ['again', texts.again]]) say(id, text);
place('form').addEventListener('submit', (event) => {
  event.preventDefault();
  redeem();
});
place('pin').addEventListener('input', () => problem(''));
place('request').addEventListener('click', copyRequest);
place('again').addEventListener('click', look);
// Another link in the same tab changes the part behind # alone.
addEventListener('hashchange', () => {
  if (!location.hash) return;
  link = take();
  look();
});
link = take();
look();
