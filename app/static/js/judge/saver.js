// Saving a draft as it changes: on this device first, then on the server. Everything from outside comes in as a function,
// so that the order of events can be tested without a browser.

export const WAIT_MS = 400;
const RETRY_MS = [1000, 2000, 5000, 10000, 20000];

/**
 * Make a saver.
 *
 * journal: `{ put(record), remove() }`, the copy on this device; `send(version, draft)` answers
 * `{ kind: "saved", version, saved_at, body }`, `{ kind: "stale", version, draft }`, `{ kind: "offline" }` or
 * `{ kind: "refused", status, problem }`; `tell(state, facts)` shows the state: saving, saved, offline, stale, refused.
 */
export function makeSaver({ journal, send, tell, version, later = setTimeout, cancel = clearTimeout }) {
  let draft = null, dirty = false, running = null, timer = null, tries = 0, halted = false;

  function schedule(ms) {
    cancel(timer);
    timer = later(() => flush(), ms);
  }

  async function once() {
    const sent = draft;
    dirty = false;
    tell("saving", {});
    const answer = await send(version, sent);
    if (answer.kind === "saved") return saved(answer);
    dirty = true;
    if (answer.kind === "offline") return offline();
    halted = true;
    tell(answer.kind, answer);
    return answer.kind;
  }

  async function saved(answer) {
    version = answer.version;
    tries = 0;
    if (dirty) {
      await journal.put({ version, draft });
      return once();
    }
    await journal.remove();
    tell("saved", answer);
    return "saved";
  }

  function offline() {
    tell("offline", {});
    schedule(RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
    return "offline";
  }

  async function flush() {
    cancel(timer);
    if (running) return running.then(() => (dirty && !halted ? flush() : undefined));
    if (!dirty || halted) return halted ? "stopped" : "saved";
    running = once().finally(() => (running = null));
    return running;
  }

  return {
    /** Note a change: kept on this device at once, sent in a moment. */
    async change(next) {
      draft = next;
      dirty = true;
      if (!halted) schedule(WAIT_MS);
      await journal.put({ version, draft });
    },
    flush,
    /** Go on after a stale version or a refusal, from this version of the server's. */
    resume(from, next) {
      version = from;
      draft = next;
      halted = false;
      dirty = true;
      return flush();
    },
    /** Take over what the server has: nothing of ours is left to save. */
    async adopt(from) {
      version = from;
      halted = false;
      dirty = false;
      await journal.remove();
    },
    stop() {
      halted = true;
      cancel(timer);
    },
    get version() {
      return version;
    },
    get isDirty() {
      return dirty;
    },
    get draft() {
      return draft;
    },
  };
}
