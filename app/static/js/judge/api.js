// Calls of the JSON API with the session cookie. Answers say what happened; only bugs throw.

/** `{ ok, status, body }`; status 0 when nothing was reached. */
export async function call(method, path, body, { key, keepalive = false } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let answer;
  try {
    answer = await fetch(path, { method, headers, keepalive, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    return { ok: false, status: 0, body: null };
  }
  const text = await answer.text();
  return { ok: answer.ok, status: answer.status, body: text ? JSON.parse(text) : null };
}

/** Turn the answer of a draft into what the saver understands. */
export function asSaved({ ok, status, body }) {
  if (ok) return { kind: "saved", ...body };
  if (status === 0 || status === 503 || status === 429 || status >= 500) return { kind: "offline" };
  if (status === 409 && body?.draft) return { kind: "stale", version: body.version, draft: body.draft };
  return { kind: "refused", status, problem: body };
}
