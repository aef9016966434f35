// The lease: how long the work is ours, renewed while somebody works, with a warning before it ends.
import { WARN_MS, leaseStep } from "./lease-step.js";
import { all, one, say } from "./page.js";

const TICK_MS = 5000;

export class Lease extends EventTarget {
  /** `renew()` asks the server and answers `{ ok, status, body }`. `offset_ms` is the server's clock less ours. */
  constructor({ expires_at, now, seconds, renew, isPlaying }) {
    super();
    this.offset_ms = Date.parse(now) - Date.now();
    this.whole_ms = seconds * 1000;
    this.isPlaying = isPlaying;
    this.renewing = renew;
    this.active = Date.now();
    this.box = one("[data-lease-over]");
    this.set(expires_at);
    for (const name of ["pointerdown", "keydown", "wheel"]) {
      addEventListener(name, () => (this.active = Date.now()), { passive: true, capture: true });
    }
    one("[data-act=renew]", this.box).addEventListener("click", () => this.renew());
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  set(expires_at) {
    this.expires = Date.parse(expires_at);
    this.draw();
  }

  get left_ms() {
    return this.expires - (Date.now() + this.offset_ms);
  }

  tick() {
    if (this.isPlaying()) this.active = Date.now();
    const step = leaseStep({ left_ms: this.left_ms, whole_ms: this.whole_ms, idle_ms: Date.now() - this.active });
    this.draw();
    if (step === "renew") this.renew();
    if (step === "warn") this.#show(say("soon_title", { minutes: Math.max(1, Math.ceil(this.left_ms / 60_000)) }), say("soon_text"));
    if (step === "over") this.#show(say("over_title"), say("over_text"));
    if (step === "wait") this.box.hidden = true;
  }

  draw() {
    const minutes = Math.floor(this.left_ms / 60_000);
    const text = this.left_ms <= 0 ? say("over") : minutes < 1 ? say("yours_less") : say("yours", { minutes });
    for (const tag of all("[data-lease]")) {
      one("span", tag).textContent = text;
      tag.classList.toggle("warn", this.left_ms < WARN_MS && this.whole_ms > WARN_MS);
      tag.classList.toggle("bad", this.left_ms <= 0);
    }
  }

  #show(title, text) {
    if (!this.box.hidden && one("[data-lease-title]", this.box).textContent === title) return;
    one("[data-lease-title]", this.box).textContent = title;
    one("[data-lease-text]", this.box).textContent = text;
    this.box.hidden = false;
  }

  async renew() {
    if (this.busy) return;
    this.busy = true;
    const { ok, status, body } = await this.renewing();
    this.busy = false;
    if (ok) {
      this.box.hidden = true;
      this.set(body.expires_at);
      this.dispatchEvent(new Event("renewed"));
    } else if (status === 404 || status === 409) {
      this.stop();
      this.#show(say("over_title"), body?.code === "claim-broken" ? body.detail : say("taken"));
      one("[data-act=renew]", this.box).hidden = true;
      this.dispatchEvent(new Event("lost"));
    }
  }

  stop() {
    clearInterval(this.timer);
  }
}
