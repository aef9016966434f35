// A recording behind a signed address that runs out. Asks for a new address whenever the old one no longer works, and
// goes on where it was: the same place or the one just asked for, playing if it was playing, at the same speed.
//
// Browsers don't say at once that an address is refused: Chromium hides the answer from itself and tries it for half a
// minute. So it counts as gone, too, when the media waits and nothing arrives for a while.

const TRIES_MS = [0, 1000, 3000, 8000];
const PATIENCE_MS = 1500; // doubled with each try: a slow connection must not be hurried for ever

export class Renewing extends EventTarget {
  // Events: `found` (the recording is there), `again` (it is there after it was gone), `lost` (given up until `retry`).
  constructor(media) {
    super();
    this.media = media;
    this.source = null;
    this.tries = 0;
    this.wish = null;
    media.addEventListener("loadedmetadata", () => this.#found());
    media.addEventListener("error", () => this.#gone());
    media.addEventListener("timeupdate", () => this.#moved());
    for (const name of ["waiting", "seeking", "progress"]) media.addEventListener(name, () => this.#watch());
    addEventListener("online", () => (this.isLost ? this.retry() : this.#watch()));
  }

  open(source, { ms = 0, play = false } = {}) {
    clearTimeout(this.timer);
    this.source = source;
    this.tries = 0;
    this.wish = { ms, play };
    this.#load();
  }

  #load() {
    this.isLost = false;
    this.media.defaultPlaybackRate = this.media.playbackRate; // loading sets the speed to the usual one
    // A new number each time: the old redirect, and so the old address, must not come from a cache.
    this.media.src = `${this.source}?try=${Date.now()}`;
    this.media.load();
  }

  #found() {
    if (this.wish?.ms) this.media.currentTime = Math.min(this.wish.ms, this.#last) / 1000;
    const { play } = this.wish ?? {};
    this.wish = null;
    if (play) this.play();
    this.dispatchEvent(new Event("found"));
    if (this.tries) this.dispatchEvent(new Event("again"));
  }

  get #last() {
    const { duration } = this.media;
    return Number.isFinite(duration) ? duration * 1000 - 1 : Infinity;
  }

  // It works again only once it moves: a head that can be read, with a body that can't, must not be tried for ever.
  #moved() {
    if (this.wish || this.media.seeking || this.media.error) return;
    this.tries = 0;
  }

  #watch() {
    clearTimeout(this.watch);
    if (this.wish || !this.#waits) return;
    this.watch = setTimeout(() => this.#waits && navigator.onLine && this.#gone(), PATIENCE_MS * 2 ** this.tries);
  }

  get #waits() {
    const { media } = this;
    return !media.ended && media.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && (media.seeking || !media.paused);
  }

  #gone() {
    if (!this.source) return;
    this.wish ??= { ms: this.ms, play: !this.media.paused };
    const wait = TRIES_MS[this.tries++];
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    if (wait !== undefined) this.timer = setTimeout(() => this.#load(), wait);
    else {
      this.isLost = true;
      this.dispatchEvent(new Event("lost"));
    }
  }

  retry() {
    this.tries = 0;
    this.#gone();
  }

  get ms() {
    return this.wish?.ms ?? Math.round(this.media.currentTime * 1000);
  }

  play() {
    if (this.wish) this.wish.play = true;
    return this.media.play().catch((error) => {
      if (!["AbortError", "NotSupportedError", "NotAllowedError"].includes(error.name)) throw error;
    });
  }

  pause() {
    if (this.wish) this.wish.play = false;
    this.media.pause();
  }

  seek(ms) {
    if (this.wish || this.media.readyState === 0) this.wish = { ms, play: this.wish?.play ?? false };
    else this.media.currentTime = ms / 1000;
  }
}
