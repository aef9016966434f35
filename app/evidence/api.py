"""API section 4.2: submissions, and the uploads of their evidence. Only candidates, only their own."""

from typing import Any

from starlette.responses import Response

from app.actor import Role, Scope
from app.errors import BadRequest, FieldError, Invalid
from app.evidence import drafts, phrases, receipts, removing, submissions, texts, uploads
from app.evidence.adding import NewFile, add_file, own_evidence
from app.evidence.answers import own_evidence_json, submission_json, submissions_json
from app.evidence.forms import (
    CompleteForm,
    DraftForm,
    EvidenceForm,
    Nothing,
    PartsForm,
    SubmissionForm,
    SubmitForm,
)
from app.evidence.hooks import SERVICE, Hooks
from app.evidence.models import Submission
from app.evidence.resubmitting import resubmit
from app.evidence.show import phrase_json, time_text
from app.evidence.states import EvidenceKind, SubmissionState
from app.web.call import Call, NoForm
from app.web.routing import get, post, slow_get, slow_post

CANDIDATES = frozenset({Role.CANDIDATE})
MOST_LISTED = 100
MOST_DIGITS = 9  # what is longer is too much anyway, and Python reads no number of thousands of digits
CREATED = 201
RETRIES = "20/hour"  # each may cost minutes of a worker


def hooks_of(call: Call[Any]) -> Hooks:
    """Return the functions that domains above handed in."""
    hooks: Hooks = call.deps.services[SERVICE]
    return hooks


def _own(call: Call[Any], *, lock: bool = False) -> Submission:
    return submissions.own(call.session, actor=call.actor, submission_id=call.path_id("submission_id"), lock=lock)


def _submission(call: Call[Any], submission: Submission) -> dict[str, Any]:
    return submission_json(call.session, submission, hooks=hooks_of(call), translate=call._)


def create(call: Call[SubmissionForm]) -> Response:
    """Begin a submission for a rubric, in the language of its evidence."""
    submission = submissions.create(
        call.session, actor=call.actor, rubric_id=call.form.rubric_id, language=call.form.language, now=call.now
    )
    return call.json(_submission(call, submission), status=CREATED)


def listed(call: Call[NoForm]) -> Response:
    """List your submissions, the newest first."""
    page = submissions.listed(
        call.session, actor=call.actor, state=_state(call), limit=_limit(call), cursor=call.query("cursor")
    )
    items = submissions_json(call.session, page.submissions, hooks=hooks_of(call), translate=call._)
    return call.json({"items": items, "next": page.next})


def _state(call: Call[Any]) -> SubmissionState | None:
    wanted = call.query("state")
    if wanted is not None and wanted not in set(SubmissionState):
        message = "This is not one of the possible values."
        raise Invalid(message, errors=(FieldError("state", message),))
    return None if wanted is None else SubmissionState(wanted)


def _limit(call: Call[Any]) -> int:
    wanted = call.query("limit") or "50"
    if not wanted.isdecimal() or len(wanted) > MOST_DIGITS or not 1 <= int(wanted) <= MOST_LISTED:
        raise BadRequest("The limit is a number from 1 to 100.", code="bad-limit")
    return int(wanted)


def show(call: Call[NoForm]) -> Response:
    """Return a submission of yours with its evidence and, once released, its result."""
    return call.json(_submission(call, _own(call)))


def add(call: Call[EvidenceForm]) -> Response:
    """Add evidence: a text at once, or a file whose parts are sent next."""
    evidence_id = _add_text(call) if call.form.kind is EvidenceKind.TEXT else _add_file(call)
    with call.reading() as session:
        evidence = own_evidence(session, actor=call.actor, evidence_id=evidence_id)
        return call.json(own_evidence_json(session, [evidence], translate=call._)[0], status=CREATED)


def draw_phrase(call: Call[Nothing]) -> Response:
    """Draw the phrase that a recording begins with."""
    drawn = phrases.draw(call.session, actor=call.actor, submission_id=call.path_id("submission_id"), now=call.now)
    return call.json({"id": str(drawn.id), **phrase_json(drawn)}, status=CREATED)


