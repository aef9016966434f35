// The last button. Where something is still on its way or being checked it waits, and sends by itself when it can.
import { Refused, call, fragment, newKey } from "../api.js";
import { say } from "../texts.js";

const WAITS = new Set(["still-uploading", "still-checking"]);
const LOOK_AGAIN_MS = 5000;

export class Sending {
  constructor(main, { message, isUploading }) {
    Object.assign(this, { main, message, isUploading });
    this.form = main.querySelector("[data-send]");
    if (!this.form) return;
    this.name = `assay-send:${main.dataset.submission}`;
    this.button = this.form.querySelector("[data-go]");
    this.said = this.form.querySelector("[data-go-said]");
    this.usual = [this.button.textContent, this.said.textContent];
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.wanted) this.cancel();
      else this.want(this.#consents());
    });
    const earlier = localStorage.getItem(this.name);
    if (earlier) this.want(JSON.parse(earlier));
  }

  #consents() {
    const boxes = [...this.form.querySelectorAll("[data-purpose]")].filter((box) => box.checked);
    return boxes.map((box) => ({ purpose: box.dataset.purpose, version: box.dataset.version }));
  }

  // Send now, or as soon as everything has arrived and been checked. Survives a reload.
  want(consents) {
    this.message.clear();
    this.wanted = { consents, key: newKey() };
    localStorage.setItem(this.name, JSON.stringify(consents));
    this.form.querySelectorAll("input[type=checkbox][required]").forEach((box) => (box.checked = true));
    this.attempt();
  }

  cancel() {
    this.wanted = null;
    clearTimeout(this.timer);
    localStorage.removeItem(this.name);
    [this.button.textContent, this.said.textContent] = this.usual;
    this.button.classList.add("pri");
  }

  // Something changed: look whether it can go now.
  poke() {
    if (this.wanted && !this.busy) this.attempt();
  }

  async attempt() {
    clearTimeout(this.timer);
    if (this.isUploading()) return this.#waiting("wait_upload");
    this.busy = true;
    const body = { declaration: true, consents: this.wanted.consents };
    try {
      await call("POST", `/api/v1/submissions/${this.main.dataset.submission}/submit`, body, { key: this.wanted.key });
      localStorage.removeItem(this.name);
      location.assign(`/submissions/${this.main.dataset.submission}#receipt`);
      location.reload();
    } catch (error) {
      this.#onError(error);
    } finally {
      this.busy = false;
    }
    return undefined;
  }

  #onError(error) {
    if (!this.wanted) return;
    if (error instanceof Refused && WAITS.has(error.code)) this.#waiting("wait_check");
    else if (error instanceof Refused && !error.passing) {
      this.cancel();
      this.message.show(error.message);
    } else this.#waiting("wait_connection");
  }

  #waiting(text) {
    if (this.wanted) this.wanted.key = newKey();
    this.button.textContent = say("stop_waiting");
    this.button.classList.remove("pri");
    this.said.textContent = say(text);
    this.timer = setTimeout(() => this.poke(), LOOK_AGAIN_MS);
  }

  async refreshChecks() {
    const old = this.form?.querySelector("[data-checks]");
    if (old) old.replaceWith(await fragment(this.main.dataset.checksUrl));
  }
}
