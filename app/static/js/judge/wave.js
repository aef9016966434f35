// Geometry of the waveform. Pure.

/** Return as many bar heights (0 to 1) as fit, each the highest of the peaks it stands for. */
export function bars(peaks, count) {
  if (!peaks.length) return [];
  const size = Math.max(1, Math.min(count, peaks.length));
  return Array.from({ length: size }, (_, n) => {
    const from = Math.floor((n * peaks.length) / size);
    const to = Math.max(from + 1, Math.floor(((n + 1) * peaks.length) / size));
    return Math.max(...peaks.slice(from, to)) / 100;
  });
}

/** SVG path of bars in a box of `width` x `height`, mirrored about the middle; silence stays a dot. */
export function barsPath(heights, width, height) {
  const step = width / Math.max(1, heights.length);
  return heights
    .map((share, n) => {
      const x = ((n + 0.5) * step).toFixed(1);
      const half = Math.max(0.8, (share * height) / 2);
      return `M${x} ${(height / 2 - half).toFixed(1)}V${(height / 2 + half).toFixed(1)}`;
    })
    .join("");
}

/**
 * Group marks that would lie closer than `gap` pixels: touch targets must not overlap (WCAG 2.5.8).
 * `marks` are `{ start_ms }` in order; answers `[{ at: pixels, marks: [...] }]`.
 */
export function clusters(marks, { duration_ms, width, gap = 24 }) {
  const groups = [];
  for (const mark of [...marks].sort((a, b) => a.start_ms - b.start_ms)) {
    const at = duration_ms ? (mark.start_ms / duration_ms) * width : 0;
    const last = groups.at(-1);
    if (last && at - last.at < gap) last.marks.push(mark);
    else groups.push({ at, marks: [mark] });
  }
  return groups;
}