def save_draft(call: Call[DraftForm]) -> Response:
    """Keep the text that is being written."""
    form = call.form
    writing = drafts.Writing(form.text, form.language, form.replaces, form.version)
    draft = drafts.save(
        call.session, actor=call.actor, submission_id=call.path_id("submission_id"), writing=writing, now=call.now
    )
    return call.json(drafts.draft_json(draft))


def _add_text(call: Call[EvidenceForm]) -> Any:
    form = call.form
    if form.text is None:
        raise _missing("text")
    for name in ("name", "media_type", "size_bytes", "phrase_id", "edges_sha256"):
        if getattr(form, name) is not None:
            raise Invalid("A text has no such field.", errors=(FieldError(name, "A text has no such field."),))
    return texts.add_text(
        call.deps.engine,
        call.storage,
        actor=call.actor,
        submission_id=call.path_id("submission_id"),
        new=texts.NewText(form.text, form.language, form.replaces),
        now=call.now,
    )


def _add_file(call: Call[EvidenceForm]) -> Any:
    form = call.form
    if form.name is None or form.media_type is None:
        raise _missing("name" if form.name is None else "media_type")
    if "size_bytes" not in form.model_fields_set:
        raise _missing("size_bytes")
    for name in ("text", "language", "replaces"):
        if getattr(form, name) is not None:
            raise Invalid("A file has no such field.", errors=(FieldError(name, "A file has no such field."),))
    return add_file(
        call.deps.engine,
        call.storage,
        actor=call.actor,
        submission_id=call.path_id("submission_id"),
        new=NewFile(form.kind, form.name, form.media_type, form.size_bytes, form.phrase_id, form.edges_sha256),
        limit_bytes=call.settings.max_upload_bytes,
        now=call.now,
    )


def _missing(name: str) -> Invalid:
    return Invalid(
        "Please check what was sent: something is missing or wrong.",
        errors=(FieldError(name, "This is needed."),),
    )


def sign_parts(call: Call[PartsForm]) -> Response:
    """Sign the addresses to which the parts of a file are PUT; may be repeated."""
    wanted = [uploads.PartWanted(number) for number in call.form.numbers or []]
    wanted += [uploads.PartWanted(part.number, part.size_bytes) for part in call.form.parts or []]
    if not wanted:
        raise _missing("numbers")
    signed = uploads.sign_parts(
        call.deps.engine,
        call.storage,
        actor=call.actor,
        evidence_id=call.path_id("evidence_id"),
        wanted=wanted,
        limit_bytes=call.settings.max_upload_bytes,
        now=call.now,
    )
    return call.json({"parts": [_part_json(part) for part in signed]})


def _part_json(part: uploads.SignedPart) -> dict[str, Any]:
    return {
        "number": part.number,
        "url": part.url,
        "size_bytes": part.size_bytes,
        "headers": part.headers,
        "expires_at": time_text(part.expires_at),
    }


def held_parts(call: Call[NoForm]) -> Response:
    """List the parts that the storage holds."""
    held = uploads.held_parts(
        call.deps.engine, call.storage, actor=call.actor, evidence_id=call.path_id("evidence_id"), now=call.now
    )
    return call.json({"parts": [{"number": part.number, "size_bytes": part.size_bytes} for part in held]})


def complete(call: Call[CompleteForm]) -> Response:
    """Say that all parts were sent: checking begins. May be repeated."""
    evidence_id = call.path_id("evidence_id")
    uploads.complete(
        call.deps.engine,
        call.storage,
        actor=call.actor,
        evidence_id=evidence_id,
        said=uploads.Completion(call.form.sha256, call.form.part_count, call.form.size_bytes),
        limit_bytes=call.settings.max_upload_bytes,
        now=call.now,
    )
    with call.reading() as session:
        evidence = own_evidence(session, actor=call.actor, evidence_id=evidence_id)
        return call.json(own_evidence_json(session, [evidence], translate=call._)[0])


def remove(call: Call[Nothing]) -> Response:
    """Remove evidence before it is submitted."""
    evidence = own_evidence(call.session, actor=call.actor, evidence_id=call.path_id("evidence_id"))
    removing.remove(call.session, actor=call.actor, evidence=evidence, now=call.now)
    return call.nothing()


