// What the server tells while it works: one event stream, closed when the page is left or nothing is going on.
import { call } from "../api.js";

const PREVIEWED = 0.05;
const OPEN = ["draft", "returned"];

export class Live {
  constructor(main, { rows, onStage }) {
    Object.assign(this, { main, rows, onStage });
    this.seen = new Map();
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.listen());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.look());
  }

  // Open the stream where something is going on. The server ends it when nothing more can come.
  listen() {
    const busy = this.main.dataset.state === "processing" || this.rows.all().some((row) => this.#moves(row));
    if (!(busy || this.following) || (this.stream && this.stream.readyState !== EventSource.CLOSED)) return;
    const path = `/api/v1/submissions/${this.main.dataset.submission}/events`;
    this.stream = new EventSource(this.following ? `${path}?follow=yes` : path);
    this.stream.addEventListener("stage", (event) => this.#told(JSON.parse(event.data)));
  }

  // Another device adds to this submission: hear of what is new, too, for as long as the page is open.
  follow() {
    this.following = true;
    this.close();
    this.listen();
  }

  close() {
    this.stream?.close();
    this.stream = null;
  }

  #moves(row) {
    if (!row || row.dataset.state === "uploading") return false;
    return row.dataset.state === "processing" || row.hasAttribute("data-busy");
  }

  #told(event) {
    // A little way into the conversion there is a preview: that is a state of its own.
    const early = event.stage === "convert" && event.state === "running" && event.progress < PREVIEWED;
    const [key, state] = [`${event.evidence_id}:${event.stage}`, early ? "early" : event.state];
    const before = this.seen.get(key);
    this.seen.set(key, state);
    const row = this.rows.row(event.evidence_id);
    if (before === state) this.rows.progress(event.evidence_id, event.progress);
    else if (before !== undefined || this.#moves(row) || (this.following && !row)) this.rows.refreshSoon(event.evidence_id);
    this.onStage();
    if (before !== undefined && event.state !== "running") this.look();
  }

  // A sent submission that has moved on gets its new page.
  async look() {
    if (OPEN.includes(this.main.dataset.state) && !this.following) return;
    const { state } = await call("GET", `/api/v1/submissions/${this.main.dataset.submission}`);
    if (state !== this.main.dataset.state) location.reload();
  }
}
