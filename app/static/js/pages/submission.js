// A submission: upload, write, send, follow, watch the result.
import { Refused, call } from "../api.js";
import { say } from "../texts.js";
import { Live } from "../submission/live.js";
import { Message } from "../submission/message.js";
import { startPicking } from "../submission/picking.js";
import { startPhone } from "../submission/phone.js";
import { startPlaying } from "../submission/player.js";
import { startPeople } from "../submission/people.js";
import { startReading } from "../submission/reading.js";
import { Recorded } from "../submission/recorded.js";
import { Rows } from "../submission/rows.js";
import { Sending } from "../submission/sending.js";
import { Uploads } from "../submission/uploads.js";
import { startWriting } from "../submission/writing.js";

const main = document.querySelector("[data-module=submission]");
const message = new Message(main);
const rows = new Rows(main, (evidence) => {
  uploads.redraw(evidence);
  sending.refreshChecks().catch((error) => console.warn("checks not refreshed", error));
  sending.poke();
  live.listen();
});
const uploads = new Uploads({ main, rows, message });
const recorded = new Recorded({ main, rows, uploads, message });
const writing = startWriting(main, { rows, message });
const sending = new Sending(main, { message, writing, isUploading: () => uploads.unfinished || recorded.unfinished });
const live = new Live(main, { rows, onStage: () => sending.poke() });
const picking = startPicking(main, {
  onFiles: (files, kinds) => guarded(uploads.add(files, kinds)),
  onAgain: (evidence, file) => guarded(uploads.again(evidence, file)),
});

function guarded(promise) {
  promise.catch((error) => {
    console.error(error);
    message.show(error instanceof Refused ? error.message : say("not_sent"));
  });
}

async function remove(evidence) {
  await call("DELETE", `/api/v1/evidence/${evidence}`);
  await uploads.drop(evidence);
  await recorded.drop(evidence);
  rows.row(evidence)?.remove();
  rows.none.hidden = rows.all().length > 0;
  rows.announce(say("removed"));
  main.querySelector("#ye").focus();
  await Promise.all(rows.all().map((row) => rows.refresh(row.dataset.evidence)));
  await sending.refreshChecks();
}

main.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  const evidence = button?.closest("[data-evidence]")?.dataset.evidence;
  if (!evidence) return;
  if (button.dataset.act === "pause") guarded(uploads.pause(evidence));
  if (button.dataset.act === "resume") guarded(uploads.resume(evidence));
  if (button.dataset.act === "repick") picking.askAgain(evidence);
});
main.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-remove]");
  if (!form) return;
  event.preventDefault();
  guarded(remove(form.closest("[data-evidence]").dataset.evidence));
});

startPlaying(main);
startReading(main, message);
startPeople(main);
startPhone(main, { message, onShown: () => live.follow() });
live.listen();
guarded(
  recorded.start().then((except) => {
    sending.poke();
    return uploads.goOn({ except });
  }),
);
