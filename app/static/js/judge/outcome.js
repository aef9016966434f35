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

/** The sentence beside the button. `titles(codes)` names criteria; `final` is what sending does. */
export function outcomeWords(preview, draft, { say, titles, final }) {
  const asks = (field) => preview.missing.some((each) => each.field.startsWith(field));
  if (asks("vacs.")) return say("gates_first");
  const end = ` ${say("final")}`;
  const message = asks("message") ? ` ${say("outcome_message")}` : "";
  if (preview.outcome === "returned") return say("outcome_returned") + end;
  if (preview.outcome === "under-investigation") return say("outcome_investigation") + message + end;
  const { levels, proof } = missingCriteria(preview, draft);
  if (levels.length) return say("outcome_levels", { criteria: titles(levels) });
  if (!preview.outcome) return "";
  const percent = preview.percent ? say("percent", { value: percentOf(preview.percent) }) : "";
  const words = say(preview.outcome === "competent" ? "outcome_competent" : "outcome_not_yet", { percent });
  if (proof.length) return `${words} ${say("outcome_proof", { criteria: titles(proof) })}`;
  return words + message + (final ? ` ${final}` : "") + end;
}
