"""API section 4.5: lots and validations."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import Uuid, literal, tuple_
from sqlmodel import and_, col, or_, select
from starlette.responses import Response

from app.actor import Role, Scope
from app.assessments.forms import DraftForm, Form, JudgementForm, ScoreForm
from app.assessments.service import preview
from app.db.columns import UtcDateTime
from app.errors import FieldError, Invalid, NotAllowed, NotFound
from app.evidence.models import Submission
from app.evidence.show import time_text
from app.review.api import preview_json
from app.validation import answers, claims, decisions, leases, lots, scores
from app.validation.models import ItemState, Lot, LotState, Validation
from app.validation.rules import DecisionKind
from app.validation.sight import visible_to
from app.web.call import Call, NoForm
from app.web.routing import get, post

WATCHERS = {
    Role.ASSESSOR,
    Role.VALIDATOR,
    Role.LEAD_VALIDATOR,
    Role.ISSUER,
    Role.AUDITOR,
    Role.ADMINISTRATOR,
}
VALIDATORS = {Role.VALIDATOR, Role.LEAD_VALIDATOR}
MOST_LISTED = 100
MOST_DIGITS = 9  # what is longer is too much anyway, and Python reads no number of thousands of digits


class ClaimForm(Form):
    """Which item to take; the next one when nothing is named."""

    submission_id: UUID | None = None


class DecisionForm(Form):
    """What a validator decides after comparing."""

    decision: DecisionKind
    reason: Annotated[str, Field(max_length=8000)] = ""
    scores: Annotated[list[ScoreForm], Field(max_length=200)] | None = None


def list_lots(call: Call[NoForm]) -> Response:
    """List lots."""
    limit = _limit(call)
    statement = select(Lot).where(visible_to(call.actor))
    if wanted := call.query("state"):
        statement = statement.where(Lot.state == _lot_state(wanted))
    if (cursor := call.query("cursor")) and (after := call.session.get(Lot, _cursor(cursor))):
        here = tuple_(literal(after.opened_at, UtcDateTime()), literal(after.id, Uuid()))
        statement = statement.where(tuple_(col(Lot.opened_at), col(Lot.id)) < here)
    newest_first = (col(Lot.opened_at).desc(), col(Lot.id).desc())
    rows = call.session.exec(statement.order_by(*newest_first).limit(limit + 1)).all()
    shown = [answers.lot_answer(call.session, lot=lot, actor=call.actor) for lot in rows[:limit]]
    return call.json({"items": shown, "next": shown[-1]["id"] if len(rows) > limit else None})


def show_lot(call: Call[NoForm]) -> Response:
    """Return a lot with its items, plan and draw."""
    return call.json(answers.lot_answer(call.session, lot=_lot(call), actor=call.actor))


def close_lot(call: Call[NoForm]) -> Response:
    """Close an open lot early: its sample is drawn."""
    lot = _lot(call)
    if lot.assessor_id == call.actor.person_id:
        raise NotAllowed("You cannot close a lot of your own decisions.", code="separation-of-duties")
    if not call.actor.may_judge(Role.LEAD_VALIDATOR, lot.rubric_code):
        raise NotAllowed("Your role does not include this rubric.")
    lots.close_lot(call.session, lot=lot, now=call.now, why="early", actor_id=call.actor.person_id)
    return call.json(answers.lot_answer(call.session, lot=lot, actor=call.actor))


def list_validations(call: Call[NoForm]) -> Response:
    """List the sample that you may validate."""
    wanted = call.query("state")
    state = _item_state(wanted) if wanted else None
    own = select(Validation).where(
        Validation.validator_id == call.actor.person_id,
        Validation.organisation_id == call.actor.organisation_id,
        or_(col(Validation.ended_at).is_(None), col(Validation.decision).is_not(None)),
    )
    if state is not None:
        own = own.where(Validation.state == state)
    limit = _limit(call)
    if (cursor := call.query("cursor")) and (after := call.session.get(Validation, _cursor(cursor))):
        same_time = and_(col(Validation.created_at) == after.created_at, col(Validation.id) > after.id)
        own = own.where(or_(col(Validation.created_at) < after.created_at, same_time))
    order = (col(Validation.created_at).desc(), col(Validation.id))
    rows = call.session.exec(own.order_by(*order).limit(limit + 1)).all()
    items = [answers.listed(call.session, validation=each) for each in rows[:limit]]
    waiting = claims.waiting_for(call.session, actor=call.actor, now=call.now)
    following = items[-1]["id"] if len(rows) > limit else None
    return call.json({"items": items, "next": following, "waiting": len(waiting)})


def claim(call: Call[ClaimForm]) -> Response:
    """Claim the next item of a sample."""
    if call.form.submission_id is None:
        taken = claims.claim_next(call.session, actor=call.actor, now=call.now, lease=lease_of(call))
        return call.nothing() if taken is None else call.json(answers.lease_answer(taken), status=201)
    taken = claims.claim_this(
        call.session,
        actor=call.actor,
        submission_id=call.form.submission_id,
        now=call.now,
        lease=lease_of(call),
    )
    return call.json(answers.lease_answer(taken), status=201)


def show_validation(call: Call[NoForm]) -> Response:
    """Return all that the blind workstation shows of a claim."""
    return call.json(answers.validation_answer(call.session, validation=_validation(call)))


def renew(call: Call[NoForm]) -> Response:
    """Hold a claim for longer."""
    renewed = leases.renew(
        call.session, actor=call.actor, validation_id=call.path_id("id"), now=call.now, lease=lease_of(call)
    )
    return call.json(answers.lease_answer(renewed))


def save_draft(call: Call[DraftForm]) -> Response:
    """Save the draft of the blind scores."""
    saved = leases.save_draft(
        call.session,
        actor=call.actor,
        validation_id=call.path_id("id"),
        version=call.form.version,
        parts=call.form.parts(),
    )
    submission = call.session.get_one(Submission, saved.submission_id)
    seen = preview(call.session, submission=submission, draft=saved.draft)
    return call.json({"version": saved.version, "saved_at": time_text(call.now), "preview": preview_json(seen)})


def give_back(call: Call[NoForm]) -> Response:
    """Give a claim back; its draft is kept."""
    leases.give_back(call.session, actor=call.actor, validation_id=call.path_id("id"), now=call.now)
    return call.nothing()


def send_scores(call: Call[JudgementForm]) -> Response:
    """Send the blind scores; answers with the comparison."""
    validation = _validation(call)
    scores.send_blind_scores(
        call.session,
        validation=validation,
        sent=call.form.sent(),
        scores=call.form.scores_json(),
        comments=call.form.comments_json(),
        version=call.form.version,
        now=call.now,
    )
    return call.json(answers.validation_answer(call.session, validation=validation))


def decide(call: Call[DecisionForm]) -> Response:
    """Decide: uphold, overturn, or return with advice."""
    validation = _validation(call)
    final = tuple(each.sent() for each in call.form.scores) if call.form.scores is not None else None
    decisions.decide(
        call.session,
        validation=validation,
        kind=call.form.decision,
        reason=call.form.reason,
        final=final,
        now=call.now,
    )
    return call.json(answers.validation_answer(call.session, validation=validation))


def lease_of(call: Call[ClaimForm] | Call[NoForm]) -> timedelta:
    """Return how long a validator's lease lasts."""
    return timedelta(seconds=call.settings.claim_seconds)


