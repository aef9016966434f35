import assert from "node:assert/strict";
import { test } from "node:test";
import { Hold, barsLit, levelWord } from "../../app/static/js/record/level.js";
import { minutesFor, percentSent, standing } from "../../app/static/js/record/limits.js";

const rubric = { min_ms: 180_000, max_ms: 480_000 };

test("the bar stands against the longest, with a mark at the least", () => {
  const now = standing(120_000, rubric);
  assert.deepEqual([now.share, now.mark, now.missing_ms, now.left_ms], [0.25, 0.375, 60_000, 360_000]);
  assert.equal(standing(200_000, rubric).missing_ms, 0);
});

test("a warning comes 30 seconds before the longest, sooner in the order of things for a short one", () => {
  assert.equal(standing(449_999, rubric).soon, false);
  assert.equal(standing(450_000, rubric).soon, true);
  assert.equal(standing(3_000, { min_ms: null, max_ms: 8_000 }).soon, false);
  assert.equal(standing(6_000, { min_ms: null, max_ms: 8_000 }).soon, true);
});

test("it is over at the longest and never without one", () => {
  assert.deepEqual([standing(480_000, rubric).over, standing(480_000, rubric).soon], [true, false]);
  const free = standing(9_000_000, { min_ms: null, max_ms: null });
  assert.deepEqual([free.over, free.soon, free.mark, free.share < 1], [false, false, null, true]);
});

test("what was sent is told in whole percent once something was", () => {
  assert.equal(percentSent(0, 100), null);
  assert.equal(percentSent(999, 1000), 99);
  assert.equal(percentSent(1000, 1000), 100);
  assert.equal(minutesFor(10 ** 9, 2_628_000), 50);
});

test("the level is told in words that hold for some seconds", () => {
  assert.deepEqual([0, 0.01, 0.3, 1].map(levelWord), ["none", "quiet", "good", "loud"]);
  assert.deepEqual([0, 0.001, 0.0316, 1].map((peak) => barsLit(peak, 14)), [0, 0, 7, 14]);
  const hold = new Hold();
  hold.add(0.5, 0);
  assert.equal(hold.add(0.01, 2_000), 0.5);
  assert.equal(hold.add(0.01, 3_000), 0.01);
});
