// At most `size` things at once, over all uploads of the page.
export class Pool {
  constructor(size) {
    this.free = size;
    this.waiting = [];
  }

  async run(work) {
    if (this.free > 0) this.free -= 1;
    else await new Promise((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}
