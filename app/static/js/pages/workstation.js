// The assessor's workstation.
import { call } from "../judge/api.js";
import { sendBody } from "../judge/draft.js";
import { say, tellNextPage, toast } from "../judge/page.js";
import { Session } from "../judge/session.js";

const key = crypto.randomUUID();

async function send(session) {
  const body = { ...sendBody(session.draft), version: session.keeping.version, next: true };
  const { ok, status, body: answer } = await call("POST", `${session.page.path}/send`, body, { key });
  if (ok) return sent(session, answer);
  if (status === 422) return session.showMissing(answer.errors ?? [{ field: "", message: answer.detail }]);
  toast(status === 0 ? say("no_connection") : say("send_failed", { why: answer?.detail ?? status }));
}

async function sent(session, { next }) {
  await session.end();
  tellNextPage(say(next ? "sent" : "sent_last"));
  location.assign(next ? `/claims/${next.id}` : "/queue");
}

new Session({ kind: "send", seen: "seen", send }).start();
