// What is looked at before a recording: devices, level, light, room on the device, and the phrase drawn for it.
import { Refused, call } from "../api.js";
import { say } from "../texts.js";
import { minutesFor } from "./limits.js";
import { BITS } from "./recorder.js";
import { roomHere } from "./takes.js";

const LOOK_MS = 100;
const MOST_MINUTES = 600; // more room than that is said as this

export class Checks {
  constructor({ main, screen, capture }) {
    Object.assign(this, { main, screen, capture, phrase: null });
  }

  async begin(source) {
    this.#look(source);
    this.#showRoom(source);
    await Promise.all([this.showDevices(source), this.drawPhrase()]);
  }

  stop() {
    clearInterval(this.looking);
  }

  async showDevices(source) {
    this.screen.showDevices(await this.capture.devices(), { picture: source === "video" });
  }

  #look(source) {
    this.stop();
    this.looking = setInterval(() => {
      if (!this.capture.stream) return;
      this.screen.showLevel(this.capture.level(this.screen.bars.length));
      if (this.screen.phase !== "check") return;
      const dark = source === "video" ? this.capture.isDark(this.screen.live) : null;
      this.screen.check("light", !dark, dark === null ? null : say(dark ? "light_dark" : "light_good"));
    }, LOOK_MS);
  }

  async #showRoom(source) {
    const room = await roomHere();
    if (room === null) return;
    const n = Math.min(MOST_MINUTES, minutesFor(room, BITS.audio + (source === "audio" ? 0 : BITS.video)));
    const needed = (this.screen.limits.max_ms ?? 600_000) / 60_000;
    this.screen.check("room", n >= needed, say(n >= needed ? "room_good" : "room_less", { n }));
  }

  // A new phrase for each recording; without a connection one may record without it, and the assessor is told.
  async drawPhrase() {
    if (!("phrase" in this.main.dataset) || this.phrase) return;
    try {
      this.phrase = await call("POST", `/api/v1/submissions/${this.main.dataset.submission}/phrases`, {});
      this.screen.check("phrase", true, say("phrase_ready"));
    } catch (error) {
      if (!(error instanceof Refused || error instanceof TypeError)) throw error;
      const why = error instanceof Refused ? error.message : say("no_connection");
      this.screen.check("phrase", false, say("phrase_missing", { why }));
    }
    this.screen.showPhrase(this.phrase?.text);
  }

  // The phrase of the recording that begins; the next one needs another.
  takePhrase() {
    const { phrase } = this;
    this.phrase = null;
    return phrase;
  }
}
