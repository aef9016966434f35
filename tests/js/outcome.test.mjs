import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "../../app/static/js/judge/draft.js";
import { missingCriteria, outcomeWords, percentOf } from "../../app/static/js/judge/outcome.js";

const say = (name, values) => (values ? `${name}(${Object.values(values).join(",")})` : name);
const titles = (codes) => codes.join("+");
const words = (preview, draft = read({}), kind = "send") => outcomeWords({ missing: [], percent: null, outcome: null, ...preview }, draft, { say, titles, kind });

test("a fraction is shown as people read percent", () => {
  assert.deepEqual(["200/3", "65/1", "60"].map(percentOf), ["66.7", "65", "60"]);
});

test("criteria without a level are told from those without proof", () => {
  const draft = read({ scores: [{ criterion: "ID", level: 2, moments: [] }] });
  const preview = { missing: [{ field: "scores.ID" }, { field: "scores.LI" }, { field: "message" }] };
  assert.deepEqual(missingCriteria(preview, draft), { levels: ["LI"], proof: ["ID"] });
});

test("the sentence says what is missing before it says the outcome", () => {
  assert.equal(words({ missing: [{ field: "vacs.valid" }] }), "gates_first");
  assert.equal(words({ missing: [{ field: "scores.LI" }] }), "outcome_levels(LI)");
});

test("a complete judgement says outcome, message and that it is final", () => {
  const preview = { outcome: "not-yet-competent", percent: "175/3", missing: [{ field: "message" }] };
  assert.equal(words(preview), "outcome_not_yet(percent(58.3)) outcome_message held final");
  assert.equal(words(preview, read({}), "blind"), "outcome_not_yet(percent(58.3)) final_blind");
});

test("work that goes back or is doubted is no outcome", () => {
  assert.equal(words({ outcome: "returned" }), "outcome_returned final");
  assert.equal(words({ outcome: "under-investigation" }, read({}), "blind"), "blind_investigation final_blind");
});
