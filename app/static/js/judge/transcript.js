// The transcript: words that follow the recording, seek when clicked, show where the program was unsure, and can be searched.
import { Correcting } from "./correcting.js";
import { make, one, say } from "./page.js";
import { clock } from "./times.js";
import { captionAt, findWords, flatten, isUnsure, lastStarted, nextUnsure, seekTo } from "./words.js";

export class TranscriptPane {
  /** `told` says what happened; given only where words can be corrected. */
  constructor(root, player, { unsureBelow, told = null }) {
    this.player = player;
    this.unsureBelow = unsureBelow;
    this.box = one("[data-transcript]", root);
    this.caption = one("[data-caption]", root);
    this.unsure = one("[data-unsure]", root);
    this.backNow = one("[data-act=back-to-now]", root);
    this.find = one("[data-find]", root);
    this.found = one("[data-found]", root);
    this.captionsOn = true;
    this.correcting = told && new Correcting(root, this, { changed: (index, word) => this.#corrected(index, word), told });
    this.clear();
    this.#listen();
  }

  #listen() {
    this.player.addEventListener("time", () => this.follow());
    this.box.addEventListener("click", (event) => this.#click(event));
    this.box.addEventListener("dblclick", (event) => this.correcting?.open(Number(event.target.closest(".w")?.dataset.index)));
    for (const name of ["wheel", "touchmove", "keydown"]) {
      this.box.addEventListener(name, (event) => this.#scrolledByHand(event), { passive: true });
    }
    this.backNow.addEventListener("click", () => this.backToNow());
    one("input", this.find).addEventListener("input", () => this.search());
    this.find.addEventListener("submit", (event) => {
      event.preventDefault();
      this.nextHit();
    });
    this.find.addEventListener("keydown", (event) => event.key === "Escape" && this.closeSearch());
  }

  clear() {
    this.correcting?.close();
    this.path = null;
    this.words = [];
    this.spans = [];
    this.current = -1;
    this.follows = true;
    this.hits = [];
    this.hit = -1;
    this.caption.hidden = true;
    this.unsure.hidden = true;
    this.backNow.hidden = true;
  }

  /** Show the transcript of one piece of evidence; `null` when there is none. `path`: where its words are corrected. */
  show(transcript, path = null) {
    this.clear();
    this.path = path;
    this.words = transcript ? flatten(transcript) : [];
    if (!this.words.length) {
      this.box.replaceChildren(make("p", { className: "none sm muted", textContent: say(transcript ? "no_speech" : "no_transcript") }));
      return;
    }
    this.box.replaceChildren(...this.#hints(transcript), ...transcript.segments.map((segment, number) => this.#turn(segment, number)));
    this.#countUnsure();
    this.follow();
  }

  /** What to know before reading: another language than declared, stretches that were left out. */
  #hints({ detected, dropped, language }) {
    const nameOf = (code) => new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(code);
    const lines = [];
    if (detected) lines.push(say("sounds_like", { language: nameOf(detected.language), declared: nameOf(language) }));
    if (dropped?.length) lines.push(say("left_out", { count: dropped.length, times: dropped.map((each) => clock(each.start_ms)).join(", ") }));
    const { lang, dir } = document.documentElement;
    return lines.map((textContent) => make("p", { className: "none sm muted", textContent, lang, dir }));
  }

  #countUnsure() {
    const count = this.words.filter((word) => isUnsure(word, this.unsureBelow)).length;
    this.unsure.hidden = count === 0;
    this.unsure.textContent = say("unsure", { count });
  }

  #corrected(index, word) {
    const { segment, place } = this.words[index];
    this.words[index] = { ...word, segment, place };
    const span = this.#word(this.words[index], index, this.spans[index]);
    span.classList.toggle("on", index === this.current);
    this.#countUnsure();
    this.current = -2;
    this.follow();
  }

  /** Say that the transcript is still being written, and how far that is (0 to 1). */
  showComing(progress) {
    this.clear();
    const text = say("transcribing", { percent: Math.floor(progress * 100) });
    this.box.replaceChildren(make("p", { className: "none sm muted", textContent: text }));
  }

  #turn(segment, number) {
    const time = make("button", { type: "button", className: "ts", textContent: clock(segment.start_ms) });
    time.dataset.seek = segment.start_ms;
    const line = make("p");
    this.words.forEach((word, index) => {
      if (word.segment === number) line.append(this.#word(word, index), " ");
    });
    return make("div", { className: "turn" }, time, line);
  }

  #word(word, index, span = make("span", {})) {
    const low = isUnsure(word, this.unsureBelow);
    const fixed = word.heard !== undefined;
    span.className = low ? "w low" : fixed ? "w fixed" : "w";
    span.textContent = word.text.trim();
    const percent = Math.round(word.probability * 100);
    span.title = fixed ? say("corrected", { word: word.heard }) : low ? say("unsure_word", { percent }) : "";
    span.dataset.index = index;
    this.spans[index] = span;
    return span;
  }

