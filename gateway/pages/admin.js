// Administration: shows what /api/admin answers, and sends what is changed. It stands on wide.js.
"use strict";

/** Asks; where a fresh login is needed, its user proves who he or she is, and it is asked again. */
const call = async (method, path, body) => {
  try {
    return await send(method, `admin/${path}`, body);
  } catch (error) {
    if (error.code === "session_locked") {
      location.assign(`${base}/auth/unlock?back=/admin`);
    } else if (error.code === "login_needed") {
      location.assign(`${base}/admin`);
    } else if (error.code === "fresh_login_needed" && (await prove())) {
      return send(method, `admin/${path}`, body);
    }
    throw error;
  }
};

const prove = async () => {
  const [password, code] = [at("prove-password"), at("prove-code")];
  for (const field of [password, code]) {
    if (field) {
      field.value = "";
    }
  }
  const done = await opened(
    at("prove"),
    () => {
      const proof = { password: password.value };
      if (code) {
        if (!code.value.trim()) {
          code.focus();
          throw new Trouble("", "Enter the code as well.");
        }
        proof.code = code.value.trim();
      }
      return send("POST", "session/unlock", proof).catch((error) => {
        const wrong = code ? "Password or code is not right. Check Caps Lock; each code works once." : "The password is not right. Check Caps Lock and try again.";
        throw error.code === "login_refused" ? new Trouble("", wrong) : error;
      });
    },
    password ? "prove-problem" : undefined,
  );
  if (password) {
    password.value = "";
  }
  return done;
};

const sure = (title, text, words, act) => {
  at("ask-title").textContent = title;
  at("ask-text").textContent = text;
  at("ask-do").textContent = words;
  return opened(at("ask"), act, "ask-problem");
};

const showCode = async (name, { code, ends }) => {
  at("code-title").textContent = `Code for ${name}`;
  at("code-text").textContent = `${name} opens ${location.origin}${base}/auth/first, enters this code, and chooses a password. It is shown this once.`;
  at("code-code").textContent = code;
  at("code-ends").textContent = `It works once, until ${full.format(ends * 1000)}.`;
  at("code-said").textContent = "";
  at("code-copy").textContent = "Copy";
  await opened(at("code"), async () => {});
  at("code-code").textContent = "";
};

at("code-copy").addEventListener("click", async () => {
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(at("code-code").textContent);
  } catch {
    getSelection().selectAllChildren(at("code-code"));
    said = "Selected: press Ctrl+C";
  }
  at("code-copy").textContent = said;
  at("code-said").textContent = said;
});

/* Users */

let known = { users: [], roles: [], sites: [], passwords: false };

const label = (user) => user.shown || user.name;
const siteName = (id) => (id === "*" ? "All sources" : (known.sites.find((site) => site.id === id)?.label ?? id));

const signIn = (user) => {
  const all = [];
  if (user.locked) {
    all.push(tag("Locked", "err"));
  }
  if (user.shut) {
    all.push(tag("Too many tries", "err"));
  } else if (user.wait_until) {
    all.push(tag("Slowed down", "warn"));
  }
  if (user.issuer) {
    all.push(made("span", { class: "tag", title: user.issuer }, "At the provider"));
  } else if (!user.password) {
    all.push(tag(user.code_ends ? "Code not used yet" : "Code has run out", "warn"));
  } else if (user.totp || user.passkeys) {
    all.push(tag("Second factor", "ok"));
  } else {
    all.push(tag("Password only", "warn"));
  }
  if (user.passkeys) {
    all.push(tag(user.passkeys === 1 ? "1 passkey" : `${user.passkeys} passkeys`));
  }
  return tags(all);
};

const picks = (place, name, all, chosen) => {
  place.replaceChildren(
    ...all.map(([value, words]) => {
      const box = made("input", { type: "checkbox", name, value });
      box.checked = chosen.includes(value);
      return made("label", { class: "pick" }, box, words);
    }),
  );
};

const picked = (place) => Array.from(place.querySelectorAll("input:checked"), (box) => box.value);

const ROLES = {
  admin: "Administrator",
  radiologist: "Radiologist",
  referrer: "Referrer",
  technologist: "Technologist",
  ai: "Program (AI)",
  auditor: "Auditor",
};

