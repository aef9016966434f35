import assert from "node:assert/strict";
import { test } from "node:test";
import { captionAt, findWords, flatten, fold, lastStarted, nextUnsure, placeOfPhrase, silenceAt } from "../../app/static/js/judge/words.js";

const word = (start_ms, text, probability = 0.9) => ({ start_ms, end_ms: start_ms + 300, text, probability });
const transcript = {
  segments: [
    { start_ms: 0, end_ms: 1500, text: "Good morning, Mr Hassan.", words: [word(0, "Good"), word(400, "morning,"), word(800, "Mr"), word(1100, "Hassan.", 0.3)] },
    { start_ms: 2000, end_ms: 2600, text: "Café open?", words: [word(2000, "Café", 0.2), word(2300, "open?")] },
    { start_ms: 4000, end_ms: 5000, text: "untimed words", words: [] },
  ],
};
const words = flatten(transcript);

test("a segment without word times counts as one word", () => {
  assert.equal(words.length, 7);
  assert.equal(words[6].text, "untimed words");
});

test("a word keeps its place in its segment, and a segment without words has none", () => {
  assert.deepEqual([words[4].segment, words[4].place, words[6].place], [1, 0, null]);
});

test("a corrected word needs no second look", () => {
  const some = [{ ...word(0, "miser", 0.1), heard: "my sir" }, word(400, "sie", 0.1)];
  assert.equal(nextUnsure(some, 0, 0.5), 1);
  assert.equal(nextUnsure(some.slice(0, 1), 0, 0.5), -1);
});

test("the word at a time is the last that started", () => {
  assert.equal(lastStarted(words, -1), -1);
  assert.equal(lastStarted(words, 0), 0);
  assert.equal(lastStarted(words, 399), 0);
  assert.equal(lastStarted(words, 400), 1);
  assert.equal(lastStarted(words, 99_999), 6);
  assert.equal(lastStarted([], 5), -1);
});

test("halving finds what walking finds", () => {
  const many = Array.from({ length: 500 }, (_, n) => word(n * 37, `w${n}`));
  for (let ms = 0; ms < 20_000; ms += 113) {
    const slow = many.filter((each) => each.start_ms <= ms).length - 1;
    assert.equal(lastStarted(many, ms), slow);
  }
});

test("unsure words are stepped through and begin again at the end", () => {
  assert.equal(nextUnsure(words, 0, 0.5), 3);
  assert.equal(nextUnsure(words, 1101, 0.5), 4);
  assert.equal(nextUnsure(words, 3000, 0.5), 3);
  assert.equal(nextUnsure(words, 0, 0.1), -1);
});

test("a search spans words, folds case, accents and punctuation, and may be cut short", () => {
  assert.deepEqual(findWords(words, "morning mr"), [1]);
  assert.deepEqual(findWords(words, "CAFE"), [4]);
  assert.deepEqual(findWords(words, "hass"), [3]);
  assert.deepEqual(findWords(words, "  "), []);
});

test("Arabic is found without vowel signs and whatever the alef", () => {
  assert.equal(fold("أَحْمَد"), fold("احمد"));
  assert.equal(fold("بطاقة،"), fold("بطاقه"));
});

test("a pause is skipped only while some of it is to come", () => {
  const pauses = [{ start_ms: 1000, end_ms: 4000 }];
  assert.equal(silenceAt(pauses, 999), null);
  assert.equal(silenceAt(pauses, 1000).end_ms, 4000);
  assert.equal(silenceAt(pauses, 3900), null);
});

test("a caption holds the words of its segment", () => {
  assert.equal(captionAt(words, 1), "Good morning, Mr Hassan.");
  assert.equal(captionAt(words, 4), "Café open?");
  assert.equal(captionAt(words, -1), "");
});

const spoken = (text) => text.split(" ").map((each, n) => word(n * 400, each));

test("a phrase is found where it is said, also with a word misheard or one put between", () => {
  assert.equal(placeOfPhrase(spoken("Hello, I say blue lantern, river window. Good morning"), "blue lantern river window"), 3);
  assert.equal(placeOfPhrase(spoken("So: blue lantern and river widow"), "blue lantern river window"), 1);
  assert.equal(placeOfPhrase(spoken("الآن أقول قطار، شجره زيتون صباح"), "قطار شجرة زيتون صباح"), 2);
});

test("a phrase is not found where only some of its words come, or in another order", () => {
  assert.equal(placeOfPhrase(spoken("the river behind the blue window"), "blue lantern river window"), -1);
  assert.equal(placeOfPhrase(spoken("window river lantern blue"), "blue lantern river window"), -1);
  assert.equal(placeOfPhrase([], "blue lantern river window"), -1);
});
