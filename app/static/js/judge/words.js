// Words of a transcript by time. Pure. Times are milliseconds from the start of the recording.

/** List all words in order, with the number of their segment and their place in it; a segment without word times counts as one word. */
export function flatten(transcript) {
  return transcript.segments.flatMap((segment, number) => {
    if (!segment.words.length) return [{ ...segment, probability: 1, segment: number, place: null }];
    return segment.words.map((word, place) => ({ ...word, segment: number, place }));
  });
}

/** Index of the last thing that starts at or before `ms`, by halving; -1 before the first. */
export function lastStarted(things, ms) {
  let low = 0, high = things.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (things[middle].start_ms <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Where to seek so that this word lights up and not the one before. */
export function seekTo(word) {
  return word.start_ms + 1;
}

/** Say whether somebody should listen to a word: the program was not sure, and nobody has corrected it. */
export function isUnsure(word, limit) {
  return word.probability < limit && word.heard === undefined;
}

/** Index of the next word under the limit after `ms`; from the start again at the end; -1 without one. */
export function nextUnsure(words, ms, limit) {
  const unsure = words.flatMap((word, index) => (isUnsure(word, limit) ? [index] : []));
  return unsure.find((index) => words[index].start_ms > ms + 1) ?? unsure[0] ?? -1;
}

/** The pause that `ms` lies in, if at least `left_ms` of it are to come. */
export function silenceAt(silences, ms, left_ms = 300) {
  const found = silences[lastStarted(silences, ms)];
  return found && found.end_ms - ms >= left_ms ? found : null;
}

/** Time that skipping all pauses saves. */
export function silentTotal(silences) {
  return silences.reduce((sum, each) => sum + each.end_ms - each.start_ms, 0);
}

// Latin and Arabic marks that readers leave out when they search.
const MARKS = /[\u0300-\u036f\u064b-\u065f\u0670\u0640]/g;

/** Fold a text for search: no case, accents, Arabic vowel signs or punctuation; one form of alef, yeh and teh. */
export function fold(text) {
  return text
    .normalize("NFD").replace(MARKS, "").normalize("NFC")
    .replace(/[أإآٱ]/g, "ا").replace(/ى/g, "ي").replace(/ة/g, "ه")
    .toLowerCase().replace(/[^\p{L}\p{N}\s]/gu, "").trim();
}

/** Indexes of the words where a search text begins; it may span several words, the last may be cut short. */
export function findWords(words, query) {
  const wanted = fold(query).split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  const folded = words.map((word) => fold(word.text));
  return folded.flatMap((_, start) => {
    const hit = wanted.every((part, n) => {
      const word = folded[start + n];
      return word !== undefined && (n === wanted.length - 1 ? word.startsWith(part) : word === part);
    });
    return hit ? [start] : [];
  });
}

/**
 * Index of the word where a phrase begins; -1 where it is not said. The program that wrote the words down may have
 * misheard one of them, or put others between: of the words in twice the phrase's length all but one must fit, in order.
 */
export function placeOfPhrase(words, phrase) {
  const wanted = fold(phrase).split(/\s+/).filter(Boolean);
  const folded = words.map((word) => fold(word.text));
  const needed = Math.max(2, wanted.length - 1);
  let best = { fits: 0, at: -1 };
  for (let start = 0; start < folded.length; start += 1) {
    if (!wanted.includes(folded[start])) continue;
    const fits = fitting(folded.slice(start, start + wanted.length * 2), wanted);
    if (fits >= needed && fits > best.fits) best = { fits, at: start };
  }
  return best.at;
}

// How many words of `wanted` come in this order among `said` (the longest common subsequence).
function fitting(said, wanted) {
  let row = new Array(wanted.length + 1).fill(0);
  for (const word of said) {
    const next = [0];
    wanted.forEach((part, n) => next.push(part === word ? row[n] + 1 : Math.max(row[n + 1], next[n])));
    row = next;
  }
  return row[wanted.length];
}

/** The words said around `ms`, as one caption: the words of that segment, at most `most` of them around the present one. */
export function captionAt(words, index, most = 12) {
  const word = words[index];
  if (!word) return "";
  const own = words.filter((each) => each.segment === word.segment);
  const at = own.indexOf(word);
  const first = Math.floor(at / most) * most;
  return own.slice(first, first + most).map((each) => each.text.trim()).join(" ");
}
