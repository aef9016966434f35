// Correcting a word of the transcript: what the program heard is kept and can be put back.
import { call } from "./api.js";
import { one, say } from "./page.js";

export class Correcting {
  /** `changed(index, word)` is told of a word as the server has it now; `told(text)` says what happened. */
  constructor(root, pane, { changed, told }) {
    this.pane = pane;
    this.changed = changed;
    this.told = told;
    this.form = one("[data-fix]", root);
    this.field = one("input", this.form);
    this.heard = one("[data-heard]", this.form);
    this.restoreButton = one("[data-restore]", this.form);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(this.field.value.trim());
    });
    this.form.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.restoreButton.addEventListener("click", () => this.#save(null));
    one("[data-cancel]", this.form).addEventListener("click", () => this.close());
  }

  /** Open the form for a word; playing pauses meanwhile. Before the first word there is none: it is said how to choose. */
  open(index) {
    if (index === -1 && this.pane.words.length) return this.told(say("choose_word"));
    const word = this.pane.words[index];
    if (!word || word.place === null || !this.pane.path) return;
    this.index = index;
    this.path = this.pane.path;
    this.pane.player.pause();
    this.heard.textContent = say("heard", { word: word.heard ?? word.text.trim() });
    this.restoreButton.hidden = word.heard === undefined;
    this.field.value = word.text.trim();
    this.form.hidden = false;
    this.field.focus();
    this.field.select();
  }

  close() {
    if (this.form.hidden) return;
    this.form.hidden = true;
    this.pane.box.focus();
  }

  async #save(text) {
    const word = this.pane.words[this.index];
    if (text === "" || text === word.text.trim()) return this.close();
    const { ok, status, body } = await call("PATCH", this.path, { segment: word.segment, word: word.place, text });
    if (!ok) return this.told(say("not_corrected", { why: status === 0 ? say("no_connection") : body.detail }));
    if (this.path === this.pane.path) this.changed(this.index, body);
    this.close();
    this.told(say(body.heard === undefined ? "word_restored" : "word_corrected", { word: body.text }));
  }
}
