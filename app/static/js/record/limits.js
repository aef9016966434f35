// How long a recording may and must be. Pure; times are milliseconds, null where the rubric has no such limit.

const SOON_MS = 30_000;

/** How full the bar is (0 to 1), where the mark of the minimum stands, and whether an end is near. */
export function standing(elapsed_ms, { min_ms, max_ms }) {
  const whole = max_ms ?? Math.max((min_ms ?? 0) * 1.5, elapsed_ms * 1.25, 60_000);
  const left_ms = max_ms === null ? null : Math.max(0, max_ms - elapsed_ms);
  return {
    share: Math.min(1, elapsed_ms / whole),
    mark: min_ms === null ? null : Math.min(1, min_ms / whole),
    missing_ms: Math.max(0, (min_ms ?? 0) - elapsed_ms),
    left_ms,
    over: left_ms === 0,
    soon: left_ms !== null && left_ms > 0 && left_ms <= Math.min(SOON_MS, max_ms / 4),
  };
}

/** How much of what was recorded has been sent, in whole percent; null while nothing has been. */
export function percentSent(sent, size) {
  return sent > 0 && size > 0 ? Math.min(100, Math.floor((sent / size) * 100)) : null;
}

/** Minutes of recording that fit into so many bytes. */
export function minutesFor(bytes, bits_per_second) {
  return Math.floor((bytes * 8) / bits_per_second / 60);
}
