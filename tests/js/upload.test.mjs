// Uploads: which kind a file is, what ends an upload and what doesn't, and when a connection counts as dead.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createServer } from "node:http";
import { Refused, call } from "../../app/static/js/api.js";
import { kindOf, typeOf } from "../../app/static/js/upload/kinds.js";
import { LastingUpload } from "../../app/static/js/upload/lasting.js";
import { Pool } from "../../app/static/js/upload/pool.js";
import { Watch } from "../../app/static/js/upload/watch.js";

const file = (name, type = "") => ({ name, type });

test("files of which the browser knows nothing get their type from their ending", () => {
  const found = ["a.MOV", "a.mkv", "a.mp3", "a.m4a", "a.wav", "a.webm", "a.docx", "a.txt", "a.pdf"].map((name) => typeOf(file(name)));
  assert.deepEqual(found, [
    "video/quicktime",
    "video/x-matroska",
    "audio/mpeg",
    "audio/mp4",
    "audio/wav",
    "video/webm",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "text/plain",
    "application/pdf",
  ]);
  assert.equal(typeOf(file("notes")), "application/octet-stream");
  assert.equal(typeOf(file("clip", "video/mp4;codecs=avc1")), "video/mp4");
});

test("a file is of a kind that the rubric takes", () => {
  assert.equal(kindOf(file("a.mov"), ["video", "audio"]), "video");
  assert.equal(kindOf(file("a.mov"), ["audio"]), "audio");
  assert.equal(kindOf(file("a.webm", "audio/webm"), ["video", "audio"]), "audio");
  assert.equal(kindOf(file("a.mp3"), ["video"]), null);
  assert.equal(kindOf(file("a.txt", "text/plain"), ["document"]), "document");
  assert.equal(kindOf(file("a.docx"), ["document", "video"]), "document");
  for (const name of ["a.exe", "a.xlsx", "a.doc", "a"]) assert.equal(kindOf(file(name, "application/x-any"), ["video", "document"]), null);
});

test("a line on which nothing moves for a minute is dead, and so are those of a device that slept", () => {
  let now = 0;
  let stalled = 0;
  const watch = new Watch(() => (stalled += 1), { now: () => now, every: 1_000_000 });
  for (now = 5_000; now <= 60_000; now += 5_000) watch.look();
  assert.equal(stalled, 0);
  watch.beat();
  for (; now <= 120_000; now += 5_000) watch.look();
  assert.equal(stalled, 0);
  for (; now <= 130_000; now += 5_000) watch.look();
  assert.equal(stalled, 1);
  watch.beat();
  now += 60_000; // a hidden tab looks once a minute
  watch.beat();
  watch.look();
  assert.equal(stalled, 1);
  now += 3_600_000; // the lid was closed
  watch.look();
  assert.equal(stalled, 2);
  watch.end();
});

globalThis.navigator ??= { onLine: true }; // older versions of Node have none
const upload = () => new LastingUpload({ pool: new Pool(3), changed: () => {} });
const refusal = (status, code) => new Refused(status, { code, detail: `${code}, said to the reader` });

test("a refusal ends an upload, with its words", async () => {
  const mine = upload();
  assert.equal(await mine.goesOn(refusal(422, "too-large"), new AbortController().signal), false);
  assert.deepEqual([mine.state, mine.reason], ["refused", "too-large, said to the reader"]);
});

test("an upload that another tab has completed is done", async () => {
  const mine = upload();
  assert.equal(await mine.goesOn(refusal(409, "not-uploading"), new AbortController().signal), false);
  assert.equal(mine.state, "done");
});

test("an address that ran out is asked for anew at once", async () => {
  const mine = upload();
  assert.equal(await mine.goesOn(refusal(403, "storage"), new AbortController().signal), true);
  assert.equal(mine.state, "waiting");
});

test("after a lost connection it waits, and no longer when told to hurry", async () => {
  const mine = upload();
  const goesOn = mine.goesOn(new TypeError("Failed to fetch"), new AbortController().signal);
  assert.ok(["retrying", "offline"].includes(mine.state));
  mine.hurry();
  assert.equal(await goesOn, true);
});

test("a storage that is full or broken, and a call whose answer was lost, are waited for, and that is said", async () => {
  const online = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
  for (const error of [refusal(507, "storage"), refusal(500, "storage"), refusal(503, "unavailable"), refusal(429, "rate"), refusal(409, "in-progress")]) {
    const mine = upload();
    const goesOn = mine.goesOn(error, new AbortController().signal);
    assert.equal(mine.state, "busy");
    mine.hurry();
    assert.equal(await goesOn, true);
  }
  Object.defineProperty(globalThis, "navigator", online);
});

test("a server that says nothing counts as a lost connection", async () => {
  const silent = createServer(() => {});
  await new Promise((done) => silent.listen(0, "127.0.0.1", done));
  const asked = call("POST", `http://127.0.0.1:${silent.address().port}/`, {}, { patience: 50 });
  await assert.rejects(asked, { name: "TypeError", message: "no answer" });
  silent.closeAllConnections();
  silent.close();
});

test("when a part fails, the others are stopped before it is told", async () => {
  const [begun, stopped] = [[], []];
  const send = (number, signal) =>
    new Promise((resolve, reject) => {
      begun.push(number);
      if (number === 2) return reject(new Error("lost"));
      return signal.addEventListener("abort", () => {
        stopped.push(number);
        reject(signal.reason);
      });
    });
  await assert.rejects(upload().sendAll([1, 2, 3, 4], send, new AbortController().signal), { message: "lost" });
  assert.ok(stopped.includes(1) && stopped.includes(3));
  assert.deepEqual(stopped.sort(), begun.filter((number) => number !== 2).sort());
});
