"""Pages of lots and validations."""

from starlette.responses import Response

from app.actor import Role
from app.errors import BadRequest, Conflict, NotAllowed
from app.text import whole_number
from app.validation import claims, leases, lots
from app.validation.api import VALIDATORS, WATCHERS, lease_of
from app.validation.lot_page import lot_page, visible_lot
from app.validation.lots_page import lots_page
from app.validation.queries import BlindPage, outcome_of, validation_page
from app.validation.sample_page import sample_page
from app.web.call import Call, NoForm
from app.web.routing import get, post

HIGHEST_LEVEL = 99


def show_lots(call: Call[NoForm]) -> Response:
    page = lots_page(
        call.session,
        actor=call.actor,
        now=call.now,
        show=call.query("show") or "",
        text=(call.query("q") or "").strip()[:200],
        language=call.language,
    )
    return call.page("validation/lots.html", page)


def show_lot(call: Call[NoForm]) -> Response:
    page = lot_page(call.session, actor=call.actor, lot_id=call.path_id("lot_id"), now=call.now, language=call.language)
    return call.page("validation/lot.html", page)


def close_lot(call: Call[NoForm]) -> Response:
    """Close a lot early: the sample is drawn at once."""
    lot = visible_lot(call.session, actor=call.actor, lot_id=call.path_id("lot_id"))
    if lot.assessor_id == call.actor.person_id:
        raise NotAllowed("You cannot close a lot of your own decisions.", code="separation-of-duties")
    if not call.actor.may_judge(Role.LEAD_VALIDATOR, lot.rubric_code):
        raise NotAllowed("Your role does not include this rubric.")
    lots.close_lot(call.session, lot=lot, now=call.now, why="early", actor_id=call.actor.person_id)
    return call.redirect("validation:lot", lot_id=lot.id)


def show_sample(call: Call[NoForm]) -> Response:
    page = sample_page(call.session, actor=call.actor, now=call.now, language=call.language)
    return call.page("validation/sample.html", page)


def take_next(call: Call[NoForm]) -> Response:
    taken = claims.claim_next(call.session, actor=call.actor, now=call.now, lease=lease_of(call))
    if taken is None:
        return call.redirect("validation:sample")
    return call.redirect("validation:one", validation_id=taken.id)


def show_validation(call: Call[NoForm]) -> Response:
    page = validation_page(
        call.session,
        actor=call.actor,
        validation_id=call.path_id("validation_id"),
        now=call.now,
        language=call.language,
        lease_seconds=call.settings.claim_seconds,
    )
    template = "validation/blind.html" if isinstance(page, BlindPage) else "validation/compare.html"
    return call.page(template, page)


def give_back(call: Call[NoForm]) -> Response:
    """Give an item back; one that is over already is as good."""
    try:
        leases.give_back(call.session, actor=call.actor, validation_id=call.path_id("validation_id"), now=call.now)
    except Conflict as error:
        if error.code != "claim-ended":
            raise
    return call.redirect("validation:sample")


def final_outcome(call: Call[NoForm]) -> Response:
    """Say what the final levels in the address would come to (`?ID=2&LI=1`): for the form of an overturn."""
    validation = leases.own_validation(call.session, actor=call.actor, validation_id=call.path_id("validation_id"))
    if validation.comparison is None:
        raise Conflict("Send your blind scores first.", code="not-compared")
    given = {
        criterion: whole_number(value, most=HIGHEST_LEVEL) for criterion, value in call.request.query_params.items()
    }
    levels = {criterion: level for criterion, level in given.items() if level is not None}
    if len(levels) < len(given):
        raise BadRequest("Levels are whole numbers.")
    return call.json(outcome_of(call.session, validation=validation, levels=levels))


routes = [
    get("/lots", show_lots, name="validation:lots", allow=WATCHERS),
    get("/lots/{lot_id}", show_lot, name="validation:lot", allow=WATCHERS),
    post("/lots/{lot_id}/close", close_lot, name="validation:close", allow={Role.LEAD_VALIDATOR}),
    get("/validations", show_sample, name="validation:sample", allow=VALIDATORS),
    post("/validations/next", take_next, name="validation:next", allow=VALIDATORS),
    get("/validations/{validation_id}", show_validation, name="validation:one", allow=VALIDATORS),
    get("/validations/{validation_id}/outcome", final_outcome, name="validation:outcome", allow=VALIDATORS),
    post("/validations/{validation_id}/give-back", give_back, name="validation:give-back", allow=VALIDATORS),
]
