"""How lots end: accepted, rejected and put right; what is released, what is learnt, what an export proves."""

from uuid import UUID

import pytest
from sqlmodel import select

from app.assessments.results import released_result
from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence.models import Submission, SubmissionConsent
from app.evidence.states import SubmissionState
from app.jobs.models import Job, JobState
from app.validation import jobs
from app.validation.draw import commitment
from app.validation.models import AssessorState, Tier
from tests.conftest import NOW
from tests.validation.stories import BAD, GOOD, NO_PROBATION


def validate_all(validator, truth=None):
    done = []
    while (answer := validator.validate(truth=truth)) is not None:
        done.append(answer["submission_id"])
    return done


def states(engine):
    with reading(engine) as session:
        return dict(session.exec(select(Submission.id, Submission.state)).all())


def tier_of(engine):
    with reading(engine) as session:
        return session.exec(select(AssessorState)).one()


def test_an_accepted_lot_releases_all_of_it_and_reveals_the_secret(house, lead, validator, engine):
    passed, failed = house.decided(GOOD, BAD)
    lead.close()
    validate_all(validator, truth={str(failed): BAD})
    assert lead.lot()["state"] == "validating"
    assert states(engine) == {passed: "held", failed: "held"}
    waiting = house.run_jobs()
    lot = lead.lot()
    assert (lot["state"], lot["faults"], lot["decided_at"]) == ("accepted", 0, "2026-11-24T12:00:00.000Z")
    assert commitment(bytes.fromhex(lot["secret"])) == lot["commitment"]
    assert states(engine) == {passed: "finalised", failed: "finalised"}
    assert waiting == [f"credentials.issue:{passed}"]


def test_the_candidate_of_an_overturned_decision_reads_why(house, lead, validator, engine):
    submission_id = house.decide(GOOD)
    lead.close()
    validate_all(validator, truth={str(submission_id): BAD})
    house.run_jobs()
    with reading(engine) as session:
        result = released_result(session, session.get_one(Submission, submission_id))
    assert (result.outcome, result.message) == ("not-yet-competent", "The recording shows otherwise.")
    assert result.scores[0] == {"criterion": "ID", "level": 1, "note": "Heard at the start.", "moments": []}


def test_unsampled_items_are_released_with_their_lot(house, lead, validator, engine):
    house.plan(**NO_PROBATION)
    house.decided(*[GOOD] * 9)
    lead.close()
    assert len(validate_all(validator)) == 3
    waiting = house.run_jobs()
    assert len(waiting) == 9
    assert sorted(item["state"] for item in lead.lot()["items"]) == ["released"] * 6 + ["upheld"] * 3


def test_nothing_is_released_while_a_mandatory_item_waits(house, lead, validator, engine):
    house.plan(tiers=NO_PROBATION["tiers"], mandatory=["borderline"])
    house.decided(*[GOOD | {"CL": 0}] * 5)
    lead.close()
    for _ in range(4):
        validator.validate(truth={str(each): GOOD | {"CL": 0} for each in states(engine)})
        house.run_jobs()
    assert lead.lot()["state"] == "validating"
    assert set(states(engine).values()) == {"held"}


def test_a_rejected_lot_is_validated_whole_before_anything_is_released(house, lead, validator, engine):
    house.plan(**NO_PROBATION)
    ids = house.decided(*[GOOD] * 9)
    lead.close()
    truth = {str(each): BAD for each in ids}
    validator.validate(truth=truth)
    house.run_jobs()
    lot = lead.lot()
    assert (lot["state"], lot["faults"], lot["accept"]) == ("rectifying", 1, 0)
    assert lot["secret"] is not None
    assert "held" not in {item["state"] for item in lot["items"]}
    assert sum(item["sampled"] for item in lot["items"]) == 3
    assert set(states(engine).values()) == {"held"}
    assert len(validate_all(validator, truth=truth | {str(ids[0]): GOOD})) == 8
    waiting = house.run_jobs()
    assert lead.lot()["state"] == "rectified"
    assert set(states(engine).values()) == {"finalised"}
    assert set(waiting) <= {f"credentials.issue:{ids[0]}"}
    with reading(engine) as session:
        actions = session.exec(select(AuditEvent.action).where(AuditEvent.action.startswith("lot."))).all()
        assert actions == ["lot.opened", "lot.closed", "lot.rejected", "lot.rectifying", "lot.rectified"]
        assert verify(session).ok


def test_a_lot_that_was_drawn_whole_is_rectified_at_once(house, lead, validator, engine):
    ids = house.decided(*[GOOD] * 3)
    lead.close()
    validate_all(validator, truth={str(each): BAD for each in ids})
    assert house.run_jobs() == []
    assert lead.lot()["state"] == "rectified"
    assert set(states(engine).values()) == {"finalised"}


def test_faults_among_mandatory_items_alone_do_not_reject(house, lead, validator, engine):
    house.plan(tiers=NO_PROBATION["tiers"], mandatory=["second-attempt"])
    for _ in range(6):
        house.decide(GOOD, attempt=2)
    for _ in range(6):
        house.decide(GOOD)
    lot = lead.close()
    only_mandatory = {
        item["submission_id"] for item in lot["items"] if item["mandatory"] and "random" not in item["reasons"]
    }
    validate_all(validator, truth=dict.fromkeys(only_mandatory, BAD))
    house.run_jobs()
    assert (lead.lot()["state"], lead.lot()["faults"]) == ("accepted", 0)


