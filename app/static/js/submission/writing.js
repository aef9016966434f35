// The text field: words are counted, the draft is kept on this device until it is added.
import { Refused, call, newKey } from "../api.js";
import { say } from "../texts.js";

export function countWords(text) {
  return text.trim() ? text.trim().split(/\s+/u).length : 0;
}

export function startWriting(main, { rows, message }) {
  const form = main.querySelector("[data-write]");
  if (!form) return;
  const field = form.querySelector("textarea");
  const name = `assay-text:${main.dataset.submission}`;
  const [counted, saved] = [form.querySelector("[data-words]"), form.querySelector("[data-saved]")];
  const limits = counted.textContent;
  const count = () => {
    const words = countWords(field.value);
    counted.textContent = words ? [say("words", { n: words }), limits].filter(Boolean).join(" · ") : limits;
  };
  let timer = null;
  field.value = localStorage.getItem(name) || field.value;
  if (field.value) saved.textContent = ` · ${say("kept_here")}`;
  count();
  field.addEventListener("input", () => {
    count();
    clearTimeout(timer);
    saved.textContent = "";
    timer = setTimeout(() => {
      localStorage.setItem(name, field.value);
      saved.textContent = field.value ? ` · ${say("kept_here")}` : "";
    }, 400);
  });
  addEventListener("pagehide", () => localStorage.setItem(name, field.value));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    message.clear();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const path = `/api/v1/submissions/${main.dataset.submission}/evidence`;
      const made = await call("POST", path, { kind: "text", text: field.value }, { key: newKey() });
      clearTimeout(timer);
      field.value = "";
      localStorage.removeItem(name);
      saved.textContent = "";
      count();
      await rows.refresh(made.id);
      rows.row(made.id).querySelector("h3").focus();
    } catch (error) {
      message.show(error instanceof Refused ? error.message : say("not_sent"));
    } finally {
      button.disabled = false;
    }
  });
}
