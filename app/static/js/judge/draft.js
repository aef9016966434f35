// The draft of a judgement: what is chosen so far, changes to it, undo, and the bodies that the server takes. Pure.

export const GATES = ["valid", "authentic", "current", "sufficient"];

/** Read a stored draft (API 4.4) into the shape that the page works with; everything is there, nothing is shared. */
export function read(stored = {}) {
  const scores = {};
  for (const score of stored.scores ?? []) {
    scores[score.criterion] = { level: score.level ?? null, note: score.note ?? "", moments: [...(score.moments ?? [])] };
  }
  const vacs = Object.fromEntries(GATES.map((gate) => [gate, stored.vacs?.[gate] ?? null]));
  return { scores, vacs, comments: [...(stored.comments ?? [])], message: stored.message ?? "" };
}

/** The body of `PATCH .../draft`, without the version. */
export function patchBody(draft, { withMessage = true } = {}) {
  const scores = Object.entries(draft.scores)
    .filter(([, score]) => score.level !== null || score.note || score.moments.length)
    .map(([criterion, score]) => ({ criterion, level: score.level, note: score.note || null, moments: score.moments }));
  const body = { scores, vacs: draft.vacs, comments: draft.comments };
  return withMessage ? { ...body, message: draft.message } : body;
}

/** The body of `send` and of blind scores: only what is decided. */
export function sendBody(draft, { withMessage = true } = {}) {
  const body = patchBody(draft, { withMessage });
  return { ...body, scores: body.scores.filter((score) => score.level !== null) };
}

const EMPTY = { level: null, note: "", moments: [] };

export function scoreOf(draft, criterion) {
  return draft.scores[criterion] ?? EMPTY;
}

function withScore(draft, criterion, change) {
  const score = { ...scoreOf(draft, criterion), ...change };
  return { ...draft, scores: { ...draft.scores, [criterion]: score } };
}

export const setLevel = (draft, criterion, level) => withScore(draft, criterion, { level });
export const setNote = (draft, criterion, note) => withScore(draft, criterion, { note });
export const setGate = (draft, gate, answer) => ({ ...draft, vacs: { ...draft.vacs, [gate]: answer } });
export const setMessage = (draft, message) => ({ ...draft, message });

/** Link a moment to a criterion; the same place twice is one link. */
export function addMoment(draft, criterion, moment) {
  const { moments } = scoreOf(draft, criterion);
  const known = moments.some((each) => each.evidence_id === moment.evidence_id && each.start_ms === moment.start_ms);
  if (known) return draft;
  const sorted = [...moments, moment].sort((a, b) => a.start_ms - b.start_ms);
  return withScore(draft, criterion, { moments: sorted });
}

export function removeMoment(draft, criterion, index) {
  return withScore(draft, criterion, { moments: scoreOf(draft, criterion).moments.filter((_, n) => n !== index) });
}

export function addComment(draft, comment) {
  const comments = [...draft.comments, comment].sort((a, b) => a.start_ms - b.start_ms);
  return { ...draft, comments };
}

export function removeComment(draft, index) {
  return { ...draft, comments: draft.comments.filter((_, n) => n !== index) };
}

/** How many of these criteria have a level. */
export function scored(draft, codes) {
  return codes.filter((code) => scoreOf(draft, code).level !== null).length;
}

/** What the gates say: how many are answered, which are no, and whether the levels may be chosen. */
export function gates(draft) {
  const answered = GATES.filter((gate) => draft.vacs[gate] !== null);
  const no = GATES.filter((gate) => draft.vacs[gate] === false);
  return { answered: answered.length, no, open: answered.length === GATES.length, next: GATES.find((g) => draft.vacs[g] === null) };
}

/** Whether sending makes sense: all gates and all levels, or work that is not authentic or not sufficient. */
export function isComplete(draft, codes) {
  const { open, no } = gates(draft);
  return open && (no.includes("authentic") || no.includes("sufficient") || scored(draft, codes) === codes.length);
}

/** What two drafts say differently, by the names of their parts. */
export function differences(one, other) {
  return ["scores", "vacs", "comments", "message"].filter(
    (part) => JSON.stringify(patchBody(one)[part]) !== JSON.stringify(patchBody(other)[part]),
  );
}

/** Keep the drafts before each change, to go back one at a time. */
export function history(limit = 50) {
  const past = [];
  return {
    keep(draft) {
      past.push(draft);
      if (past.length > limit) past.shift();
    },
    back: () => past.pop() ?? null,
  };
}
