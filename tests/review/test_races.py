"""Many processes want one submission: one gets it."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import select

from app.accounts.models import Membership
from app.actor import Actor, Role, Scope
from app.db.engine import make_engine, reading, writing
from app.errors import Conflict
from app.main import review_hooks
from app.review.claims import claim
from app.review.hooks import Taking
from app.review.models import Claim
from app.settings import Settings
from tests.factories import a_person, a_submission, an_organisation

RIVALS = 40


def _actor(person_id: UUID, organisation_id: UUID) -> Actor:
    return Actor(
        person_id=person_id,
        name="",
        email="",
        organisation_id=organisation_id,
        organisation_name="",
        roles=frozenset({Role.ASSESSOR}),
        rubrics={},
        scopes=frozenset({Scope.ASSESS}),
    )


def rival(url: str, person_id: UUID, organisation_id: UUID, submission_id: UUID, start: Barrier) -> bool:
    engine = make_engine(url)
    by = Taking(_actor(person_id, organisation_id), datetime.now(UTC), timedelta(minutes=15), review_hooks())
    start.wait()
    try:
        with writing(engine) as session:
            claim(session, submission_id=submission_id, by=by)
    except Conflict as refusal:
        return refusal.code != "already-claimed"
    finally:
        engine.dispose()
    return True


def run(url: str, who: tuple[UUID, UUID, UUID], start: Barrier, won: "multiprocessing.Queue[bool]") -> None:
    won.put(rival(url, who[0], who[1], who[2], start))


def test_forty_processes_claim_one_submission_and_one_wins(engine: Engine, settings: Settings):
    with writing(engine) as session:
        organisation = an_organisation(session)
        submission = a_submission(session, organisation)
        people = [a_person(session, organisation, Role.ASSESSOR).id for _ in range(RIVALS)]
    context = multiprocessing.get_context("fork")
    start, won = context.Barrier(RIVALS), context.Queue()
    url = settings.database
    rivals = [
        context.Process(target=run, args=(url, (person, organisation.id, submission.id), start, won))
        for person in people
    ]
    for process in rivals:
        process.start()
    results = [won.get(timeout=60) for _ in rivals]
    for process in rivals:
        process.join(timeout=60)
    assert sorted(results) == [False] * (RIVALS - 1) + [True]
    with reading(engine) as session:
        assert len(session.exec(select(Claim)).all()) == 1
        assert len(session.exec(select(Membership)).all()) == RIVALS + 1
