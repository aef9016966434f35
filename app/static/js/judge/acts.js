// What keys and buttons of the workstation do.
import * as drafts from "./draft.js";
import { WORKSTATION, actionOf, isSend } from "./keymap.js";
import { all, one, say, settings } from "./page.js";
import { clock } from "./times.js";
import { silentTotal } from "./words.js";

const TYPED_IN = "input:not([type=radio]), textarea";

export class Acts {
  constructor(session) {
    this.session = session;
    this.singleKeys = settings.get("single-keys", true);
    this.levels = all(".lv input", one("[data-criterion]", session.root)).length;
    this.table = this.#table(session);
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#showSwitch();
  }

  #table(session) {
    const { player, transcript, scores, comments } = session;
    return {
      play: () => player.toggle(),
      back: () => player.by(-5000),
      forward: () => player.by(5000),
      "back-far": () => player.by(-15_000),
      "forward-far": () => player.by(15_000),
      "word-before": () => transcript.byWord(-1),
      "word-after": () => transcript.byWord(1),
      slower: () => player.faster(-1),
      faster: () => player.faster(1),
      "mark-in": () => player.mark("from"),
      "mark-out": () => player.mark("to"),
      repeat: () => this.#repeat(),
      "skip-silence": () => this.#skipSilence(),
      captions: () => this.#captions(),
      full: () => this.#full(),
      again: () => player.retry(),
      unsure: () => transcript.nextUnsure(),
      search: () => transcript.openSearch(),
      correct: () => transcript.correcting?.open(transcript.current),
      comment: () => comments.focus(),
      link: () => session.link(),
      "criterion-before": () => scores.openCriterion(scores.open - 1),
      "criterion-after": () => scores.openCriterion(scores.open + 1),
      gates: () => scores.toggleGates(),
      yes: () => scores.answerNext(session.draft, true),
      no: () => scores.answerNext(session.draft, false),
      keys: () => document.getElementById("keys").showModal(),
      declare: () => document.getElementById("declare").showModal(),
      more: () => this.#askForMore(),
      send: () => session.send(),
    };
  }

  #clicked(event) {
    const button = event.target.closest("button, a");
    if (!button) return;
    const { act, rate, evidence } = button.dataset;
    if (rate) this.session.player.setRate(Number(rate));
    if (evidence) this.session.openEvidence(this.session.shelf.byId(evidence));
    if ("close" in button.dataset) button.closest("dialog").close();
    if (act && act !== "link" && act in this.table) this.table[act](); // a criterion's own link button is the rubric pane's
  }

  #key(event) {
    if (isSend(event)) {
      event.preventDefault();
      return this.session.send();
    }
    if ((event.ctrlKey || event.metaKey) && event.code === "KeyZ" && !event.shiftKey && !event.target.closest(TYPED_IN)) {
      event.preventDefault();
      return this.session.undo();
    }
    const dialogOpen = Boolean(one("dialog[open]"));
    const found = actionOf(event, WORKSTATION, { on: this.singleKeys, dialogOpen, levels: this.levels });
    if (!found) return;
    event.preventDefault();
    if (found.action === "level") this.#chooseLevel(found.value);
    else this.table[found.action]?.();
  }

  #chooseLevel(value) {
    const { session } = this;
    if (!drafts.gates(session.draft).open) return;
    session.change(drafts.setLevel(session.draft, session.scores.current, value));
  }

  #showSwitch() {
    const box = one("[data-single-keys]");
    box.checked = this.singleKeys;
    box.addEventListener("change", () => {
      this.singleKeys = box.checked;
      settings.set("single-keys", box.checked);
    });
  }

  #repeat() {
    const { player } = this.session;
    if (!player.marked) return this.session.say(say("nothing_marked"));
    player.setRepeats(!player.repeats);
    if (player.repeats) player.play();
  }

  #skipSilence() {
    const { player } = this.session;
    player.setSkips(!player.skips);
    if (player.skips) this.session.say(say("saved_by_skipping", { time: clock(silentTotal(player.silences)) }));
  }

  #captions() {
    settings.set("captions", !settings.get("captions", true));
    this.session.transcript.setCaptions(settings.get("captions", true));
    this.session.showPlayer();
  }

  #full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.session.stage.requestFullscreen?.();
  }

  #askForMore() {
    const { session } = this;
    session.change(drafts.setGate(session.draft, "sufficient", false));
    one("[data-message]", session.root)?.focus();
  }
}
