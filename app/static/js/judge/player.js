// The recording: one media element with our own controls. A signed address runs out; the player then asks for a new one
// and keeps its place.
import { silenceAt } from "./words.js";
import { one, settings } from "./page.js";

export const RATES = [0.75, 1, 1.25, 1.5, 2];
const TRIES_MS = [0, 1000, 3000, 8000];

export class Player extends EventTarget {
  constructor(root) {
    super();
    this.root = root;
    this.media = one("[data-media]", root);
    this.lost = one("[data-lost]", root);
    this.evidence = null;
    this.silences = [];
    this.part = { from: null, to: null };
    this.tries = 0;
    this.skips = settings.get("skip-silence", false);
    this.repeats = false;
    this.media.playbackRate = this.media.defaultPlaybackRate = settings.get("rate", 1);
    this.media.preservesPitch = true;
    this.#listen();
  }

  #listen() {
    const { media } = this;
    media.addEventListener("loadedmetadata", () => this.#arrived());
    media.addEventListener("play", () => this.#run());
    for (const name of ["play", "pause", "ended"]) media.addEventListener(name, () => this.#tell("state"));
    media.addEventListener("seeked", () => this.#tell("time"));
    media.addEventListener("timeupdate", () => this.#tell("time"));
    media.addEventListener("error", () => this.#again());
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }

  /** Show another piece of evidence, at the place where it was left. */
  open(evidence, { at_ms = this.kept(evidence) } = {}) {
    this.keep();
    this.evidence = evidence;
    this.silences = [];
    this.part = { from: null, to: null };
    this.tries = 0;
    this.lost.hidden = true;
    this.wish = { ms: at_ms, play: false };
    this.media.poster = evidence.has.includes("poster") ? `/api/v1/evidence/${evidence.id}/poster` : "";
    this.#load();
    this.#tell("part");
  }

  #load() {
    // A new number each time: the old redirect, and so the old address, must not come from a cache.
    this.media.src = `/api/v1/evidence/${this.evidence.id}/playable?try=${Date.now()}`;
    this.media.load();
  }

  #arrived() {
    this.lost.hidden = true;
    if (this.wish?.ms) this.media.currentTime = Math.min(this.wish.ms, this.duration_ms - 1) / 1000;
    if (this.wish?.play) this.media.play();
    if (this.tries) this.dispatchEvent(new Event("again"));
    this.wish = null;
    this.#tell("time");
  }

  #again() {
    if (!this.evidence) return;
    this.wish ??= { ms: this.ms, play: !this.media.paused };
    const wait = TRIES_MS[this.tries++];
    if (wait === undefined) this.lost.hidden = false;
    else setTimeout(() => this.#load(), wait);
  }

  retry() {
    this.tries = 0;
    this.#again();
  }

  get ms() {
    return this.wish?.ms ?? Math.round(this.media.currentTime * 1000);
  }

  get duration_ms() {
    const { duration } = this.media;
    return Number.isFinite(duration) ? Math.round(duration * 1000) : (this.evidence?.duration_ms ?? 0);
  }

  get playing() {
    return !this.media.paused && !this.media.ended;
  }

  toggle() {
    if (this.playing) this.media.pause();
    else this.play();
  }

  play() {
    if (this.wish) this.wish.play = true;
    return this.media.play().catch((error) => {
      if (error.name !== "AbortError" && error.name !== "NotSupportedError") throw error;
    });
  }

  pause() {
    if (this.wish) this.wish.play = false;
    this.media.pause();
  }

  seek(ms) {
    const place = Math.max(0, Math.min(ms, this.duration_ms || ms));
    if (this.media.readyState === 0) this.wish = { ms: place, play: this.wish?.play ?? false };
    else this.media.currentTime = place / 1000;
    this.#tell("time");
  }

  by(ms) {
    this.seek(this.ms + ms);
  }

  get rate() {
    return this.media.playbackRate;
  }

  setRate(rate) {
    this.media.playbackRate = this.media.defaultPlaybackRate = rate;
    settings.set("rate", rate);
    this.#tell("rate");
  }

  faster(step) {
    const index = RATES.indexOf(this.rate);
    const next = RATES[Math.max(0, Math.min(RATES.length - 1, (index < 0 ? 1 : index) + step))];
    this.setRate(next);
  }

  setSkips(on) {
    this.skips = on;
    settings.set("skip-silence", on);
    this.#tell("state");
  }

  mark(end) {
    const { part, ms } = this;
    if (end === "from") this.part = { from: ms, to: part.to > ms ? part.to : null };
    else this.part = { from: part.from !== null && part.from < ms ? part.from : 0, to: ms };
    this.#tell("part");
  }

  /** Forget the marked part, unless it is being repeated. */
  unmark() {
    if (this.repeats) return;
    this.part = { from: null, to: null };
    this.#tell("part");
  }

  get marked() {
    const { from, to } = this.part;
    return from !== null && to !== null && to > from ? { from, to } : null;
  }

  setRepeats(on) {
    this.repeats = on && this.marked !== null;
    if (this.repeats && (this.ms < this.part.from || this.ms >= this.part.to)) this.seek(this.part.from);
    this.#tell("state");
  }

  /** Follow the recording on every frame while it plays: `timeupdate` alone may be a quarter of a second late. */
  #run() {
    const step = () => {
      if (!this.playing) return;
      this.#jump();
      this.#tell("time");
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  #jump() {
    const { ms } = this;
    if (this.repeats && this.marked && ms >= this.part.to) this.seek(this.part.from);
    const pause = this.skips ? silenceAt(this.silences, ms) : null;
    if (pause) {
      this.seek(pause.end_ms);
      this.dispatchEvent(new CustomEvent("skipped", { detail: pause.end_ms - ms }));
    }
  }

  /** The place in each recording is kept on this device. */
  keep() {
    if (this.evidence && this.ms > 0) settings.set(`place-${this.evidence.id}`, this.ms);
  }

  kept(evidence) {
    return settings.get(`place-${evidence.id}`, 0);
  }
}

