// The copy of a draft on this device (IndexedDB): written before anything is sent, removed when the server has it.
import { openDB } from "idb";

const NAME = "assay-drafts";
const DRAFTS = "drafts", KEPT = "kept";

function open() {
  return openDB(NAME, 1, {
    upgrade(db) {
      db.createObjectStore(DRAFTS);
      db.createObjectStore(KEPT, { autoIncrement: true });
    },
  });
}

/** Open the journal of one claim or validation. A browser without storage (private windows) gets one in memory. */
export async function openJournal(id) {
  let db;
  try {
    db = await open();
  } catch (error) {
    console.warn("This browser keeps no drafts on the device:", error);
    return inMemory();
  }
  return {
    keeps: true,
    get: () => db.get(DRAFTS, id),
    put: (record) => db.put(DRAFTS, { ...record, at: Date.now() }, id),
    remove: () => db.delete(DRAFTS, id),
    /** Keep a version that was not chosen in a conflict: nothing is lost. */
    keepAside: (record) => db.add(KEPT, { ...record, id, at: Date.now() }),
  };
}

function inMemory() {
  let record;
  return {
    keeps: false,
    get: async () => record,
    put: async (next) => void (record = next),
    remove: async () => void (record = undefined),
    keepAside: async () => undefined,
  };
}
