// Which key does what. Pure: an event in, the name of an action out.
// Letters are matched by their place on the keyboard (`code`) when the layout gives no Latin letter, as Arabic ones do.

const FIELDS = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable=true]";

export const WORKSTATION = {
  k: "play", " ": "play", j: "back", l: "forward", J: "back-far", L: "forward-far",
  ",": "word-before", ".": "word-after", "<": "slower", ">": "faster",
  i: "mark-in", o: "mark-out", r: "repeat", s: "skip-silence", u: "unsure", w: "correct", c: "comment", e: "link",
  "[": "criterion-before", "]": "criterion-after", v: "gates", y: "yes", n: "no", "/": "search", "?": "keys",
};
export const QUEUE = { j: "after", k: "before", n: "next", "/": "search", Enter: "open", "?": "keys" };
export const DECISION = { u: "uphold", o: "overturn", r: "return-with-advice" };

const BY_CODE = { Comma: ",", Period: ".", BracketLeft: "[", BracketRight: "]", Slash: "/" };

function isLatin(key) {
  return key.length > 1 || key.charCodeAt(0) < 128;
}

/** The key as an English keyboard would give it, whatever the layout. */
export function keyOf(event) {
  const { key, code } = event;
  if (isLatin(key)) return key;
  if (/^Key[A-Z]$/.test(code)) return event.shiftKey ? code[3] : code[3].toLowerCase();
  if (/^Digit[0-9]$/.test(code)) return code[5];
  if (event.shiftKey && code === "Slash") return "?";
  if (event.shiftKey && code === "Comma") return "<";
  if (event.shiftKey && code === "Period") return ">";
  return BY_CODE[code] ?? key;
}

/** Say whether single keys must leave this event alone: fields, dialogs, an IME at work, Ctrl, Alt or Meta. */
export function isQuiet(event, { dialogOpen = false } = {}) {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return true;
  if (event.ctrlKey || event.metaKey || event.altKey || dialogOpen) return true;
  return Boolean(event.target?.closest?.(FIELDS));
}

/** Ctrl or Cmd with Enter sends, also from inside a field. */
export function isSend(event) {
  return (event.ctrlKey || event.metaKey) && event.key === "Enter" && !event.isComposing;
}

/** Buttons and links keep Enter and Space for themselves. */
function ownsKey(event, key) {
  return (key === " " || key === "Enter") && Boolean(event.target?.closest?.("button, a, summary, label, input, [role=slider]"));
}

/**
 * Return the action of a key, or null. `levels` is how many levels there are: keys 1 to `levels` choose one,
 * as `{ action: "level", value: 0 }`.
 */
export function actionOf(event, map, { on = true, dialogOpen = false, levels = 0 } = {}) {
  if (!on || isQuiet(event, { dialogOpen })) return null;
  const key = keyOf(event);
  if (ownsKey(event, key)) return null;
  const number = /^[1-9]$/.test(key) ? Number(key) : 0;
  if (number && number <= levels) return { action: "level", value: number - 1 };
  const action = map[key] ?? map[key.toLowerCase()];
  return action ? { action } : null;
}
