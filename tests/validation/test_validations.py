"""A validator's work: blind, exclusive, never on something they had a part in; comparing and deciding by rule."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from app.actor import Role
from app.assessments.models import Assessment, Decision
from app.db.engine import reading, writing
from app.evidence import custody
from app.evidence.models import Evidence, Involvement, Submission
from app.evidence.states import Part, SubmissionState
from app.home.investigating import stop_judging
from app.review.models import Conflict
from app.validation.leases import lease_until
from app.validation.models import ItemState, LotItem, Validation
from tests.conftest import NOW
from tests.validation.stories import ALL_YES, BAD, GOOD, sent_scores


def test_nothing_waits_before_a_lot_is_closed(house, validator):
    house.decide(GOOD)
    assert validator.post("/validations/claims").status_code == 204


def test_a_validator_takes_the_next_item_and_sees_nothing_of_the_assessors_side(house, lead, validator):
    submission_id = house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    assert claim["submission_id"] == str(submission_id)
    assert (claim["expires_at"], claim["version"]) == ("2026-11-24T12:15:00.000Z", 1)
    answer = validator.get(f"/validations/{claim['id']}")
    seen = answer.json()
    assert seen["rubric"]["code"] == "teller-service-call"
    assert [each["name"] for each in seen["evidence"]] == ["Evidence 1"]
    assert (seen["comparison"], seen["reasons"], seen["final"]) == (None, None, None)
    text = json.dumps({name: value for name, value in seen.items() if name != "rubric"})
    for word in ("own words", "assessor", "200/3", "my-own-name", str(house.assessor.id)):
        assert word not in text
    item = validator.lot()["items"][0]
    assert (item["outcome"], item["reasons"]) == (None, None)


def test_a_lead_who_validates_is_blind_too(house, lead):
    house.decide(GOOD)
    lead.close()
    assert lead.lot()["items"][0]["outcome"] == "competent"
    claim = lead.claim()
    assert lead.lot()["items"][0]["outcome"] is None
    lead.score(claim)
    assert lead.lot()["items"][0]["outcome"] == "competent"


def test_after_the_blind_scores_both_sides_are_shown(house, lead, validator):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    answer = validator.score(claim, BAD)
    assert answer.status_code == 200
    seen = answer.json()["comparison"]
    assert (seen["assessor"]["outcome"], seen["validator"]["outcome"]) == ("competent", "not-yet-competent")
    assert seen["criteria"][0] == {"criterion": "ID", "assessor": 2, "validator": 1}
    assert (seen["overturn_class"], seen["direction"]) == ("critical", "false-pass")
    assert "random" in seen["reasons"]
    assert validator.score(claim, GOOD).status_code == 409


def test_incomplete_blind_scores_are_refused_and_change_nothing(house, lead, validator):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    body = {"vacs": ALL_YES, "scores": sent_scores({"ID": 2})}
    answer = validator.post(f"/validations/{claim['id']}/scores", body)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {
        f"scores.{code}" for code in ("LI", "AC", "EM", "NX", "CL")
    }
    assert validator.get(f"/validations/{claim['id']}").json()["state"] == "claimed"


def compared(validator, levels=GOOD):
    claim = validator.claim()
    assert validator.score(claim, levels).status_code == 200
    return f"/validations/{claim['id']}/decision"


def test_a_decision_needs_the_blind_scores_first(house, lead, validator):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    answer = validator.post(f"/validations/{claim['id']}/decision", {"decision": "uphold"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not-compared")


def test_upholding_needs_no_reason_and_is_final(house, lead, validator):
    house.decide(GOOD)
    lead.close()
    path = compared(validator)
    assert validator.post(path, {"decision": "uphold"}).json()["state"] == "upheld"
    assert validator.post(path, {"decision": "uphold"}).status_code == 409
    assert lead.lot()["items"][0]["state"] == "upheld"


@pytest.mark.parametrize("decision", ["overturn", "return-with-advice"])
def test_anything_but_upholding_needs_a_reason(house, lead, validator, decision):
    house.decide(GOOD)
    lead.close()
    body = {"decision": decision, "reason": " ", "scores": sent_scores(BAD)}
    answer = validator.post(compared(validator, BAD), body)
    assert [error["field"] for error in answer.json()["errors"]] == ["reason"]


def test_overturning_needs_final_scores_that_change_the_outcome(house, lead, validator):
    house.decide(GOOD)
    lead.close()
    path = compared(validator, BAD)
    without = validator.post(path, {"decision": "overturn", "reason": "No checks."})
    assert [error["field"] for error in without.json()["errors"]] == ["scores"]
    same = validator.post(path, {"decision": "overturn", "reason": "No.", "scores": sent_scores(GOOD)})
    assert (same.status_code, same.json()["code"]) == (422, "same-outcome")
    levels = [{"criterion": code, "level": level} for code, level in BAD.items()]
    done = validator.post(path, {"decision": "overturn", "reason": "No checks.", "scores": levels})
    assert done.json()["state"] == "overturned"
    assert done.json()["final"]["outcome"] == "not-yet-competent"


def test_an_overturn_supersedes_the_decision_and_leaves_the_assessment_alone(house, lead, validator, engine):
    submission_id = house.decide(GOOD)
    lead.close()
    validator.validate(truth={str(submission_id): BAD})
    with reading(engine) as session:
        old, new = session.exec(select(Decision).order_by(Decision.decided_at, Decision.source)).all()
        assert (old.outcome, old.superseded_at) == ("competent", NOW)
        assert (new.outcome, new.source, new.superseded_at) == ("not-yet-competent", "validator", None)
        assert new.reason == "The recording shows otherwise."
        assert session.exec(select(Assessment.outcome)).one() == "competent"
        done = session.exec(select(Validation)).one()
        assert (done.overturn_class, done.direction) == ("critical", "false-pass")


def test_returning_with_advice_counts_no_fault_and_keeps_the_outcome(house, lead, validator, engine):
    house.decide(GOOD)
    lead.close()
    validator.validate(decision="return-with-advice", reason="Name the second check in the note.")
    lot = lead.lot()
    assert (lot["items"][0]["state"], lot["faults"]) == ("returned-with-advice", 0)
    with reading(engine) as session:
        assert session.exec(select(Decision.outcome)).one() == "competent"


def test_doubt_about_authenticity_opens_an_investigation(house, lead, validator, engine):
    submission_id = house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    validator.score(claim, GOOD, vacs=ALL_YES | {"authentic": False})
    body = {"decision": "overturn", "reason": "Another voice.", "scores": sent_scores(GOOD)}
    assert validator.post(f"/validations/{claim['id']}/decision", body).json()["state"] == "overturned"
    with reading(engine) as session:
        submission = session.get_one(Submission, submission_id)
        assert (submission.state, submission.state_before) == ("under-investigation", "held")
    assert lead.lot()["faults"] == 1


def test_the_lease_ends_and_somebody_else_goes_on(house, lead, validator, desk, clock, engine):
    house.decide(GOOD)
    lead.close()
    first = validator.claim()
    second = desk(house.join(Role.VALIDATOR))
    assert second.claim() is None
    clock.forward(seconds=901)
    taken = second.claim()
    assert taken["submission_id"] == first["submission_id"]
    assert validator.post(f"/validations/{first['id']}/renew").status_code == 409
    assert validator.score(first).status_code == 409
    with reading(engine) as session:
        ids = {"person_id": house.validator.id, "submission_id": UUID(taken["submission_id"])}
        assert lease_until(session, now=clock.now, **ids) is None


def test_an_expired_lease_that_nobody_took_may_be_renewed(house, lead, validator, clock):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    clock.forward(hours=2)
    renewed = validator.post(f"/validations/{claim['id']}/renew")
    assert (renewed.status_code, renewed.json()["expires_at"]) == (200, "2026-11-24T14:15:00.000Z")


def test_a_draft_is_saved_by_version_and_kept_when_given_back(house, lead, validator):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    path = f"/validations/{claim['id']}"
    scores = [{"criterion": "ID", "level": 2}]
    assert validator.patch(f"{path}/draft", {"version": 1, "scores": scores}).json()["version"] == 2
    stale = validator.patch(f"{path}/draft", {"version": 1, "message": "x"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-version")
    assert stale.json()["draft"]["scores"][0]["level"] == 2
    assert validator.delete(path).status_code == 204
    again = validator.claim()
    assert again["id"] != claim["id"]
    assert validator.get(f"/validations/{again['id']}").json()["draft"]["scores"][0]["level"] == 2


def test_somebody_elses_validation_is_unknown(house, lead, validator, desk):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    other = desk(house.join(Role.VALIDATOR))
    for answer in (
        other.get(f"/validations/{claim['id']}"),
        other.post(f"/validations/{claim['id']}/renew"),
        other.score(claim),
        other.post(f"/validations/{claim['id']}/decision", {"decision": "uphold"}),
        other.delete(f"/validations/{claim['id']}"),
    ):
        assert answer.status_code == 404


def test_nobody_validates_what_they_had_a_part_in(house, lead, desk, engine):
    candidate = house.join(Role.CANDIDATE, Role.VALIDATOR)
    submission_id = house.decide(GOOD, candidate=candidate)
    lead.close()
    second = house.join(Role.VALIDATOR)
    with writing(engine) as session:
        session.add(Involvement(submission_id=submission_id, person_id=second.id, part=Part.SECOND, since=NOW))
    for person in (candidate, second):
        assert desk(person).claim() is None
        named = desk(person).post("/validations/claims", {"submission_id": str(submission_id)})
        assert (named.status_code, named.json()["code"]) == (403, "separation-of-duties")


def test_the_database_itself_refuses_a_second_part(house, engine):
    submission_id = house.decide(GOOD)
    with pytest.raises(IntegrityError), writing(engine) as session:
        session.add(
            Involvement(submission_id=submission_id, person_id=house.assessor.id, part=Part.VALIDATOR, since=NOW)
        )


def test_a_declared_conflict_and_an_earlier_attempt_exclude(house, lead, desk, engine):
    candidate = house.join(Role.CANDIDATE)
    judge_of_first = house.join(Role.ASSESSOR, Role.VALIDATOR)
    house.decide(GOOD, candidate=candidate, assessor=judge_of_first, state=SubmissionState.FINALISED)
    submission_id = house.decide(GOOD, candidate=candidate, attempt=2, now=NOW + timedelta(minutes=1))
    lead.close()
    conflicted = house.join(Role.VALIDATOR)
    with writing(engine) as session:
        session.add(Conflict(submission_id=submission_id, person_id=conflicted.id, reason="x", declared_at=NOW))
    for person in (judge_of_first, conflicted):
        named = desk(person).post("/validations/claims", {"submission_id": str(submission_id)})
        assert (named.status_code, named.json()["code"]) == (403, "separation-of-duties")


def test_a_validator_of_another_rubric_gets_nothing(house, lead, desk):
    house.decide(GOOD)
    lead.close()
    assert desk(house.join(Role.VALIDATOR, rubrics=("presentation-skills",))).claim() is None


def test_own_list_shows_state_and_what_waits(house, lead, validator):
    house.decided(GOOD, GOOD)
    lead.close()
    assert validator.get("/validations").json() == {"items": [], "next": None, "waiting": 2}
    validator.validate()
    validator.claim()
    listed = validator.get("/validations").json()
    assert sorted(each["state"] for each in listed["items"]) == ["claimed", "upheld"]
    assert listed["waiting"] == 0
    first = validator.get("/validations?limit=1").json()
    rest = validator.get(f"/validations?limit=1&cursor={first['next']}").json()
    assert {first["items"][0]["id"], rest["items"][0]["id"]} == {each["id"] for each in listed["items"]}
    assert rest["next"] is None
    assert [each["state"] for each in validator.get("/validations?state=upheld").json()["items"]] == ["upheld"]


def test_an_assessor_reaches_no_validation_route(house, lead, validator, desk):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    assessor = desk(house.assessor)
    assert assessor.get("/validations").status_code == 403
    assert assessor.post("/validations/claims").status_code == 403
    assert assessor.get(f"/validations/{claim['id']}").status_code == 403


def test_what_is_under_investigation_is_given_to_no_validator(house, engine, lead, validator):
    submission_id = house.decide(GOOD)
    lead.close()
    with writing(engine) as session:
        session.get_one(Submission, submission_id).state = SubmissionState.UNDER_INVESTIGATION
    assert validator.post("/validations/claims").status_code == 204
    assert validator.post("/validations/claims", {"submission_id": str(submission_id)}).status_code == 404


@pytest.mark.parametrize("limit", ["²", "0", "101", "-1", "x", "9" * 5000])
def test_a_limit_that_is_no_number_in_reach_is_said(lead, limit):
    for path in ("/lots", "/validations"):
        assert lead.get(f"{path}?limit={limit}").status_code == 422


def test_calls_that_take_nothing_refuse_unknown_fields(house, lead, validator):
    house.decide(GOOD)
    assert lead.post(f"/lots/{house.lot().id}/close", {"reason": "early"}).status_code == 422
    lead.close()
    claim = validator.claim()
    assert validator.post(f"/validations/{claim['id']}/renew", {"minutes": 600}).status_code == 422
    assert validator.post(f"/validations/{claim['id']}/renew").status_code == 200


def test_what_comes_under_investigation_is_scored_by_nobody(house, lead, validator, engine):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    with writing(engine) as session:
        evidence = session.exec(select(Evidence).where(Evidence.submission_id == UUID(claim["submission_id"]))).one()
        assert custody.damaged(session, evidence.id, now=NOW)
    refused = validator.score(claim)
    assert (refused.status_code, refused.json()["code"]) == (409, "under-investigation")
    with writing(engine) as session:
        stop_judging(session, submission_id=UUID(claim["submission_id"]), now=NOW)
    with reading(engine) as session:
        assert session.exec(select(LotItem.state)).one() is ItemState.SELECTED
        assert session.exec(select(Validation)).one().ended_at is not None
