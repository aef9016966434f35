// The text of a piece of evidence, as assessors see it, below its row.
import { showText } from "../media/paragraphs.js";
import { say } from "../texts.js";

export function startReading(main, message) {
  const box = main.querySelector("[data-player]");
  main.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-act=read]");
    if (!button) return;
    const row = button.closest("[data-evidence]");
    message.clear();
    try {
      const answer = await fetch(`/api/v1/evidence/${row.dataset.evidence}/text`);
      if (!answer.ok) throw new TypeError(`${answer.status}`);
      read(box, row, (await answer.json()).paragraphs);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      message.show(say("unread"));
    }
  });
}

function read(box, row, paragraphs) {
  const text = document.createElement("div");
  Object.assign(text, { className: "doc", tabIndex: 0 });
  text.setAttribute("role", "region");
  text.setAttribute("aria-label", row.querySelector("h3").textContent);
  showText(text, paragraphs);
  box.dataset.shown = `${row.dataset.evidence}/text`;
  box.replaceChildren(text);
  box.hidden = false;
  row.after(box);
  text.focus();
}
