// Comments: typing pauses the recording, Enter saves and goes on, Esc leaves. A comment stands where typing began, less a second.
import { make, one, say } from "./page.js";

const BEFORE_MS = 1000;

export class CommentsPane extends EventTarget {
  constructor(root, player, { placeOf, placeNow, seen }) {
    super();
    this.player = player;
    this.placeOf = placeOf;
    this.placeNow = placeNow;
    this.seen = seen;
    this.box = one("[data-comments]", root);
    this.none = one("[data-no-comments]", root);
    this.form = one("[data-composer]", root);
    this.field = one("input", this.form);
    this.at = one("[data-comment-at]", this.form);
    this.started = null;
    this.#listen();
  }

  #listen() {
    const { field, form, player } = this;
    field.addEventListener("input", () => this.#begin());
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#leave();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.at.addEventListener("click", () => {
      this.started = this.placeNow();
      this.#showPlace();
      field.focus();
    });
    this.box.addEventListener("click", (event) => this.#click(event));
    player.addEventListener("time", () => this.started === null && this.#showPlace());
  }

  #begin() {
    if (this.started !== null || !this.field.value) return;
    const place = this.placeNow();
    this.resumes = this.player.playing;
    this.player.pause();
    this.started = place.isMarked || place.isText ? place : { ...place, start_ms: Math.max(0, place.start_ms - BEFORE_MS) };
    this.#showPlace();
  }

  #showPlace() {
    this.at.textContent = this.placeOf(this.started ?? this.placeNow());
  }

  #save() {
    const text = this.field.value.trim();
    if (!text) return;
    const { evidence_id, start_ms, end_ms } = this.started ?? this.placeNow();
    this.dispatchEvent(new CustomEvent("comment", { detail: { evidence_id, start_ms, end_ms: end_ms ?? null, text } }));
    this.#leave();
  }

  #leave() {
    this.field.value = "";
    this.started = null;
    this.field.blur();
    this.#showPlace();
    if (this.resumes) this.player.play();
    this.resumes = false;
  }

  #click(event) {
    const seek = event.target.closest("[data-go]");
    const remove = event.target.closest("[data-remove]");
    if (seek) this.dispatchEvent(new CustomEvent("go", { detail: Number(seek.dataset.go) }));
    if (remove) this.dispatchEvent(new CustomEvent("remove", { detail: Number(remove.dataset.remove) }));
  }

  focus() {
    this.field.focus();
  }

  /** Show the comments; `criterionOf(code)` gives the number of a criterion. */
  show(comments, criterionOf) {
    this.box.replaceChildren(this.none, ...comments.map((comment, index) => this.#line(comment, index, criterionOf)));
    this.none.hidden = comments.length > 0;
  }

  #line(comment, index, criterionOf) {
    const place = this.placeOf(comment);
    const go = make("button", { type: "button", className: "ts", textContent: place });
    go.dataset.go = index;
    const about = comment.criterion ? `${say("criterion", { number: criterionOf(comment.criterion) })} ` : "";
    const remove = make("button", { type: "button", className: "rm", textContent: "×", "aria-label": say("remove_comment", { time: place }) });
    remove.dataset.remove = index;
    const text = make("p", { textContent: comment.text, dir: "auto" });
    const note = make("span", { className: "sm muted", textContent: about + say(this.seen) });
    return make("div", { className: "cmt" }, go, make("div", {}, text, note), remove);
  }
}
