// Keeping the draft: the copy on this device, the copy on the server, and what happens when the two disagree.
import { asSaved, call } from "./api.js";
import { chooseDraft } from "./conflict.js";
import * as drafts from "./draft.js";
import { fateOf } from "./fate.js";
import { openJournal } from "./journal.js";
import { all, language, one, say, toast } from "./page.js";
import { makeSaver } from "./saver.js";
import { timeOfDay } from "./times.js";

/** Fires "preview" with what the server says the draft comes to, and "draft" when another draft was chosen. */
export class Keeping extends EventTarget {
  /** `names` are the criteria: `{ codes, titleOf }`. */
  constructor(page, { withMessage, names }) {
    super();
    this.page = page;
    this.withMessage = withMessage;
    this.names = names;
    this.draft = drafts.read(page.draft);
  }

  /** Open the journal. Returns the draft to go on with: the server's, or what this device had not sent yet. */
  async start() {
    this.journal = await openJournal(this.page.id);
    this.saver = makeSaver({
      version: this.page.version,
      journal: this.journal,
      send: async (version, draft) => asSaved(await call("PATCH", `${this.page.path}/draft`, this.#body(version, draft))),
      tell: (state, facts) => this.#told(state, facts),
    });
    const kept = await this.journal.get();
    const fate = fateOf(kept, this.page.version);
    if (fate === "apply") {
      this.change(kept.draft);
      toast(say("restored"));
    }
    if (fate === "conflict" && drafts.differences(kept.draft, this.draft).length) {
      await this.#choose(kept.draft, this.page.version, this.draft);
    }
    return this.draft;
  }

  #body(version, draft) {
    return { version, ...drafts.patchBody(draft, { withMessage: this.withMessage }) };
  }

  change(draft) {
    this.draft = draft;
    return this.saver.change(draft);
  }

  flush() {
    return this.saver.flush();
  }

  get version() {
    return this.saver.version;
  }

  #told(state, facts) {
    if (state === "saved" && facts.preview) this.dispatchEvent(new CustomEvent("preview", { detail: facts.preview }));
    if (state === "stale") this.#meet(facts.version, drafts.read(facts.draft));
    else this.#showState(state, facts);
  }

  #showState(state, facts) {
    const texts = {
      saving: () => say("saving"),
      saved: () => say("saved", { time: timeOfDay(new Date(), language) }),
      offline: () => say(this.journal.keeps ? "offline" : "no_connection"),
      stale: () => say("stale"),
      refused: () => say("refused", { why: facts.problem?.detail ?? facts.status }),
    };
    for (const box of all("[data-saved]")) {
      one("span", box).textContent = texts[state]();
      box.dataset.state = state;
    }
  }

  /** The server has a later draft. One that says the same (our own, sent with the last breath of the page) is no conflict. */
  async #meet(version, theirs) {
    if (drafts.differences(this.draft, theirs).length) {
      this.#showState("stale", {});
      await this.#choose(this.draft, version, theirs);
    } else {
      await this.saver.adopt(version);
      this.#showState("saved", {});
    }
  }

  async #choose(mine, version, theirs) {
    const choice = await chooseDraft({ mine, theirs, codes: this.names.codes, nameOf: this.names.titleOf });
    await this.journal.keepAside({ version, draft: choice === "mine" ? theirs : mine });
    this.draft = choice === "mine" ? mine : theirs;
    this.dispatchEvent(new CustomEvent("draft", { detail: this.draft }));
    if (choice === "mine") await this.saver.resume(version, this.draft);
    else {
      await this.saver.adopt(version);
      await this.saver.change(this.draft);
    }
  }

  stop() {
    this.saver.stop();
  }

  /** The work is sent: nothing more is saved, nothing is left on this device. */
  async end() {
    this.saver.stop();
    await this.journal.remove();
  }

  /** Leaving the page: what is not sent yet goes along with the last breath; the copy here stays until it has arrived. */
  leave() {
    if (this.saver.isDirty) call("PATCH", `${this.page.path}/draft`, this.#body(this.version, this.draft), { keepalive: true });
  }
}
