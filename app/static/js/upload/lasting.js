// What every upload does: it goes on by itself after a lost connection, a restarted server or an expired address, can
// be paused, and only a refusal ends it. What is sent, and in which order, says who extends it.
import { Refused } from "../api.js";
import { backoff } from "./plan.js";

const PASSING = ["storage", "parts-missing"]; // codes of refusals after which one asks again what has arrived

// One tab at a time sends a thing; the next one goes on when the first is closed. `work` is told whether it had to wait:
// then what this tab knows may be out of date.
export async function alone(name, signal, work) {
  if (!navigator.locks) return work(false);
  const free = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => lock !== null && (await work(false), true));
  if (free) return undefined;
  try {
    return await navigator.locks.request(name, { signal }, () => work(true));
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    return undefined;
  }
}

export class LastingUpload {
  // `changed(upload)` is called whenever state or sent bytes change.
  constructor({ pool, changed }) {
    Object.assign(this, { pool, changed });
    this.state = "waiting";
    this.reason = "";
    this.flying = new Map();
    this.tries = 0;
    this.stopper = new AbortController();
    this.wake = () => {};
  }

  set(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.changed(this);
  }

  pause() {
    if (this.state === "done" || this.state === "refused") return;
    this.set("paused");
    this.stopper.abort();
    this.flying.clear();
  }

  resume() {
    if (this.state !== "paused") return;
    this.stopper = new AbortController();
    this.tries = 0;
    this.run();
  }

  stop() {
    this.state = "stopped";
    this.stopper.abort();
  }

  // The connection is back, there is more to send, or the reader looks at the page again: don't wait any longer.
  hurry() {
    this.wake();
  }

  // Whether to try again after an error; waits before it says so.
  async goesOn(error, signal) {
    if (error.code === "not-uploading") {
      this.set("done"); // somebody else completed it: another tab, or a call whose answer was lost
      return false;
    }
    if (error instanceof Refused && !error.passing && !PASSING.includes(error.code)) {
      this.set("refused", error.message);
      return false;
    }
    console.warn("upload interrupted", error);
    this.tries += 1;
    if (this.tries === 1 && error.code === "storage" && error.status === 403) return true; // signed too long ago
    const answered = error instanceof Refused; // the line is there: it is the storage, or we, that can't just now
    this.set(!navigator.onLine ? "offline" : answered ? "busy" : "retrying");
    await this.wait(backoff(this.tries) * 1000, signal);
    return true;
  }

  // Until `hurry`, a stop, or the time is over; without a time only until one of the others.
  wait(milliseconds, signal) {
    return new Promise((resolve) => {
      const timer = milliseconds === null ? null : setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", this.wake, { once: true });
    });
  }

  // Send these parts, as many at once as the pool allows. When one fails the others are stopped first.
  async sendAll(numbers, send, signal) {
    const group = new AbortController();
    const both = AbortSignal.any([signal, group.signal]);
    const sends = numbers.map((number) =>
      this.pool.run(() => {
        both.throwIfAborted();
        return send(number, both);
      }),
    );
    try {
      await Promise.all(sends);
    } catch (error) {
      group.abort();
      await Promise.allSettled(sends);
      throw error;
    }
  }
}
