"""API sections 4.6 and 4.7: credentials, what an issuer does to them, and checking any credential."""

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app.actor import Role, Scope
from app.credentials import publishing, queries, standing
from app.credentials.answers import credential_json, report_json
from app.credentials.checking import check_upload
from app.credentials.keyring import base_of
from app.credentials.rules import Act
from app.errors import Unavailable
from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.routing import get, slow_post


class ReasonForm(BaseModel):
    """Why a credential is revoked, suspended or reinstated; shown on its check page."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    reason: str = Field(min_length=1, max_length=500)


class VerifyForm(BaseModel):
    """The address of a credential; a file comes as the multipart field `file` instead."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    url: str | None = Field(default=None, max_length=2000)


def listed(call: Call[NoForm]) -> Response:
    """List your credentials."""
    rows = queries.mine(call.session, call.actor)
    base_url = base_of(call.settings)
    return call.json({"items": [credential_json(row, base_url=base_url, now=call.now) for row in rows], "next": None})


def one(call: Call[NoForm]) -> Response:
    """Return a credential; its holder also gets the salts, with which `verify` recognises the evidence files."""
    row = queries.visible(call.session, call.actor, call.path_id("id"))
    answer = credential_json(row, base_url=base_of(call.settings), now=call.now)
    if row.holder_id == call.actor.person_id:
        answer["evidence"] = queries.salts(call.session, row.submission_id)
    return call.json(answer)


def revoke(call: Call[ReasonForm]) -> Response:
    """Revoke a credential for good."""
    return _act(call, Act.REVOKE)


def suspend(call: Call[ReasonForm]) -> Response:
    """Suspend a credential."""
    return _act(call, Act.SUSPEND)


def reinstate(call: Call[ReasonForm]) -> Response:
    """Put a suspended credential in force again."""
    return _act(call, Act.REINSTATE)


def _act(call: Call[ReasonForm], what: Act) -> Response:
    """Change it, and publish at once: verifiers shall not wait for a worker. The job is there if this fails."""
    with call.writing() as session:
        row = standing.act(
            session,
            credential_id=call.path_id("id"),
            what=what,
            reason=call.form.reason,
            now=call.now,
            organisation_id=call.actor.organisation_id,
            actor_id=call.actor.person_id,
        )
    publish_now(call, row.status_list)
    return call.json(credential_json(row, base_url=base_of(call.settings), now=call.now))


def publish_now(call: Call[ReasonForm], number: int) -> None:
    """Publish a list in this request where the key is on this machine; a worker does it elsewhere."""
    try:
        publishing.publish(call.deps.engine, call.settings, number=number, now=call.now)
    except Unavailable:
        return


def verify(call: Call[VerifyForm]) -> Response:
    """Check a credential, given as a file or an address; nothing is stored."""
    return call.json(report_json(check_upload(call, url=call.form.url), call._))


_ISSUERS = frozenset({Role.ISSUER})

routes = [
    get("/api/v1/credentials", listed, name="api:credentials", allow=Access.SIGNED_IN),
    get("/api/v1/credentials/{id}", one, name="api:credential", allow=Access.SIGNED_IN),
    *(
        slow_post(
            f"/api/v1/credentials/{{id}}/{act.value}",
            handler,
            ReasonForm,
            name=f"api:credential-{act.value}",
            allow=_ISSUERS,
            scope=Scope.ISSUE,
        )
        for act, handler in ((Act.REVOKE, revoke), (Act.SUSPEND, suspend), (Act.REINSTATE, reinstate))
    ),
    slow_post("/api/v1/verify", verify, VerifyForm, name="api:verify", allow=Access.PUBLIC, remembers=False),
]
