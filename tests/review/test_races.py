"""Many processes want one submission: one gets it."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.accounts.models import Membership
from app.actor import Actor, Role, Scope
from app.assessments.models import Assessment
from app.db.engine import make_engine, reading, writing
from app.errors import Conflict
from app.evidence.models import Evidence
from app.main import review_hooks
from app.review.claims import claim, claim_next
from app.review.hooks import Taking
from app.review.models import Claim
from app.settings import Settings
from app.validation.models import LotItem
from tests.factories import a_judgement, a_person, a_rubric, a_submission, a_token, an_organisation, bearer
from tests.races import at_once

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


def test_twenty_assessors_who_ask_for_the_next_one_get_one_each(engine: Engine):
    with writing(engine) as session:
        organisation = an_organisation(session)
        rubric = a_rubric(session, organisation)
        for _ in range(20):
            a_submission(session, organisation, rubric=rubric)
        people = [a_person(session, organisation, Role.ASSESSOR).id for _ in range(20)]

    def take(person_id: UUID) -> UUID | None:
        by = Taking(_actor(person_id, organisation.id), datetime.now(UTC), timedelta(minutes=15), review_hooks())
        with writing(engine) as session:
            taken = claim_next(session, by=by)
            return taken.submission_id if taken else None

    taken = at_once([lambda person=person: take(person) for person in people])
    assert len(set(taken)) == 20
    assert None not in taken


def test_of_two_sendings_one_locks_a_judgement(client: TestClient, engine: Engine):
    with writing(engine) as session:
        organisation = an_organisation(session)
        submission = a_submission(session, organisation)
        evidence_id = session.exec(select(Evidence.id)).one()
        assessor = bearer(a_token(session, a_person(session, organisation, Role.ASSESSOR), organisation))
    claimed = client.post("/api/v1/queue/claims", json={"submission_id": str(submission.id)}, headers=assessor).json()
    body = a_judgement(evidence_id)
    send = lambda: client.post(f"/api/v1/claims/{claimed['id']}/send", json=body, headers=assessor)  # noqa: E731
    answers = at_once([send] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    with reading(engine) as session:
        assert len(session.exec(select(Assessment)).all()) == 1
        assert len(session.exec(select(LotItem)).all()) == 1
