// The text field: words are counted; what is written is kept here at once and on the site soon after, for every device.
import { Refused, call, newKey } from "../api.js";
import { original } from "../media/paragraphs.js";
import { say, timeOf } from "../texts.js";

const SOON_MS = 800;
const AGAIN_MS = 5000;
const RTL = new Set(["ar", "fa", "he", "ur"]);

export function countWords(text) {
  return text.trim() ? text.trim().split(/\s+/u).length : 0;
}

export function startWriting(main, tools) {
  const form = main.querySelector("[data-write]");
  return form ? new Writing(main, form, tools) : null;
}

class Writing {
  constructor(main, form, { rows, message }) {
    Object.assign(this, { main, form, rows, message });
    this.field = form.querySelector("textarea");
    this.language = form.querySelector("select");
    this.counted = form.querySelector("[data-words]");
    this.said = form.querySelector("[data-saved]");
    this.two = form.querySelector("[data-two]");
    this.wrong = form.querySelector("[data-wrong]");
    this.names = [form.querySelector("[data-title]"), form.querySelector("[data-add]")];
    this.usual = this.names.map((each) => each.textContent);
    this.limits = this.counted.textContent;
    this.name = `assay-text:${main.dataset.submission}`;
    this.version = Number(this.field.dataset.version);
    this.replaces = this.field.dataset.replaces || null;
    this.#goOn();
    this.field.addEventListener("input", () => this.#changed());
    this.language?.addEventListener("change", () => this.#changed());
    addEventListener("online", () => this.dirty && this.#save());
    addEventListener("pagehide", () => this.#keep());
    form.addEventListener("submit", (event) => this.#add(event));
    main.addEventListener("click", (event) => this.#pressed(event));
  }

  get unsent() {
    return this.field.value.trim() !== "";
  }

  #now() {
    const language = this.language?.value ?? this.field.lang;
    return { text: this.field.value, language, replaces: this.replaces, version: this.version };
  }

  // What this device kept wins over the page only where the site never got it. What was typed before this script ran
  // (a slow line) stands in the field, and is no less worth keeping. A page that the site wrote before it had the last
  // version is older than what this tab saw saved.
  #goOn() {
    const kept = JSON.parse(localStorage.getItem(this.name) || "null");
    const saved = JSON.parse(sessionStorage.getItem(this.name) || "null");
    sessionStorage.removeItem(this.name);
    const typed = this.field.value !== this.field.defaultValue ? this.field.value : "";
    if (!kept && !typed && saved?.version > this.version) this.#put(saved);
    this.dirty = typed !== "" || (kept !== null && kept.text !== this.field.value);
    if (this.dirty && kept) this.#put({ ...kept, text: together(kept.text, typed) });
    this.#show();
    if (!this.dirty) return;
    this.#keep();
    this.#save();
  }

  #put({ text, language, replaces, version }) {
    Object.assign(this, { replaces, version });
    this.field.value = text;
    if (this.language) this.language.value = language;
    this.#show();
  }

  #show() {
    const words = countWords(this.field.value);
    this.counted.textContent = words ? [say("words", { n: words }), this.limits].filter(Boolean).join(" · ") : this.limits;
    if (this.language) this.field.lang = this.language.value;
    this.field.dir = RTL.has(this.field.lang.split("-")[0]) ? "rtl" : "ltr";
    this.counted.classList.toggle("i-bad", words > Number(this.field.dataset.max || Infinity));
    this.form.querySelector("[data-act=leave]").hidden = !this.replaces;
    const number = this.replaces && this.rows.row(this.replaces)?.querySelector("h3").textContent;
    this.names.forEach((each, n) => (each.textContent = number ? each.dataset.anew.replace("{evidence}", number) : this.usual[n]));
  }

  #tell(text) {
    this.said.textContent = text ? ` · ${text}` : "";
  }

  #keep() {
    if (this.dirty) localStorage.setItem(this.name, JSON.stringify(this.#now()));
    else localStorage.removeItem(this.name);
  }

  // What is wrong with the text stands beside it.
  #refuse(reason) {
    this.wrong.textContent = reason;
    this.wrong.parentElement.toggleAttribute("data-bad", reason !== "");
    this.field.setAttribute("aria-invalid", reason !== "");
  }

  #changed() {
    this.dirty = true;
    this.#refuse("");
    this.#show();
    this.#keep();
    this.#tell(say("saving"));
    this.#later(SOON_MS);
  }

