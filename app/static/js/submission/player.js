// Playing the candidate's own evidence, from the moment that a judgement points to.
import { Renewing } from "../media/renewing.js";
import { say } from "../texts.js";

export function startPlaying(main) {
  const box = main.querySelector("[data-player]");
  main.addEventListener("click", (event) => {
    const link = event.target.closest("[data-act=play]");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const row = link.closest("[data-evidence]") || main.querySelector(`[data-evidence="${link.dataset.evidenceId}"]`);
    if (row) play(box, row, Number(link.dataset.at || 0));
  });
}

const renewing = new WeakMap();

function play(box, row, at_ms) {
  if (box.dataset.shown !== shown(row)) show(box, row, { ms: at_ms, play: true });
  else renewing.get(box.firstElementChild).seek(at_ms);
  box.hidden = false;
  const media = box.firstElementChild;
  renewing.get(media).play();
  box.scrollIntoView({ block: "nearest" });
  media.focus({ preventScroll: true });
}

// A preview that has become the playable is opened anew.
const shown = (row) => `${row.dataset.evidence}/${row.dataset.shows || "playable"}`;

function show(box, row, place) {
  const { evidence } = row.dataset;
  const media = element(row, evidence);
  const lost = document.createElement("p");
  Object.assign(lost, { className: "note bad", role: "alert", hidden: true, textContent: say("lost") });
  const source = new Renewing(media);
  source.addEventListener("lost", () => (lost.hidden = false));
  source.addEventListener("found", () => (lost.hidden = true));
  renewing.set(media, source);
  box.dataset.shown = shown(row);
  box.replaceChildren(media, lost);
  row.after(box);
  source.open(`/api/v1/evidence/${shown(row)}`, place);
}

function element(row, evidence) {
  const media = document.createElement(row.dataset.kind === "audio" ? "audio" : "video");
  media.controls = true;
  media.preload = "metadata";
  media.playsInline = true;
  media.setAttribute("aria-label", row.querySelector("h3").textContent);
  if (row.dataset.captions) media.append(captions(evidence, row.dataset.captions));
  return media;
}

function captions(evidence, language) {
  const track = document.createElement("track");
  Object.assign(track, { kind: "captions", src: `/api/v1/evidence/${evidence}/transcript.vtt`, srclang: language });
  track.label = say("captions");
  track.default = true;
  return track;
}
