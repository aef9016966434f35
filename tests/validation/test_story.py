"""From the assessor's claim to the released results, over the API: what each person can see on the way."""

from uuid import UUID

from sqlmodel import select

from app.db.engine import reading, writing
from app.evidence.models import Evidence, Submission
from tests.factories import a_judgement, a_submission
from tests.validation.stories import BAD, GOOD


def assess(assessor, engine, *, level):
    claim = assessor.post("/queue/claims").json()
    with reading(engine) as session:
        evidence_id = session.exec(
            select(Evidence.id).where(Evidence.submission_id == UUID(claim["submission_id"]))
        ).one()
    sent = assessor.post(f"/claims/{claim['id']}/send", a_judgement(evidence_id, level=level))
    assert sent.status_code == 200, sent.text
    return claim["submission_id"]


def test_claim_send_close_validate_release(house, desk, lead, validator, engine):
    with writing(engine) as session:
        for _ in range(3):
            a_submission(session, house.organisation, rubric=house.rubric)
    assessor = desk(house.assessor)
    assert assessor.get("/lots").json()["items"] == []
    passed = assess(assessor, engine, level=2)
    opened = assessor.get("/lots").json()["items"][0]
    assert (opened["state"], opened["size"], opened["secret"]) == ("open", 1, None)
    wrongly_passed = assess(assessor, engine, level=2)
    failed = assess(assessor, engine, level=1)
    assert validator.claim() is None

    lot = lead.close()
    assert lot["commitment"] == opened["commitment"]
    truth = {passed: GOOD, wrongly_passed: BAD, failed: dict.fromkeys(GOOD, 1)}
    assert len([validator.validate(truth=truth) for _ in range(3)]) == 3
    assert validator.claim() is None

    waiting = house.run_jobs()
    lot = lead.lot()
    # One fault in three: with a sample this small the lot is rejected, and being drawn whole it is rectified at once.
    assert (lot["state"], lot["faults"], lot["accept"], lot["sample_size"]) == ("rectified", 1, 0, 3)
    assert waiting == [f"credentials.issue:{passed}"]
    with reading(engine) as session:
        assert {each.state for each in session.exec(select(Submission))} == {"finalised"}
