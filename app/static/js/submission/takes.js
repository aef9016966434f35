// What a recording has so far, second by second in IndexedDB: a crash or a closed page costs a second at most.
import { openDB } from "idb";

function database() {
  return openDB("assay-takes", 1, {
    upgrade(db) {
      db.createObjectStore("chunks", { autoIncrement: true }).createIndex("submission", "submission");
    },
  });
}

export async function addChunk(submission, type, bytes) {
  await (await database()).add("chunks", { submission, type, bytes });
}

export async function takeOf(submission) {
  const chunks = await (await database()).getAllFromIndex("chunks", "submission", submission);
  if (!chunks.length) return null;
  return new Blob(
    chunks.map((each) => each.bytes),
    { type: chunks[0].type },
  );
}

export async function clearTake(submission) {
  const db = await database();
  const moving = db.transaction("chunks", "readwrite");
  for (const key of await moving.store.index("submission").getAllKeys(submission)) moving.store.delete(key);
  await moving.done;
}
