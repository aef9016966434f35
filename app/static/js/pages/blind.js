// The validator's blind step: the workstation, without the assessor's side and without a message.
import { call } from "../judge/api.js";
import { sendBody } from "../judge/draft.js";
import { say, tellNextPage, toast } from "../judge/page.js";
import { Session } from "../judge/session.js";

const key = crypto.randomUUID();

async function send(session) {
  const body = { ...sendBody(session.draft, { withMessage: false }), version: session.keeping.version };
  const { ok, status, body: answer } = await call("POST", `${session.page.path}/scores`, body, { key });
  if (ok) {
    await session.end();
    tellNextPage(say("locked"));
    location.reload();
  } else if (status === 422) session.showMissing(answer.errors ?? [{ field: "", message: answer.detail }]);
  else toast(status === 0 ? say("no_connection") : say("send_failed", { why: answer?.detail ?? status }));
}

new Session({ kind: "blind", seen: "seen_later", send }).start();
