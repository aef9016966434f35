// What the recorder's page shows. It decides nothing: the studio tells it.
import { clock, say } from "../texts.js";
import { percentSent, standing } from "./limits.js";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const FOCUS = { count: "[data-act=stop-count]", rec: "[data-act=pause]", paused: "[data-act=resume]", review: "#take-h" };

export class Screen {
  constructor(main) {
    this.main = main;
    this.rec = one(".rec", main);
    this.live = one("[data-live]", main);
    this.film = one("[data-take]", main);
    this.bars = all("[data-meter] rect", main);
    this.limits = { min_ms: inMs(main.dataset.min), max_ms: inMs(main.dataset.max) };
  }

  get phase() {
    return this.rec.dataset.phase;
  }

  setPhase(phase) {
    this.rec.dataset.phase = phase;
    this.hideSoon();
    if (phase !== "review") this.#noFilm();
    one(FOCUS[phase] ?? "[data-none]", this.main)?.focus({ preventScroll: phase !== "review" });
  }

  announce(text) {
    one("[data-voice]", this.main).textContent = text;
  }

  problem(name, places = {}, { again = false } = {}) {
    const box = one("[data-problem]", this.main);
    one("[data-problem-title]", box).textContent = say(`${name}_title`);
    one("[data-problem-text]", box).textContent = say(name, places);
    one("[data-act=again]", box).hidden = !again;
    box.hidden = false;
    box.scrollIntoView({ block: "nearest" });
  }

  noProblem() {
    one("[data-problem]", this.main).hidden = true;
  }

  setSource(source) {
    one("[data-view]", this.main).dataset.source = source;
    for (const button of all("[data-source]", one("[data-before]", this.main))) button.setAttribute("aria-pressed", button.dataset.source === source);
  }

  showStream(stream, { mirrored }) {
    const picture = stream?.getVideoTracks().length ? stream : null;
    this.live.srcObject = picture;
    this.live.classList.toggle("mirrored", mirrored);
    if (picture) this.live.play().catch((error) => console.warn("no live picture", error));
  }

  showDevices({ cameras, microphones }, { picture }) {
    this.#fill("camera", picture ? cameras : []);
    this.#fill("microphone", microphones);
    one("[data-act=switch]", this.main).hidden = !picture || cameras.length < 2;
  }

