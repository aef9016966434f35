// All uploads of the page: new files, those that an earlier visit left unfinished, pause, total, time left.
import { Refused, call, newKey } from "../api.js";
import { bytes, say, timeLeft } from "../texts.js";
import { fileOf, forget, keep, kept, setPaused, sweep } from "../upload/files.js";
import { edges } from "../upload/fingerprint.js";
import { kindOf, typeOf } from "../upload/kinds.js";
import { Rate } from "../upload/plan.js";
import { Pool } from "../upload/pool.js";
import { Upload } from "../upload/upload.js";

const AT_ONCE = 3;
const UNREADABLE = new Set(["NotReadableError", "NotFoundError"]); // a folder, or moved since it was chosen

export class Uploads {
  constructor({ main, rows, message }) {
    Object.assign(this, { main, rows, message });
    this.submission = main.dataset.submission;
    this.pool = new Pool(AT_ONCE);
    this.running = new Map();
    this.rates = new Map();
    this.needing = new Map();
    this.keeping = new Map();
    this.rate = new Rate();
    for (const event of ["online", "focus"]) addEventListener(event, () => this.hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.hurry());
    addEventListener("offline", () => this.running.forEach((upload) => this.#changed(upload)));
  }

  hurry() {
    this.running.forEach((upload) => upload.hurry());
  }

  get unfinished() {
    return [...this.running.values()].some((upload) => !["done", "refused", "stopped"].includes(upload.state));
  }

  // Take new files, one after the other so that they keep their order in the list.
  async add(files, kinds) {
    this.message.clear();
    for (const { file, handle } of files) await this.#addOne(file, handle, kinds);
  }

  async #addOne(file, handle, kinds) {
    const kind = kindOf(file, kinds);
    if (!kind) return this.message.show(say("wrong_kind", { name: file.name }));
    if (file.size === 0) return this.message.show(say("empty_file", { name: file.name }));
    const told = { kind, name: file.name, media_type: typeOf(file), size_bytes: file.size };
    let made;
    try {
      told.edges_sha256 = await edges(file);
      const same = this.rows.same(told);
      if (same) return this.message.show(say("here_already", { name: file.name, evidence: same }));
      const key = newKey();
      made = await this.#patiently(() => call("POST", `/api/v1/submissions/${this.submission}/evidence`, told, { key }));
    } catch (error) {
      if (UNREADABLE.has(error.name)) return this.message.show(say("unreadable", { name: file.name }));
      if (!(error instanceof Refused)) throw error;
      return this.message.show(`${file.name}: ${error.message}`);
    }
    const plan = { partSize: made.upload.part_size_bytes, partCount: made.upload.part_count };
    await this.rows.refresh(made.id);
    this.#keep(made.id, file, handle);
    return this.#begin(made.id, file, plan);
  }

  // Copying a large file takes a while: it is sent meanwhile.
  #keep(evidence, file, handle) {
    this.keeping.set(
      evidence,
      keep(evidence, file, handle).catch((error) => console.warn("file not kept", error)),
    );
  }

