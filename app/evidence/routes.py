"""Forms and fragments of the candidate's pages; they work without scripts. The page itself is `home`'s."""

import json
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from app.actor import Role
from app.errors import FieldError, Invalid, NotFound
from app.evidence import people, receipts, removing, submissions, texts
from app.evidence.adding import own_evidence
from app.evidence.api import RETRIES, hooks_of
from app.evidence.checks import Check, checks, ready_to_send
from app.evidence.forms import PersonForm
from app.evidence.models import Submission
from app.evidence.people import GivenPerson
from app.evidence.queries import RowPage, asked_consents, evidence_row, evidence_rows, newest_receipt
from app.evidence.receipts import GivenConsent
from app.evidence.resubmitting import resubmit
from app.evidence.states import Agreed, Identity
from app.frameworks.queries import RubricLine, open_rubrics
from app.frameworks.rubric import rubric_of
from app.web.call import Call, NoForm
from app.web.routing import get, post, slow_post

CANDIDATES = frozenset({Role.CANDIDATE})


class StartForm(BaseModel):
    """Which rubric, and in which language the evidence will be."""

    rubric_id: UUID
    language: str = Field(min_length=2, max_length=20)


class TextForm(BaseModel):
    """A text as evidence."""

    text: str = Field(min_length=1)
    language: str | None = Field(default=None, max_length=20)
    replaces: UUID | None = None


class SendForm(BaseModel):
    """The declaration and, as further boxes, `consent:PURPOSE:VERSION` for each consent that is given.

    `people` is `none` or `some`; then `person_name_1`, `person_agreed_1`, `person_date_1` and so on say who.
    """

    model_config = ConfigDict(extra="allow")
    declaration: bool = False
    identity: str = ""
    people: str = ""


@dataclass(frozen=True, slots=True)
class NewPage:
    """The choice of a rubric and a language."""

    rubrics: list[RubricLine]
    chosen: UUID | None
    languages: list[str]


@dataclass(frozen=True, slots=True)
class ChecksPage:
    """What still stands between the candidate and sending."""

    checks: list[Check]

    @property
    def may_send(self) -> bool:
        return ready_to_send(self.checks)


def new(call: Call[NoForm]) -> Response:
    lines = open_rubrics(call.session, call.actor.organisation_id)
    mine = [line for line in lines if call.actor.may_judge(Role.CANDIDATE, line.code)]
    wanted = [line.id for line in mine if line.code == call.query("rubric")]
    languages = sorted({code for line in mine for code in line.rubric.evidence.languages})
    chosen = wanted[0] if wanted else mine[0].id if len(mine) == 1 else None
    return call.page("evidence/new.html", NewPage(mine, chosen, languages))


def create(call: Call[StartForm]) -> Response:
    form = call.form
    made = submissions.create(
        call.session, actor=call.actor, rubric_id=form.rubric_id, language=form.language, now=call.now
    )
    return call.redirect("evidence:submission", submission_id=made.id)


def row(call: Call[NoForm]) -> Response:
    found = evidence_row(call.session, call.actor, call.path_id("evidence_id"))
    return call.page("evidence/row.html", RowPage(found))


def show_checks(call: Call[NoForm]) -> Response:
    submission = _own(call)
    needs = rubric_of(call.session, submission.rubric_id).evidence
    found = checks(evidence_rows(call.session, submission), needs, submission.identity)
    return call.page("evidence/_checks.html", ChecksPage(found))


def write(call: Call[TextForm]) -> Response:
    submission_id = call.path_id("submission_id")
    texts.add_text(
        call.deps.engine,
        call.storage,
        actor=call.actor,
        submission_id=submission_id,
        new=texts.NewText(call.form.text, call.form.language, call.form.replaces),
        now=call.now,
    )
    return call.redirect("evidence:submission", submission_id=submission_id)


def remove(call: Call[NoForm]) -> Response:
    evidence = own_evidence(call.session, actor=call.actor, evidence_id=call.path_id("evidence_id"))
    removing.remove(call.session, actor=call.actor, evidence=evidence, now=call.now)
    return call.redirect("evidence:submission", submission_id=evidence.submission_id)


def retry(call: Call[NoForm]) -> Response:
    evidence = own_evidence(call.session, actor=call.actor, evidence_id=call.path_id("evidence_id"))
    submission = submissions.own(call.session, actor=call.actor, submission_id=evidence.submission_id, lock=True)
    removing.retry(call.session, actor=call.actor, evidence=evidence, submission=submission, now=call.now)
    return call.redirect("evidence:submission", submission_id=submission.id)