const userDialog = async (user) => {
  const dialog = at("user");
  const isFixed = Boolean(user && (user.own || user.issuer));
  at("user-title").textContent = user ? label(user) : "Add a user";
  at("user-name-part").hidden = Boolean(user);
  at("user-name").value = "";
  at("user-shown").value = user?.shown ?? "";
  picks(at("user-roles"), "role", known.roles.map((role) => [role, ROLES[role] ?? role]), user?.roles ?? []);
  const chosen = user?.sites ?? ["local"];
  const ids = [...new Set([...known.sites.map((site) => site.id), ...chosen.filter((id) => id !== "*")])];
  picks(at("user-sites"), "site", [...ids, "*"].map((id) => [id, siteName(id)]), chosen);
  at("user-referrers").value = (user?.referrers ?? []).join("\n");
  at("user-labels").value = (user?.labels ?? []).join("\n");
  at("user-rights").disabled = isFixed;
  at("user-save").hidden = isFixed;
  at("user-cancel").textContent = isFixed ? "Close" : "Cancel";
  at("user-save").textContent = user ? "Save" : "Add";
  at("user-account").hidden = !user || user.own;
  const note = at("user-note");
  note.hidden = !isFixed;
  note.firstElementChild.textContent = user?.own
    ? "Nobody changes an account of his own. Another administrator can."
    : `Rights are kept at the provider, ${user?.issuer ?? ""}, and come with each sign-in.`;
  if (user) {
    at("user-reset").hidden = Boolean(user.issuer);
    at("user-end").hidden = user.sessions === 0;
    at("user-lock").hidden = user.locked;
    at("user-unlock").hidden = !(user.locked || user.shut || user.wait_until);
  }
  let code;
  const done = await opened(
    dialog,
    async () => {
      const wanted = {
        shown: at("user-shown").value.trim(),
        roles: picked(at("user-roles")),
        sites: picked(at("user-sites")),
        referrers: lines(at("user-referrers").value),
        labels: lines(at("user-labels").value),
      };
      if (wanted.roles.length === 0) {
        throw new Trouble("", "Choose at least one role.");
      }
      if (user) {
        await call("PUT", `users/${encodeURIComponent(user.name)}`, wanted);
      } else {
        wanted.name = at("user-name").value.trim();
        code = await call("POST", "users", wanted);
      }
    },
    "user-problem",
  );
  if (!done) {
    return;
  }
  if (code) {
    await showCode(at("user-name").value.trim(), code);
  }
  await load(user ? `${label(user)} has been changed.` : "The user has been added.");
};

/** What is done to the user whose dialog is open. */
const account = (id, title, text, words, act) => {
  at(id).addEventListener("click", async () => {
    const user = known.users.find((it) => it.name === at("user").dataset.name);
    let told;
    const done = await sure(title(label(user)), text(user), words, async () => {
      told = await act(`users/${encodeURIComponent(user.name)}`);
    });
    if (!done) {
      return;
    }
    at("user").close();
    if (told?.code) {
      await showCode(user.name, told);
    }
    await load(`${label(user)}: done.`);
  });
};

account(
  "user-reset",
  (name) => `Reset the sign-in of ${name}?`,
  () => "Password, second factor, passkeys and recovery codes are gone, and all sessions end. You get a code for a new password.",
  "Reset",
  (path) => call("POST", `${path}/reset`),
);
account(
  "user-end",
  (name) => `End all sessions of ${name}?`,
  (user) => `${user.sessions === 1 ? "One session ends" : `${user.sessions} sessions end`} at once. Signing in again is possible.`,
  "End sessions",
  (path) => call("DELETE", `${path}/sessions`),
);
account(
  "user-lock",
  (name) => `Lock ${name}?`,
  () => "All sessions end, and nobody signs in with this account until it is unlocked. Links that were made with it stay open: take them back under Links.",
  "Lock",
  (path) => call("POST", `${path}/lock`),
);
account(
  "user-unlock",
  (name) => `Unlock ${name}?`,
  () => "Signing in is possible again, and wrong answers until now count for nothing.",
  "Unlock",
  (path) => call("POST", `${path}/unlock`),
);
account(
  "user-remove",
  (name) => `Remove ${name}?`,
  (user) =>
    user.issuer
      ? "Sessions and links end. The provider makes this user known again at the next sign-in: to keep somebody out, lock the account."
      : "The account, its passkeys, sessions and links are gone. What it did stays on record.",
  "Remove",
  (path) => call("DELETE", path),
);

at("add").addEventListener("click", () => userDialog());

/* Sections */

const KINDS = { page: "Pages", frame: "Frame in another system", link: "Shared link" };
const STATES = {
  open: ["Open", "ok"],
  used_up: ["Used up", undefined],
  expired: ["Ended", undefined],
  revoked: ["Taken back", undefined],
  locked: ["Locked by wrong PINs", "warn"],
};
const REASONS = {
  upstream_timeout: "It did not answer in time",
  upstream_unreachable: "It could not be reached",
  upstream_busy: "Too many requests at once",
  upstream_refused: "It refused us",
  upstream_too_large: "Its answer was too large",
  upstream_redirect: "It sent us elsewhere",
  upstream_mixed: "It answered with another study",
  upstream_broken: "Its answer could not be read",
  upstream_failed: "It failed",
};

