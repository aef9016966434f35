"""Recording how it is known who is in a recording: a page for administrators, and the same for scripts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlmodel import Session, col, select
from starlette.responses import Response

from app.accounts.models import Person
from app.actor import Actor, Role, Scope
from app.errors import NotFound
from app.evidence import identity as identities
from app.evidence.forms import IdentityForm
from app.evidence.identity import LONGEST_NOTE, check_json
from app.evidence.models import IdentityCheck, Submission
from app.evidence.states import Identity, SubmissionState
from app.evidence.submissions import evidence_of_all
from app.frameworks.models import RubricVersion
from app.text import Text
from app.web.call import Call, NoForm
from app.web.routing import get, post

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
MOST_LISTED = 100


class IdentityPageForm(BaseModel):
    """One row of the page."""

    identity: Identity
    note: str = Field(default="", max_length=LONGEST_NOTE)


@dataclass(frozen=True, slots=True)
class IdentityLine:
    """One submission: whose it is, and how that is known so far. `lapsed`: evidence came after it was recorded."""

    id: UUID
    reference: str
    candidate: str
    title: Text
    state: SubmissionState
    identity: Identity
    at: datetime | None
    by: str
    note: str
    lapsed: bool


@dataclass(frozen=True, slots=True)
class IdentityPage:
    """The newest submissions that are not closed, or those that were looked for."""

    lines: list[IdentityLine]
    text: str
    kinds: list[Identity]


def identity_page(session: Session, *, actor: Actor, text: str) -> IdentityPage:
    """Return what an administrator of this organisation may record now."""
    query = (
        select(Submission, Person.name, RubricVersion)
        .join(Person, col(Person.id) == col(Submission.candidate_id))
        .join(RubricVersion, col(RubricVersion.id) == col(Submission.rubric_id))
        .where(Submission.organisation_id == actor.organisation_id, col(Submission.state).not_in(identities.CLOSED))
        .order_by(col(Submission.created_at).desc())
        .limit(MOST_LISTED)
    )
    if text:
        query = query.where(col(Submission.reference).contains(text) | col(Person.name).contains(text))
    rows = session.exec(query).all()
    ids = [submission.id for submission, _, _ in rows]
    newest, evidence = _newest(session, ids), evidence_of_all(session, ids)
    names = _names(session, [check.by for check in newest.values()])
    lines = []
    for submission, name, rubric in rows:
        check = newest.get(submission.id)
        taken_back = check is not None and check.identity is Identity.NONE and check.by == submission.candidate_id
        lapsed = taken_back or identities.has_lapsed(submission, check, evidence.get(submission.id, []))
        lines.append(_line(submission, name, rubric, check, names, lapsed=lapsed))
    return IdentityPage(lines, text, list(Identity))


def _newest(session: Session, ids: list[UUID]) -> dict[UUID, IdentityCheck]:
    checks = select(IdentityCheck).where(col(IdentityCheck.submission_id).in_(ids)).order_by(col(IdentityCheck.at))
    return {check.submission_id: check for check in session.exec(checks)}


def _names(session: Session, ids: list[UUID]) -> dict[UUID, str]:
    return dict(session.exec(select(Person.id, Person.name).where(col(Person.id).in_(ids))).all())


def _line(
    submission: Submission,
    name: str,
    rubric: RubricVersion,
    check: IdentityCheck | None,
    names: dict[UUID, str],
    *,
    lapsed: bool,
) -> IdentityLine:
    return IdentityLine(
        id=submission.id,
        reference=submission.reference,
        candidate=name,
        title=rubric.body["title"],
        state=submission.state,
        identity=submission.identity,
        at=check.at if check else None,
        by=names.get(check.by, "") if check else "",
        note=check.note if check else "",
        lapsed=lapsed,
    )


def page(call: Call[NoForm]) -> Response:
    found = identity_page(call.session, actor=call.actor, text=(call.query("q") or "").strip())
    return call.page("evidence/identity.html", found)


def record_by_page(call: Call[IdentityPageForm]) -> Response:
    _record(call, call.form.identity, call.form.note)
    return call.redirect("evidence:identity")


def record(call: Call[IdentityForm]) -> Response:
    """Record how it is known who is in a submission."""
    return call.json(check_json(_record(call, call.form.identity, call.form.note)))


def shown(call: Call[NoForm]) -> Response:
    """List what was recorded of who is in a submission, the newest first."""
    submission = call.session.get(Submission, call.path_id("submission_id"))
    if submission is None or submission.organisation_id != call.actor.organisation_id:
        raise NotFound("There is no such submission.")
    return call.json(identities.known(call.session, submission))


def _record(call: Call[Any], kind: Identity, note: str) -> IdentityCheck:
    return identities.record(
        call.session,
        actor=call.actor,
        submission_id=call.path_id("submission_id"),
        identity=kind,
        note=note.strip(),
        now=call.now,
    )


API = "/api/v1/submissions/{submission_id}/identity"
routes = [
    get("/identity", page, name="evidence:identity", allow=ADMINISTRATORS),
    post(
        "/submissions/{submission_id}/identity",
        record_by_page,
        IdentityPageForm,
        name="evidence:identity-record",
        allow=ADMINISTRATORS,
        scope=Scope.ADMIN,
    ),
    get(API, shown, name="api:identity", allow=ADMINISTRATORS),
    post(API, record, IdentityForm, name="api:identity-record", allow=ADMINISTRATORS, scope=Scope.ADMIN),
]
