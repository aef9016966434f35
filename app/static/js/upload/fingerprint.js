// SHA-256 of files. A worker reads the whole one, so that the page stays quick while it takes gigabytes in.
import { createSHA256 } from "hash-wasm";

export const STEP_BYTES = 4 * 1024 * 1024;
const EDGE_BYTES = 1024 * 1024;

// The SHA-256 of a file, in hexadecimal. `onProgress` is told how many bytes are done.
export function fingerprint(file, { signal, onProgress = () => {} }) {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const worker = new Worker(document.querySelector("[data-hasher]").dataset.hasher, { type: "module" });
    const end = (how, value) => {
      worker.terminate();
      signal.removeEventListener("abort", stop);
      how(value);
    };
    const stop = () => end(reject, signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    worker.onerror = (event) => end(reject, new Error(event.message || "the worker did not start"));
    worker.onmessage = ({ data }) => {
      if (data.done !== undefined) onProgress(data.done);
      else if (data.sha256) end(resolve, data.sha256);
      else end(reject, new DOMException(data.failed.message, data.failed.name));
    };
    worker.postMessage(file);
  });
}

// What tells files of one size apart in no time: the SHA-256 of the first and the last mebibyte.
export async function edges(file) {
  const hasher = await createSHA256();
  hasher.init();
  hasher.update(await read(file.slice(0, EDGE_BYTES)));
  hasher.update(await read(file.slice(Math.max(0, file.size - EDGE_BYTES))));
  return hasher.digest("hex");
}

export async function read(blob) {
  return new Uint8Array(await blob.arrayBuffer());
}
