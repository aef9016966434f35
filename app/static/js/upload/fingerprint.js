// SHA-256 of a file, read in steps, so that a film of gigabytes never lies in memory.
import { createSHA256 } from "hash-wasm";

const STEP_BYTES = 4 * 1024 * 1024;

export async function fingerprint(file, { signal, onProgress = () => {} }) {
  const hasher = await createSHA256();
  hasher.init();
  for (let start = 0; start < file.size; start += STEP_BYTES) {
    signal.throwIfAborted();
    hasher.update(new Uint8Array(await file.slice(start, start + STEP_BYTES).arrayBuffer()));
    onProgress(Math.min(file.size, start + STEP_BYTES));
  }
  return hasher.digest("hex");
}
