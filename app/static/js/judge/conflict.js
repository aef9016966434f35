// Two versions of one draft: show what each says, let the person choose, keep the other on this device.
import { GATES, gates, scoreOf } from "./draft.js";
import { make, one, say } from "./page.js";

function lines(draft, codes, nameOf) {
  const { no, answered } = gates(draft);
  const levels = codes
    .filter((code) => scoreOf(draft, code).level !== null)
    .map((code) => `${nameOf(code)}: ${scoreOf(draft, code).level}`);
  return [
    [say("questions"), no.length ? no.join(", ") : `${answered} / ${GATES.length}`],
    [say("levels"), levels.join(", ") || say("none")],
    [say("comments_word"), draft.comments.map((each) => each.text).join(" · ") || say("none")],
    [say("message_word"), draft.message || say("none")],
  ];
}

function fill(list, draft, codes, nameOf) {
  list.replaceChildren(
    ...lines(draft, codes, nameOf).map(([term, text]) =>
      make("div", {}, make("dt", { className: "sm muted", textContent: term }), make("dd", { textContent: text, dir: "auto" })),
    ),
  );
}

/** Ask which draft to keep; resolves to "mine" or "theirs". It can't be left without an answer: neither draft is dropped. */
export function chooseDraft({ mine, theirs, codes, nameOf }) {
  const dialog = document.getElementById("conflict");
  fill(one("[data-mine]", dialog), mine, codes, nameOf);
  fill(one("[data-theirs]", dialog), theirs, codes, nameOf);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclick = (event) => {
      const choice = event.target.closest("[data-choose]")?.dataset.choose;
      if (!choice) return;
      dialog.close();
      resolve(choice);
    };
  });
}
