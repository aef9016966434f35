// One file on its way: asks what the storage holds, sends the rest in parts, says the fingerprint, completes.
import { call } from "../api.js";
import { fingerprint } from "./fingerprint.js";
import { LastingUpload, alone } from "./lasting.js";
import { missingParts, rangeOf } from "./plan.js";
import { put } from "./put.js";

const SIGN_AT_ONCE = 12;

export class Upload extends LastingUpload {
  // `plan`: {partSize, partCount}.
  constructor({ evidence, file, plan, pool, changed }) {
    super({ pool, changed });
    Object.assign(this, { evidence, file, plan });
    this.arrived = 0;
  }

  get sent() {
    let flying = 0;
    for (const loaded of this.flying.values()) flying += loaded;
    return Math.min(this.file.size, this.arrived + flying);
  }

  get size() {
    return this.file.size;
  }

  async run() {
    const { signal } = this.stopper;
    await alone(`assay-upload:${this.evidence}`, signal, () => this.#untilDone(signal));
  }

  async #untilDone(signal) {
    while (!signal.aborted) {
      try {
        await this.#once(signal);
        return;
      } catch (error) {
        this.flying.clear();
        if (signal.aborted) return;
        if (!(await this.goesOn(error, signal))) return;
      }
    }
  }

  goesOn(error, signal) {
    if (error.name !== "NotReadableError" && error.name !== "NotFoundError") return super.goesOn(error, signal);
    this.set("file-gone");
    return false;
  }

  async #once(signal) {
    const path = `/api/v1/evidence/${this.evidence}`;
    const { parts } = await call("GET", `${path}/parts`, undefined, { signal });
    this.arrived = parts.reduce((sum, part) => sum + part.size_bytes, 0);
    this.set("sending");
    const print = this.#fingerprint(signal);
    print.catch(() => {}); // awaited below; a failed part must not leave it unhandled meanwhile
    const { partSize, partCount } = this.plan;
    const numbers = missingParts(partCount, partSize, this.size, parts);
    const signer = new Signer(this.evidence, numbers);
    await this.sendAll(numbers, async (number, both) => this.#send(await signer.of(number, both), both), signal);
    const sha256 = await print;
    this.set("finishing");
    await call("POST", `${path}/complete`, { sha256, part_count: partCount, size_bytes: this.size }, { signal });
    this.set("done");
  }

  // Computed once, beside the sending, whatever happens to the connection meanwhile.
  #fingerprint(signal) {
    this.print ??= fingerprint(this.file, { signal }).catch((error) => {
      this.print = undefined;
      throw error;
    });
    return this.print;
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
