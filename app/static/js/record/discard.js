// Throwing takes away: what has arrived of them is deleted too, now or at the next visit with a connection.
import { Refused, call } from "../api.js";

export async function discard(take) {
  await take.writing;
  if (!take.record.evidence) return take.forget();
  await take.save({ state: "dropped" });
  await take.forget({ whole: false });
  return finishDiscard(take);
}

/** Delete what has arrived of a dropped take; without a connection it stays marked. Says whether it is gone. */
export async function finishDiscard(take) {
  try {
    await call("DELETE", `/api/v1/evidence/${take.record.evidence}`);
  } catch (error) {
    if (error instanceof Refused ? error.passing : error instanceof TypeError) return false;
    if (!(error instanceof Refused)) throw error;
    // gone already, or sent with the submission meanwhile: nothing is left to delete
  }
  await take.forget();
  return true;
}
