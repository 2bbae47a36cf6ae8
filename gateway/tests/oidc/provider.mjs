// An identity provider for tests: npm oidc-provider, which answers as it is told.
//
// node provider.mjs FOLDER: oidc-provider lies in FOLDER/node_modules. It prints its address. `POST /tell` with JSON says how
// the next logins go: {gateway, sub, name, roles, acr, amr, ts, deny}; `gateway`, where the client lives, comes first.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { default: Provider } = await import(
  pathToFileURL(join(folder, "node_modules", "oidc-provider", "lib", "index.js")).href
);

const told = { sub: "7", name: "Ada Example", roles: ["rad"], acr: undefined, amr: undefined, ts: undefined, deny: false };
let provider;

const key = (type, options, more) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
  use: "sig",
  ...more,
});

const make = (issuer) => {
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: "viewer",
        client_secret: "a secret of the gateway and the provider",
        redirect_uris: [`${told.gateway}/auth/callback`],
        post_logout_redirect_uris: [`${told.gateway}/auth/login`],
        backchannel_logout_uri: `${told.gateway}/auth/backchannel`,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [key("rsa", { modulusLength: 2048 }, { kid: "r", alg: "RS256" })] },
    cookies: { keys: ["for tests"] },
    // Its own way of sending refuses addresses of this computer, where the gateway is.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    pkce: { required: () => true },
    acrValues: ["mfa", "pwd"],
    conformIdTokenClaims: false,
    claims: { openid: ["sub", "name", "roles", "acr", "amr", "auth_time", "sid"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, name: told.name, roles: told.roles }),
    }),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  });
};

const interact = async (request, response) => {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  let result;
  if (told.deny) {
    result = { error: "access_denied", error_description: "<b>told so</b>" };
  } else if (prompt.name === "login") {
    const { sub, acr, amr, ts } = told;
    result = { login: { accountId: sub, acr, amr, ts } };
  } else {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope("openid");
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
};

const server = createServer(async (request, response) => {
  if (request.url === "/tell") {
    let text = "";
    for await (const part of request) {
      text += part;
    }
    const isFirst = told.gateway === undefined;
    Object.assign(told, { acr: undefined, amr: undefined, ts: undefined, deny: false }, JSON.parse(text));
    if (isFirst) {
      make(`http://127.0.0.1:${server.address().port}`);
    }
    response.end("{}");
  } else if (request.url.startsWith("/interaction/")) {
    await interact(request, response);
  } else {
    provider.callback()(request, response);
  }
});

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
