// The waveform: where we are, what was marked, where the comments stand. Time runs from left to right in every language.
import { make, one, say } from "./page.js";
import { clock } from "./times.js";
import { bars, barsPath, clusters } from "./wave.js";

const WIDTH = 600, HEIGHT = 60;
const PIXELS_A_BAR = 4;

export class Waveform {
  constructor(root, player) {
    this.player = player;
    this.box = one("[data-wave]", root);
    this.slider = one("[data-slider]", root);
    this.marks = one("[data-marks]", root);
    this.peaks = [];
    this.comments = [];
    this.#listen();
  }

  #listen() {
    const { slider, player } = this;
    player.addEventListener("time", () => this.draw());
    player.addEventListener("part", () => this.draw());
    slider.addEventListener("keydown", (event) => this.#key(event));
    slider.addEventListener("pointerdown", (event) => {
      slider.setPointerCapture(event.pointerId);
      this.#point(event);
    });
    slider.addEventListener("pointermove", (event) => slider.hasPointerCapture(event.pointerId) && this.#point(event));
    new ResizeObserver(() => this.#lay()).observe(this.box);
  }

  #key(event) {
    const { player } = this;
    const steps = { ArrowRight: 5000, ArrowUp: 5000, ArrowLeft: -5000, ArrowDown: -5000, PageUp: 30_000, PageDown: -30_000 };
    if (event.key in steps) player.by(steps[event.key]);
    else if (event.key === "Home") player.seek(0);
    else if (event.key === "End") player.seek(player.duration_ms);
    else return;
    event.preventDefault();
  }

  #point(event) {
    const box = this.slider.getBoundingClientRect();
    this.player.seek(((event.clientX - box.left) / box.width) * this.player.duration_ms);
  }

  setPeaks(peaks) {
    this.peaks = peaks;
    this.#lay();
  }

  setComments(comments) {
    this.comments = comments;
    this.#lay();
  }

  #lay() {
    const width = this.slider.getBoundingClientRect().width;
    if (!width) return;
    const heights = this.peaks.length ? bars(this.peaks, Math.floor(width / PIXELS_A_BAR)) : Array(60).fill(0);
    const path = barsPath(heights, WIDTH, HEIGHT);
    for (const line of this.slider.querySelectorAll("[data-bars]")) line.setAttribute("d", path);
    const groups = clusters(this.comments, { duration_ms: this.player.duration_ms, width });
    this.marks.replaceChildren(...groups.map((group) => this.#mark(group)));
    this.draw();
  }

  #mark(group) {
    const [first] = group.marks;
    const time = clock(first.start_ms);
    const several = group.marks.length > 1;
    const label = several ? say("comments", { count: group.marks.length, time }) : say("comment", { number: first.number, time });
    const button = make("button", {
      type: "button", className: several ? "mark cl" : "mark", textContent: several ? `${group.marks.length}×` : first.number,
      "aria-label": label, title: label,
    });
    button.style.insetInlineStart = `${group.at}px`; // the box is left-to-right in every language
    button.addEventListener("click", () => this.player.seek(first.start_ms));
    return button;
  }

  draw() {
    const { player, slider } = this;
    const total = player.duration_ms || 1;
    const x = (ms) => Math.max(0, Math.min(WIDTH, (ms / total) * WIDTH));
    const at = x(player.ms);
    one("[data-played]", slider).setAttribute("width", at);
    one("[data-head]", slider).setAttribute("d", `M${at.toFixed(1)} -4V64`);
    const { from, to } = player.part;
    const part = one("[data-part]", slider);
    part.setAttribute("x", from === null ? 0 : x(from));
    part.setAttribute("width", from === null ? 0 : Math.max(2, x(to ?? from) - x(from)));
    const second = Math.floor(player.ms / 1000);
    if (second === this.second && total === this.total) return;
    [this.second, this.total] = [second, total];
    slider.setAttribute("aria-valuemax", Math.round(total / 1000));
    slider.setAttribute("aria-valuenow", second);
    slider.setAttribute("aria-valuetext", `${clock(player.ms)} / ${clock(total)}`);
  }
}
