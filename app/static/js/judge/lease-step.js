// When a lease is renewed, warned about and over. Pure.
export const WARN_MS = 5 * 60_000;
const ACTIVE_MS = 60_000;

/**
 * What to do now. Pure: `left_ms` of a lease of `whole_ms`, and how long ago somebody did something.
 * Answers "renew", "warn", "over" or "wait".
 */
export function leaseStep({ left_ms, whole_ms, idle_ms }) {
  if (left_ms <= 0) return "over";
  if (idle_ms < ACTIVE_MS && left_ms < whole_ms * 0.8) return "renew";
  return left_ms <= Math.min(WARN_MS, whole_ms / 3) && idle_ms >= ACTIVE_MS ? "warn" : "wait";
}
