// Calls of our own JSON API. A refusal of the server is a `Refused`; everything else that goes wrong is the network.

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || String(status));
    this.status = status;
    this.code = problem.code || "";
    this.problem = problem;
  }

  // Whether the same call may work later without anybody doing anything.
  get passing() {
    return this.status >= 500 || this.status === 429 || this.status === 408 || this.code === "in-progress";
  }
}

export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
}

const PATIENCE_MS = 120_000; // longer than the site waits for its storage: nothing comes after that

// `patience`: milliseconds after which a silent server counts as a lost connection.
export async function call(method, path, body, { key, signal, patience = PATIENCE_MS } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const limit = AbortSignal.timeout(patience);
  const answer = await fetch(path, {
    method,
    headers,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch((error) => {
    throw error.name === "TimeoutError" ? new TypeError("no answer") : error;
  });
  if (answer.status === 204) return null;
  const isJson = (answer.headers.get("content-type") || "").includes("json");
  const told = isJson ? await answer.json() : {};
  if (!answer.ok) throw new Refused(answer.status, told);
  return told;
}

export async function fragment(path) {
  const answer = await fetch(path, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Refused(answer.status, {});
  const holder = document.createElement("template");
  holder.innerHTML = (await answer.text()).trim();
  return holder.content.firstElementChild;
}
