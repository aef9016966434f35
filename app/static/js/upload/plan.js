// The arithmetic of an upload: which bytes a part holds, which parts are missing, how long to wait, how long it takes.

export function rangeOf(number, partSize, size) {
  const start = (number - 1) * partSize;
  return [start, Math.min(start + partSize, size)];
}

export function missingParts(count, partSize, size, held) {
  const whole = new Map(held.map((part) => [part.number, part.size_bytes]));
  const missing = [];
  for (let number = 1; number <= count; number += 1) {
    const [start, end] = rangeOf(number, partSize, size);
    if (whole.get(number) !== end - start) missing.push(number);
  }
  return missing;
}

// Seconds before try n (from 1): 1, 2, 4 ... 30, spread by a quarter so that many browsers don't come back at once.
export function backoff(tries, random = Math.random) {
  const seconds = Math.min(30, 2 ** (tries - 1));
  return seconds * (0.75 + random() * 0.5);
}

// Bytes a second over the last ten seconds.
export class Rate {
  constructor(now = () => performance.now()) {
    this.now = now;
    this.points = [];
  }

  add(total) {
    const at = this.now();
    this.points.push([at, total]);
    while (this.points.length > 2 && at - this.points[0][0] > 10_000) this.points.shift();
  }

  reset() {
    this.points = [];
  }

  secondsLeft(remaining) {
    if (this.points.length < 2) return null;
    const [first, last] = [this.points[0], this.points[this.points.length - 1]];
    const [time, done] = [(last[0] - first[0]) / 1000, last[1] - first[1]];
    return time < 1 || done <= 0 ? null : remaining / (done / time);
  }
}
