// The takes of this page on their way to the storage.
import { LiveUpload } from "../submission/live-upload.js";
import { Pool } from "../upload/pool.js";

const AT_ONCE = 3;

export class Sending {
  // `changed(upload)`: its state or what has arrived is another.
  constructor(changed) {
    Object.assign(this, { changed, pool: new Pool(AT_ONCE), uploads: new Map() });
    addEventListener("online", () => this.uploads.forEach((upload) => upload.hurry()));
    addEventListener("offline", () => this.uploads.forEach((upload) => this.changed(upload)));
  }

  of(take) {
    return this.uploads.get(take.id);
  }

  // A take that grows.
  begin(take) {
    return this.#run(take, { changed: (upload) => this.changed(upload) });
  }

  // A take to which nothing is added any more.
  finish(take, changed) {
    return this.#run(take, { changed, finished: true });
  }

  // It was on its way when the page of the submission was left.
  goOn(take) {
    this.finish(take, ({ state }) => {
      if (state === "done") take.forget().catch((error) => console.warn("not cleared", error));
    });
  }

  stop(take) {
    this.of(take)?.stop();
    this.uploads.delete(take.id);
  }

  #run(take, how) {
    const upload = new LiveUpload({ take, pool: this.pool, ...how });
    this.uploads.set(take.id, upload);
    return upload.run();
  }
}