  async #forget(evidence) {
    await this.keeping.get(evidence);
    await forget(evidence);
  }

  async #patiently(work) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (tries > 5 || (error instanceof Refused && !error.passing)) throw error;
        if (!navigator.onLine) await new Promise((resolve) => addEventListener("online", resolve, { once: true }));
        else await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** tries));
      }
    }
  }

  #begin(evidence, file, plan, { paused = false } = {}) {
    const upload = new Upload({ evidence, file, plan, pool: this.pool, changed: (each) => this.#changed(each) });
    this.running.set(evidence, upload);
    this.needing.delete(evidence);
    this.rates.set(evidence, new Rate());
    if (paused) upload.pause();
    else upload.run();
    return upload;
  }

  // After a reload: go on with what is kept here; ask for the file where it is not.
  async goOn({ except = new Set() } = {}) {
    const unfinished = this.rows.all().filter((row) => row.dataset.state === "uploading");
    await sweep(new Set(unfinished.map((row) => row.dataset.evidence)));
    const open = unfinished.filter((row) => !except.has(row.dataset.evidence));
    for (const row of open) {
      const record = await kept(row.dataset.evidence);
      const file = await fileOf(record);
      if (file) this.#begin(row.dataset.evidence, file, planOf(row), { paused: record.paused });
      else this.#needs(row.dataset.evidence, Boolean(record && record.handle));
    }
  }

  // Show an upload that somebody else runs, like one of ours.
  follow(upload) {
    if (!this.running.has(upload.evidence)) {
      this.running.set(upload.evidence, upload);
      this.rates.set(upload.evidence, new Rate());
    }
    this.#changed(upload);
  }

  async pause(evidence) {
    this.running.get(evidence)?.pause();
    await setPaused(evidence, true);
  }

  async resume(evidence) {
    await setPaused(evidence, false);
    const upload = this.running.get(evidence);
    if (upload) return upload.resume();
    const file = await fileOf(await kept(evidence), { ask: true });
    if (file) this.#begin(evidence, file, planOf(this.rows.row(evidence)));
    else this.#needs(evidence, false);
    return undefined;
  }

  #needs(evidence, handle) {
    this.needing.set(evidence, handle);
    this.rows.showNeedsFile(evidence, handle);
  }

  // A row was drawn anew by the server, which knows nothing of what goes on here.
  redraw(evidence) {
    const upload = this.running.get(evidence);
    if (upload) this.rows.showUpload(upload, this.rates.get(evidence));
    else if (this.needing.has(evidence)) this.rows.showNeedsFile(evidence, this.needing.get(evidence));
  }

  // The reader chose the file again; it must be the same one.
  async again(evidence, file) {
    const row = this.rows.row(evidence);
    const told = row.dataset.edges;
    if (file.size !== Number(row.dataset.size) || (told && told !== (await edges(file)))) {
      this.message.show(say("other_file", { name: row.dataset.name }));
      return;
    }
    this.#keep(evidence, file);
    this.running.get(evidence)?.stop();
    this.#begin(evidence, file, planOf(row));
  }

  async drop(evidence) {
    this.running.get(evidence)?.stop();
    this.running.delete(evidence);
    await this.#forget(evidence);
    this.#total();
  }

  #changed(upload) {
    this.rates.get(upload.evidence)?.add(upload.sent);
    this.rows.showUpload(upload, this.rates.get(upload.evidence));
    this.#total();
    if (upload.state === "done") this.#arrived(upload.evidence);
  }

  #arrived(evidence) {
    this.#forget(evidence).catch((error) => console.warn("kept file not removed", error));
    this.rows.refreshSoon(evidence);
  }

  #total() {
    const all = [...this.running.values()].filter((upload) => upload.state !== "stopped" && upload.state !== "refused");
    const box = this.main.querySelector("[data-total]");
    const open = all.filter((upload) => upload.state !== "done");
    box.hidden = all.length < 2 || open.length === 0;
    if (box.hidden) return;
    const [sent, size] = all.reduce(([done, whole], each) => [done + each.sent, whole + each.size], [0, 0]);
    this.rate.add(sent);
    const percent = Math.floor((sent / size) * 100);
    box.querySelector("[data-total-bar]").value = percent;
    box.querySelector("[data-total-percent]").textContent = say("percent", { n: percent });
    const moves = open.some((upload) => upload.state === "sending");
    const left = moves ? timeLeft(this.rate.secondsLeft(size - sent)) : "";
    const said = say("total", { sent: bytes(sent), size: bytes(size), n: open.length });
    box.querySelector("[data-total-said]").textContent = left ? `${said} ${left}` : said;
  }
}

function planOf(row) {
  return { partSize: Number(row.dataset.partSize), partCount: Number(row.dataset.partCount) };
}