  #click(event) {
    const word = event.target.closest(".w");
    const time = event.target.closest("[data-seek]");
    if (word) this.player.seek(seekTo(this.words[word.dataset.index]));
    if (time) this.player.seek(Number(time.dataset.seek) + 1);
    if (word || time) this.backToNow();
  }

  #scrolledByHand(event) {
    if (event.type === "keydown" && !["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"].includes(event.key)) return;
    if (!this.words.length || !this.player.playing) return;
    this.follows = false;
    this.backNow.hidden = false;
  }

  backToNow() {
    this.follows = true;
    this.backNow.hidden = true;
    this.#reveal(this.current, "center");
  }

  follow() {
    const index = lastStarted(this.words, this.player.ms);
    if (index === this.current) return;
    this.spans[this.current]?.classList.remove("on");
    this.spans[index]?.classList.add("on");
    this.current = index;
    const text = captionAt(this.words, index);
    this.caption.hidden = !(this.captionsOn && text);
    this.caption.firstElementChild.textContent = text;
    if (this.follows && this.player.playing) this.#reveal(index, "nearest");
  }

  /** Scroll the pane only: `scrollIntoView` would move the whole page on a phone. */
  #reveal(index, where) {
    const span = this.spans[index];
    if (!span || this.box.scrollHeight <= this.box.clientHeight) return;
    const box = this.box.getBoundingClientRect();
    const place = span.getBoundingClientRect();
    const inside = place.top >= box.top + 24 && place.bottom <= box.bottom - 48;
    if (where === "nearest" && inside) return;
    this.box.scrollTop += place.top - box.top - box.height / 3;
  }

  setCaptions(on) {
    this.captionsOn = on;
    this.current = -2;
    this.follow();
  }

  byWord(step) {
    const index = Math.max(0, Math.min(this.words.length - 1, this.current + step));
    if (this.words[index]) this.player.seek(seekTo(this.words[index]));
  }

  nextUnsure() {
    const index = nextUnsure(this.words, this.player.ms, this.unsureBelow);
    if (index < 0) return;
    this.player.seek(seekTo(this.words[index]));
    this.#reveal(index, "center");
  }

  openSearch() {
    this.find.hidden = false;
    const field = one("input", this.find);
    field.focus();
    field.select();
  }

  closeSearch() {
    this.find.hidden = true;
    one("input", this.find).value = "";
    this.search();
    this.box.focus();
  }

  search() {
    for (const span of this.spans) span?.classList.remove("hl");
    const query = one("input", this.find).value;
    this.hits = findWords(this.words, query);
    const length = query.trim().split(/\s+/).length;
    for (const index of this.hits) {
      for (let n = 0; n < length; n++) this.spans[index + n]?.classList.add("hl");
    }
    this.hit = -1;
    this.found.textContent = query.trim() ? (this.hits.length ? say("found", { at: 1, all: this.hits.length }) : say("no_words")) : "";
    if (this.hits.length) this.nextHit();
  }

  nextHit() {
    if (!this.hits.length) return;
    this.hit = (this.hit + 1) % this.hits.length;
    this.found.textContent = say("found", { at: this.hit + 1, all: this.hits.length });
    this.player.seek(seekTo(this.words[this.hits[this.hit]]));
    this.#reveal(this.hits[this.hit], "center");
  }
}
