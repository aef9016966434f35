// The workstation at work: joins player, transcript, scores, comments, lease and saving. The assessor's page and the
// validator's blind step start it with what differs between them.
import { showText } from "../media/paragraphs.js";
import { Acts } from "./acts.js";
import { call } from "./api.js";
import { CommentsPane } from "./comments.js";
import * as drafts from "./draft.js";
import { EvidenceShelf, paintSpans, selectedSpan, selectSpan, transcribing } from "./evidence.js";
import { Keeping } from "./keeping.js";
import { Lease } from "./lease.js";
import { outcomeWords } from "./outcome.js";
import { all, data, make, one, say, settings, showToldText, toast } from "./page.js";
import { Phrases } from "./phrases.js";
import { Player } from "./player.js";
import { ScoresPane, placeName } from "./scores.js";
import { clock } from "./times.js";
import { TranscriptPane } from "./transcript.js";
import { Waveform } from "./waveform.js";

const MOMENT_MS = 5000;
const LOOK_AGAIN_MS = 3000;
const STILL_MS = 900;

export class Session {
  /** `kind` is `send` (assessor) or `blind` (validator); `seen` names who sees comments; `send(session)` sends. */
  constructor({ kind, seen, send }) {
    this.page = data("judge");
    this.kind = kind;
    this.sendIt = send;
    this.root = one("[data-judge]");
    this.preview = this.page.preview;
    this.past = drafts.history();
    this.shelf = new EvidenceShelf(this.page.evidence);
    this.player = new Player(this.root);
    const placeOf = (moment) => placeName(moment, (id) => this.shelf.textOf(id));
    this.placeOf = placeOf;
    this.transcript = new TranscriptPane(this.root, this.player, {
      unsureBelow: this.page.unsure_below,
      told: kind === "send" ? (text) => this.say(text) : null,
    });
    this.wave = new Waveform(this.root, this.player);
    this.phrases = new Phrases(this.root, { go: (moment) => this.goTo(moment) });
    this.scores = new ScoresPane(this.root, { placeOf });
    this.comments = new CommentsPane(this.root, this.player, { placeOf, placeNow: () => this.placeNow(), seen });
    const names = { codes: this.scores.codes, titleOf: (code) => this.scores.titleOf(code) };
    this.keeping = new Keeping(this.page, { withMessage: kind === "send", names });
    this.draft = this.keeping.draft;
    this.textBox = one("[data-text]", this.root);
    this.stage = one("[data-stage]", this.root);
    this.sendButton = one("[data-act=send]", this.root);
    this.ended = false;
  }

  async start() {
    this.draft = await this.keeping.start();
    this.#listen();
    this.#startLease();
    this.show();
    showToldText();
    if (this.shelf.first) await this.openEvidence(this.shelf.first);
    await this.#readTexts();
  }

