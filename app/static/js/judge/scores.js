// The rubric pane: four questions, criteria with levels, notes and linked moments. It shows a draft and says what changed.
import { GATES, gates, isComplete, scoreOf, scored } from "./draft.js";
import { all, make, one, say } from "./page.js";
import { clock } from "./times.js";

const number = (element) => Number(element.dataset.number);

export class ScoresPane extends EventTarget {
  /** `placeOf(moment)` names a moment: its time, or the words of a text. */
  constructor(root, { placeOf }) {
    super();
    this.root = root;
    this.placeOf = placeOf;
    this.form = one("[data-scores]", root);
    this.levels = one("[data-levels]", root);
    this.gatesBox = one("[data-gates]", root);
    this.criteria = all("[data-criterion]", root);
    this.codes = this.criteria.map((each) => each.dataset.criterion);
    this.open = 0;
    this.#listen();
  }

  #listen() {
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", (event) => this.#changed(event));
    this.form.addEventListener("input", (event) => this.#typed(event));
    this.form.addEventListener("click", (event) => this.#clicked(event));
    this.form.addEventListener("focusin", (event) => {
      const within = event.target.closest("[data-criterion]");
      if (within) this.openCriterion(number(within) - 1, { scroll: false });
    });
  }

  #say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #changed(event) {
    const { name, value } = event.target;
    if (name?.startsWith("gate-")) this.#say("gate", { gate: name.slice(5), answer: value === "1" });
    if (name?.startsWith("level-")) this.#say("level", { criterion: name.slice(6), level: Number(value) });
  }

  #typed(event) {
    const { target } = event;
    const criterion = target.closest("[data-criterion]")?.dataset.criterion;
    if ("note" in target.dataset) this.#say("note", { criterion, note: target.value });
    if ("message" in target.dataset) this.#say("message", { message: target.value });
    if (target.tagName === "TEXTAREA") grow(target);
  }

  #clicked(event) {
    const opener = event.target.closest("[data-open-criterion]");
    const remove = event.target.closest("[data-remove]");
    const seek = event.target.closest("[data-moment]");
    const criterion = event.target.closest("[data-criterion]")?.dataset.criterion;
    if (opener) this.openCriterion(this.codes.indexOf(criterion));
    if (remove) this.#say("unlink", { criterion, index: Number(remove.dataset.remove) });
    if (seek) this.#say("go", { criterion, index: Number(seek.dataset.moment) });
    if (event.target.closest("[data-act=link]")) this.#say("link", { criterion });
  }

  get current() {
    return this.codes[this.open];
  }

  titleOf(code) {
    return this.criteria[this.codes.indexOf(code)]?.dataset.title ?? code;
  }

  numberOf(code) {
    return this.codes.indexOf(code) + 1;
  }

  openCriterion(index, { scroll = true } = {}) {
    const next = Math.max(0, Math.min(this.codes.length - 1, index));
    this.open = next;
    this.criteria.forEach((each, n) => {
      each.classList.toggle("open", n === next);
      one("[data-open-criterion]", each).setAttribute("aria-expanded", n === next);
    });
    grow(one("[data-note]", this.criteria[next]));
    if (scroll) this.criteria[next].scrollIntoView({ block: "nearest" });
  }

  /** Draw a draft. Fields that are being typed in are left alone. */
  show(draft) {
    for (const gate of GATES) {
      for (const input of all(`[name=gate-${gate}]`, this.form)) input.checked = draft.vacs[gate] === (input.value === "1");
    }
    for (const each of this.criteria) this.#showCriterion(each, draft);
    const message = one("[data-message]", this.form);
    if (message && document.activeElement !== message) message.value = draft.message;
    this.#showGates(draft);
    one("[data-count]", this.root).textContent = say("scored", { done: scored(draft, this.codes), all: this.codes.length });
  }

  #showCriterion(element, draft) {
    const code = element.dataset.criterion;
    const score = scoreOf(draft, code);
    for (const input of all(".lv input", element)) input.checked = score.level === Number(input.value);
    const note = one("[data-note]", element);
    if (document.activeElement !== note) note.value = score.note;
    for (const text of all("[data-level-text]", element)) {
      text.classList.toggle("on", score.level === Number(text.dataset.levelText));
    }
    const chosen = one(`[data-level-text="${score.level}"]`, element);
    if (chosen) one("[data-desc]", element).textContent = one("dd", chosen).textContent;
    element.classList.toggle("has-note", Boolean(score.note));
    one("[data-moments]", element).replaceChildren(...score.moments.map((moment, n) => this.#chip(moment, n)));
  }

  #chip(moment, index) {
    const place = this.placeOf(moment);
    const go = make("button", { type: "button", className: "ts", textContent: place });
    go.dataset.moment = index;
    const remove = make("button", { type: "button", className: "rm", textContent: "×", "aria-label": say("remove_moment", { time: place }) });
    remove.dataset.remove = index;
    return make("span", { className: "mo" }, go, remove);
  }

  #showGates(draft) {
    const { answered, no, open, next } = gates(draft);
    const tag = one("[data-gates-tag]", this.root);
    tag.textContent = no.length ? say("not_all_yes") : say("gates", { done: answered });
    tag.className = `tag ${no.length ? "bad" : open ? "ok" : "warn"}`;
    const ends = no.includes("authentic") ? "gates_not_authentic" : no.includes("sufficient") ? "gates_not_sufficient" : null;
    this.levels.disabled = !open;
    one("[data-gates-say]", this.root).textContent = say(ends ?? (no.length ? "gates_no" : open ? "gates_open" : "gates_hint"));
    for (const line of all("[data-gate]", this.root)) line.classList.toggle("cur", line.dataset.gate === next);
    if (open && !this.wasOpen && !no.length) this.gatesBox.open = false;
    this.wasOpen = open;
  }

  toggleGates() {
    this.gatesBox.open = !this.gatesBox.open;
    if (this.gatesBox.open) this.gatesBox.scrollIntoView({ block: "nearest" });
  }

  /** Answer the next open question. */
  answerNext(draft, answer) {
    const { next } = gates(draft);
    if (!next) return;
    this.gatesBox.open = true;
    this.#say("gate", { gate: next, answer });
  }

  isComplete(draft) {
    return isComplete(draft, this.codes);
  }
}

/** Let a field grow with its text. */
export function grow(field) {
  field.style.blockSize = "auto";
  field.style.blockSize = `${field.scrollHeight + 2}px`;
}

/** A moment as a time, or a text span by its first words. */
export function placeName(moment, textOf) {
  const text = textOf(moment.evidence_id);
  if (text === null) return clock(moment.start_ms);
  const words = [...text].slice(moment.start_ms, moment.end_ms).join("").trim();
  if (!words) return say("whole_text");
  return say("text_place", { words: words.length > 24 ? `${words.slice(0, 23)}…` : words });
}
