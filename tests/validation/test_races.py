"""Many validators want one item, and a site that is killed while it decides: each thing happens once."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from multiprocessing.synchronize import Barrier
from uuid import UUID

import pytest
from sqlmodel import col, select

from app.actor import Actor, Role, Scope
from app.audit.service import verify
from app.db.engine import make_engine, reading, writing
from app.db.locking import locked
from app.errors import Conflict, NotFound
from app.evidence import submissions
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.home.evidence_hooks import withdrawn
from app.validation import decisions, jobs
from app.validation.claims import claim_next, claim_this
from app.validation.models import AssessorState, ItemState, Lot, LotItem, LotState, Validation
from app.validation.rules import DecisionKind
from tests.conftest import NOW
from tests.races import at_once, until_somebody_waits
from tests.validation.stories import GOOD

RIVALS = 20


def an_actor(person_id: UUID, organisation_id: UUID) -> Actor:
    return Actor(
        person_id=person_id,
        name="",
        email="",
        organisation_id=organisation_id,
        organisation_name="",
        roles=frozenset({Role.VALIDATOR}),
        rubrics={},
        scopes=frozenset({Scope.VALIDATE}),
    )


def rival(url: str, who: tuple[UUID, UUID, UUID], start: Barrier, won: "multiprocessing.Queue[bool]") -> None:
    engine = make_engine(url)
    person_id, organisation_id, submission_id = who
    actor = an_actor(person_id, organisation_id)
    start.wait()
    try:
        with writing(engine) as session:
            claim_this(session, actor=actor, submission_id=submission_id, now=NOW, lease=timedelta(minutes=15))
        won.put(True)
    except Conflict as refusal:
        won.put(refusal.code != "already-claimed")
    engine.dispose()


def test_twenty_processes_claim_one_item_and_one_wins(house, lead, engine, settings):
    submission_id = house.decide(GOOD)
    lead.close()
    people = [house.join(Role.VALIDATOR).id for _ in range(RIVALS)]
    context = multiprocessing.get_context("fork")
    start, won = context.Barrier(RIVALS), context.Queue()
    engine.dispose()
    processes = [
        context.Process(
            target=rival, args=(settings.database, (each, house.organisation.id, submission_id), start, won)
        )
        for each in people
    ]
    for process in processes:
        process.start()
    results = [won.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert results.count(True) == 1
    with reading(engine) as session:
        assert len(session.exec(select(Validation)).all()) == 1
        assert session.exec(select(LotItem.state)).one() is ItemState.CLAIMED


def die_while_deciding(url: str, validation_id: UUID) -> None:
    """Decide, and die with everything written but nothing committed."""
    engine = make_engine(url)
    with writing(engine) as session:
        validation = session.get_one(Validation, validation_id)
        decisions.decide(session, validation=validation, kind=DecisionKind.UPHOLD, reason="", final=None, now=NOW)
        session.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_site_killed_while_deciding_leaves_no_half_decision(house, lead, validator, engine, settings):
    house.decide(GOOD)
    lead.close()
    claim = validator.claim()
    validator.score(claim)
    engine.dispose()
    process = multiprocessing.get_context("fork").Process(
        target=die_while_deciding, args=(settings.database, UUID(claim["id"]))
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert house.run_jobs() == []
    assert lead.lot()["items"][0]["state"] == "compared"
    answer = validator.post(f"/validations/{claim['id']}/decision", {"decision": "uphold"})
    assert answer.json()["state"] == "upheld"
    house.run_jobs()
    assert lead.lot()["state"] == "accepted"


def test_a_lot_that_is_closed_while_decisions_join_it_loses_none(house, lead, engine):
    house.decide(GOOD)
    acts = [lambda: house.decide(GOOD)] * 6 + [lead.close]
    at_once(acts)
    with reading(engine) as session:
        for lot in session.exec(select(Lot)):
            items = session.exec(select(LotItem).where(LotItem.lot_id == lot.id)).all()
            assert sorted(item.position for item in items) == list(range(1, lot.size + 1))
            assert all((item.draw is None) is (lot.state is LotState.OPEN) for item in items)
        assert len(session.exec(select(LotItem)).all()) == 7
        assert session.exec(select(AssessorState.decisions)).one() == 7
        assert verify(session).ok


def test_who_withdraws_while_the_lot_is_closed_is_not_waited_for(house, lead, engine):
    """Either the draw leaves the withdrawn one out, or it is taken out of the sample afterwards."""
    for _ in range(5):
        gone = house.decided(GOOD, GOOD)[0]

        def withdraw(submission_id=gone):
            with writing(engine) as session:
                submission = locked(session, Submission, submission_id)
                submissions.withdraw_consents(session, submission=submission, now=NOW)
                withdrawn(session, submission, NOW)

        at_once([withdraw, lead.close])
        with reading(engine) as session:
            assert session.exec(select(LotItem.state).where(LotItem.submission_id == gone)).one() is ItemState.WITHDRAWN
    house.run_jobs()


def test_two_lots_of_an_assessor_decided_at_once_are_both_learnt_from(house, lead, validator, engine):
    for _ in range(2):
        house.decide(GOOD)
        lead.close()
    for _ in range(2):
        validator.validate()
    with reading(engine) as session:
        lots = session.exec(select(Lot.id).where(Lot.state == LotState.VALIDATING)).all()

    def decide(lot_id):
        with writing(engine) as session:
            jobs.decide_lot(session, lot_id=lot_id, now=NOW)

    at_once([lambda lot_id=lot_id: decide(lot_id) for lot_id in lots])
    with reading(engine) as session:
        assert session.exec(select(AssessorState.sampled)).one() > 1
        assert set(session.exec(select(Lot.state).where(col(Lot.id).in_(lots)))) == {LotState.ACCEPTED}


def test_what_has_just_come_under_investigation_is_not_claimed(house, lead, engine):
    """The validator has seen it as held, and waits for the one who takes it out."""
    submission_id = house.decide(GOOD)
    lead.close()
    actor = an_actor(house.validator.id, house.organisation.id)

    def claim(look: Callable[..., object]) -> object:
        with writing(engine) as session:
            return look(session, actor=actor, now=NOW, lease=timedelta(minutes=15))

    with ThreadPoolExecutor() as pool:
        with writing(engine) as session:
            submission = locked(session, Submission, submission_id)
            submission.state = SubmissionState.UNDER_INVESTIGATION
            session.flush()
            this = pool.submit(claim, partial(claim_this, submission_id=submission_id))
            until_somebody_waits(engine)
        with pytest.raises(NotFound):
            this.result()
    assert claim(claim_next) is None
    with reading(engine) as session:
        assert session.exec(select(LotItem.state)).one() is ItemState.SELECTED
