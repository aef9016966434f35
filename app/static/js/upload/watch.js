// Says when nothing has moved for a while, or the device has slept. Wall clock: other clocks stand still in a sleep.
const LOOK_MS = 5_000;
const STALLED_MS = 60_000; // without a byte: the line is dead, whatever the browser believes
const SLEPT_MS = 20_000; // a look that comes so late: the device slept, and its connections are gone

export class Watch {
  constructor(stalled, { now = Date.now, every = LOOK_MS } = {}) {
    Object.assign(this, { stalled, now });
    this.beaten = this.looked = now();
    this.timer = setInterval(() => this.look(), every);
  }

  beat() {
    this.beaten = this.now();
  }

  look() {
    const at = this.now();
    const late = at - this.looked > SLEPT_MS; // in a hidden tab too, where bytes go on moving
    const still = at - this.beaten;
    this.looked = at;
    if (still > (late ? SLEPT_MS : STALLED_MS)) this.stalled();
  }

  end() {
    clearInterval(this.timer);
  }
}
