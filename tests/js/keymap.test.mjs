import assert from "node:assert/strict";
import { test } from "node:test";
import { WORKSTATION, actionOf, isSend, keyOf } from "../../app/static/js/judge/keymap.js";

const press = (key, more = {}) => ({ key, code: "", target: null, ...more });
const inside = (selector) => ({ closest: (wanted) => (wanted.includes(selector) ? {} : null) });
const act = (event, options) => actionOf(event, WORKSTATION, { levels: 4, ...options });

test("letters choose actions", () => {
  assert.deepEqual(act(press("k")), { action: "play" });
  assert.deepEqual(act(press("J", { shiftKey: true })), { action: "back-far" });
});

test("number keys choose levels from 0, as many as the scale has", () => {
  assert.deepEqual(act(press("1")), { action: "level", value: 0 });
  assert.deepEqual(act(press("4")), { action: "level", value: 3 });
  assert.equal(act(press("5")), null);
});

test("an Arabic layout acts by the place of the key", () => {
  assert.deepEqual(act(press("ن", { code: "KeyK" })), { action: "play" });
  assert.deepEqual(act(press("٣", { code: "Digit3" })), { action: "level", value: 2 });
  assert.equal(keyOf(press("؟", { code: "Slash", shiftKey: true })), "?");
  assert.equal(keyOf(press("ج", { code: "BracketLeft" })), "[");
});

test("a Latin layout acts by the letter, not its place", () => {
  assert.deepEqual(act(press("j", { code: "KeyC" })), { action: "back" }); // Dvorak
});

test("keys are quiet in fields, dialogs, with modifiers, while an IME composes, and switched off", () => {
  assert.equal(act(press("k", { target: inside("textarea") })), null);
  assert.equal(act(press("k"), { dialogOpen: true }), null);
  assert.equal(act(press("k", { ctrlKey: true })), null);
  assert.equal(act(press("k", { altKey: true })), null);
  assert.equal(act(press("k", { isComposing: true })), null);
  assert.equal(act(press("k"), { on: false }), null);
});

test("Enter and Space stay with the button that has the focus", () => {
  assert.equal(act(press(" ", { target: inside("button") })), null);
  assert.deepEqual(act(press(" ")), { action: "play" });
});

test("Ctrl or Cmd with Enter sends", () => {
  assert.ok(isSend(press("Enter", { ctrlKey: true })));
  assert.ok(isSend(press("Enter", { metaKey: true })));
  assert.ok(!isSend(press("Enter")));
});
