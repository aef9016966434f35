// One lot: asking before it is closed, copying the command that checks the draw.
import { one } from "../judge/page.js";

one("[data-act=ask-close]")?.addEventListener("click", () => document.getElementById("close").showModal());
one("[data-act=copy]")?.addEventListener("click", async ({ currentTarget }) => {
  await navigator.clipboard.writeText(document.getElementById("command").textContent.trim());
  currentTarget.textContent = currentTarget.dataset.copied;
});
