// Going on with a phone: the code appears in place, and what the phone sends is followed from then on.
import { Refused } from "../api.js";
import { say } from "../texts.js";

export function startPhone(main, { message, onShown }) {
  const form = main.querySelector("[data-phone]");
  if (!form) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    message.clear();
    try {
      const answer = await fetch(form.action, { method: "POST", headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Refused(answer.status, {});
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      form.querySelector("[data-phone-code]")?.remove();
      const code = page.querySelector("[data-phone-code]");
      form.append(code);
      code.focus();
      onShown();
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof TypeError)) throw error;
      message.show(say("not_sent"));
    }
  });
}
