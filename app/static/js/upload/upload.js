// One file on its way: asks what the storage holds, sends the rest in parts, says the fingerprint, completes.
// It goes on by itself after a lost connection, a restarted server or an expired address; only a refusal ends it.
import { Refused, call } from "../api.js";
import { fingerprint } from "./fingerprint.js";
import { backoff, missingParts, rangeOf } from "./plan.js";
import { put } from "./put.js";

const SIGN_AT_ONCE = 12;

export class Upload {
  // `plan`: {partSize, partCount}. `changed(upload)` is called whenever state or sent bytes change.
  constructor({ evidence, file, plan, pool, changed }) {
    Object.assign(this, { evidence, file, plan, pool, changed });
    this.state = "waiting";
    this.arrived = 0;
    this.flying = new Map();
    this.tries = 0;
    this.reason = "";
    this.stopper = new AbortController();
    this.wake = () => {};
  }

  get sent() {
    let flying = 0;
    for (const loaded of this.flying.values()) flying += loaded;
    return Math.min(this.file.size, this.arrived + flying);
  }

  get size() {
    return this.file.size;
  }

  #set(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.changed(this);
  }

  pause() {
    if (this.state === "done" || this.state === "refused") return;
    this.#set("paused");
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

  // The connection is back, or the reader looks at the page again: don't wait any longer.
  hurry() {
    this.wake();
  }

  async run() {
    const { signal } = this.stopper;
    await alone(this.evidence, signal, () => this.#untilDone(signal));
  }

  async #untilDone(signal) {
    while (!signal.aborted) {
      try {
        await this.#once(signal);
        return;
      } catch (error) {
        this.flying.clear();
        if (signal.aborted) return;
        if (!(await this.#goesOn(error, signal))) return;
      }
    }
  }

  async #goesOn(error, signal) {
    if (error.name === "NotReadableError" || error.name === "NotFoundError") {
      this.#set("file-gone");
      return false;
    }
    if (error.code === "not-uploading") {
      this.#set("done"); // somebody else completed it: another tab, or a call whose answer was lost
      return false;
    }
    const ours = error instanceof Refused && error.code !== "storage" && !error.passing && error.code !== "parts-missing";
    if (ours) {
      this.#set("refused", error.message);
      return false;
    }
    console.warn("upload interrupted", error);
    this.tries += 1;
    if (this.tries === 1 && error.code === "storage" && error.status === 403) return true; // signed too long ago
    this.#set(navigator.onLine ? "retrying" : "offline");
    await this.#wait(backoff(this.tries) * 1000, signal);
    return true;
  }

  #wait(milliseconds, signal) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      const now = () => {
        clearTimeout(timer);
        resolve();
      };
      this.wake = now;
      signal.addEventListener("abort", now, { once: true });
    });
  }

  async #once(signal) {
    const path = `/api/v1/evidence/${this.evidence}`;
    const { parts } = await call("GET", `${path}/parts`, undefined, { signal });
    this.arrived = parts.reduce((sum, part) => sum + part.size_bytes, 0);
    this.#set("sending");
    const print = this.#fingerprint(signal);
    print.catch(() => {}); // awaited below; a failed part must not leave it unhandled meanwhile
    const { partSize, partCount } = this.plan;
    await this.#sendAll(missingParts(partCount, partSize, this.size, parts), signal);
    const sha256 = await print;
    this.#set("finishing");
    await call("POST", `${path}/complete`, { sha256, part_count: partCount, size_bytes: this.size }, { signal });
    this.#set("done");
  }

  // Computed once, beside the sending, whatever happens to the connection meanwhile.
  #fingerprint(signal) {
    this.print ??= fingerprint(this.file, { signal }).catch((error) => {
      this.print = undefined;
      throw error;
    });
    return this.print;
  }

  async #sendAll(numbers, signal) {
    const group = new AbortController();
    const both = AbortSignal.any([signal, group.signal]);
    const signer = new Signer(this.evidence, numbers);
    const sends = numbers.map((number) =>
      this.pool.run(async () => {
        both.throwIfAborted();
        await this.#send(await signer.of(number, both), both);
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

  async #send(part, signal) {
    const [start, end] = rangeOf(part.number, this.plan.partSize, this.size);
    const onProgress = (loaded) => {
      this.flying.set(part.number, loaded);
      this.changed(this);
    };
    await put(part, this.file.slice(start, end), { signal, onProgress });
    this.flying.delete(part.number);
    this.arrived += end - start;
    this.tries = 0;
    this.changed(this);
  }
}

// One tab at a time sends a file; the next one goes on when the first is closed.
async function alone(evidence, signal, work) {
  if (!navigator.locks) return work();
  try {
    return await navigator.locks.request(`assay-upload:${evidence}`, { signal }, work);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    return undefined;
  }
}

// Signs parts a dozen at a time, in order, as they are needed.
class Signer {
  constructor(evidence, numbers) {
    this.evidence = evidence;
    this.rest = [...numbers];
    this.signed = new Map();
  }

  async of(number, signal) {
    while (!this.signed.has(number)) {
      this.asking ??= this.#more(signal).finally(() => {
        this.asking = undefined;
      });
      await this.asking;
    }
    return this.signed.get(number);
  }

  async #more(signal) {
    const numbers = this.rest.splice(0, SIGN_AT_ONCE);
    const { parts } = await call("POST", `/api/v1/evidence/${this.evidence}/parts`, { numbers }, { signal });
    for (const part of parts) this.signed.set(part.number, part);
  }
}
