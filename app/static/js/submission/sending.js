// The last button. Where something is still on its way or being checked it waits, and sends by itself when it can.
import { Refused, call, fragment, newKey } from "../api.js";
import { say } from "../texts.js";

const WAITS = new Set(["still-uploading", "still-checking"]);
const LOOK_AGAIN_MS = 5000;

export class Sending {
  constructor(main, { message, isUploading, writing }) {
    Object.assign(this, { main, message, isUploading, writing });
    this.form = main.querySelector("[data-send]");
    if (!this.form) return;
    this.name = `assay-send:${main.dataset.submission}`;
    this.button = this.form.querySelector("[data-go]");
    this.said = this.form.querySelector("[data-go-said]");
    this.usual = [this.button.textContent, this.said.textContent];
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.wanted) this.cancel();
      else if (this.writing?.unsent) this.writing.insist();
      else if (this.#peopleAreNamed()) this.want({ consents: this.#consents(), ...this.#people(), ...this.#identity() });
    });
    const earlier = localStorage.getItem(this.name);
    if (earlier) this.want(JSON.parse(earlier));
  }

  #consents() {
    const boxes = [...this.form.querySelectorAll("[data-purpose]")].filter((box) => box.checked);
    return boxes.map((box) => ({ purpose: box.dataset.purpose, version: box.dataset.version }));
  }

  // Who else is in the recordings: nobody, or each with how and when they agreed. Nothing where it is not asked.
  #people() {
    const said = this.form.querySelector("[name=people]:checked")?.value;
    if (!said) return {};
    const rows = said === "some" ? [...this.form.querySelectorAll("[data-person]")] : [];
    const people = rows.map((row) => ({
      name: row.querySelector("[data-person-name]").value.trim(),
      agreed: row.querySelector("[data-person-agreed]").value,
      agreed_on: row.querySelector("[data-person-date]").value,
    }));
    return { people: people.filter((each) => each.name) };
  }

  // "Others can" needs at least one of them: the browser says so at the first field.
  #peopleAreNamed() {
    const first = this.form.querySelector("[data-person-name]");
    if (!first) return true;
    first.required = this.#people().people?.length === 0 && this.form.querySelector("[name=people][value=some]").checked;
    first.closest("details").open ||= first.required;
    return this.form.reportValidity();
  }

  #identity() {
    return this.form.querySelector("[data-identity]")?.checked ? { identity: "declared" } : {};
  }

  // Send now, or as soon as everything has arrived and been checked. Survives a reload.
  want(said) {
    this.message.clear();
    this.wanted = { said, key: newKey() };
    localStorage.setItem(this.name, JSON.stringify(said));
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
    if (this.writing?.unsent) return this.#waiting("wait_text"); // begun since
    if (this.isUploading()) return this.#waiting("wait_upload");
    this.busy = true;
    const body = { declaration: true, ...this.wanted.said };
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
    else if (error.code === "not-open") this.#sentElsewhere();
    else if (error instanceof Refused && !error.passing) {
      this.cancel();
      this.message.show(error.message);
    } else this.#waiting("wait_connection");
  }

  // Another tab or device was quicker: show what there is now.
  #sentElsewhere() {
    localStorage.removeItem(this.name);
    location.reload();
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
    if (!old) return;
    const fresh = await fragment(this.main.dataset.checksUrl);
    old.replaceWith(fresh);
    this.#showStep(fresh.dataset.ready === "yes");
  }

  // Read, add, check, send: the same as the server draws.
  #showStep(maySend) {
    const rows = [...this.main.querySelectorAll("[data-evidence]")];
    const waits = rows.some((row) => ["uploading", "processing"].includes(row.dataset.state));
    const now = rows.length === 0 ? 1 : waits || !maySend ? 2 : 3;
    this.main.querySelectorAll(".steps li").forEach((step, n) => {
      step.classList.toggle("done", n < now);
      if (n === now) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
  }
}
