// The queue: move with J and K, open with Enter, start the next with N, find with the slash.
import { QUEUE, actionOf } from "../judge/keymap.js";
import { all, one, settings, showToldText } from "../judge/page.js";

const rows = all("[data-rows] tbody tr");
let at = -1;

function move(step) {
  if (!rows.length) return;
  at = Math.max(0, Math.min(rows.length - 1, at + step));
  rows.forEach((row, n) => (n === at ? row.setAttribute("aria-selected", "true") : row.removeAttribute("aria-selected")));
  one("[data-open]", rows[at]).focus();
}

const acts = {
  after: () => move(1),
  before: () => move(-1),
  open: () => rows[at] && one("[data-open]", rows[at]).click(),
  next: () => one("[data-act=next]")?.click(),
  search: () => one("#s")?.focus(),
};

document.addEventListener("keydown", (event) => {
  const found = actionOf(event, QUEUE, { on: settings.get("single-keys", true) });
  if (!found || !acts[found.action]) return;
  event.preventDefault();
  acts[found.action]();
});

for (const [n, row] of rows.entries()) {
  row.addEventListener("click", (event) => event.target.closest("button, a") || one("[data-open]", row).click());
  row.addEventListener("focusin", () => {
    at = n;
    move(0);
  });
}
showToldText();
