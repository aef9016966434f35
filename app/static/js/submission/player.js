// Playing the candidate's own evidence, from the moment that a judgement points to.
import { say } from "../texts.js";

export function startPlaying(main) {
  const box = main.querySelector("[data-player]");
  main.addEventListener("click", (event) => {
    const link = event.target.closest("[data-act=play]");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const row = link.closest("[data-evidence]") || main.querySelector(`[data-evidence="${link.dataset.evidenceId}"]`);
    if (row) play(box, row, Number(link.dataset.at || 0) / 1000);
  });
}

function play(box, row, at) {
  const evidence = row.dataset.evidence;
  if (box.dataset.shown !== evidence) {
    box.dataset.shown = evidence;
    box.replaceChildren(element(row, evidence));
    row.after(box);
  }
  box.hidden = false;
  const media = box.firstElementChild;
  seek(media, at);
  media.play().catch((error) => {
    if (error.name !== "NotAllowedError" && error.name !== "AbortError") throw error;
  });
  box.scrollIntoView({ block: "nearest" });
  media.focus({ preventScroll: true });
}

function element(row, evidence) {
  const media = document.createElement(row.dataset.kind === "audio" ? "audio" : "video");
  const source = `/api/v1/evidence/${evidence}/playable`;
  media.controls = true;
  media.preload = "metadata";
  media.playsInline = true;
  media.src = source;
  media.setAttribute("aria-label", row.querySelector("h3").textContent);
  if (row.dataset.captions) media.append(captions(evidence, row.dataset.captions));
  renewOnError(media, source);
  return media;
}

function captions(evidence, language) {
  const track = document.createElement("track");
  Object.assign(track, { kind: "captions", src: `/api/v1/evidence/${evidence}/transcript.vtt`, srclang: language });
  track.label = say("captions");
  track.default = true;
  return track;
}

// The address of the file expires: ask for a new one once and keep the place.
function renewOnError(media, source) {
  let renewed = 0;
  media.addEventListener("error", () => {
    if (Date.now() - renewed < 10_000) return;
    renewed = Date.now();
    const place = media.currentTime;
    media.src = `${source}?again=${renewed}`;
    seek(media, place);
  });
}

function seek(media, seconds) {
  if (media.readyState >= 1) media.currentTime = seconds;
  else media.addEventListener("loadedmetadata", () => (media.currentTime = seconds), { once: true });
}
