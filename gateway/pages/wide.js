// What scripts of work pages have in common: elements, times, asking the gateway, dialogs. Text is set as text alone; nothing is
// kept here.
"use strict";

const { base } = document.body.dataset;
const at = (id) => document.getElementById(id);

/** An element with attributes and what is in it: elements, or text. */
const made = (tag, attributes, ...inside) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== undefined && value !== false) {
      element.setAttribute(name, value);
    }
  }
  element.append(...inside.filter((part) => part !== undefined));
  return element;
};

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** A time: how long ago where that was lately, with the whole time on top. */
const time = (seconds) => {
  if (seconds === undefined || seconds === null) {
    return "\u2013";
  }
  const past = Date.now() / 1000 - seconds;
  const words =
    past < 0 || past >= 86400
      ? full.format(seconds * 1000)
      : past < 60
        ? "just now"
        : past < 3600
          ? ago.format(-Math.round(past / 60), "minute")
          : ago.format(-Math.round(past / 3600), "hour");
  return made("time", { datetime: new Date(seconds * 1000).toISOString(), title: full.format(seconds * 1000) }, words);
};

const tag = (words, kind) => made("span", { class: kind ? `tag ${kind}` : "tag" }, words);
const tags = (all) => made("div", { class: "tags" }, ...all);
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/* Asking the gateway */

class Trouble extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const send = async (method, path, body) => {
  let answer;
  try {
    answer = await fetch(`${base}/api/${path}`, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: { "Content-Type": "application/json", "X-Sagitta": "1" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Trouble("offline", "No connection: the gateway could not be reached. Nothing has been changed.");
  }
  const text = await answer.text();
  if (answer.ok) {
    return text ? JSON.parse(text) : undefined;
  }
  let error = {};
  try {
    ({ error } = JSON.parse(text));
  } catch {
    // A proxy in between has words of its own: they are no help here.
  }
  throw new Trouble(error.code ?? "", sentence(error.message ?? "the gateway refused"));
};

/* Dialogs */

for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

const problem = (id, error) => {
  const place = at(id);
  place.hidden = !error;
  place.textContent = error?.message ?? "";
};

/** Opens a dialog; `act` runs when its form is sent, and closes it when all went well. Gives whether it did. */
const opened = (dialog, act, problemId) =>
  new Promise((resolve) => {
    const form = dialog.querySelector("form");
    const button = form.querySelector(".foot button:not([data-close])");
    let isDone = false;
    const sent = async (event) => {
      event.preventDefault();
      if (button?.disabled) {
        return;
      }
      if (button) {
        button.disabled = true;
      }
      try {
        await act();
        isDone = true;
        dialog.close();
      } catch (error) {
        if (error.code !== "fresh_login_needed") {
          problem(problemId, error);
        }
      } finally {
        if (button) {
          button.disabled = false;
        }
      }
    };
    const closed = () => {
      form.removeEventListener("submit", sent);
      dialog.removeEventListener("close", closed);
      resolve(isDone);
    };
    form.addEventListener("submit", sent);
    dialog.addEventListener("close", closed);
    if (problemId) {
      problem(problemId);
    }
    dialog.showModal();
  });
