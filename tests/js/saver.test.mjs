import assert from "node:assert/strict";
import { test } from "node:test";
import { fateOf } from "../../app/static/js/judge/fate.js";
import { makeSaver } from "../../app/static/js/judge/saver.js";

/** A saver with a journal in memory, a server that answers from a list, and a clock that runs when it is told. */
function setting(answers, version = 1) {
  const seen = { told: [], sent: [], journal: undefined, timers: new Map() };
  let next = 1;
  const saver = makeSaver({
    version,
    journal: {
      put: async (record) => void (seen.journal = record),
      remove: async () => void (seen.journal = undefined),
    },
    send: async (from, draft) => {
      seen.sent.push([from, draft]);
      const answer = answers.shift();
      return typeof answer === "function" ? answer() : answer;
    },
    tell: (state) => seen.told.push(state),
    later: (run, ms) => {
      seen.timers.set(next, { run, ms });
      return next++;
    },
    cancel: (number) => void seen.timers.delete(number),
  });
  const tick = () => {
    const due = [...seen.timers.values()];
    seen.timers.clear();
    return Promise.all(due.map((timer) => timer.run()));
  };
  return { saver, seen, tick };
}

const saved = (version) => ({ kind: "saved", version });

test("a change is on this device before anything is sent, and gone when the server has it", async () => {
  const { saver, seen, tick } = setting([saved(2)]);
  await saver.change("a");
  assert.deepEqual(seen.journal, { version: 1, draft: "a" });
  assert.deepEqual(seen.sent, []);
  assert.ok([...seen.timers.values()].every((timer) => timer.ms <= 800));
  await tick();
  assert.deepEqual(seen.sent, [[1, "a"]]);
  assert.equal(seen.journal, undefined);
  assert.deepEqual(seen.told, ["saving", "saved"]);
  assert.equal(saver.version, 2);
});

test("a change while one is being sent follows at once with the new version", async () => {
  let answerFirst;
  const { saver, seen, tick } = setting([() => new Promise((resolve) => (answerFirst = resolve)), saved(3)]);
  await saver.change("a");
  const done = tick();
  await saver.change("b");
  answerFirst(saved(2));
  await done;
  assert.deepEqual(seen.sent, [[1, "a"], [2, "b"]]);
  assert.equal(seen.journal, undefined);
});

test("offline keeps the copy on this device and tries again", async () => {
  const { saver, seen, tick } = setting([{ kind: "offline" }, saved(2)]);
  await saver.change("a");
  await tick();
  assert.deepEqual(seen.told, ["saving", "offline"]);
  assert.deepEqual(seen.journal, { version: 1, draft: "a" });
  await tick();
  assert.equal(seen.told.at(-1), "saved");
});

test("a stale version stops saving until somebody chooses; both drafts are there", async () => {
  const { saver, seen, tick } = setting([{ kind: "stale", version: 5, draft: "theirs" }, saved(6)]);
  await saver.change("mine");
  await tick();
  assert.equal(seen.told.at(-1), "stale");
  await saver.change("mine 2");
  await tick();
  assert.equal(seen.sent.length, 1);
  assert.deepEqual(seen.journal, { version: 1, draft: "mine 2" });
  await saver.resume(5, "mine 2");
  assert.deepEqual(seen.sent.at(-1), [5, "mine 2"]);
  assert.equal(seen.told.at(-1), "saved");
});

test("a copy found on this device is applied, or shown beside the server's", () => {
  assert.equal(fateOf(undefined, 3), "none");
  assert.equal(fateOf({ version: 3 }, 3), "apply");
  assert.equal(fateOf({ version: 2 }, 3), "conflict");
});
