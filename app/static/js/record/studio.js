// The recorder: check, count down, record with pauses, look at the takes, use one of them.
import { Refused, call } from "../api.js";
import { LiveUpload } from "../submission/live-upload.js";
import { clock, say } from "../texts.js";
import { Pool } from "../upload/pool.js";
import { Capture, canShareScreen, problemOf } from "./capture.js";
import { discard, finishDiscard } from "./discard.js";
import { minutesFor, standing } from "./limits.js";
import { BITS, Recorder, canRecord } from "./recorder.js";
import { askToKeep, roomHere, takesOf } from "./takes.js";

const COUNT_FROM = 3;
const PHRASE_MS = 20_000;
const LOOK_MS = 100;
const AT_ONCE = 3;
const LATE_MS = 300; // what is longer than the rubric takes by more than a second is refused

export class Studio {
  constructor(main, screen) {
    Object.assign(this, { main, screen, submission: main.dataset.submission });
    this.sources = main.dataset.sources.split(" ").filter((each) => each !== "screen" || canShareScreen());
    this.source = this.sources[0];
    this.capture = new Capture();
    this.capture.addEventListener("lost", () => this.#lost());
    this.takes = [];
    this.uploads = new Map();
    this.pool = new Pool(AT_ONCE);
    this.wanted = {};
    addEventListener("online", () => this.uploads.forEach((upload) => upload.hurry()));
    addEventListener("offline", () => this.uploads.forEach((upload) => this.#sent(upload)));
    addEventListener("beforeunload", (event) => this.busy && event.preventDefault());
    navigator.mediaDevices?.addEventListener("devicechange", () => this.capture.stream && this.#showDevices());
  }

  get busy() {
    return ["rec", "paused"].includes(this.screen.phase) || this.sendingHere;
  }

  async open() {
    if (!canRecord()) return this.screen.problem("cannot");
    if (!(await this.#alone())) return this.screen.problem("elsewhere", {}, { again: true });
    try {
      await this.#findTakes();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return this.screen.problem("store");
    }
    const last = this.takes.at(-1);
    if (last) return this.review(last, this.#foundWords(last));
    if (!("room" in this.main.dataset)) return this.screen.problem("no_room");
    return this.check();
  }

  // One tab records for a submission; the lock is held until this page is left.
  #alone() {
    if (!navigator.locks) return true;
    return new Promise((resolve) => {
      navigator.locks.request(`assay-record:${this.submission}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise(() => {});
      });
    });
  }

  // What earlier visits left: a crash in the middle leaves a take that was never finished.
  async #findTakes() {
    for (const take of await takesOf(this.submission)) {
      const { state } = take.record;
      if (state === "dropped") await finishDiscard(take);
      else if (state === "recording" && take.saved === 0) await discard(take);
      else if (state === "recording") await take.save({ state: "finished" });
      if (take.record.state === "finished" && take.saved) this.takes.push(take);
      if (take.record.state === "used") this.#sendUsed(take);
    }
  }

  // It was on its way when the page of the submission was left: it goes on from here.
  #sendUsed(take) {
    const changed = ({ state }) => {
      if (state === "done") take.forget().catch((error) => console.warn("not cleared", error));
    };
    const upload = new LiveUpload({ take, pool: this.pool, changed, finished: true });
    this.uploads.set(take.id, upload);
    upload.run();
  }

  #foundWords({ record }) {
    const form = new Intl.DateTimeFormat(`${document.documentElement.lang}-u-nu-latn`, { dateStyle: "medium", timeStyle: "short" });
    return say("found", { time: clock(record.elapsed_ms), when: form.format(record.begun_at) });
  }

  // Check -------------------------------------------------------------------------------------------------------------

  async check() {
    this.screen.noProblem();
    this.screen.setPhase("wait");
    this.screen.setSource(this.source);
    try {
      await this.capture.open(this.source, this.wanted);
    } catch (error) {
      console.warn("no recording", error);
      this.#stopLooking();
      this.screen.setPhase("check");
      return this.screen.problem(problemOf(error, this.source), {}, { again: true });
    }
    this.screen.showStream(this.capture.stream, { mirrored: this.capture.facesPerson });
    this.screen.setPhase("check");
    this.#look();
    this.#showRoom();
    await Promise.all([this.#showDevices(), this.#drawPhrase()]);
  }

  choose(source) {
    if (source === this.source && this.capture.stream) return undefined;
    this.source = source;
    return this.check();
  }

  want(device, id) {
    this.wanted[device] = id;
    return this.check();
  }

  async switchCamera() {
    const { cameras } = await this.capture.devices();
    const next = cameras[(cameras.findIndex((each) => each.used) + 1) % cameras.length];
    return this.want("camera", next.id);
  }

  async #showDevices() {
    this.screen.showDevices(await this.capture.devices(), { picture: this.source === "video" });
  }

  #look() {
    this.#stopLooking();
    this.looking = setInterval(() => {
      if (!this.capture.stream) return;
      this.screen.showLevel(this.capture.level(this.screen.bars.length));
      if (this.screen.phase !== "check") return;
      const dark = this.source === "video" ? this.capture.isDark(this.screen.live) : null;
      this.screen.check("light", !dark, dark === null ? null : say(dark ? "light_dark" : "light_good"));
    }, LOOK_MS);
  }

  #stopLooking() {
    clearInterval(this.looking);
  }

  async #showRoom() {
    const room = await roomHere();
    if (room === null) return;
    const n = Math.min(600, minutesFor(room, BITS.audio + (this.source === "audio" ? 0 : BITS.video)));
    const needed = (this.screen.limits.max_ms ?? 600_000) / 60_000;
    this.screen.check("room", n >= needed, say(n >= needed ? "room_good" : "room_less", { n }));
  }

  // A new phrase for each recording; without a connection one may record without it, and the assessor is told.
  async #drawPhrase() {
    if (!("phrase" in this.main.dataset) || this.phrase) return;
    try {
      this.phrase = await call("POST", `/api/v1/submissions/${this.submission}/phrases`, {});
      this.screen.check("phrase", true, say("phrase_ready"));
    } catch (error) {
      if (!(error instanceof Refused || error instanceof TypeError)) throw error;
      const why = error instanceof Refused ? error.message : say("no_connection");
      this.screen.check("phrase", false, say("phrase_missing", { why }));
    }
    this.screen.showPhrase(this.phrase?.text);
  }

  // Record ------------------------------------------------------------------------------------------------------------

  async count() {
    if (!this.capture.stream) return this.check();
    askToKeep().catch((error) => console.warn("the browser may clear this", error));
    if ("phrase" in this.main.dataset && !this.phrase) this.#drawPhrase();
    this.screen.setPhase("count");
    let left = COUNT_FROM;
    this.screen.count(left);
    this.counting = setInterval(() => {
      left -= 1;
      if (left) return this.screen.count(left);
      clearInterval(this.counting);
      return this.record().catch((error) => this.#failed(error));
    }, 1000);
    return undefined;
  }

  stopCount() {
    clearInterval(this.counting);
    this.screen.setPhase("check");
  }

  async record() {
    const { submission, source, phrase } = this;
    const recorder = new Recorder({ submission, source, stream: this.capture.stream, phrase: phrase ?? null, name: say("rec_name") });
    this.recorder = recorder;
    this.phrase = null;
    recorder.addEventListener("kept", () => this.#kept());
    recorder.addEventListener("tick", () => this.#tick());
    recorder.addEventListener("stopped", ({ detail }) => this.#stopped(detail));
    await recorder.start();
    this.takes.push(recorder.take);
    this.#send(recorder.take);
    this.screen.showKept(true);
    this.screen.showSent(null);
    this.screen.setPhase("rec");
    this.screen.announce(say("started"));
    this.#stayAwake();
  }

  #failed(error) {
    console.error(error);
    this.recorder?.stop("failed");
    this.capture.close();
    this.screen.setPhase("check");
    this.screen.problem(error instanceof DOMException && error.name !== "NotSupportedError" ? "store" : "cannot");
  }

  async #stayAwake() {
    try {
      this.awake = await navigator.wakeLock?.request("screen");
    } catch (error) {
      console.warn("the screen may go dark", error); // low battery, or the browser forbids it
    }
  }

  #send(take) {
    const upload = new LiveUpload({ take, pool: this.pool, changed: (each) => this.#sent(each) });
    this.uploads.set(take.id, upload);
    upload.run();
  }

  #sent(upload) {
    if (upload.take === this.shown) this.screen.showSent(upload);
  }

  get shown() {
    return this.screen.phase === "review" ? this.reviewed : this.recorder?.take;
  }

  #kept() {
    const { take } = this.recorder;
    this.uploads.get(take.id)?.hurry();
    this.#sent(this.uploads.get(take.id));
    this.screen.showKept(take.kept);
    if (!take.kept && this.told !== take.id) {
      this.told = take.id;
      this.screen.problem("quota");
    }
  }

  #tick() {
    const now = this.screen.showTime(this.recorder.elapsed_ms);
    if (this.recorder.elapsed_ms > PHRASE_MS) this.screen.hidePhrase();
    const { max_ms } = this.screen.limits;
    if (now.over || (max_ms !== null && this.recorder.passesSoon(max_ms + LATE_MS))) return this.recorder.stop("full");
    if (now.soon && this.screen.phase === "rec") this.screen.showSoon(now.left_ms);
    return undefined;
  }

  pause() {
    this.recorder.pause();
    this.screen.showPaused(standing(this.recorder.elapsed_ms, this.screen.limits).missing_ms);
    this.screen.setPhase("paused");
    this.screen.announce(say("is_paused"));
  }

  resume() {
    this.recorder.resume();
    this.screen.setPhase("rec");
    this.screen.announce(say("started"));
  }

  stop() {
    this.recorder.stop();
  }

  // A device was unplugged or the sharing of the screen ended: what there is is kept.
  #lost() {
    if (["rec", "paused"].includes(this.screen.phase)) return this.recorder.stop("lost");
    clearInterval(this.counting);
    this.capture.close();
    this.screen.setPhase("check");
    return this.screen.problem("lost", {}, { again: true });
  }

  #stopped(why) {
    this.awake?.release();
    this.#stopLooking();
    this.capture.close();
    this.screen.showStream(null, { mirrored: false });
    const { take, elapsed_ms } = this.recorder;
    if (take.saved + take.unsaved.length === 0) {
      this.takes.splice(this.takes.indexOf(take), 1);
      this.#drop(take);
      return this.check();
    }
    this.review(take, why === "full" ? say("full", { max: clock(this.screen.limits.max_ms) }) : this.screen.reviewWords(elapsed_ms));
    const names = { lost: this.source === "screen" ? "screen_gone" : "gone", ended: "gone" };
    if (why && why !== "full") this.#ended(names[why] ?? "failed", clock(elapsed_ms));
    return undefined;
  }

  #ended(name, time) {
    this.screen.problem(name, { time });
  }

  // Review ------------------------------------------------------------------------------------------------------------

  review(take, said = this.screen.reviewWords(take.record.elapsed_ms)) {
    this.reviewed = take;
    this.screen.setPhase("review");
    this.screen.showTakes(this.takes, take, said);
    this.screen.showSent(this.uploads.get(take.id) ?? null);
  }

  openTake(id) {
    this.screen.noProblem();
    this.review(this.takes.find((each) => each.id === id));
  }

  retake() {
    this.phrase = null;
    this.screen.showPhrase(null);
    return this.check();
  }

  async discard() {
    const take = this.reviewed;
    this.screen.setBusy(true);
    this.takes.splice(this.takes.indexOf(take), 1);
    await this.#drop(take);
    this.screen.setBusy(false);
    this.screen.announce(say("thrown"));
    if (this.takes.length) return this.review(this.takes.at(-1));
    return this.retake();
  }

  #drop(take) {
    this.uploads.get(take.id)?.stop();
    this.uploads.delete(take.id);
    return discard(take);
  }

  /** Use the take that is open: the others go; the page of the submission sends what is left of it. */
  async use() {
    const take = this.reviewed;
    this.screen.setBusy(true);
    this.uploads.get(take.id)?.stop();
    for (const other of this.takes.filter((each) => each !== take)) await this.#drop(other);
    const whole = take.kept;
    if (whole) await take.save({ state: "used" });
    if (whole && (await this.#reachable())) return location.assign(this.main.dataset.back);
    return this.#sendHere(take);
  }

  async #reachable() {
    try {
      return (await fetch(this.main.dataset.back, { method: "HEAD" })).ok;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return false; // no connection
    }
  }

  async #refused({ take, reason }) {
    this.sendingHere = false;
    await take.save({ state: "finished" });
    this.screen.setBusy(false);
    this.screen.problem("not_taken", { reason });
  }

  // Without a connection the next page can't come; without room on this device the rest must be sent from here.
  #sendHere(take) {
    this.sendingHere = true;
    take.chunks.push(...take.unsaved.splice(0));
    const changed = async (each) => {
      this.#sent(each);
      if (each.state === "refused") this.#refused(each);
      if (each.state !== "done") return;
      await take.forget();
      this.sendingHere = false;
      location.assign(this.main.dataset.back);
    };
    const upload = new LiveUpload({ take, pool: this.pool, changed, finished: true });
    this.uploads.set(take.id, upload);
    return upload.run();
  }
}
