"""A lot from its opening to its draw: one open lot, fixed secret, closed once, sizes from what is in it."""

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlmodel import select

from app.actor import Role
from app.audit.models import AuditEvent
from app.db.engine import reading, writing
from app.errors import Conflict
from app.evidence.models import Submission
from app.evidence.states import Purpose, SubmissionState
from app.validation import jobs
from app.validation.draw import commitment, draw, smallest
from app.validation.lots import ensure_open_lot
from app.validation.models import ItemState, Lot, LotItem, LotState
from tests.conftest import NOW
from tests.factories import a_judgement, a_person, a_token, an_organisation, bearer
from tests.validation.stories import BAD, DEMO, GOOD, NO_PROBATION, a_decision, a_submission


def test_the_secret_is_committed_before_the_first_decision_and_recorded(house, engine):
    with writing(engine) as session:
        lot = ensure_open_lot(session, assessor_id=house.assessor.id, rubric=house.rubric, now=NOW)
    with reading(engine) as session:
        event = session.get_one(AuditEvent, lot.opened_audit_seq)
    assert (event.action, event.hash) == ("lot.opened", lot.opened_audit_hash)
    assert event.body["commitment"] == lot.commitment == commitment(bytes.fromhex(lot.secret))
    assert (lot.size, lot.closes_at) == (0, None)


def test_claims_share_one_open_lot_for_each_rubric(house, engine):
    with writing(engine) as session:
        first = ensure_open_lot(session, assessor_id=house.assessor.id, rubric=house.rubric, now=NOW)
        again = ensure_open_lot(session, assessor_id=house.assessor.id, rubric=house.rubric, now=NOW)
        others = ensure_open_lot(session, assessor_id=house.lead.id, rubric=house.rubric, now=NOW)
    assert first.id == again.id != others.id


def test_an_open_lot_shows_nobody_its_draw(house, lead):
    house.decided(GOOD, BAD)
    lot = lead.lot()
    assert (lot["state"], lot["size"], lot["secret"]) == ("open", 2, None)
    assert lot["sample_size"] is None
    for item in lot["items"]:
        assert (item["draw"], item["sampled"], item["reasons"], item["state"]) == (None, None, None, "held")


def test_a_lot_closes_and_is_drawn_when_it_is_full(house, lead):
    house.plan(lot={"max_items": 3, "max_age_days": 7})
    house.decided(GOOD, GOOD)
    assert lead.lot()["state"] == "open"
    house.decide(GOOD)
    assert lead.lot()["state"] == "validating"
    later = NOW + timedelta(hours=1)
    house.decide(GOOD, now=later)
    assert (lead.lot()["state"], lead.lot()["size"]) == ("open", 1)


def test_a_lot_closes_168_hours_after_its_first_decision(house, engine, lead):
    house.decide(GOOD)
    assert lead.lot()["closes_at"] == "2026-12-01T12:00:00.000Z"
    for hours, state in [(167, "open"), (168, "validating")]:
        jobs.close_due(engine, now=NOW + timedelta(hours=hours))
        assert lead.lot()["state"] == state


def test_the_lead_closes_early_once_and_the_validator_may_not(house, lead, validator):
    house.decide(GOOD)
    path = f"/lots/{house.lot().id}/close"
    assert validator.post(path).status_code == 403
    assert lead.post(path).json()["state"] == "validating"
    again = lead.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "lot-closed")


def test_an_empty_lot_is_not_closed(house, engine, lead):
    with writing(engine) as session:
        ensure_open_lot(session, assessor_id=house.assessor.id, rubric=house.rubric, now=NOW)
    answer = lead.post(f"/lots/{house.lot().id}/close")
    assert (answer.status_code, answer.json()["code"]) == (409, "lot-empty")


def test_nobody_closes_a_lot_of_their_own(house, desk, engine):
    both = house.join(Role.LEAD_VALIDATOR, Role.ASSESSOR)
    with writing(engine) as session:
        a_decision(session, house, scores=GOOD, now=NOW, assessor=both)
    answer = desk(both).post(f"/lots/{house.lot().id}/close")
    assert (answer.status_code, answer.json()["code"]) == (403, "separation-of-duties")


