// A take on its way while it is still growing: each full part is sent at once, the rest when it is finished.
// What the storage holds is asked for, never sent twice.
import { Refused, call } from "../api.js";
import { fingerprint } from "../upload/fingerprint.js";
import { LastingUpload, alone } from "../upload/lasting.js";
import { missingParts, rangeOf } from "../upload/plan.js";
import { put } from "../upload/put.js";

const LEAST_PART = 5 * 1024 ** 2; // no part but the last may be smaller

export class LiveUpload extends LastingUpload {
  // `finished`: nothing will be added.
  constructor({ take, pool, changed, finished = false }) {
    super({ pool, changed });
    Object.assign(this, { take, finished });
    this.sizes = null;
  }

  get evidence() {
    return this.take.record.evidence;
  }

  get size() {
    return this.take.saved;
  }

  get sent() {
    const all = [...(this.sizes?.values() ?? []), ...this.flying.values()];
    return Math.min(this.size, all.reduce((sum, each) => sum + each, 0));
  }

  async run() {
    const { signal } = this.stopper;
    await alone(`assay-take:${this.take.id}`, signal, async (waited) => {
      if (waited && !(await this.take.reread())) this.set("stopped"); // another tab has sent it, or thrown it away
      else await this.#untilDone(signal);
    });
  }

  async #untilDone(signal) {
    while (!signal.aborted) {
      try {
        if (await this.#once(signal)) return;
        if (!this.#more()) await this.wait(null, signal);
      } catch (error) {
        this.flying.clear();
        this.sizes = null;
        if (signal.aborted || !(await this.goesOn(error, signal))) return;
      }
    }
  }

  // Whether something can be sent now.
  #more() {
    return this.finished || (this.state !== "no-room" && this.size >= this.#due());
  }

  // The size at which the next part is full.
  #due() {
    return ((this.sizes?.size ?? 0) + 1) * (this.take.record.part_size ?? LEAST_PART);
  }

  async goesOn(error, signal) {
    if (error.code !== "too-many-items" || this.finished) return super.goesOn(error, signal);
    this.set("no-room"); // the earlier take still stands there; this one waits until it is chosen
    await this.wait(null, signal);
    return true;
  }

  // One pass over all that can be sent; true once everything has arrived.
  async #once(signal) {
    if (!this.#more()) return false;
    await this.#begin(signal);
    const path = `/api/v1/evidence/${this.evidence}`;
    if (this.sizes === null) {
      const { parts } = await call("GET", `${path}/parts`, undefined, { signal });
      this.sizes = new Map(parts.map((part) => [part.number, part.size_bytes]));
    }
    const { finished, size, blob } = { finished: this.finished, size: this.size, blob: this.take.blob };
    this.set("sending");
    await this.#send(blob, finished ? size : size - (size % this.take.record.part_size), signal);
    this.tries = 0;
    if (!finished) return false;
    this.set("finishing");
    const sha256 = await fingerprint(blob, { signal });
    const part_count = Math.ceil(size / this.take.record.part_size);
    await call("POST", `${path}/complete`, { sha256, part_count, size_bytes: size }, { signal });
    this.set("done");
    return true;
  }

  // The evidence is made when its first part is full, or at the end; the same key makes it once, also after a crash.
  async #begin(signal) {
    const { record } = this.take;
    if (record.evidence) return;
    const told = { kind: record.kind, name: record.name, media_type: record.type, size_bytes: null };
    if (record.phrase) told.phrase_id = record.phrase.id;
    const made = await call("POST", `/api/v1/submissions/${record.submission}/evidence`, told, { key: record.id, signal });
    await this.take.save({ evidence: made.id, part_size: made.upload.part_size_bytes });
  }

  async #send(blob, upTo, signal) {
    const partSize = this.take.record.part_size;
    const held = [...this.sizes].map(([number, size_bytes]) => ({ number, size_bytes }));
    const numbers = missingParts(Math.ceil(upTo / partSize), partSize, upTo, held);
    await this.sendAll(numbers, (number, both) => this.#sendOne(number, blob, upTo, both), signal);
  }

  async #sendOne(number, blob, upTo, signal) {
    const [start, end] = rangeOf(number, this.take.record.part_size, upTo);
    const wanted = { parts: [{ number, size_bytes: end - start }] };
    const { parts } = await call("POST", `/api/v1/evidence/${this.evidence}/parts`, wanted, { signal });
    const onProgress = (loaded) => {
      this.flying.set(number, loaded);
      this.changed(this);
    };
    await put(parts[0], blob.slice(start, end), { signal, onProgress });
    this.flying.delete(number);
    this.sizes.set(number, end - start);
    this.changed(this);
  }
}
