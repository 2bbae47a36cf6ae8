// Puts a button into each field of a password that shows what was typed. Without it the pages work as well.
"use strict";

const FORMS = "http://www.w3.org/2000/svg";
const EYE = "M2.5 10S5.2 5 10 5s7.5 5 7.5 5-2.7 5-7.5 5-7.5-5-7.5-5z";
const PUPIL = "M10 7.75a2.25 2.25 0 1 1 0 4.5 2.25 2.25 0 0 1 0-4.5z";
const STROKE = "M4 16 16 4";

const eye = () => {
  const drawn = document.createElementNS(FORMS, "svg");
  drawn.setAttribute("class", "i");
  drawn.setAttribute("viewBox", "0 0 20 20");
  drawn.setAttribute("aria-hidden", "true");
  for (const line of [EYE, PUPIL, STROKE]) {
    const path = document.createElementNS(FORMS, "path");
    path.setAttribute("d", line);
    drawn.append(path);
  }
  return drawn;
};

for (const field of document.querySelectorAll('input[type="password"]')) {
  const had = document.activeElement === field || field.autofocus;
  const place = document.createElement("span");
  place.className = "reveal";
  const button = document.createElement("button");
  button.type = "button";
  button.title = "Show password";
  button.setAttribute("aria-label", "Show password");
  button.setAttribute("aria-controls", field.id);
  button.setAttribute("aria-pressed", "false");
  button.append(eye());
  field.replaceWith(place);
  place.append(field, button);
  if (had) {
    field.focus();
  }
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => {
    const { selectionStart, selectionEnd } = field;
    show(field.type === "password");
    field.focus();
    field.setSelectionRange(selectionStart, selectionEnd);
  });
  // What is sent, and what a browser keeps, comes out of a field of a password; no password stays on a screen that was left.
  field.form?.addEventListener("submit", () => show(false));
  addEventListener("pagehide", () => show(false));
  document.addEventListener("visibilitychange", () => document.hidden && show(false));
}
