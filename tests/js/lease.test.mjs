import assert from "node:assert/strict";
import { test } from "node:test";
import { leaseStep } from "../../app/static/js/judge/lease-step.js";

const MINUTE = 60_000;
const step = (left, idle) => leaseStep({ left_ms: left * MINUTE, whole_ms: 15 * MINUTE, idle_ms: idle * MINUTE });

test("a lease is renewed while somebody works, but not at once", () => {
  assert.equal(step(14, 0), "wait");
  assert.equal(step(11, 0.5), "renew");
});

test("five minutes before its end an idle lease warns", () => {
  assert.equal(step(8, 6), "wait");
  assert.equal(step(5, 9), "warn");
  assert.equal(step(5, 0.5), "renew");
});

test("a short lease warns in its last third only", () => {
  assert.equal(leaseStep({ left_ms: 2 * MINUTE, whole_ms: 3 * MINUTE, idle_ms: 2 * MINUTE }), "wait");
});

test("a lease that is over says so, whatever else", () => {
  assert.equal(step(0, 0), "over");
});
