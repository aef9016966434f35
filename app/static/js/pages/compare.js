// The validator's second step: both judgements side by side, the moments in question, the decision.
import { call } from "../judge/api.js";
import { EvidenceShelf } from "../judge/evidence.js";
import { DECISION, actionOf, isSend } from "../judge/keymap.js";
import { percentOf } from "../judge/outcome.js";
import { all, data, one, say, settings, showToldText, tellNextPage, toast } from "../judge/page.js";
import { Player } from "../judge/player.js";
import { clock } from "../judge/times.js";
import { showText } from "../media/paragraphs.js";
import { TranscriptPane } from "../judge/transcript.js";

const page = data("judge");
const root = one("[data-judge]");
const shelf = new EvidenceShelf(page.evidence);
const player = new Player(root);
const transcript = new TranscriptPane(root, player, { unsureBelow: 0.5 });
const textBox = one("[data-text]", root);
let piece = null;

async function open(next, place_ms = 0) {
  piece = next;
  root.dataset.kind = next.kind;
  const isText = shelf.isText(next.id);
  textBox.hidden = !isText;
  if (!isText) player.open(next, { at_ms: place_ms });
  const found = await shelf.read(next);
  if (piece !== next) return;
  if (isText) showText(textBox, found.text);
  else transcript.show(found.transcript);
}

async function goTo(moment, { play = true } = {}) {
  const next = shelf.byId(moment.evidence_id);
  if (!next) return;
  if (next !== piece) await open(next, moment.start_ms);
  if (shelf.isText(next.id)) return;
  player.seek(moment.start_ms + 1);
  transcript.backToNow();
  if (play) player.play();
}

player.addEventListener("time", () => (one("[data-now]", root).textContent = clock(player.ms)));
player.addEventListener("state", () => {
  const button = one("[data-act=play]", root);
  button.classList.toggle("on", player.playing);
  button.setAttribute("aria-label", player.playing ? button.dataset.pause : button.dataset.play);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.moment) goTo(JSON.parse(button.dataset.moment));
  if (button.dataset.act === "play") player.toggle();
  if (button.dataset.act === "again") player.retry();
  if (button.dataset.act === "decide") decide();
});

// The decision ---------------------------------------------------------------------------------------------------------

const form = one("[data-decision]");
const key = crypto.randomUUID();
let changes = false;
let asked = 0;

const kind = () => one("[name=decision]:checked", form)?.value ?? null;
const levels = () => Object.fromEntries(all("[data-final] select", form).map((field) => [field.name, Number(field.value)]));

/** Say what the final scores come to: the server computes it. An answer that a later question overtook is dropped. */
async function askOutcome() {
  const number = ++asked;
  const { ok, body } = await call("GET", `/validations/${page.id}/outcome?${new URLSearchParams(levels())}`);
  if (!ok || number !== asked) return;
  changes = !body.same;
  const percent = body.percent ? say("percent", { value: percentOf(body.percent) }) : "–";
  one("[data-final-say]", form).textContent = say(body.same ? "final_same" : "final_changes", { outcome: say(body.outcome), percent });
  show();
}

function show() {
  const chosen = kind();
  one("[data-final]", form).hidden = chosen !== "overturn";
  const reasonMissing = chosen !== "uphold" && !one("[data-reason]", form).value.trim();
  const off = !chosen || reasonMissing || (chosen === "overturn" && !changes);
  one("[data-act=decide]", form).setAttribute("aria-disabled", off);
}

async function decide() {
  const button = one("[data-act=decide]", form);
  if (button.getAttribute("aria-disabled") === "true" || button.disabled) return;
  button.disabled = true;
  const decision = kind();
  const scores = decision === "overturn" ? Object.entries(levels()).map(([criterion, level]) => ({ criterion, level })) : undefined;
  const body = { decision, reason: one("[data-reason]", form).value, ...(scores ? { scores } : {}) };
  const { ok, status, body: answer } = await call("POST", `${page.path}/decision`, body, { key });
  button.disabled = false;
  if (ok) return next();
  if (status === 422) return showErrors(answer);
  toast(status === 0 ? say("no_connection") : say("send_failed", { why: answer?.detail ?? status }));
}

function showErrors(answer) {
  const box = one("[data-missing]", form);
  box.textContent = (answer.errors ?? [{ message: answer.detail }]).map((error) => error.message).join(" ");
  box.hidden = false;
}

async function next() {
  const { status, body } = await call("POST", "/api/v1/validations/claims", {});
  tellNextPage(say(status === 201 ? "decided" : "decided_last"));
  location.assign(status === 201 ? `/validations/${body.id}` : "/validations");
}

function choose(value) {
  one(`[name=decision][value=${value}]`, form).checked = true;
  if (value === "overturn") askOutcome();
  else one("[data-reason]", form).focus({ preventScroll: value === "uphold" });
  if (value === "uphold") document.activeElement.blur();
  show();
}

if (form) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target.name === "decision" && event.target.value === "overturn") askOutcome();
    if (event.target.closest("[data-final]")) askOutcome();
    show();
  });
  one("[data-reason]", form).addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    if (isSend(event)) return decide();
    const found = actionOf(event, { ...DECISION, k: "play" }, { on: settings.get("single-keys", true) });
    if (!found) return;
    event.preventDefault();
    if (found.action === "play") player.toggle();
    else choose(found.action);
  });
}

showToldText();
const first = page.disputed ? shelf.byId(page.disputed.evidence_id) : shelf.first;
if (page.disputed && first) goTo(page.disputed, { play: false });
else if (first) open(first);
one("[data-compare]").dataset.ready = ""; // keys and buttons work from here on
