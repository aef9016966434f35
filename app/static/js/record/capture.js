// Camera, microphone and screen: opening them, choosing between them, saying what went wrong.
import { Hold, barsLit, levelWord } from "./level.js";

const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const DARK = 45; // of 255

/** Which sentence tells a person what to do about an error of the browser. */
export function problemOf(error, source) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return error.screen ? "screen_refused" : "refused";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "missing";
  if (error.name === "TypeError" || error.name === "NotSupportedError") return "cannot";
  return error.screen && source === "screen" ? "screen_refused" : "busy";
}

export function canShareScreen() {
  return Boolean(navigator.mediaDevices?.getDisplayMedia);
}

export class Capture extends EventTarget {
  /** Open what `source` needs ("video", "screen", "audio"); `wanted` names devices. Throws what the browser throws. */
  async open(source, wanted = {}) {
    this.close();
    this.source = source;
    const screen = source === "screen" ? await this.#screen() : null;
    try {
      this.own = await microphoneAndCamera(source === "video", wanted);
    } catch (error) {
      stop(screen);
      throw error;
    }
    this.screen = screen;
    this.stream = screen ? this.#joined() : this.own;
    this.#meter();
    for (const track of this.stream.getTracks()) {
      track.addEventListener("ended", () => this.stream && this.dispatchEvent(new Event("lost")));
    }
  }

  async #screen() {
    try {
      return await navigator.mediaDevices.getDisplayMedia({ video: PICTURE, audio: true });
    } catch (error) {
      error.screen = true;
      throw error;
    }
  }

  // The picture of the screen, with the voice and what the screen plays in one sound track.
  #joined() {
    this.mixer = new AudioContext();
    const both = this.mixer.createMediaStreamDestination();
    for (const stream of [this.own, this.screen]) {
      if (stream.getAudioTracks().length) this.mixer.createMediaStreamSource(stream).connect(both);
    }
    return new MediaStream([...this.screen.getVideoTracks(), ...both.stream.getAudioTracks()]);
  }

  #meter() {
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(this.own).connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
    this.hold = new Hold();
  }

  /** The level now: `word` for the last seconds, and how many of `bars` are lit. */
  level(bars) {
    if (this.context.state !== "running") this.context.resume().catch((error) => console.warn("no level", error));
    this.analyser.getFloatTimeDomainData(this.samples);
    const peak = this.samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    return { word: levelWord(this.hold.add(peak, performance.now())), lit: barsLit(peak, bars) };
  }

  /** Whether the picture of this video element is dark; null before there is one. */
  isDark(video) {
    if (!video.videoWidth) return null;
    this.canvas ??= Object.assign(document.createElement("canvas"), { width: 16, height: 9 });
    const drawing = this.canvas.getContext("2d", { willReadFrequently: true });
    drawing.drawImage(video, 0, 0, 16, 9);
    const { data } = drawing.getImageData(0, 0, 16, 9);
    let light = 0;
    for (let n = 0; n < data.length; n += 4) light += 0.299 * data[n] + 0.587 * data[n + 1] + 0.114 * data[n + 2];
    return light / (data.length / 4) < DARK;
  }

  get facesPerson() {
    const facing = this.own?.getVideoTracks()[0]?.getSettings().facingMode;
    return this.source === "video" && facing !== "environment";
  }

  /** The devices that can be chosen, with which of them is in use. */
  async devices() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const used = (this.own?.getTracks() ?? []).map((track) => track.getSettings().deviceId);
    const of = (kind) => all.filter((each) => each.kind === kind && each.deviceId).map((each) => ({ id: each.deviceId, label: each.label, used: used.includes(each.deviceId) }));
    return { cameras: of("videoinput"), microphones: of("audioinput") };
  }

  close() {
    const { own, screen, stream } = this;
    this.own = this.screen = this.stream = null;
    for (const each of [stream, own, screen]) stop(each);
    this.context?.close();
    this.mixer?.close();
    this.context = this.mixer = null;
  }
}

function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

// A device that was chosen earlier may be gone: then any other will do.
async function microphoneAndCamera(withPicture, { camera, microphone }) {
  const chosen = (id, rest) => (id ? { ...rest, deviceId: { exact: id } } : rest);
  const ask = (cam, mic) => navigator.mediaDevices.getUserMedia({ audio: chosen(mic, SOUND), video: withPicture ? chosen(cam, PICTURE) : false });
  if (!navigator.mediaDevices) throw new DOMException("no devices", "NotSupportedError");
  try {
    return await ask(camera, microphone);
  } catch (error) {
    if (error.name !== "OverconstrainedError" || !(camera || microphone)) throw error;
    return ask();
  }
}
