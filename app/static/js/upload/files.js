// The files of unfinished uploads, kept in IndexedDB: their bytes where there is room, else the browser's handle.
import { openDB } from "idb";

const STORE = "files";
const BYTES_UP_TO = 2 * 1024 ** 3;
const WEEK_MS = 7 * 24 * 3600 * 1000;

function database() {
  return openDB("assay-uploads", 1, {
    upgrade(db) {
      db.createObjectStore(STORE, { keyPath: "evidence" });
    },
  });
}

async function roomFor(size) {
  if (size > BYTES_UP_TO) return false;
  if (!navigator.storage || !navigator.storage.estimate) return size < 200 * 1024 ** 2;
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  return quota - usage > size * 1.2;
}

// Keep a file until it has arrived. Says what was kept: "bytes", "handle" or "name" (it must be chosen again then).
export async function keep(evidence, file, handle) {
  const record = { evidence, at: Date.now(), name: file.name, size: file.size, modified: file.lastModified, paused: false, kept: "name" };
  if (handle) Object.assign(record, { handle, kept: "handle" });
  const db = await database();
  await db.put(STORE, record);
  if (!(await roomFor(file.size))) return record.kept;
  if (navigator.storage && navigator.storage.persist) await navigator.storage.persist();
  try {
    await db.put(STORE, { ...record, bytes: file, kept: "bytes" });
    return "bytes";
  } catch (error) {
    if (error.name !== "QuotaExceededError" && error.name !== "DataCloneError") throw error;
    return record.kept;
  }
}

export async function kept(evidence) {
  return (await database()).get(STORE, evidence);
}

export async function setPaused(evidence, paused) {
  const db = await database();
  const record = await db.get(STORE, evidence);
  if (record) await db.put(STORE, { ...record, paused });
}

// Drop what an upload of long ago left here: it was finished elsewhere, removed, or its week is over.
export async function sweep(open, now = Date.now()) {
  const db = await database();
  for (const { evidence, at = 0 } of await db.getAll(STORE)) {
    if (!open.has(evidence) && now - at > WEEK_MS) await db.delete(STORE, evidence);
  }
}

export async function forget(evidence) {
  await (await database()).delete(STORE, evidence);
}

// The file behind a record, or null when the reader must allow it or choose it again. `ask` needs a press of a button.
export async function fileOf(record, { ask = false } = {}) {
  if (!record) return null;
  if (record.bytes) return record.bytes;
  if (!record.handle || !record.handle.queryPermission) return null;
  let allowed = await record.handle.queryPermission({ mode: "read" });
  if (allowed === "prompt" && ask) allowed = await record.handle.requestPermission({ mode: "read" });
  return allowed === "granted" ? record.handle.getFile() : null;
}
