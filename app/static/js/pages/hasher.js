// The worker that computes the SHA-256 of a file, read in steps: a film of gigabytes never lies in memory.
import { createSHA256 } from "hash-wasm";
import { STEP_BYTES, read } from "../upload/fingerprint.js";

async function hash(file) {
  const hasher = await createSHA256();
  hasher.init();
  for (let start = 0; start < file.size; start += STEP_BYTES) {
    hasher.update(await read(file.slice(start, start + STEP_BYTES)));
    postMessage({ done: Math.min(file.size, start + STEP_BYTES) });
  }
  return hasher.digest("hex");
}

onmessage = ({ data: file }) =>
  hash(file).then(
    (sha256) => postMessage({ sha256 }),
    ({ name, message }) => postMessage({ failed: { name, message } }),
  );
