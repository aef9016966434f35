// What the server tells while it works: one event stream, closed when the page is left or nothing is going on.
import { call } from "../api.js";

export function startLive(main, { rows, onStage }) {
  const id = main.dataset.submission;
  const seen = new Map();
  let stream = null;
  const open = () => {
    if (stream) return;
    stream = new EventSource(`/api/v1/submissions/${id}/events`);
    stream.addEventListener("stage", (event) => onEvent(JSON.parse(event.data)));
    stream.addEventListener("submission", () => lookAtState(main));
  };
  const onEvent = (told) => {
    const key = `${told.stage}:${told.state}`;
    if (told.progress && seen.get(told.evidence_id) === key) rows.progress(told.evidence_id, told.progress);
    else rows.refreshSoon(told.evidence_id);
    seen.set(told.evidence_id, key);
    onStage();
    if (told.state !== "running") lookAtState(main);
  };
  addEventListener("pagehide", () => {
    stream?.close();
    stream = null;
  });
  addEventListener("pageshow", open);
  open();
}

// A sent submission that has moved on gets its new page.
async function lookAtState(main) {
  if (["draft", "returned"].includes(main.dataset.state)) return;
  const { state } = await call("GET", `/api/v1/submissions/${main.dataset.submission}`);
  if (state !== main.dataset.state) location.reload();
}
