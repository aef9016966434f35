import assert from "node:assert/strict";
import { test } from "node:test";
import * as drafts from "../../app/static/js/judge/draft.js";

const moment = (start_ms) => ({ evidence_id: "e1", start_ms, end_ms: start_ms + 5000 });
const yes = { valid: true, authentic: true, current: true, sufficient: true };

test("an empty draft has every part", () => {
  const draft = drafts.read({});
  assert.deepEqual(draft.vacs, { valid: null, authentic: null, current: null, sufficient: null });
  assert.deepEqual(drafts.patchBody(draft).scores, []);
});

test("levels, notes and moments come back as they went", () => {
  let draft = drafts.setLevel(drafts.read({}), "ID", 0);
  draft = drafts.setNote(drafts.addMoment(drafts.addMoment(draft, "ID", moment(9000)), "ID", moment(4000)), "ID", "late");
  const again = drafts.read(drafts.patchBody(draft));
  assert.deepEqual(again, draft);
  assert.deepEqual(again.scores.ID.moments.map((each) => each.start_ms), [4000, 9000]);
});

test("the same moment twice is one", () => {
  const draft = drafts.addMoment(drafts.addMoment(drafts.read({}), "ID", moment(4000)), "ID", moment(4000));
  assert.equal(draft.scores.ID.moments.length, 1);
  assert.equal(drafts.removeMoment(draft, "ID", 0).scores.ID.moments.length, 0);
});

test("a note without a level is saved, but not sent", () => {
  const draft = drafts.setNote(drafts.read({}), "ID", "thinking");
  assert.equal(drafts.patchBody(draft).scores.length, 1);
  assert.deepEqual(drafts.sendBody(draft).scores, []);
});

test("changes leave the draft before as it was", () => {
  const before = drafts.read({ scores: [{ criterion: "ID", level: 1, moments: [] }] });
  drafts.addMoment(drafts.setLevel(before, "ID", 3), "ID", moment(1));
  assert.equal(before.scores.ID.level, 1);
  assert.deepEqual(before.scores.ID.moments, []);
});

test("four gates open the levels; not sufficient and not authentic need no levels", () => {
  let draft = drafts.read({ vacs: { ...yes, sufficient: null } });
  assert.deepEqual([drafts.gates(draft).open, drafts.gates(draft).next], [false, "sufficient"]);
  draft = drafts.setGate(draft, "sufficient", false);
  assert.ok(drafts.isComplete(draft, ["ID"]));
  draft = drafts.setGate(draft, "sufficient", true);
  assert.ok(!drafts.isComplete(draft, ["ID"]));
  assert.ok(drafts.isComplete(drafts.setLevel(draft, "ID", 0), ["ID"]));
});

test("undo goes back one change at a time", () => {
  const past = drafts.history();
  const one = drafts.setLevel(drafts.read({}), "ID", 1);
  past.keep(drafts.read({}));
  past.keep(one);
  assert.equal(past.back(), one);
  assert.deepEqual(past.back(), drafts.read({}));
  assert.equal(past.back(), null);
});

test("two drafts differ by name of part", () => {
  const one = drafts.read({ vacs: yes, message: "a" });
  assert.deepEqual(drafts.differences(one, drafts.setMessage(one, "b")), ["message"]);
  assert.deepEqual(drafts.differences(one, one), []);
});
