"""Lots under any order of events: whatever people do, the promises of DESIGN section 4 hold."""

import os
import tempfile
from pathlib import Path
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.actor import Role
from app.assessments.models import Decision
from app.audit.service import verify
from app.db.engine import make_engine, reading, writing
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.jobs.models import Job
from app.main import create_app
from app.schema.migrate import migrate
from app.settings import Settings
from app.validation import jobs
from app.validation.answers import lot_export
from app.validation.models import ItemState, Lot, LotItem, LotState, Validation
from app.validation.verify import verify_lot
from tests.conftest import Clock
from tests.validation.conftest import Desk
from tests.validation.stories import BAD, GOOD, NO_PROBATION, a_house, sent_scores

DECIDED = (LotState.ACCEPTED, LotState.RECTIFIED)


class Lots(RuleBasedStateMachine):
    """One assessor, two validators, a lead, a worker, candidates who may withdraw."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        config = Settings(
            data_dir=Path(self.folder.name),
            base_url="http://testserver",
            s3_endpoint_url="http://localhost:9",
            s3_access_key="nobody",
            s3_secret_key="nobody",
        )
        self.clock = Clock()
        self.engine = make_engine(config.database)
        migrate(self.engine)
        self.app = create_app(config, clock=self.clock)
        self.client = TestClient(self.app)
        self.house = a_house(self.engine)
        self.house.plan(**(NO_PROBATION | {"mandatory": ["borderline"], "lot": {"max_items": 6, "max_age_days": 7}}))
        self.lead = Desk(self.client, self.house, self.house.lead)
        second = self.house.join(Role.VALIDATOR)
        self.validators = [Desk(self.client, self.house, person) for person in (self.house.validator, second)]
        self.held = {0: [], 1: []}

    def teardown(self) -> None:
        self.house.run_jobs(now=self.clock.now)
        with reading(self.engine) as session:
            assert verify(session).ok
        self.client.close()
        self.app.state.deps.engine.dispose()
        self.engine.dispose()
        self.folder.cleanup()

    @rule(scores=st.sampled_from([GOOD, BAD, GOOD | {"CL": 0}]), count=st.integers(1, 4))
    def decide(self, scores, count) -> None:
        for _ in range(count):
            self.house.decide(scores, now=self.clock.now)

    @precondition(lambda self: self.house.lot() is not None)
    @rule()
    def close(self) -> None:
        assert self.lead.post(f"/lots/{self.house.lot().id}/close").status_code in {200, 409}

    @rule(who=st.integers(0, 1))
    def claim(self, who) -> None:
        taken = self.validators[who].claim()
        if taken is not None:
            self.held[who].append(taken)

    @precondition(lambda self: any(self.held.values()))
    @rule(who=st.integers(0, 1), scores=st.sampled_from([GOOD, BAD]))
    def score_and_decide(self, who, scores) -> None:
        if not self.held[who]:
            return
        claim, desk = self.held[who].pop(), self.validators[who]
        scored = desk.score(claim, scores)
        assert scored.status_code in {200, 409}
        if scored.status_code == 409:
            return
        compared = scored.json()["comparison"]
        flips = compared["assessor"]["outcome"] != compared["validator"]["outcome"]
        body = {"decision": "overturn" if flips else "uphold", "reason": "Seen."}
        if flips:
            body["scores"] = sent_scores(scores)
        assert desk.post(f"/validations/{claim['id']}/decision", body).status_code == 200

    @precondition(lambda self: any(self.held.values()))
    @rule(who=st.integers(0, 1))
    def give_back(self, who) -> None:
        if self.held[who]:
            claim = self.held[who].pop()
            assert self.validators[who].delete(f"/validations/{claim['id']}").status_code in {204, 409}

    @rule(data=st.data())
    def withdraw(self, data) -> None:
        with writing(self.engine) as session:
            held = session.exec(
                select(Submission.id).where(Submission.state == SubmissionState.HELD).order_by(Submission.id)
            ).all()
            if held:
                chosen = data.draw(st.sampled_from(held))
                session.get_one(Submission, chosen).state = SubmissionState.WITHDRAWN
                jobs.sample.withdraw_item(session, submission_id=chosen, now=self.clock.now)

    @rule(hours=st.sampled_from([0, 1, 200]))
    def work(self, hours) -> None:
        self.clock.forward(hours=hours)
        jobs.close_due(self.engine, now=self.clock.now)
        self.house.run_jobs(now=self.clock.now)

    @invariant()
    def an_open_lot_is_not_drawn_and_a_closed_one_is_as_the_secret_says(self) -> None:
        with reading(self.engine) as session:
            for lot in session.exec(select(Lot)).all():
                items = session.exec(select(LotItem).where(LotItem.lot_id == lot.id)).all()
                assert len(items) == lot.size <= lot.max_size
                if lot.state is LotState.OPEN:
                    assert all((item.draw, item.sampled, item.reasons) == (None, None, None) for item in items)
                else:
                    checks = verify_lot(lot_export(session, lot), secret=lot.secret)
                    assert [check for check in checks if not check.ok] == []

    @invariant()
    def nothing_is_released_before_its_lot_is_decided_and_then_once(self) -> None:
        with reading(self.engine) as session:
            rows = session.exec(
                select(Submission, Lot)
                .join(LotItem, col(LotItem.submission_id) == col(Submission.id))
                .join(Lot, col(Lot.id) == col(LotItem.lot_id))
            ).all()
            issued = {UUID(str(job.args["submission_id"])) for job in session.exec(select(Job)) if "issue" in job.name}
            for submission, lot in rows:
                outcome = session.exec(
                    select(Decision.outcome).where(
                        Decision.submission_id == submission.id, col(Decision.superseded_at).is_(None)
                    )
                ).one()
                is_released = submission.state is SubmissionState.FINALISED
                assert is_released <= (lot.state in DECIDED)
                assert (submission.id in issued) is (is_released and outcome == "competent")

    @invariant()
    def a_decided_lot_kept_its_own_rule(self) -> None:
        with reading(self.engine) as session:
            for lot in session.exec(select(Lot).where(col(Lot.state).in_(DECIDED))).all():
                items = session.exec(select(LotItem).where(LotItem.lot_id == lot.id)).all()
                waiting = {ItemState.SELECTED, ItemState.CLAIMED, ItemState.COMPARED}
                assert not waiting & {item.state for item in items}
                if lot.state is LotState.ACCEPTED:
                    assert lot.faults <= lot.accept
                else:
                    assert ItemState.RELEASED not in {item.state for item in items}

    @invariant()
    def a_validator_is_never_the_assessor_and_a_claimed_item_has_one_lease(self) -> None:
        with reading(self.engine) as session:
            live = session.exec(select(Validation).where(col(Validation.ended_at).is_(None))).all()
            assert len({each.submission_id for each in live}) == len(live)
            assert self.house.assessor.id not in {each.validator_id for each in live}
            claimed = session.exec(
                select(LotItem.submission_id).where(col(LotItem.state).in_([ItemState.CLAIMED, ItemState.COMPARED]))
            ).all()
            assert set(claimed) == {each.submission_id for each in live}


TestLots = Lots.TestCase
# Shrinking would start a database for each try and take minutes: a failure is printed as it was found.
TestLots.settings = settings(
    max_examples=int(os.environ.get("LOT_EXAMPLES", "6")),
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