  #fill(name, devices) {
    one(`[data-${name}]`, this.main).hidden = devices.length < 1;
    const options = devices.map((each, n) => new Option(each.label || say(name, { n: n + 1 }), each.id, each.used, each.used));
    one(`#${name}`, this.main).replaceChildren(...options);
  }

  showLevel({ word, lit }) {
    this.bars.forEach((bar, n) => bar.classList.toggle("off", n >= lit));
    const text = say(`level_${word}`);
    const said = one("[data-level]", this.main);
    if (said.textContent !== text) said.textContent = text;
    this.check("sound", word === "good", text);
  }

  /** One line of the list before the start; `text` null hides it. */
  check(name, good, text) {
    const line = one(`[data-check=${name}]`, this.main);
    line.hidden = text === null;
    if (text === null) return;
    line.dataset.mark = good ? "ok" : "warn";
    const said = one("[data-check-text]", line);
    if (said.textContent !== text) said.textContent = text;
  }

  showPhrase(text) {
    for (const box of all("[data-phrase-box]", this.main)) {
      box.hidden = !text;
      one("[data-phrase-text]", box).textContent = text ?? "";
    }
    if (text) one("[data-count-said]", this.main).textContent = say("phrase_then");
  }

  hidePhrase() {
    one(".phrase.on-rec", this.main).hidden = true;
  }

  count(number) {
    one("[data-count]", this.main).textContent = String(number);
  }

  /** Times and the bar against what the rubric asks. */
  showTime(elapsed_ms) {
    const time = clock(elapsed_ms);
    const now = standing(elapsed_ms, this.limits);
    for (const each of all("[data-time]", this.main)) if (each.textContent !== time) each.textContent = time;
    for (const bar of all("[data-limit-bar]", this.main)) bar.setAttribute("width", Math.round(now.share * 800));
    for (const mark of all("[data-limit-mark]", this.main)) mark.setAttribute("x", now.mark === null ? -9 : Math.round(now.mark * 800) - 2);
    const { max_ms } = this.limits;
    for (const each of all("[data-limit-text]", this.main)) each.textContent = max_ms ? `${time} / ${clock(max_ms)}` : time;
    for (const each of all("[data-limit]", this.main)) each.setAttribute("aria-label", this.#limitWords(time));
    return now;
  }

  #limitWords(time) {
    const { min_ms, max_ms } = this.limits;
    if (max_ms && min_ms) return say("limit_least", { time, max: clock(max_ms), min: clock(min_ms) });
    if (max_ms) return say("limit", { time, max: clock(max_ms) });
    return min_ms ? say("limit_only_least", { time, min: clock(min_ms) }) : time;
  }

  showSoon(left_ms) {
    const box = one("[data-soon]", this.main);
    const n = Math.ceil(left_ms / 1000);
    one("[data-soon-text]", box).textContent = say("soon", { n, max: clock(this.limits.max_ms) });
    if (box.hidden) this.announce(say("soon", { n, max: clock(this.limits.max_ms) }));
    box.hidden = false;
  }

  hideSoon() {
    one("[data-soon]", this.main).hidden = true;
  }

  showPaused(missing_ms) {
    const said = missing_ms > 0 ? say("more_asked", { time: clock(Math.ceil(missing_ms / 1000) * 1000) }) : say("nothing_lost");
    one("[data-paused-said]", this.main).textContent = said;
  }

  showKept(kept) {
    const said = one("[data-kept]", this.main);
    const text = say(kept ? "kept" : "kept_not");
    if (said.textContent !== text) said.textContent = text;
  }

  showSent(upload) {
    const percent = upload ? percentSent(upload.sent, upload.size) : null;
    const waits = upload && ["offline", "retrying", "busy"].includes(upload.state);
    for (const each of all("[data-sent]", this.main)) {
      each.hidden = percent === null && !waits;
      each.textContent = waits ? say(upload.state === "offline" ? "sent_later" : "not_yet") : say("sent", { n: percent ?? 0 });
    }
  }

  /** Whether "throw it away" was pressed twice: nothing brings a take back. */
  isSure() {
    const button = one("[data-act=discard]", this.main);
    if (button.textContent === say("sure")) return true;
    button.textContent = say("sure");
    this.announce(say("sure"));
    return false;
  }

  /** Show takes to choose from, one of them open. */
  showTakes(takes, open, said) {
    const box = one("[data-takes]", this.main);
    box.hidden = takes.length < 2;
    one("[data-choose]", this.main).hidden = takes.length < 2;
    one("[data-keeps]", this.main).hidden = takes.length > 1;
    box.replaceChildren(...takes.map((take, n) => this.#choice(take, n, take === open)));
    one("[data-act=discard]", this.main).textContent = say("throw");
    this.showTime(open.record.elapsed_ms);
    one("[data-review-said]", this.main).textContent = said;
    this.#showFilm(open);
  }

  #choice(take, n, chosen) {
    const text = say("take", { n: n + 1, time: clock(take.record.elapsed_ms) });
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: text });
    button.dataset.take = take.id;
    button.setAttribute("aria-pressed", chosen);
    return button;
  }

  /** What a take comes to against what the rubric asks. */
  reviewWords(elapsed_ms) {
    const { min_ms, max_ms } = this.limits;
    const time = clock(elapsed_ms);
    if (min_ms && elapsed_ms < min_ms) return say("review_short", { time, min: clock(min_ms) });
    return say(min_ms || max_ms ? "review_in" : "review_plain", { time });
  }

  #showFilm(take) {
    this.#noFilm();
    this.film.src = URL.createObjectURL(take.blob);
    this.film.hidden = false;
    one("[data-view]", this.main).dataset.source = take.record.source;
    knowLength(this.film);
  }

  #noFilm() {
    if (!this.film.src) return;
    this.film.pause();
    URL.revokeObjectURL(this.film.src);
    this.film.removeAttribute("src");
    this.film.load();
    this.film.hidden = true;
  }

  setBusy(busy) {
    for (const button of all(".on-review button", this.main)) button.disabled = busy;
  }
}

const inMs = (seconds) => (seconds ? Number(seconds) * 1000 : null);

// A recording fresh from the browser says no length: going to its end once lets the browser find it.
function knowLength(media) {
  media.addEventListener(
    "loadedmetadata",
    () => {
      if (Number.isFinite(media.duration)) return;
      media.addEventListener("durationchange", () => (media.currentTime = 0), { once: true });
      media.currentTime = 1e7;
    },
    { once: true },
  );
}
