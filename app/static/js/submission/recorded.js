// Recordings made in the browser, on the page of their submission: one in use is sent on, one left over is offered.
import { discard, finishDiscard } from "../record/discard.js";
import { takesOf } from "../record/takes.js";
import { clock, say } from "../texts.js";
import { LiveUpload } from "./live-upload.js";

export class Recorded {
  constructor({ main, rows, uploads, message }) {
    Object.assign(this, { main, rows, uploads, message, submission: main.dataset.submission });
    this.sending = new Map();
    this.looking = true; // until it is known what is here, nothing may be sent without it
    this.box = main.querySelector("[data-found]");
    for (const event of ["online", "focus"]) addEventListener(event, () => this.sending.forEach((upload) => upload.hurry()));
  }

  /** Whether a recording is still on its way. */
  get unfinished() {
    return this.looking || this.sending.size > 0;
  }

  /** Go on with what is here. Returns the ids of evidence that is looked after. */
  async start() {
    try {
      return await this.#start();
    } finally {
      this.looking = false;
    }
  }

  async #start() {
    if (!window.indexedDB) return new Set();
    if (!this.box) return this.#clear();
    const takes = await takesOf(this.submission);
    const elsewhere = await recordedElsewhere(this.submission);
    for (const take of takes) {
      if (take.record.state === "dropped") finishDiscard(take).catch((error) => console.warn("not deleted yet", error));
      else if (take.record.state === "used") this.#send(take);
      else if (take.saved && !elsewhere) this.#offer(take);
    }
    return new Set(takes.map((take) => take.record.evidence).filter((id) => id && this.#mine(id)));
  }

  // What was sent is with us; a take that was not used has no business here any more.
  async #clear() {
    for (const take of await takesOf(this.submission)) await take.forget();
    return new Set();
  }

  #mine(evidence) {
    return [...this.sending.values()].some((upload) => upload.evidence === evidence);
  }

  #offer(take) {
    this.#tell(say("rec_found", { time: clock(take.record.elapsed_ms) }), true);
  }

  #tell(text, link) {
    this.box.hidden = false;
    this.box.querySelector("[data-found-text]").textContent = text;
    this.box.querySelector("a").hidden = !link;
  }

  #send(take) {
    const changed = (upload) => this.#changed(upload).catch((error) => console.error(error));
    const upload = new LiveUpload({ take, pool: this.uploads.pool, changed, finished: true });
    this.sending.set(take.id, upload);
    if (!upload.evidence) this.#tell(say("rec_waits", { time: clock(take.record.elapsed_ms) }), false);
    upload.run();
  }

  async #changed(upload) {
    const { take, evidence } = upload;
    if (!evidence) return this.#withoutEvidence(upload);
    this.box.hidden = this.box.querySelector("a").hidden || this.box.hidden;
    if (!this.rows.row(evidence)) await (this.drawing ??= this.rows.refresh(evidence).finally(() => (this.drawing = null)));
    if (["done", "refused", "stopped"].includes(upload.state)) this.sending.delete(take.id);
    this.uploads.follow(upload);
    if (upload.state === "done") await take.forget();
    if (upload.state === "stopped") this.rows.refreshSoon(evidence); // another tab was quicker
    return undefined;
  }

  #withoutEvidence(upload) {
    if (upload.state === "refused") return this.#giveBack(upload);
    if (upload.state !== "stopped") return undefined;
    this.sending.delete(upload.take.id); // another tab was quicker
    this.box.hidden = this.box.querySelector("a").hidden || this.box.hidden;
    return undefined;
  }

  // The server takes it no more as it is: the candidate decides again.
  async #giveBack(upload) {
    this.sending.delete(upload.take.id);
    this.message.show(upload.reason);
    await upload.take.save({ state: "finished" });
    this.#offer(upload.take);
  }

  /** The evidence was taken out: its recording here is not needed any more. */
  async drop(evidence) {
    for (const take of await takesOf(this.submission)) {
      if (take.record.evidence !== evidence) continue;
      this.sending.get(take.id)?.stop();
      this.sending.delete(take.id);
      await discard(take);
    }
  }
}

async function recordedElsewhere(submission) {
  if (!navigator.locks) return false;
  const { held } = await navigator.locks.query();
  return held.some((lock) => lock.name === `assay-record:${submission}`);
}
