// The list of evidence: rows are drawn by the server and fetched again when something has changed.
import { Refused, fragment } from "../api.js";
import { say, timeLeft } from "../texts.js";

export class Rows {
  constructor(main, changed) {
    this.main = main;
    this.list = main.querySelector("[data-rows]");
    this.none = main.querySelector("[data-none]");
    this.voice = main.querySelector("[data-voice]");
    this.changed = changed;
    this.due = new Map();
    this.milestones = new Map();
  }

  row(evidence) {
    return this.list.querySelector(`[data-evidence="${evidence}"]`);
  }

  all() {
    return [...this.list.querySelectorAll("[data-evidence]")];
  }

  /** The name of the row that holds the same file; undefined where none does. One that was refused may come again. */
  same({ size_bytes, edges_sha256 }) {
    const is = ({ dataset }) => dataset.edges === edges_sha256 && Number(dataset.size) === size_bytes;
    return this.all().find((row) => is(row) && row.dataset.state !== "rejected")?.querySelector("h3").textContent;
  }

  announce(text) {
    if (this.voice.textContent !== text) this.voice.textContent = text;
  }

  // Fetch a row soon; many changes at once make one fetch.
  refreshSoon(evidence) {
    if (this.due.has(evidence)) return;
    this.due.set(
      evidence,
      setTimeout(() => {
        this.due.delete(evidence);
        this.refresh(evidence).catch((error) => console.warn("row not refreshed", error));
      }, 120),
    );
  }

  async refresh(evidence) {
    const url = this.main.dataset.rowUrl.replace("EVIDENCE", evidence);
    let fresh;
    try {
      fresh = await fragment(url);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
      this.row(evidence)?.remove();
      this.changed(evidence, null);
      return;
    }
    const old = this.row(evidence);
    const before = old?.querySelector("[data-tag]")?.textContent.trim();
    const open = [...(old?.querySelectorAll("details[open]") || [])].length > 0;
    const focused = old?.contains(document.activeElement) ? document.activeElement : null;
    if (old) old.replaceWith(fresh);
    else this.list.append(fresh);
    if (focused) sameIn(fresh, focused).focus({ preventScroll: true });
    if (open) fresh.querySelectorAll("details").forEach((each) => (each.open = true));
    this.none.hidden = true;
    const after = fresh.querySelector("[data-tag]").textContent.trim();
    const title = fresh.querySelector("h3").textContent;
    if (before !== after && fresh.dataset.state !== "uploading") this.announce(`${title}: ${after}`);
    this.changed(evidence, fresh);
  }

  // A stage moved on a little: the bar and the figure, without a fetch.
  progress(evidence, share) {
    const row = this.row(evidence);
    if (!row) return;
    const percent = Math.floor(share * 100);
    const [bar, figure] = [row.querySelector("[data-bar]"), row.querySelector("[data-stage-percent]")];
    if (bar) bar.value = percent;
    if (figure) figure.textContent = say("percent", { n: percent });
  }

  showUpload(upload, rate) {
    const row = this.row(upload.evidence);
    if (!row || row.dataset.state !== "uploading") return;
    const percent = upload.size ? Math.floor((upload.sent / upload.size) * 100) : 0;
    row.querySelector("[data-percent]").textContent = this.#tag(upload, percent);
    const bar = row.querySelector("[data-bar]");
    bar.value = percent;
    bar.classList.toggle("warn", upload.state === "offline");
    const left = timeLeft(rate.secondsLeft(upload.size - upload.sent));
    const said = say(`up_${upload.state.replace("-", "_")}`, { reason: upload.reason });
    row.querySelector("[data-said]").textContent = upload.state === "sending" && left ? `${said} ${left}` : said;
    row.querySelector("[data-act=pause]").hidden = !["sending", "retrying", "busy", "offline", "waiting"].includes(upload.state);
    row.querySelector("[data-act=resume]").hidden = upload.state !== "paused";
    row.querySelector("[data-act=repick]").hidden = upload.state !== "file-gone";
    this.#milestone(upload, percent, row);
  }

  #tag(upload, percent) {
    const words = { paused: "paused", offline: "offline", retrying: "retrying", busy: "retrying", "file-gone": "file_needed", refused: "refused" };
    return words[upload.state] ? say(words[upload.state]) : say("percent", { n: percent });
  }

  // Spoken at quarters only (polite live region).
  #milestone(upload, percent, row) {
    const quarter = Math.floor(percent / 25) * 25;
    const key = `${upload.state === "sending" ? quarter : upload.state}`;
    if (upload.state === "waiting" || this.milestones.get(upload.evidence) === key) return;
    this.milestones.set(upload.evidence, key);
    const title = row.querySelector("h3").textContent;
    this.announce(`${title}: ${this.#tag(upload, quarter)}`);
  }

  // The file is not on this device any more, or the browser wants a press of a button before it gives it back.
  showNeedsFile(evidence, handle) {
    const row = this.row(evidence);
    if (!row || row.dataset.state !== "uploading") return;
    if (!row.dataset.size) {
      row.querySelector("[data-said]").textContent = say("up_elsewhere"); // a recording: its bytes are where it is made
      return;
    }
    row.querySelector("[data-percent]").textContent = say("file_needed");
    row.querySelector("[data-said]").textContent = say(handle ? "up_allow" : "up_repick", { name: row.dataset.name });
    row.querySelector("[data-act=resume]").hidden = !handle;
    row.querySelector("[data-act=repick]").hidden = handle;
  }
}

// What stands in a fresh row for something of the old one; its heading where nothing does.
function sameIn(fresh, old) {
  const act = old.dataset.act && fresh.querySelector(`[data-act="${old.dataset.act}"]:not([hidden])`);
  return act || (old.closest("[data-remove]") && fresh.querySelector("[data-remove] button")) || fresh.querySelector("h3");
}