def send(call: Call[SendForm]) -> Response:
    submission = _own(call, lock=True)
    if not call.form.declaration:
        message = "Please say that this is your own work."
        raise Invalid(message, errors=(FieldError("declaration", message),))
    hooks = hooks_of(call)
    key = hooks.receipt_key()
    hooks.remember_key(call.session, key.public, call.now)
    receipts.submit(
        call.session,
        submission=submission,
        consents=_given(call, submission),
        key=key,
        now=call.now,
        others=_others(call, submission),
        declares_identity=call.form.identity == Identity.DECLARED,
    )
    return call.redirect("evidence:submission", submission_id=submission.id)


def _given(call: Call[SendForm], submission: Submission) -> set[GivenConsent]:
    asked = asked_consents(call.session, submission, rubric_of(call.session, submission.rubric_id))
    return {
        GivenConsent(each.consent.purpose, each.consent.version)
        for each in asked
        if call.typed.get(each.field) == "true"
    }


def _others(call: Call[SendForm], submission: Submission) -> list[GivenPerson] | None:
    """Return who else is in the recordings; None where the rubric asks for none. Invalid until it is said."""
    if not people.are_asked_for(rubric_of(call.session, submission.rubric_id).evidence):
        return None
    named = [n for n in range(1, people.MOST + 1) if str(call.typed.get(f"person_name_{n}") or "").strip()]
    if call.form.people not in {"none", "some"} or (call.form.people == "some" and not named):
        raise _unsaid("Say whether anybody else can be seen or heard in your recordings, and who.")
    return [_person(call, n) for n in named] if call.form.people == "some" else []


def _person(call: Call[SendForm], n: int) -> GivenPerson:
    name, agreed, day = (str(call.typed.get(f"person_{field}_{n}") or "") for field in ("name", "agreed", "date"))
    try:
        return PersonForm(name=name.strip(), agreed=Agreed(agreed), agreed_on=date.fromisoformat(day)).given
    except ValueError as error:
        raise _unsaid("Say for each other person how and when they agreed.") from error


def _unsaid(message: str) -> Invalid:
    return Invalid(message, code="people-missing", errors=(FieldError("people", message),))


def withdraw(call: Call[NoForm]) -> Response:
    submission = _own(call, lock=True)
    submissions.withdraw(call.session, submission=submission, now=call.now)
    return call.redirect("evidence:submission", submission_id=submission.id)


def withdraw_consents(call: Call[NoForm]) -> Response:
    submission = _own(call, lock=True)
    submissions.withdraw_consents(call.session, submission=submission, now=call.now)
    hooks_of(call).withdrawn(call.session, submission, call.now)
    return call.redirect("evidence:submission", submission_id=submission.id)


def again(call: Call[NoForm]) -> Response:
    submission = _own(call, lock=True)
    result = hooks_of(call).result(call.session, submission)
    following = resubmit(call.session, submission=submission, result=result, actor=call.actor, now=call.now)
    return call.redirect("evidence:submission", submission_id=following.id)


def receipt(call: Call[NoForm]) -> Response:
    """Hand out the newest receipt as a file, together with the manifest that it signs the digest of."""
    submission = _own(call)
    found = newest_receipt(call.session, submission.id)
    if found is None:
        raise NotFound("There is no receipt yet: this submission has not been sent.")
    body = {**receipts.receipt_json(found), "manifest": found.manifest}
    return Response(
        json.dumps(body, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="receipt-{submission.reference}.json"'},
    )


def _own(call: Call[NoForm] | Call[SendForm], *, lock: bool = False) -> Submission:
    return submissions.own(call.session, actor=call.actor, submission_id=call.path_id("submission_id"), lock=lock)


SUBMISSION = "/submissions/{submission_id}"
EVIDENCE = "/evidence/{evidence_id}"

routes = [
    get("/submissions/new", new, name="evidence:new", allow=CANDIDATES),
    post("/submissions", create, StartForm, name="evidence:create", allow=CANDIDATES, again=new),
    get(SUBMISSION + "/checks", show_checks, name="evidence:checks", allow=CANDIDATES),
    get(SUBMISSION + "/receipt.json", receipt, name="evidence:receipt", allow=CANDIDATES),
    slow_post(SUBMISSION + "/text", write, TextForm, name="evidence:write", allow=CANDIDATES),
    post(SUBMISSION + "/send", send, SendForm, name="evidence:send", allow=CANDIDATES),
    post(SUBMISSION + "/withdraw", withdraw, name="evidence:withdraw", allow=CANDIDATES),
    post(SUBMISSION + "/withdraw-consents", withdraw_consents, name="evidence:withdraw-consents", allow=CANDIDATES),
    post(SUBMISSION + "/resubmit", again, name="evidence:resubmit", allow=CANDIDATES),
    get(EVIDENCE + "/row", row, name="evidence:row", allow=CANDIDATES),
    post(EVIDENCE + "/remove", remove, name="evidence:remove", allow=CANDIDATES),
    post(EVIDENCE + "/retry", retry, name="evidence:retry", allow=CANDIDATES, limit=RETRIES),
]
