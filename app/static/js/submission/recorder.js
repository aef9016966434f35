// Recording in the page: check, record with pauses, look at the take, use it or record again.
import { clock, say } from "../texts.js";
import { addChunk, clearTake, takeOf } from "./takes.js";

const TYPES = {
  video: ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm", "video/mp4"],
  audio: ["audio/webm;codecs=opus", "audio/webm", "audio/mp4"],
};

export function startRecording(main, { onTake }) {
  const [button, box] = [main.querySelector("[data-act=record]"), main.querySelector("[data-recorder]")];
  if (!button || !window.MediaRecorder || !navigator.mediaDevices) return;
  button.hidden = false;
  const recorder = new Recorder({ main, box, button, onTake });
  button.addEventListener("click", () => recorder.check());
  recorder.lookForEarlier();
}

class Recorder {
  constructor({ main, box, button, onTake }) {
    Object.assign(this, { box, button, onTake, submission: main.dataset.submission, kind: button.dataset.kind });
    this.elapsed = 0;
  }

  async lookForEarlier() {
    const take = await takeOf(this.submission);
    if (take) this.review(take, say("rec_found"));
  }

  async check() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: this.kind === "video" });
    } catch (error) {
      console.warn("no recording", error);
      this.#show([paragraph(say("rec_no_device"))]);
      return;
    }
    this.button.hidden = true;
    this.time = Object.assign(document.createElement("b"), { className: "num", textContent: "0:00" });
    this.meter = Object.assign(document.createElement("meter"), { max: 1, value: 0 });
    this.meter.setAttribute("aria-label", say("rec_level"));
    this.controls = row();
    const parts = [row(this.time, this.meter), this.controls, paragraph(say("rec_kept"))];
    this.#show(this.kind === "video" ? [this.#picture(), ...parts] : parts);
    this.#listen();
    this.#offer(["rec_start", () => this.record(), "pri"], ["rec_cancel", () => this.close()]);
  }

  #picture() {
    const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true, playsInline: true });
    video.srcObject = this.stream;
    video.className = "live";
    return video;
  }

  #listen() {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const look = () => {
      if (!this.context) return;
      analyser.getFloatTimeDomainData(samples);
      const loudest = samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
      this.meter.value = Math.min(1, loudest * 1.5);
      requestAnimationFrame(look);
    };
    look();
  }

  async record() {
    await clearTake(this.submission);
    const type = TYPES[this.kind].find((each) => MediaRecorder.isTypeSupported(each));
    this.recorder = new MediaRecorder(this.stream, type ? { mimeType: type } : {});
    this.writing = Promise.resolve();
    this.recorder.addEventListener("dataavailable", ({ data }) => {
      if (data.size) this.writing = this.writing.then(() => addChunk(this.submission, this.recorder.mimeType, data));
    });
    this.recorder.addEventListener("stop", () => this.#stopped());
    this.elapsed = 0;
    this.recorder.start(1000);
    this.#tick();
    this.#running();
  }

  #tick() {
    let last = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      if (this.recorder.state === "recording") this.elapsed += now - last;
      last = now;
      this.time.textContent = clock(this.elapsed);
    }, 250);
  }

  #running() {
    this.#offer(["rec_stop", () => this.recorder.stop(), "pri"], ["rec_pause", () => this.#pause()]);
  }

  #pause() {
    this.recorder.pause();
    const on = () => {
      this.recorder.resume();
      this.#running();
    };
    this.#offer(["rec_on", on, "pri"], ["rec_stop", () => this.recorder.stop()]);
  }

  async #stopped() {
    clearInterval(this.timer);
    await this.writing;
    const said = say("rec_length", { time: clock(this.elapsed) });
    this.release();
    this.review(await takeOf(this.submission), said);
  }

  review(take, said) {
    const media = document.createElement(this.kind);
    Object.assign(media, { controls: true, src: URL.createObjectURL(take) });
    this.controls = row();
    this.#show([media, paragraph(said), this.controls]);
    this.#offer(
      ["rec_use", () => this.#use(take), "pri"],
      ["rec_again", () => this.check()],
      ["rec_cancel", () => this.close()],
    );
  }

  async #use(take) {
    const ending = take.type.includes("mp4") ? "mp4" : "webm";
    const name = `${say("rec_name")}-${new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-")}.${ending}`;
    const file = new File([take], name, { type: take.type.split(";")[0], lastModified: Date.now() });
    await this.close();
    this.onTake(file, [this.kind]);
  }

  release() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.context = null;
  }

  async close() {
    this.release();
    await clearTake(this.submission);
    this.box.hidden = true;
    this.box.replaceChildren();
    this.button.hidden = false;
    this.button.focus();
  }

  #show(parts) {
    this.box.hidden = false;
    this.box.replaceChildren(...parts);
  }

  #offer(...buttons) {
    this.controls.replaceChildren(
      ...buttons.map(([text, act, look]) => {
        const made = Object.assign(document.createElement("button"), { type: "button", textContent: say(text) });
        made.className = look ? `btn ${look}` : "btn";
        made.addEventListener("click", act);
        return made;
      }),
    );
    this.controls.firstElementChild.focus();
  }
}

function paragraph(text) {
  return Object.assign(document.createElement("p"), { className: "sm ink2", textContent: text });
}

function row(...parts) {
  const made = document.createElement("div");
  made.className = "row wrap";
  made.append(...parts);
  return made;
}
