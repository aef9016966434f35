import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, fill } from "../../app/static/js/judge/times.js";
import { bars, barsPath, clusters } from "../../app/static/js/judge/wave.js";

test("a bar is the highest of its peaks", () => {
  assert.deepEqual(bars([10, 100, 20, 0], 2), [1, 0.2]);
  assert.equal(bars([1, 2, 3], 100).length, 3);
  assert.deepEqual(bars([], 100), []);
  assert.match(barsPath([1, 0], 10, 60), /^M2\.5 0\.0V60\.0M7\.5 29\.2V30\.8$/);
});

test("marks closer than 24 pixels become one target", () => {
  const marks = [{ start_ms: 0 }, { start_ms: 2000 }, { start_ms: 50_000 }];
  const groups = clusters(marks, { duration_ms: 100_000, width: 500 });
  assert.deepEqual(groups.map((group) => [group.at, group.marks.length]), [[0, 2], [250, 1]]);
  for (let n = 1; n < groups.length; n++) assert.ok(groups[n].at - groups[n - 1].at >= 24);
});

test("times read as people say them", () => {
  assert.deepEqual([clock(0), clock(378_400), clock(3_723_000)], ["0:00", "6:18", "1:02:03"]);
  assert.equal(fill("Saved {time}, {gone}", { time: "12:04" }), "Saved 12:04, {gone}");
});
