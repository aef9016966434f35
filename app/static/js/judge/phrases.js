// The phrase drawn for each recording, beside the four questions: where the transcript holds it, a jump to it.
import { all, one, say } from "./page.js";
import { clock } from "./times.js";
import { placeOfPhrase } from "./words.js";

export class Phrases {
  /** `go(moment)` shows a place in the evidence. */
  constructor(root, { go }) {
    this.boxes = all("[data-phrase]", root).filter((box) => one("[data-phrase-at]", box));
    for (const box of this.boxes) {
      const button = one("[data-phrase-at]", box);
      button.addEventListener("click", () => go({ evidence_id: box.dataset.phrase, start_ms: Number(button.dataset.ms) }));
    }
  }

  /** The words of a recording are known: find its phrase in them. */
  show(evidence, words) {
    const box = this.boxes.find((each) => each.dataset.phrase === evidence);
    if (!box) return;
    const at = placeOfPhrase(words, one("[data-phrase-text]", box).textContent);
    const button = one("[data-phrase-at]", box);
    button.hidden = at < 0;
    if (at >= 0) {
      button.dataset.ms = words[at].start_ms;
      button.textContent = clock(words[at].start_ms);
      button.setAttribute("aria-label", say("phrase_at", { time: clock(words[at].start_ms) }));
    }
    one("[data-phrase-say]", box).textContent = at < 0 && words.length ? say("phrase_unheard") : "";
  }
}