def _lot(call: Call[NoForm]) -> Lot:
    lot = call.session.exec(select(Lot).where(Lot.id == call.path_id("id"), visible_to(call.actor))).first()
    if lot is None:
        raise NotFound("There is nothing at this address.")
    return lot


def _validation(call: Call[NoForm] | Call[JudgementForm] | Call[DecisionForm]) -> Validation:
    return leases.own_validation(call.session, actor=call.actor, validation_id=call.path_id("id"))


def _limit(call: Call[NoForm]) -> int:
    text = call.query("limit") or "50"
    if not text.isdecimal() or len(text) > MOST_DIGITS or not 1 <= int(text) <= MOST_LISTED:
        raise _wrong("limit", "This must be a whole number from 1 to 100.")
    return int(text)


def _cursor(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise _wrong("cursor", "Use the value of `next` as it was given.") from error


def _lot_state(text: str) -> LotState:
    if text not in set(LotState):
        raise _wrong("state", "There is no such state.")
    return LotState(text)


def _item_state(text: str) -> ItemState:
    if text not in set(ItemState):
        raise _wrong("state", "There is no such state.")
    return ItemState(text)


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, errors=(FieldError(field, message),))


BASE = "/api/v1"
routes = [
    get(f"{BASE}/lots", list_lots, name="api:lots", allow=WATCHERS),
    get(f"{BASE}/lots/{{id}}", show_lot, name="api:lot", allow=WATCHERS),
    post(
        f"{BASE}/lots/{{id}}/close",
        close_lot,
        name="api:lot-close",
        allow={Role.LEAD_VALIDATOR},
        scope=Scope.VALIDATE,
    ),
    get(f"{BASE}/validations", list_validations, name="api:validations", allow=VALIDATORS),
    post(
        f"{BASE}/validations/claims",
        claim,
        ClaimForm,
        name="api:validation-claim",
        allow=VALIDATORS,
        scope=Scope.VALIDATE,
    ),
    get(f"{BASE}/validations/{{id}}", show_validation, name="api:validation", allow=VALIDATORS),
    post(
        f"{BASE}/validations/{{id}}/renew",
        renew,
        name="api:validation-renew",
        allow=VALIDATORS,
        scope=Scope.VALIDATE,
    ),
    post(
        f"{BASE}/validations/{{id}}/draft",
        save_draft,
        DraftForm,
        name="api:validation-draft",
        allow=VALIDATORS,
        scope=Scope.VALIDATE,
        method="PATCH",
    ),
    post(
        f"{BASE}/validations/{{id}}",
        give_back,
        name="api:validation-give-back",
        allow=VALIDATORS,
        scope=Scope.VALIDATE,
        method="DELETE",
    ),
    post(
        f"{BASE}/validations/{{id}}/scores",
        send_scores,
        JudgementForm,
        name="api:validation-scores",
        allow=VALIDATORS,
        scope=Scope.VALIDATE,
    ),
    post(
        f"{BASE}/validations/{{id}}/decision",
        decide,
        DecisionForm,
        name="api:validation-decision",
        allow=VALIDATORS,
        scope=Scope.VALIDATE,
    ),
]
