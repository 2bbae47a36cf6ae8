// The page of the audit record: asks /api/audit and shows what it says, as text and nothing else.
"use strict";

(() => {
  const base = document.body.dataset.base;
  const form = document.getElementById("filters");
  const table = document.querySelector("table.events");
  const body = table.tBodies[0];
  const sheet = document.getElementById("sheet");
  const none = document.getElementById("none");
  const older = document.getElementById("older");
  const told = document.getElementById("told");
  const trouble = document.getElementById("trouble");
  const titles = new Map([...form.kind.options].map((it) => [it.value, it.text]));
  const outcomes = {
    success: ["ok", "Success"],
    refused: ["warn", "Refused"],
    failed: ["err", "Failed"],
  };
  const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

  // What is shown: filters, where the next page begins, and which asking is the newest.
  let filters = new URLSearchParams();
  let next = null;
  let turn = 0;
  let count = 0;
  let again = () => search();

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function given() {
    const pairs = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      const text = value.trim();
      if (!text) continue;
      const isTime = name === "from" || name === "before";
      pairs.set(name, isTime ? new Date(text).toISOString() : text);
    }
    return pairs;
  }

  // Gives an answer, or throws a sentence.
  async function ask(path) {
    let answer;
    try {
      answer = await fetch(base + path, { credentials: "same-origin", cache: "no-store" });
    } catch {
      throw new Error("The gateway does not answer. Look at the connection and try again.");
    }
    if (answer.status === 401) {
      // Locked or ended: the page itself leads on to the login.
      location.assign(`${base}/audit`);
      throw new Error("You have to log in again.");
    }
    if (!answer.ok) {
      const told = await answer.json().catch(() => null);
      const words = told?.error?.message;
      throw new Error(words ? `That did not work: ${words}.` : "That did not work.");
    }
    return answer;
  }

  function failed(error, retry) {
    again = retry;
    trouble.querySelector("span").textContent = error.message;
    trouble.hidden = false;
  }

  async function page(isFirst) {
    const mine = ++turn;
    const pairs = new URLSearchParams(filters);
    if (!isFirst && next !== null) pairs.set("older", next);
    trouble.hidden = true;
    older.disabled = true;
    sheet.setAttribute("aria-busy", "true");
    if (isFirst) {
      body.replaceChildren();
      table.hidden = true;
      older.hidden = true;
      none.hidden = false;
      none.textContent = "Reading the record…";
      count = 0;
    }
    try {
      const answer = await ask(`/api/audit?${pairs}`);
      const found = await answer.json();
      if (mine !== turn) return;
      const rows = found.events.flatMap(row);
      body.append(...rows);
      count += found.events.length;
      next = found.older ?? null;
      table.hidden = count === 0;
      none.hidden = count > 0;
      none.textContent = filters.size ? "No event matches." : "The record is empty.";
      older.hidden = next === null;
      told.textContent = count === 1 ? "One event." : `${count} events${next === null ? "" : ", and there are older ones"}.`;
      if (!isFirst) rows[0]?.querySelector(".open")?.focus();
    } catch (error) {
      if (mine !== turn) return;
      if (isFirst) none.hidden = true;
      failed(error, () => page(isFirst));
    } finally {
      if (mine === turn) {
        older.disabled = false;
        sheet.setAttribute("aria-busy", "false");
      }
    }
  }

  function search() {
    filters = given();
    next = null;
    return page(true);
  }

  function cell(label, ...content) {
    const made = element("td");
    made.dataset.label = label;
    const inside = element("div");
    inside.append(...content);
    if (content.length) made.append(inside);
    return made;
  }

  // What was asked for, as it was typed; the details have it as it was sent.
  function typed(text) {
    try {
      return decodeURIComponent(text.replaceAll("+", " "));
    } catch {
      return text;
    }
  }

  function sub(text) {
    return element("span", text, "sub");
  }

  function when(at) {
    const made = element("time", time.format(new Date(at)));
    made.dateTime = at;
    made.title = `${at.replace("T", " ").replace(/(\.\d{3})?\d*Z$/, "$1")} UTC`;
    return made;
  }

  function row(event) {
    const { actor = {}, object = {} } = event;
    const made = element("tr");
    const detail = element("tr", undefined, "detail");
    const open = element("button", undefined, "open");
    open.type = "button";
    open.id = `event-${event.number}`;
    open.setAttribute("aria-expanded", "false");
    open.append(when(event.at), element("span", `, details of event ${event.number}`, "vh"));
    const first = element("td", undefined, "tight");
    first.append(open);

    const who = [element("span", actor.user || "the gateway")];
    if (actor.roles?.length) who.push(sub(actor.roles.join(", ")));
    const what = [];
    if (object.patient) what.push(element("span", `Patient ${object.patient}`));
    if (object.study) what.push(sub(`Study ${object.study}${object.source ? ` at ${object.source}` : ""}`));
    if (object.other) what.push(sub(event.kind === "search" ? typed(object.other) : object.other));
    const [tone, word] = outcomes[event.outcome] ?? ["", event.outcome];
    const outcome = [element("span", word, `tag ${tone}`)];
    if (event.reason) outcome.push(sub(event.reason));
    const request = event.request ? [element("span", event.request, "req")] : [];
    made.append(
      first,
      cell("Who", ...who),
      cell("What", element("span", titles.get(event.kind) ?? event.kind)),
      cell("Of what", ...what),
      cell("Outcome", ...outcome),
      cell("Request", ...request),
    );

    detail.hidden = true;
    detail.id = `detail-${event.number}`;
    open.setAttribute("aria-controls", detail.id);
    const toggle = () => {
      if (!detail.firstChild) detail.append(details(event));
      detail.hidden = !detail.hidden;
      open.setAttribute("aria-expanded", String(!detail.hidden));
      made.classList.toggle("is-open", !detail.hidden);
    };
    made.addEventListener("click", (click) => {
      // Text that is being selected is no click on the row.
      if (click.target.closest(".open") || !String(getSelection())) toggle();
    });
    return [made, detail];
  }

  function details(event) {
    const { actor = {}, object = {} } = event;
    const list = element("dl");
    for (const [name, value] of [
      ["Number in the record", event.number],
      ["Written", `${event.at} (UTC)`],
      ["Happened", event.happened && `${event.happened} (UTC)`],
      ["User", actor.user],
      ["Roles", actor.roles?.join(", ")],
      ["Session", actor.session],
      ["Address", actor.address],
      ["What", titles.get(event.kind) ?? event.kind],
      ["Outcome", outcomes[event.outcome]?.[1] ?? event.outcome],
      ["Reason", event.reason],
      ["Patient ID", object.patient],
      ["Study UID", object.study],
      ["Source", object.source],
      ["Further", object.other],
      ["Request", event.request],
    ]) {
      if (value !== undefined && value !== "") list.append(element("dt", name), element("dd", String(value)));
    }
    const made = element("td");
    made.colSpan = 6;
    made.append(list);
    return made;
  }

  // As a file of the browser's own: an address with a filter in it would stay in its list of downloads.
  async function take(button) {
    const label = button.textContent;
    const pairs = new URLSearchParams(filters);
    pairs.set("format", button.dataset.format);
    trouble.hidden = true;
    button.disabled = true;
    button.textContent = "Writing…";
    try {
      const answer = await ask(`/api/audit/export?${pairs}`);
      const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1];
      const link = element("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = name ?? "audit";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      told.textContent = "The file is written.";
    } catch (error) {
      failed(error, () => take(button));
    } finally {
      button.disabled = false;
      button.textContent = label;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  form.addEventListener("reset", () => setTimeout(search));
  older.addEventListener("click", () => page(false));
  trouble.querySelector("button").addEventListener("click", () => again());
  for (const button of document.querySelectorAll("[data-format]")) {
    button.addEventListener("click", () => take(button));
  }
  search();
})();
