// The recorder: check, count down, record with pauses, look at the takes, use one of them.
import { clock, momentOf, say } from "../texts.js";
import { Capture, canShareScreen, problemOf } from "./capture.js";
import { Checks } from "./checks.js";
import { discard, finishDiscard } from "./discard.js";
import { standing } from "./limits.js";
import { Recorder, canRecord } from "./recorder.js";
import { Sending } from "./sending.js";
import { askToKeep, takesOf } from "./takes.js";

const COUNT_FROM = 3;
const PHRASE_MS = 20_000;
const LATE_MS = 300; // what is longer than the rubric takes by more than a second is refused

export class Studio {
  constructor(main, screen) {
    Object.assign(this, { main, screen, submission: main.dataset.submission });
    this.sources = main.dataset.sources.split(" ").filter((each) => each !== "screen" || canShareScreen());
    this.source = this.sources[0];
    this.capture = new Capture();
    this.capture.addEventListener("lost", () => this.#lost());
    this.checks = new Checks({ main, screen, capture: this.capture });
    this.sending = new Sending((upload) => this.#sent(upload));
    this.takes = [];
    this.wanted = {};
    addEventListener("beforeunload", (event) => this.busy && event.preventDefault());
    navigator.mediaDevices?.addEventListener("devicechange", () => this.capture.stream && this.checks.showDevices(this.source));
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
      if (take.record.state === "used") this.sending.goOn(take);
    }
  }

  #foundWords({ record }) {
    return say("found", { time: clock(record.elapsed_ms), when: momentOf(record.begun_at) });
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
      this.checks.stop();
      this.screen.setPhase("check");
      return this.screen.problem(problemOf(error, this.source), {}, { again: true });
    }
    this.screen.showStream(this.capture.stream, { mirrored: this.capture.facesPerson });
    this.screen.setPhase("check");
    await this.checks.begin(this.source);
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

  // Record ------------------------------------------------------------------------------------------------------------

  async count() {
    if (!this.capture.stream) return this.check();
    askToKeep().catch((error) => console.warn("the browser may clear this", error));
    this.checks.drawPhrase();
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
    const { submission, source } = this;
    const phrase = this.checks.takePhrase();
    const recorder = new Recorder({ submission, source, stream: this.capture.stream, phrase, name: say("rec_name") });
    this.recorder = recorder;
    recorder.addEventListener("kept", () => this.#kept());
    recorder.addEventListener("tick", () => this.#tick());
    recorder.addEventListener("stopped", ({ detail }) => this.#stopped(detail));
    await recorder.start();
    this.takes.push(recorder.take);
    this.sending.begin(recorder.take);
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

  #sent(upload) {
    if (upload.take === this.shown) this.screen.showSent(upload);
  }

  get shown() {
    return this.screen.phase === "review" ? this.reviewed : this.recorder?.take;
  }

  #kept() {
    const { take } = this.recorder;
    const upload = this.sending.of(take);
    upload?.hurry();
    this.#sent(upload);
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
    this.checks.stop();
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
    this.screen.showSent(this.sending.of(take) ?? null);
  }

  openTake(id) {
    this.screen.noProblem();
    this.review(this.takes.find((each) => each.id === id));
  }

  retake() {
    this.checks.takePhrase();
    this.screen.showPhrase(null);
    return this.check();
  }

  async discard() {
    if (!this.screen.isSure()) return undefined;
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
    this.sending.stop(take);
    return discard(take);
  }

  /** Use the take that is open: the others go; the page of the submission sends what is left of it. */
  async use() {
    const take = this.reviewed;
    this.screen.setBusy(true);
    this.sending.stop(take);
    for (const other of this.takes.filter((each) => each !== take)) await this.#drop(other);
    const whole = take.kept;
    if (whole) await take.save({ state: "used" });
    if (whole && (await this.#reachable())) return this.#leave();
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
      this.#leave();
    };
    return this.sending.finish(take, changed);
  }

  #leave() {
    location.assign(`${this.main.dataset.back}#ye`); // where the take is shown
  }
}
