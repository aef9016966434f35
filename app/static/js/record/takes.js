// Takes: what was recorded, second by second in IndexedDB, so that a crash or a closed page costs a second at most.
import { openDB } from "idb";

const STRICT = { durability: "strict" }; // what was sent must never be missing here, also after a power cut

let opened;

function database() {
  opened ??= openDB("assay-recordings", 1, {
    upgrade(db) {
      db.createObjectStore("takes", { keyPath: "id" }).createIndex("submission", "submission");
      db.createObjectStore("chunks", { autoIncrement: true }).createIndex("take", "take");
    },
  });
  return opened;
}

/**
 * One take. `record` is what is stored of it: {id, submission, source, kind, name, type, phrase, state, elapsed_ms,
 * begun_at, evidence, part_size}. States: recording, finished, used (it is on its way), dropped (to be deleted there).
 */
export class Take {
  constructor(record, chunks = []) {
    this.record = record;
    this.chunks = chunks;
    this.unsaved = [];
    this.writing = Promise.resolve();
    this.known = false; // whether the record is, or was, stored here
  }

  get id() {
    return this.record.id;
  }

  /** Bytes that are safe here. */
  get saved() {
    return this.chunks.reduce((sum, each) => sum + each.size, 0);
  }

  /** Whether all of it is stored on this device. */
  get kept() {
    return this.unsaved.length === 0;
  }

  get blob() {
    return new Blob([...this.chunks, ...this.unsaved], { type: this.record.type });
  }

  /** Keep the next second. Where the device has no room it stays in memory and is tried again with the next one. */
  append(bytes, elapsed_ms) {
    this.unsaved.push(bytes);
    this.record.elapsed_ms = elapsed_ms;
    this.writing = this.writing.then(() => this.#store());
    return this.writing;
  }

  async #store() {
    const moving = [...this.unsaved];
    try {
      const db = await database();
      const work = db.transaction(["takes", "chunks"], "readwrite", STRICT);
      const [chunks, takes] = [work.objectStore("chunks"), work.objectStore("takes")];
      for (const bytes of moving) quietly(chunks.add({ take: this.id, bytes }));
      quietly(takes.put(this.record));
      await work.done;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      console.warn("not kept on this device", error);
      return;
    }
    this.known = true;
    this.unsaved.splice(0, moving.length);
    this.chunks.push(...moving);
  }

  async save(changes = {}) {
    Object.assign(this.record, changes);
    const db = await database();
    const work = db.transaction("takes", "readwrite", STRICT);
    quietly(work.store.put(this.record));
    await work.done;
    this.known = true;
  }

  /** Learn what another tab has sent of it; false when it is done with, or thrown away. */
  async reread() {
    if (!this.known) return true;
    const stored = await (await database()).get("takes", this.id);
    if (!stored || stored.state === "dropped") return false;
    const { evidence, part_size } = stored;
    Object.assign(this.record, { evidence, part_size });
    return true;
  }

  /** Forget the bytes; `whole` forgets the record too. */
  async forget({ whole = true } = {}) {
    const db = await database();
    const work = db.transaction(["takes", "chunks"], "readwrite");
    const keys = await work.objectStore("chunks").index("take").getAllKeys(this.id);
    for (const key of keys) work.objectStore("chunks").delete(key);
    if (whole) work.objectStore("takes").delete(this.id);
    await work.done;
    this.chunks = [];
    this.unsaved = [];
  }
}

// Why a write failed is told by its transaction, which is waited for; the request only says that it was ended.
function quietly(request) {
  request.catch(() => {});
}

/** All takes of a submission, the oldest first. Those of which nothing was stored are cleared away. */
export async function takesOf(submission) {
  const db = await database();
  const records = await db.getAllFromIndex("takes", "submission", submission);
  records.sort((a, b) => a.begun_at - b.begun_at);
  const takes = [];
  for (const record of records) {
    const chunks = await db.getAllFromIndex("chunks", "take", record.id);
    const take = new Take(record, chunks.map((each) => each.bytes));
    take.known = true;
    takes.push(take);
  }
  return takes;
}

/** Ask the browser not to clear these data by itself; says whether it will keep them. */
export async function askToKeep() {
  if (!navigator.storage?.persist) return false;
  return (await navigator.storage.persisted()) || navigator.storage.persist();
}

/** Bytes that this site may still store here; null where the browser doesn't say. */
export async function roomHere() {
  if (!navigator.storage?.estimate) return null;
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  return Math.max(0, quota - usage);
}