def retry(call: Call[Nothing]) -> Response:
    """Try evidence again that failed on our side."""
    evidence = own_evidence(call.session, actor=call.actor, evidence_id=call.path_id("evidence_id"))
    submission = submissions.own(call.session, actor=call.actor, submission_id=evidence.submission_id, lock=True)
    removing.retry(call.session, actor=call.actor, evidence=evidence, submission=submission, now=call.now)
    return call.json(own_evidence_json(call.session, [evidence], translate=call._)[0])


def submit(call: Call[SubmitForm]) -> Response:
    """Send for assessment, with the declaration and the consents of the rubric; answers with a signed receipt."""
    hooks, submission = hooks_of(call), _own(call, lock=True)
    key = hooks.receipt_key()
    hooks.remember_key(call.session, key.public, call.now)
    receipt = receipts.submit(
        call.session,
        submission=submission,
        consents={each.given for each in call.form.consents},
        key=key,
        now=call.now,
        others=call.form.given_people,
        declares_identity=call.form.identity is not None,
    )
    return call.json({"submission": _submission(call, submission), "receipt": receipts.receipt_json(receipt)})


def given_receipts(call: Call[NoForm]) -> Response:
    """List the receipts of a submission."""
    found = receipts.receipts_of(call.session, _own(call))
    return call.json({"items": [receipts.receipt_json(each) for each in found], "next": None})


def withdraw(call: Call[Nothing]) -> Response:
    """Withdraw a submission that nobody has claimed."""
    submission = _own(call, lock=True)
    submissions.withdraw(call.session, submission=submission, now=call.now)
    return call.json(_submission(call, submission))


def withdraw_consents(call: Call[Nothing]) -> Response:
    """Withdraw the consents, until the result is final."""
    submission = _own(call, lock=True)
    submissions.withdraw_consents(call.session, submission=submission, now=call.now)
    hooks_of(call).withdrawn(call.session, submission, call.now)
    return call.json(_submission(call, submission))


def begin_next_attempt(call: Call[Nothing]) -> Response:
    """Begin the next attempt after a result that was not yet competent."""
    submission = _own(call, lock=True)
    result = hooks_of(call).result(call.session, submission)
    following = resubmit(call.session, submission=submission, result=result, actor=call.actor, now=call.now)
    return call.json(_submission(call, following), status=CREATED)


SUBMISSIONS = "/api/v1/submissions"
SUBMISSION = "/api/v1/submissions/{submission_id}"
EVIDENCE = "/api/v1/evidence/{evidence_id}"
MAY: dict[str, Any] = {"allow": CANDIDATES, "scope": Scope.SUBMIT}

routes = [
    get(SUBMISSIONS, listed, name="api:submissions", allow=CANDIDATES),
    post(SUBMISSIONS, create, SubmissionForm, name="api:submission-create", **MAY),
    get(SUBMISSION, show, name="api:submission", allow=CANDIDATES),
    post(SUBMISSION + "/text-draft", save_draft, DraftForm, name="api:text-draft", method="PUT", **MAY),
    slow_post(SUBMISSION + "/evidence", add, EvidenceForm, name="api:evidence-add", **MAY),
    post(SUBMISSION + "/phrases", draw_phrase, Nothing, name="api:phrase-draw", limit="60/hour", **MAY),
    post(SUBMISSION + "/submit", submit, SubmitForm, name="api:submit", **MAY),
    get(SUBMISSION + "/receipts", given_receipts, name="api:receipts", allow=CANDIDATES),
    post(SUBMISSION + "/withdraw", withdraw, Nothing, name="api:withdraw", **MAY),
    post(SUBMISSION + "/consents/withdraw", withdraw_consents, Nothing, name="api:consents-withdraw", **MAY),
    post(SUBMISSION + "/resubmit", begin_next_attempt, Nothing, name="api:resubmit", **MAY),
    slow_post(EVIDENCE + "/parts", sign_parts, PartsForm, name="api:parts-sign", remembers=False, **MAY),
    slow_get(EVIDENCE + "/parts", held_parts, name="api:parts", allow=CANDIDATES),
    slow_post(EVIDENCE + "/complete", complete, CompleteForm, name="api:evidence-complete", **MAY),
    post(EVIDENCE, remove, Nothing, name="api:evidence-remove", method="DELETE", **MAY),
    post(EVIDENCE + "/retry", retry, Nothing, name="api:evidence-retry", limit=RETRIES, **MAY),
]