def test_the_sample_is_the_smallest_draws_and_can_be_repeated_from_the_export(house, lead, engine):
    house.plan(**NO_PROBATION)
    house.decided(*[GOOD] * 9)
    lot = lead.close()
    assert (lot["tier"], lot["sample_size"], lot["accept"], lot["reject_at"]) == ("normal", 3, 0, 1)
    secret = bytes.fromhex(house.lot().secret)
    plan = lot["plan"]
    draws = [draw(secret, plan_id=plan["id"], plan_version=plan["version"], key=item["key"]) for item in lot["items"]]
    assert [each.u for each in draws] == [item["draw"] for item in lot["items"]]
    picked = {each.key for each in smallest(draws, 3)}
    for item in lot["items"]:
        assert item["sampled"] is (item["key"] in picked)
        assert item["reasons"] == (["random"] if item["sampled"] else [])
        assert item["state"] == ("selected" if item["sampled"] else "held")
        assert item["inclusion_probability"] == pytest.approx(3 / 9)
    assert lot["secret"] is None


def test_in_probation_everything_is_drawn(house, lead):
    house.decided(GOOD, BAD, GOOD)
    lot = lead.close()
    assert (lot["tier"], lot["sample_size"]) == ("probation", 3)
    assert all("random" in item["reasons"] for item in lot["items"])
    assert all("first-20-of-assessor" in item["reasons"] for item in lot["items"])


def test_strata_are_recorded_when_the_decision_joins(house, engine):
    house.plan(tiers=NO_PROBATION["tiers"], mandatory=["borderline", "second-attempt", "faster-than-40-percent"])
    borderline = GOOD | {"CL": 0}
    house.decide(borderline)
    house.decide(GOOD, attempt=2)
    house.decide(GOOD, scoring_minutes=1)
    house.decide(GOOD)
    with reading(engine) as session:
        strata = session.exec(select(LotItem.strata).order_by(LotItem.position)).all()
    assert strata == [["borderline"], ["second-attempt"], ["faster-than-40-percent"], []]


def test_mandatory_items_are_validated_whatever_the_draw_says(house, lead):
    house.plan(tiers=NO_PROBATION["tiers"], mandatory=["borderline"])
    house.decided(*[GOOD | {"CL": 0}] * 4, *[GOOD] * 5)
    lot = lead.close()
    assert lot["sample_size"] == 3
    for item in lot["items"][:4]:
        assert (item["mandatory"], item["sampled"], item["inclusion_probability"]) == (True, True, 1.0)
    assert sum("random" in item["reasons"] for item in lot["items"]) == 3


def test_seeds_and_demonstrations_join_no_lot(house, engine):
    house.decide(GOOD, purpose=Purpose.SEED)
    assert house.lot().size == 0


def test_a_plan_that_needs_what_is_not_there_opens_no_lot(house, engine):
    house.plan(**DEMO["sampling_plans"][1])
    with writing(engine) as session, pytest.raises(Conflict, match="adaptive"):
        ensure_open_lot(session, assessor_id=house.assessor.id, rubric=house.rubric, now=NOW)


def test_a_submission_withdrawn_before_the_draw_is_left_out(house, engine, lead):
    house.plan(**NO_PROBATION)
    gone = house.decided(*[GOOD] * 4)[0]
    with writing(engine) as session:
        session.get_one(Submission, gone).state = SubmissionState.WITHDRAWN
    lot = lead.close()
    assert lot["items"][0]["state"] == "withdrawn"
    assert sum(item["sampled"] for item in lot["items"]) == lot["sample_size"] == 3


def test_a_lot_keeps_the_plan_it_was_opened_under(house, lead):
    house.decide(GOOD)
    house.plan(**NO_PROBATION)
    assert lead.close()["tier"] == "probation"


