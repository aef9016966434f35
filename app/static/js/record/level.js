// How loud the sound is, in words that don't jump. Pure.

const HOLD_MS = 2_500;
const NONE = 0.004;
const QUIET = 0.03;
const LOUD = 0.985;

/** The word for the loudest sample (0 to 1) of the last seconds. */
export function levelWord(peak) {
  if (peak < NONE) return "none";
  if (peak < QUIET) return "quiet";
  return peak > LOUD ? "loud" : "good";
}

/** How many of `bars` light up at this peak: 60 decibels are the whole meter. */
export function barsLit(peak, bars) {
  if (peak <= 0) return 0;
  const decibels = 20 * Math.log10(peak);
  return Math.max(0, Math.min(bars, Math.round(((decibels + 60) / 60) * bars)));
}

/** The loudest sample of the last seconds. */
export class Hold {
  constructor() {
    this.points = [];
  }

  add(peak, now_ms) {
    this.points.push([now_ms, peak]);
    while (this.points.length && now_ms - this.points[0][0] > HOLD_MS) this.points.shift();
    return this.points.reduce((most, [, each]) => Math.max(most, each), 0);
  }
}