def test_twenty_without_a_fault_end_probation(house, lead, validator, engine):
    house.decided(*[GOOD] * 20)
    lead.close()
    validate_all(validator)
    house.run_jobs()
    state = tier_of(engine)
    assert (state.tier, state.decisions) == (Tier.NORMAL, 20)
    assert (state.faults, state.sampled) == (0, pytest.approx(16))  # a fifth is forgotten once probation is over


def test_probation_adds_up_over_lots_without_forgetting(house, lead, validator, engine):
    for _ in range(4):
        house.decided(*[GOOD] * 5)
        lead.close()
        validate_all(validator)
        house.run_jobs()
        assert lead.lot()["state"] == "accepted"
    assert tier_of(engine).tier is Tier.NORMAL


def test_many_faults_lead_to_full_watch(house, lead, validator, engine):
    ids = house.decided(*[GOOD] * 5)
    lead.close()
    validate_all(validator, truth={str(each): BAD for each in ids})
    house.run_jobs()
    assert tier_of(engine).tier is Tier.FULL
    with reading(engine) as session:
        changed = session.exec(select(AuditEvent).where(AuditEvent.action == "tier.changed")).one()
        assert (changed.body["before"], changed.body["after"]) == ("probation", "full")


def test_results_after_a_rejection_are_learnt_once(house, lead, validator, engine):
    house.plan(tiers=NO_PROBATION["tiers"] | {"probation": {"rate": 1.0, "min_n": 1}}, posterior={"memory": 1.0})
    ids = house.decided(*[GOOD] * 6)
    lead.close()
    for _ in range(2):
        validator.validate(truth={str(each): BAD for each in ids})
        house.run_jobs()
    assert lead.lot()["state"] == "rectifying"
    validate_all(validator, truth={str(each): GOOD for each in ids})
    house.run_jobs()
    state = tier_of(engine)
    assert (state.faults, state.sampled, state.body) == (2, 6, {})


def test_a_withdrawn_sampled_item_is_replaced_by_the_next_smallest_draw(house, lead, validator, engine):
    house.plan(**NO_PROBATION)
    house.decided(*[GOOD] * 9)
    before = sorted(lead.close()["items"], key=lambda item: item["draw"])
    claim = validator.claim()
    with writing(engine) as session:
        session.get_one(Submission, UUID(claim["submission_id"])).state = SubmissionState.WITHDRAWN
    jobs.close_due(engine, now=NOW)
    after = {item["key"]: item for item in lead.lot()["items"]}
    gone = next(item for item in before if item["submission_id"] == claim["submission_id"])
    assert after[gone["key"]]["state"] == "withdrawn"
    assert (after[before[3]["key"]]["state"], after[before[3]["key"]]["reasons"]) == ("selected", ["random"])
    assert validator.score(claim).status_code == 409
    validate_all(validator)
    house.run_jobs()
    assert lead.lot()["state"] == "accepted"
    assert states(engine)[UUID(claim["submission_id"])] == "withdrawn"


def test_a_withdrawn_consent_is_not_released(house, lead, validator, engine):
    kept, gone = house.decided(GOOD, GOOD)
    with writing(engine) as session:
        session.add(
            SubmissionConsent(submission_id=gone, purpose="assessment", version="1", given_at=NOW, withdrawn_at=NOW)
        )
    lead.close()
    validate_all(validator)
    assert house.run_jobs() == [f"credentials.issue:{kept}"]
    assert states(engine) == {kept: "finalised", gone: "held"}


def test_a_cleared_case_is_released_later(house, lead, validator, engine):
    suspect, other = house.decided(GOOD, GOOD)
    lead.close()
    validate_all(validator)
    with writing(engine) as session:
        session.get_one(Submission, suspect).state = SubmissionState.UNDER_INVESTIGATION
    house.run_jobs()
    assert states(engine) == {suspect: "under-investigation", other: "finalised"}
    with writing(engine) as session:
        session.get_one(Submission, suspect).state = SubmissionState.HELD
    jobs.close_due(engine, now=NOW)
    assert states(engine)[suspect] == "finalised"


def test_validate_all_releases_each_by_its_own_validation(house, lead, validator, engine):
    house.plan(**NO_PROBATION, issue_policy="validate_all")
    house.decided(GOOD, GOOD)
    assert lead.close()["sample_size"] == 2
    done = validator.validate()
    assert sorted(states(engine).values()) == ["finalised", "held"]
    assert f"credentials.issue:{done['submission_id']}" in house.run_jobs()


def test_a_lot_whose_look_failed_is_decided_by_the_next_round(house, lead, validator, engine):
    house.decide(GOOD)
    lead.close()
    validate_all(validator)
    with writing(engine) as session:
        for job in session.exec(select(Job)).all():
            job.state = JobState.FAILED
    jobs.close_due(engine, now=NOW)
    assert lead.lot()["state"] == "accepted"


def test_deciding_again_changes_nothing(house, lead, validator, engine):
    house.decide(GOOD)
    lead.close()
    validate_all(validator)
    house.run_jobs()
    with reading(engine) as session:
        before = verify(session).rows
    with writing(engine) as session:
        jobs.decide_lot(session, lot_id=house.lot().id, now=NOW)
    jobs.close_due(engine, now=NOW)
    with reading(engine) as session:
        assert verify(session).rows == before