const person = (row) =>
  row.shown && row.shown !== row.user ? [row.shown, made("span", { class: "sub" }, row.user)] : [row.user];

const action = (words, about, act, isDanger) => {
  const button = made("button", { type: "button", class: isDanger ? "btn danger" : "btn", "aria-label": `${words}: ${about}` }, words);
  button.addEventListener("click", act);
  return made("div", { class: "acts" }, button);
};

const sections = {
  users: {
    path: "users",
    columns: ["User", "Roles", "Own site", "Sign-in", "Last here", ""],
    none: "There are no users yet.",
    rows(answer) {
      known = answer;
      at("add").hidden = !answer.passwords;
      return answer.users;
    },
    text: (user) => [user.name, user.shown, ...user.roles, ...user.roles.map((role) => ROLES[role]), ...user.labels, ...user.referrers],
    cells: (user) => [
      [
        ...(user.shown && user.shown !== user.name ? [user.shown, made("span", { class: "sub" }, user.name)] : [user.name]),
        user.own ? made("span", { class: "sub" }, "This is you") : undefined,
      ],
      [tags(user.roles.map((role) => tag(ROLES[role] ?? role)))],
      [
        user.sites.map(siteName).join(", ") || "\u2013",
        user.labels.length > 0 ? made("span", { class: "sub" }, `Labels: ${user.labels.join(", ")}`) : undefined,
        user.referrers.length > 0 ? made("span", { class: "sub" }, `Refers as ${user.referrers.join(", ")}`) : undefined,
      ],
      [signIn(user)],
      [
        time(user.seen),
        user.sessions > 0 ? made("span", { class: "sub" }, user.sessions === 1 ? "1 session" : `${user.sessions} sessions`) : undefined,
      ],
      [
        action(user.own ? "Show" : "Change", label(user), () => {
          at("user").dataset.name = user.name;
          userDialog(user);
        }),
      ],
    ],
  },
  sessions: {
    path: "sessions",
    columns: ["User", "Of", "Began", "Last used", "From", ""],
    none: "Nobody is signed in.",
    rows: (all) => all,
    text: (session) => [session.user, session.shown, KINDS[session.kind], session.address],
    cells: (session) => [
      session.kind === "link" ? ["Whoever has the link", made("span", { class: "sub" }, `of ${session.shown || session.user}`)] : person(session),
      [
        tags([
          tag(KINDS[session.kind]),
          ...(session.own ? [tag("This one", "ok")] : []),
          ...(session.locked ? [tag("Locked, idle", "warn")] : []),
        ]),
      ],
      [time(session.began)],
      [time(session.seen)],
      [session.address || "\u2013"],
      [
        action("End", session.shown || session.user, () =>
          remove(
            session.own ? "End your own session?" : "End this session?",
            session.own ? "You are signed out at once." : "It ends at once. Signing in again is possible.",
            "End session",
            `sessions/${session.id}`,
            "The session has ended.",
          ),
        ),
      ],
    ],
  },
  shares: {
    path: "shares",
    columns: ["Made by", "Source", "Made", "Ends", "Opened", "With", "State", ""],
    none: "No links have been made.",
    note: "What a link shows is not shown here: administrators see no studies.",
    rows: (all) => all,
    text: (share) => [share.user, share.shown, share.source, STATES[share.state][0]],
    cells: (share) => [
      person(share),
      [siteName(share.source)],
      [time(share.made)],
      [time(share.ends)],
      [share.most_uses === null ? `${share.uses}` : `${share.uses} of ${share.most_uses}`],
      [tags([...(share.pin ? [tag("PIN")] : [tag("No PIN", "warn")]), ...(share.download ? [tag("Download")] : [])])],
      [tag(...STATES[share.state])],
      share.state === "open" || share.state === "locked"
        ? [
            action("Take back", `link of ${share.shown || share.user}`, () =>
              remove(
                "Take this link back?",
                "It opens nothing any more, and whoever has it open is out at once. This cannot be undone.",
                "Take back",
                `shares/${encodeURIComponent(share.id)}`,
                "The link has been taken back.",
              ),
            ),
          ]
        : [],
    ],
  },
  sources: {
    path: "sources",
    columns: ["Source", "State", "Last answer", "Last failure"],
    none: "",
    note: "Since the gateway started. Sources are configured in its file alone.",
    rows: ({ indexing, sources }) => [{ label: "This gateway", indexing }, ...sources],
    text: (source) => [source.label],
    cells: ({ label, id, indexing, answered, failed, reason }) => {
      const seconds = (text) => (text ? Date.parse(text) / 1000 : undefined);
      const name = [label, id ? made("span", { class: "sub" }, id) : undefined];
      if (indexing) {
        const { done, total } = indexing;
        const state = done === total ? tag("Ready", "ok") : tag("Reading", "warn");
        const files = made("span", { class: "sub" }, done === total ? `${total} files` : `${done} of ${total} files`);
        return [name, [state, files], ["\u2013"], ["\u2013"]];
      }
      const isDown = failed && (!answered || Date.parse(failed) > Date.parse(answered));
      const state = isDown ? tag("Does not answer", "err") : answered ? tag("Answers", "ok") : tag("Not asked yet");
      const why = failed ? made("span", { class: "sub" }, REASONS[reason] ?? reason) : undefined;
      return [name, [state], [time(seconds(answered))], [time(seconds(failed)), why]];
    },
  },
};

