// Passkeys: asks the gateway for a challenge, the browser for an answer, and sends it back. Nothing is kept here.
"use strict";

const bytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
};

const text = (buffer) => {
  if (!buffer) {
    return null;
  }
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte));
  return btoa(letters.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const known = (all) => (all ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const post = async (address, body) => {
  const answer = await fetch(address, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-Sagitta": "1" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) {
    throw new Error(said.error?.message ?? "");
  }
  return said;
};

const add = async (base, shown) => {
  const { publicKey } = await post(`${base}/auth/webauthn/add/begin`, {});
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.user.id = bytes(publicKey.user.id);
  publicKey.excludeCredentials = known(publicKey.excludeCredentials);
  const made = await navigator.credentials.create({ publicKey });
  const credential = {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      attestationObject: text(made.response.attestationObject),
      clientDataJSON: text(made.response.clientDataJSON),
    },
  };
  return post(`${base}/auth/webauthn/add`, { shown, credential });
};

const prove = async (base) => {
  const { publicKey } = await post(`${base}/auth/webauthn/begin`, {});
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.allowCredentials = known(publicKey.allowCredentials);
  const found = await navigator.credentials.get({ publicKey });
  return post(`${base}/auth/webauthn/prove`, {
    id: found.id,
    rawId: text(found.rawId),
    type: found.type,
    response: {
      authenticatorData: text(found.response.authenticatorData),
      clientDataJSON: text(found.response.clientDataJSON),
      signature: text(found.response.signature),
      userHandle: text(found.response.userHandle),
    },
  });
};

for (const part of document.querySelectorAll("[data-passkey]")) {
  const button = part.querySelector("button");
  const problem = part.querySelector("[role=alert]");
  part.hidden = !window.PublicKeyCredential;
  button.addEventListener("click", async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      const { base } = part.dataset;
      const shown = part.querySelector("input")?.value ?? "";
      const { next } = await (part.dataset.passkey === "add" ? add(base, shown) : prove(base));
      location.assign(next);
    } catch (error) {
      const cancelled = error instanceof DOMException;
      const why = cancelled ? "No passkey was used. Try again, or sign in another way." : error.message;
      problem.textContent = why ? `${why[0].toUpperCase()}${why.slice(1)}` : "This cannot be done just now.";
      problem.hidden = false;
      button.disabled = false;
    }
  });
}