  /** What could not be read while the lease was over is there again. */
  async #readAgain() {
    if (this.piece && !this.shelf.has(this.piece)) await this.openEvidence(this.piece, this.player.ms);
    await this.#readTexts();
  }

  /** Moments in texts are named by their words: read the texts of all pieces that have moments. */
  async #readTexts() {
    await Promise.all(this.shelf.pieces.filter((each) => this.shelf.isText(each.id)).map((each) => this.shelf.read(each)));
    this.show();
  }

  // Changes ------------------------------------------------------------------------------------------------------------

  /** Take a change over: draw it, keep it for undo, save it. */
  change(next) {
    if (this.ended || next === this.draft) return;
    this.past.keep(this.draft);
    this.draft = next;
    this.show();
    this.keeping.change(next);
  }

  undo() {
    const before = this.past.back();
    if (!before) return;
    this.draft = before;
    this.show();
    this.keeping.change(before);
    toast(say("undone"));
  }

  // Drawing -----------------------------------------------------------------------------------------------------------

  show() {
    this.scores.show(this.draft);
    const numbered = this.draft.comments.map((each, n) => ({ ...each, number: n + 1 }));
    this.comments.show(this.draft.comments, (code) => this.scores.numberOf(code));
    this.wave.setComments(numbered.filter((each) => each.evidence_id === this.piece?.id && !this.shelf.isText(each.evidence_id)));
    if (this.shelf.isText(this.piece?.id)) paintSpans(this.textBox, this.#spans(this.piece.id));
    this.showOutcome();
  }

  #spans(id) {
    const moments = this.scores.codes.flatMap((code) => drafts.scoreOf(this.draft, code).moments);
    return [...moments, ...this.draft.comments].filter((each) => each.evidence_id === id);
  }

  showOutcome() {
    const titles = (codes) => codes.map((code) => this.scores.numberOf(code)).sort((a, b) => a - b).join(", ");
    one("[data-outcome]", this.root).textContent = outcomeWords(this.preview, this.draft, { say, titles, kind: this.kind });
    this.sendButton.setAttribute("aria-disabled", !this.scores.isComplete(this.draft));
  }

  /** List what the server says is missing, and go to the first of it. */
  showMissing(errors) {
    const box = one("[data-missing]", this.root);
    box.replaceChildren(...errors.map((error) => make("p", { textContent: this.#missingText(error) })));
    box.hidden = errors.length === 0;
    const code = errors.map(({ field }) => /^scores\.([^.]+)/.exec(field)?.[1]).find(Boolean);
    if (code) this.scores.openCriterion(this.scores.numberOf(code) - 1);
    else if (errors.some(({ field }) => field === "message")) one("[data-message]", this.root)?.focus();
  }

  #missingText({ field, message }) {
    const code = /^scores\.([^.]+)/.exec(field)?.[1];
    return code ? `${this.scores.numberOf(code)}. ${this.scores.titleOf(code)}: ${message}` : message;
  }

  // Evidence ----------------------------------------------------------------------------------------------------------

  async openEvidence(piece, place_ms) {
    this.piece = piece;
    this.root.dataset.kind = piece.kind;
    for (const button of all("[data-evidence]", this.root)) button.setAttribute("aria-pressed", button.dataset.evidence === piece.id);
    const isText = this.shelf.isText(piece.id);
    this.textBox.hidden = !isText;
    for (const link of all("[data-original]", this.root)) link.hidden = link.dataset.original !== piece.id;
    if (isText) this.player.pause();
    else this.player.open(piece, place_ms === undefined ? {} : { at_ms: place_ms });
    const { text, transcript, peaks } = await this.shelf.read(piece);
    if (this.piece !== piece) return;
    if (isText) showText(this.textBox, text);
    else {
      this.#showTranscript(piece, transcript);
      this.wave.setPeaks(peaks);
      if (piece.has.includes("transcribing")) this.#awaitTranscript(piece);
    }
    one("[data-total]", this.root).textContent = clock(this.player.duration_ms);
    this.show();
  }

  #showTranscript(piece, transcript) {
    this.transcript.show(transcript, `/api/v1/evidence/${piece.id}/transcript`);
    this.phrases.show(this.piece.id, this.transcript.words);
    this.player.silences = transcript?.silences ?? [];
  }

  /** The transcript joins while the recording is judged already: look for it until it is whole or there is none. */
  async #awaitTranscript(piece) {
    this.transcript.showComing(0);
    while (this.piece === piece && !this.ended) {
      const found = await transcribing(piece);
      if (this.piece !== piece) return;
      if (found?.over) {
        this.#showTranscript(piece, (await this.shelf.again(piece)).transcript);
        return this.show();
      }
      if (found) this.transcript.showComing(found.progress);
      await new Promise((done) => setTimeout(done, LOOK_AGAIN_MS));
    }
  }

  /** The moment that is open now: the marked part, the selected text, or the present time. */
  placeNow() {
    const id = this.piece?.id;
    if (this.shelf.isText(id)) {
      const span = selectedSpan(this.textBox) ?? this.lastSpan;
      return { evidence_id: id, start_ms: span?.start ?? 0, end_ms: span?.end ?? 0, isText: true };
    }
    const { marked, ms } = this.player;
    return marked ? { evidence_id: id, start_ms: marked.from, end_ms: marked.to, isMarked: true } : { evidence_id: id, start_ms: ms };
  }

  async goTo(moment) {
    const piece = this.shelf.byId(moment.evidence_id);
    if (!piece) return;
    if (this.piece !== piece) await this.openEvidence(piece, moment.start_ms);
    if (this.shelf.isText(piece.id)) selectSpan(this.textBox, moment);
    else this.player.seek(moment.start_ms + 1);
  }

  link(criterion = this.scores.current) {
    const place = this.placeNow();
    if (place.isText && place.end_ms <= place.start_ms) return this.say(say("selection"));
    const last = this.player.duration_ms;
    const end = place.end_ms ?? Math.min(place.start_ms + MOMENT_MS, last || place.start_ms + MOMENT_MS);
    const start = Math.min(place.start_ms, Math.max(0, end - 1));
    const moment = { evidence_id: place.evidence_id, start_ms: start, end_ms: end };
    this.change(drafts.addMoment(this.draft, criterion, moment));
    if (place.isMarked) this.player.unmark();
    this.say(say("linked", { time: this.placeOf(moment), criterion: this.scores.titleOf(criterion) }));
  }

  /** A short word under the player, read out politely. */
  say(text) {
    one("[data-say]", this.root).textContent = text;
  }

  // Acts --------------------------------------------------------------------------------------------------------------

  #listen() {
    const { root, player, scores, comments } = this;
    document.addEventListener("selectionchange", () => {
      this.lastSpan = selectedSpan(this.textBox) ?? this.lastSpan;
    });
    for (const name of ["state", "rate"]) player.addEventListener(name, () => this.showPlayer());
    player.addEventListener("time", () => (one("[data-now]", root).textContent = clock(player.ms)));
    player.addEventListener("part", () => this.#showPart());
    player.addEventListener("skipped", (event) => this.say(say("skip_to", { time: clock(event.detail + 500) })));
    player.addEventListener("again", () => this.say(say("again_gone")));
    this.stage.addEventListener("click", (event) => event.target.closest("button") || player.toggle());
    player.media.addEventListener("durationchange", () => this.#arrived());
    scores.addEventListener("gate", ({ detail }) => this.change(drafts.setGate(this.draft, detail.gate, detail.answer)));
    scores.addEventListener("level", ({ detail }) => this.change(drafts.setLevel(this.draft, detail.criterion, detail.level)));
    scores.addEventListener("note", ({ detail }) => this.#typed(drafts.setNote(this.draft, detail.criterion, detail.note)));
    scores.addEventListener("message", ({ detail }) => this.#typed(drafts.setMessage(this.draft, detail.message)));
    scores.addEventListener("link", ({ detail }) => this.link(detail.criterion));
    scores.addEventListener("unlink", ({ detail }) => this.change(drafts.removeMoment(this.draft, detail.criterion, detail.index)));
    scores.addEventListener("go", ({ detail }) => this.goTo(drafts.scoreOf(this.draft, detail.criterion).moments[detail.index]));
    comments.addEventListener("comment", ({ detail }) => this.#comment(detail));
    comments.addEventListener("remove", ({ detail }) => this.change(drafts.removeComment(this.draft, detail)));
    comments.addEventListener("go", ({ detail }) => this.goTo(this.draft.comments[detail]));
    this.keeping.addEventListener("preview", ({ detail }) => this.#previewed(detail));
    this.keeping.addEventListener("draft", ({ detail }) => this.#replace(detail));
    addEventListener("online", () => this.keeping.flush());
    addEventListener("pagehide", () => this.#leave());
    document.addEventListener("visibilitychange", () => document.hidden && this.keeping.flush());
    this.showPlayer();
    this.acts = new Acts(this);
  }

  #previewed(preview) {
    this.preview = preview;
    this.showOutcome();
  }

  #replace(draft) {
    this.draft = draft;
    this.show();
  }

  #comment(detail) {
    const about = { ...detail, criterion: this.scores.current };
    this.change(drafts.addComment(this.draft, about));
    this.player.unmark();
    this.say(say("commented", { time: this.placeOf(detail) }));
  }

  /** Typing is one step of undo for each pause, not for each letter. */
  #typed(next) {
    if (this.ended) return;
    if (!this.typedAt || Date.now() - this.typedAt > STILL_MS) this.past.keep(this.draft);
    this.typedAt = Date.now();
    this.draft = next;
    this.keeping.change(next);
    this.showOutcome();
  }

  #arrived() {
    one("[data-total]", this.root).textContent = clock(this.player.duration_ms);
    this.wave.draw();
    this.show();
  }

  showPlayer() {
    const { root, player } = this;
    const play = one("[data-act=play]", root);
    play.classList.toggle("on", player.playing);
    play.setAttribute("aria-label", player.playing ? play.dataset.pause : play.dataset.play);
    for (const button of all("[data-rate]", root)) button.setAttribute("aria-pressed", Number(button.dataset.rate) === player.rate);
    one("[data-act=skip-silence]", root).setAttribute("aria-pressed", player.skips);
    one("[data-act=repeat]", root).setAttribute("aria-pressed", player.repeats);
    const captions = settings.get("captions", true);
    this.transcript.captionsOn = captions;
    one("[data-act=captions]", root).setAttribute("aria-pressed", captions);
  }

  #showPart() {
    const { from, to } = this.player.part;
    if (from === null) return;
    this.say(to === null ? say("mark_in", { time: clock(from) }) : say("mark_out", { from: clock(from), to: clock(to) }));
  }

  // Lease and end -----------------------------------------------------------------------------------------------------

  #startLease() {
    this.lease = new Lease({
      expires_at: this.page.expires_at,
      now: this.page.now,
      seconds: this.page.lease_seconds,
      renew: () => call("POST", `${this.page.path}/renew`, {}),
      isPlaying: () => this.player.playing,
    });
    this.lease.addEventListener("lost", () => this.keeping.stop());
    this.lease.addEventListener("renewed", () => this.#readAgain());
  }

  async send() {
    if (this.ended || this.sending || this.sendButton.getAttribute("aria-disabled") === "true") return;
    this.sending = true;
    this.sendButton.setAttribute("aria-busy", "true");
    await this.keeping.flush();
    await this.sendIt(this);
    this.sending = false;
    this.sendButton.removeAttribute("aria-busy");
  }

  /** The work is sent: nothing more is saved, nothing is left on this device. */
  async end() {
    this.ended = true;
    this.lease.stop();
    await this.keeping.end();
  }

  #leave() {
    this.player.keep();
    if (!this.ended) this.keeping.leave();
  }
}
