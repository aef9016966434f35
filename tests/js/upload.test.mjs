// Uploads: which kind a file is, and when a connection counts as dead.
import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf, typeOf } from "../../app/static/js/upload/kinds.js";
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
  assert.equal(kindOf(file("a.exe", "application/x-msdownload"), ["video"]), null);
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