  #later(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#save(), milliseconds);
  }

  async #save() {
    if (this.saving || !this.two.hidden) return;
    clearTimeout(this.timer);
    this.saving = true;
    const sent = this.#now();
    try {
      const path = `/api/v1/submissions/${this.main.dataset.submission}/text-draft`;
      this.version = (await call("PUT", path, sent)).version;
      this.dirty = this.field.value !== sent.text || this.#now().language !== sent.language;
      this.#tell(this.dirty ? say("saving") : say("saved", { time: timeOf(new Date()) }));
      if (this.dirty) this.#later(SOON_MS);
      this.#keep();
      sessionStorage.setItem(this.name, JSON.stringify({ ...sent, version: this.version }));
    } catch (error) {
      this.#onError(error);
    } finally {
      this.saving = false;
    }
  }

  #onError(error) {
    if (error.code === "draft-changed") return this.#ask(error.problem);
    this.#tell(error instanceof Refused && !error.passing ? error.message : say("kept_here"));
    if (!(error instanceof Refused) || error.passing) this.#later(AGAIN_MS);
    return undefined;
  }

  // Two devices wrote: show both, and let the reader choose. Neither is lost until then.
  #ask(other) {
    if (!this.unsent) return this.#take(other);
    this.other = other;
    this.two.querySelector("[data-other]").textContent = other.text.trim() || say("taken_there");
    this.two.hidden = false;
    return undefined;
  }

  #take(draft) {
    this.two.hidden = true;
    this.dirty = false;
    this.#put(draft);
    this.#keep();
    sessionStorage.removeItem(this.name);
    this.#tell("");
  }

  #pressed(event) {
    const button = event.target.closest("[data-act]");
    const act = button?.dataset.act;
    if (act === "edit") this.#edit(button);
    if (!["theirs", "mine", "leave"].includes(act)) return;
    if (act === "theirs") this.#take(this.other);
    if (act === "mine") {
      this.version = this.other.version;
      this.two.hidden = true;
      this.#changed();
    }
    if (act === "leave") this.#clear();
    this.field.focus(); // the button that was pressed is gone
  }

  #clear() {
    this.replaces = null;
    this.field.value = "";
    this.#changed();
  }

  /** Say that the text is not added yet, where it stands. */
  insist() {
    this.#refuse(say("add_first"));
    this.field.focus();
  }

  // Write an added text anew; it stays as it is until the new one is added.
  async #edit(button) {
    if (this.unsent) return this.insist();
    const { evidence } = button.closest("[data-evidence]").dataset;
    try {
      const answer = await fetch(`/api/v1/evidence/${evidence}/text`);
      if (!answer.ok) throw new Refused(answer.status, {});
      const { paragraphs } = await answer.json();
      this.#put({ ...this.#now(), text: original(paragraphs), language: button.dataset.language, replaces: evidence });
      this.#changed();
      this.field.focus();
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof TypeError)) throw error;
      this.message.show(say("not_sent"));
    }
    return undefined;
  }

  async #add(event) {
    event.preventDefault();
    this.message.clear();
    const [, button] = this.names;
    button.disabled = true;
    try {
      const path = `/api/v1/submissions/${this.main.dataset.submission}/evidence`;
      const { text, language, replaces } = this.#now();
      const made = await call("POST", path, { kind: "text", text, language, replaces }, { key: newKey() });
      clearTimeout(this.timer);
      this.#take({ text: "", language, replaces: null, version: this.version + 1 });
      if (replaces) location.reload();
      await this.rows.refresh(made.id);
      this.rows.row(made.id).querySelector("h3").focus();
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof TypeError)) throw error;
      this.#refuse(error instanceof Refused ? error.message : say("not_sent"));
      this.field.focus();
    } finally {
      button.disabled = false;
    }
  }
}

// What was kept and what was typed before that was seen. A browser that fills the field in again has it from us.
function together(kept, typed) {
  return typed === "" || kept.startsWith(typed) ? kept : typed.startsWith(kept) ? typed : `${kept}\n\n${typed}`;
}
