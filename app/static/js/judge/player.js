// The recording: one media element with our own controls.
import { Renewing } from "../media/renewing.js";
import { silenceAt } from "./words.js";
import { one, settings } from "./page.js";

export const RATES = [0.75, 1, 1.25, 1.5, 2];

export class Player extends EventTarget {
  constructor(root) {
    super();
    this.root = root;
    this.media = one("[data-media]", root);
    this.lost = one("[data-lost]", root);
    this.evidence = null;
    this.silences = [];
    this.part = { from: null, to: null };
    this.renewing = new Renewing(this.media);
    this.skips = settings.get("skip-silence", false);
    this.repeats = false;
    this.media.playbackRate = this.media.defaultPlaybackRate = settings.get("rate", 1);
    this.media.preservesPitch = true;
    this.#listen();
  }

  #listen() {
    const { media, renewing } = this;
    renewing.addEventListener("found", () => this.#arrived());
    renewing.addEventListener("again", () => this.dispatchEvent(new Event("again")));
    renewing.addEventListener("lost", () => (this.lost.hidden = false));
    media.addEventListener("play", () => this.#run());
    for (const name of ["play", "pause", "ended"]) media.addEventListener(name, () => this.#tell("state"));
    media.addEventListener("seeked", () => this.#tell("time"));
    media.addEventListener("timeupdate", () => this.#tell("time"));
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
    this.lost.hidden = true;
    this.media.poster = evidence.has.includes("poster") ? `/api/v1/evidence/${evidence.id}/poster` : "";
    this.renewing.open(`/api/v1/evidence/${evidence.id}/playable`, { ms: at_ms });
    this.#tell("part");
  }

  #arrived() {
    this.lost.hidden = true;
    this.#tell("time");
  }

  retry() {
    this.renewing.retry();
  }

  get ms() {
    return this.renewing.ms;
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
    return this.renewing.play();
  }

  pause() {
    this.renewing.pause();
  }

  seek(ms) {
    this.renewing.seek(Math.max(0, Math.min(ms, this.duration_ms || ms)));
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