const remove = async (title, text, words, path, said) => {
  if (await sure(title, text, words, () => call("DELETE", path))) {
    await load(said);
  }
};

/* The table */

let section = "users";
let shown = [];

const draw = () => {
  const { cells, columns, text, none, note } = sections[section];
  const wanted = at("find").value.trim().toLowerCase();
  const matches = (row) => text(row).some((part) => part?.toLowerCase().includes(wanted));
  const rows = section === "sources" || !wanted ? shown : shown.filter(matches);
  at("head").replaceChildren(
    ...columns.map((name) => made("th", { scope: "col" }, name || made("span", { class: "vh" }, "Actions"))),
  );
  at("rows").replaceChildren(
    ...rows.map((row) =>
      made(
        "tr",
        {},
        ...cells(row).map((inside, index) =>
          index === 0
            ? made("th", { scope: "row" }, ...inside.filter(Boolean))
            : made("td", columns[index] ? { "data-label": columns[index] } : { class: "tight" }, made("div", {}, ...inside.filter(Boolean))),
        ),
      ),
    ),
  );
  at("sheet").hidden = rows.length === 0;
  at("empty").hidden = rows.length > 0;
  at("empty").textContent = shown.length > 0 ? "Nothing matches." : none;
  at("note").hidden = !note;
  at("note").textContent = note ?? "";
  at("count").textContent =
    section === "sources" ? "" : rows.length === shown.length ? `${shown.length} in all` : `${rows.length} of ${shown.length}`;
};

/** Reads the section that is open; `said` is what was done before. */
const load = async (said) => {
  const asked = section;
  at("panel").setAttribute("aria-busy", "true");
  at("trouble").hidden = true;
  at("done").hidden = !said;
  at("done").firstElementChild.textContent = said ?? "";
  const focused = document.activeElement?.getAttribute("aria-label");
  try {
    if (asked !== "users" && known.sites.length === 0) {
      known = await call("GET", "users");
    }
    const answer = await call("GET", sections[asked].path);
    if (asked !== section) {
      return;
    }
    shown = sections[asked].rows(answer);
    draw();
    // The row was made anew: who stood on its button stands there still.
    const again = focused && Array.from(at("rows").querySelectorAll("button")).find((it) => it.getAttribute("aria-label") === focused);
    again?.focus();
  } catch (error) {
    if (asked === section) {
      at("trouble").hidden = false;
      at("trouble").firstElementChild.textContent =
        error.code === "offline" ? "No connection: the gateway could not be reached." : error.message;
      at("empty").hidden = shown.length > 0;
      at("empty").textContent = "";
    }
  } finally {
    if (asked === section) {
      at("panel").setAttribute("aria-busy", "false");
    }
  }
};

const tabs = Array.from(document.querySelectorAll("[role=tab]"));
const nameOf = (tab) => tab.id.slice(4);

const choose = (name) => {
  section = name in sections ? name : "users";
  shown = [];
  for (const tab of tabs) {
    const isChosen = nameOf(tab) === section;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
  }
  at("panel").setAttribute("aria-labelledby", `tab-${section}`);
  at("caption").textContent = at(`tab-${section}`).textContent;
  at("add").hidden = section !== "users" || !known.passwords;
  at("finder").hidden = section === "sources";
  at("find").value = "";
  at("count").textContent = "";
  at("sheet").hidden = true;
  at("note").hidden = true;
  at("empty").hidden = false;
  at("empty").textContent = "Loading\u2026";
  history.replaceState(null, "", `#${section}`);
  load();
};

for (const tab of tabs) {
  tab.addEventListener("click", () => choose(nameOf(tab)));
  tab.addEventListener("keydown", (event) => {
    const place = tabs.indexOf(tab);
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      const other = tabs[(next + tabs.length) % tabs.length];
      other.focus();
      choose(nameOf(other));
    }
  });
}

at("find").addEventListener("input", draw);
at("refresh").addEventListener("click", () => load());
at("again").addEventListener("click", () => load());
addEventListener("online", () => {
  if (!at("trouble").hidden) {
    load();
  }
});
choose(location.hash.slice(1));
