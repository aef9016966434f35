// What the draft would come to, in words. The server computes it; nothing here knows the pass rule. Pure but for `say`.

/** `200/3` -> 66.7, exact values without decimals. */
export function percentOf(fraction) {
  const [top, bottom = 1] = fraction.split("/").map(Number);
  return top % bottom === 0 ? String(top / bottom) : (top / bottom).toFixed(1);
}

/** The codes of criteria that a list of missing fields names: those without a level, and those without proof. */
export function missingCriteria(preview, draft) {
  const codes = new Set(preview.missing.map(({ field }) => /^scores\.([^.]+)/.exec(field)?.[1]).filter(Boolean));
  const without = (code) => (draft.scores[code]?.level ?? null) === null;
  return { levels: [...codes].filter(without), proof: [...codes].filter((code) => !without(code)) };
}

// What differs between an assessor and a validator scoring blind.
const KINDS = {
  send: { asksMessage: true, ends: ["held", "final"], other: ["final"], prefix: "outcome" },
  blind: { asksMessage: false, ends: ["final_blind"], other: ["final_blind"], prefix: "blind" },
};

/** The sentence beside the button. `titles(codes)` names criteria; `kind` is `send` or `blind`. */
export function outcomeWords(preview, draft, { say, titles, kind }) {
  const { asksMessage, ends, other, prefix } = KINDS[kind];
  const asks = (field) => preview.missing.some((each) => each.field.startsWith(field));
  const join = (...parts) => parts.filter(Boolean).join(" ");
  const message = asksMessage && asks("message") ? say("outcome_message") : "";
  if (asks("vacs.")) return say("gates_first");
  if (preview.outcome === "returned") return join(say(`${prefix}_returned`), ...other.map((name) => say(name)));
  if (preview.outcome === "under-investigation") {
    return join(say(`${prefix}_investigation`), message, ...other.map((name) => say(name)));
  }
  const { levels, proof } = missingCriteria(preview, draft);
  if (levels.length) return say("outcome_levels", { criteria: titles(levels) });
  if (!preview.outcome) return "";
  const percent = preview.percent ? say("percent", { value: percentOf(preview.percent) }) : "";
  const words = say(preview.outcome === "competent" ? "outcome_competent" : "outcome_not_yet", { percent });
  if (proof.length) return join(words, say("outcome_proof", { criteria: titles(proof) }));
  return join(words, message, ...ends.map((name) => say(name)));
}