def test_the_list_is_paged_and_filtered(house, engine, lead):
    for _ in range(3):
        assessor = house.join(Role.ASSESSOR)
        with writing(engine) as session:
            ensure_open_lot(session, assessor_id=assessor.id, rubric=house.rubric, now=NOW)
    first = lead.get("/lots?limit=2&state=open").json()
    rest = lead.get(f"/lots?limit=2&state=open&cursor={first['next']}").json()
    ids = [lot["id"] for lot in first["items"] + rest["items"]]
    assert len(set(ids)) == 3
    assert rest["next"] is None
    assert lead.get("/lots?state=accepted").json()["items"] == []
    assert lead.get("/lots?state=nonsense").status_code == 422


def test_an_assessor_sees_own_lots_only_and_no_sample_before_the_decision(house, desk, lead, engine):
    other = house.join(Role.ASSESSOR)
    house.plan(**NO_PROBATION)
    house.decided(*[GOOD] * 6)
    lead.close()
    assert desk(other).get(f"/lots/{house.lot().id}").status_code == 404
    assert desk(other).get("/lots").json()["items"] == []
    own = desk(house.assessor).lot()
    for item in own["items"]:
        assert (item["draw"], item["sampled"], item["reasons"], item["state"]) == (None, None, None, "held")
        assert item["outcome"] == "competent"
    assert own["faults"] is None


def test_lots_of_another_organisation_are_unknown(house, engine, client):
    house.decide(GOOD)
    with writing(engine) as session:
        elsewhere = an_organisation(session)
        person = a_person(session, elsewhere, Role.LEAD_VALIDATOR)
        stranger = bearer(a_token(session, person, elsewhere))
    assert client.get(f"/api/v1/lots/{house.lot().id}", headers=stranger).status_code == 404
    assert client.get("/api/v1/lots", headers=stranger).json()["items"] == []


def test_closing_in_two_places_draws_once(house, engine):
    house.decide(GOOD)
    with writing(engine) as session:
        lot = session.exec(select(Lot)).one()
        jobs.close_lot(session, lot=lot, now=NOW, why="early")
        with pytest.raises(Conflict):
            jobs.close_lot(session, lot=lot, now=NOW, why="due")
    with reading(engine) as session:
        closed = session.exec(select(AuditEvent).where(AuditEvent.action == "lot.closed")).all()
        assert len(closed) == 1
        assert session.exec(select(LotItem.state)).one() is ItemState.SELECTED
        assert session.exec(select(Lot.state)).one() is LotState.VALIDATING


def test_the_site_starts_without_scipy():
    program = "import sys, app.main; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_lot_is_committed_before_decisions_on_work_that_was_claimed_under_an_earlier_one(house, engine, desk, lead):
    with writing(engine) as session:
        for _ in range(2):
            candidate = a_person(session, house.organisation, Role.CANDIDATE)
            waiting = {"state": SubmissionState.READY, "ready_at": NOW}
            a_submission(session, house, candidate=candidate, now=NOW, **waiting)
    assessor = desk(house.assessor)
    held = [assessor.post("/queue/claims").json() for _ in range(2)]
    for claim in held:
        evidence = assessor.get(f"/claims/{claim['id']}").json()["evidence"]
        answer = assessor.post(f"/claims/{claim['id']}/send", a_judgement(evidence[0]["id"]))
        assert answer.status_code == 200, answer.text
        lead.close()
    with reading(engine) as session:
        actions = [event.action for event in session.exec(select(AuditEvent).order_by(AuditEvent.seq))]
    in_order = [action for action in actions if action in {"lot.opened", "assessment.locked"}]
    assert in_order == ["lot.opened", "assessment.locked"] * 2


def test_a_lot_that_breaks_holds_up_no_other(house, engine):
    house.decide(GOOD)
    other = house.join(Role.ASSESSOR)
    house.decide(GOOD, assessor=other)
    with writing(engine) as session:
        broken = session.exec(select(Lot).where(Lot.assessor_id == house.assessor.id)).one()
        broken.plan, broken.closes_at = {"tiers": "none"}, NOW  # due first
    jobs.close_due(engine, now=NOW + timedelta(hours=200))
    with reading(engine) as session:
        states = {lot.assessor_id: lot.state for lot in session.exec(select(Lot))}
    assert states == {house.assessor.id: LotState.OPEN, other.id: LotState.VALIDATING}
