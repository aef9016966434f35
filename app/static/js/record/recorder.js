// The browser's recorder over one take: each second is kept as it comes, time stands still in a pause.
import { newKey } from "../api.js";
import { Take } from "./takes.js";

// webm hands over each second; mp4 comes in one piece at the end in some browsers, so it is the last resort.
const TYPES = {
  video: ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm", "video/mp4"],
  audio: ["audio/webm;codecs=opus", "audio/webm", "audio/mp4"],
};
export const BITS = { video: 2_500_000, audio: 128_000 };
const SLICE_MS = 1000;
const TICK_MS = 100;

export function canRecord() {
  return Boolean(window.isSecureContext && window.MediaRecorder && navigator.mediaDevices && window.indexedDB);
}

export class Recorder extends EventTarget {
  constructor({ submission, source, stream, phrase, name }) {
    super();
    const kind = source === "audio" ? "audio" : "video";
    const type = TYPES[kind].find((each) => MediaRecorder.isTypeSupported(each));
    const bits = { audioBitsPerSecond: BITS.audio, ...(kind === "video" && { videoBitsPerSecond: BITS.video }) };
    this.media = new MediaRecorder(stream, { ...(type && { mimeType: type }), ...bits });
    this.about = { submission, source, kind, phrase, name };
    this.elapsed_ms = 0;
    this.gap_ms = 0;
  }

  /** Begin; resolves when the browser has begun and the take is known here. */
  async start() {
    const { media } = this;
    media.addEventListener("dataavailable", ({ data }) => this.#keep(data));
    media.addEventListener("error", (event) => this.stop(event.error?.name ?? "failed"));
    const [begun, stopped] = ["start", "stop"].map((name) => new Promise((done) => media.addEventListener(name, done, { once: true })));
    media.start(SLICE_MS);
    await begun;
    this.stopped = stopped.then(() => this.#stopped());
    this.take = new Take(this.#record());
    this.last = performance.now();
    this.timer = setInterval(() => this.#tick(), TICK_MS);
    await this.take.save().catch((error) => {
      if (error.name !== "QuotaExceededError") throw error;
      console.warn("no room on this device", error); // told with the first second that does not fit
    });
  }

  #record() {
    const type = this.media.mimeType;
    const ending = type.includes("mp4") ? "mp4" : "webm";
    // The day first: behind an Arabic word its figures would be read from the right.
    const name = `${new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-")}-${this.about.name}.${ending}`;
    return { id: newKey(), ...this.about, name, type, state: "recording", elapsed_ms: 0, begun_at: Date.now(), evidence: null, part_size: null };
  }

  async #keep(data) {
    if (!data.size) return;
    await this.take.append(data, this.elapsed_ms);
    this.dispatchEvent(new Event("kept"));
  }

  #tick() {
    const now = performance.now();
    this.gap_ms = now - this.last;
    if (this.media.state === "recording") this.elapsed_ms += this.gap_ms;
    this.last = now;
    this.dispatchEvent(new Event("tick"));
  }

  /** Whether the next look would come after this time: in a window behind others it comes once a second only. */
  passesSoon(ms) {
    return this.elapsed_ms + this.gap_ms > ms;
  }

  pause() {
    this.#tick();
    this.media.pause();
  }

  resume() {
    this.last = performance.now();
    this.media.resume();
  }

  /** Stop; `why` names what ended it, if it was not the person. `stopped` resolves when all of it is kept. */
  stop(why = "") {
    if (this.ended) return;
    this.ended = true;
    this.why = why;
    this.#tick();
    clearInterval(this.timer);
    if (this.media.state !== "inactive") this.media.stop();
  }

  async #stopped() {
    clearInterval(this.timer);
    await this.take.writing;
    this.take.record.elapsed_ms = this.elapsed_ms;
    await this.take.save({ state: "finished" }).catch((error) => console.warn("the end was not noted here", error));
    this.dispatchEvent(new CustomEvent("stopped", { detail: this.why ?? "ended" }));
  }
}
