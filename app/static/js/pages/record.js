// The recorder's page.
import { Screen } from "../record/screen.js";
import { Studio } from "../record/studio.js";

const main = document.querySelector("[data-module=record]");
const screen = new Screen(main);
const studio = new Studio(main, screen);

function guarded(promise) {
  Promise.resolve(promise).catch((error) => {
    console.error(error);
    screen.setBusy(false);
    screen.problem("failed", { time: "" });
  });
}

const acts = {
  again: () => (studio.takes.length || studio.capture.source ? studio.check() : location.reload()),
  switch: () => studio.switchCamera(),
  start: () => studio.count(),
  "stop-count": () => studio.stopCount(),
  pause: () => studio.pause(),
  resume: () => studio.resume(),
  stop: () => studio.stop(),
  use: () => studio.use(),
  retake: () => studio.retake(),
  discard: () => studio.discard(),
};

main.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { act, source, take } = button.dataset;
  if (act) guarded(acts[act]());
  else if (source) guarded(studio.choose(source));
  else if (take) studio.openTake(take);
});
for (const device of ["camera", "microphone"]) {
  main.querySelector(`#${device}`).addEventListener("change", (event) => guarded(studio.want(device, event.target.value)));
}
addEventListener("keydown", (event) => event.key === "Escape" && screen.phase === "count" && studio.stopCount());
guarded(studio.open());
