"""`Idempotency-Key`: of two requests at the same time one is run, and a key is never held by the dead."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlmodel import func, select
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from app.accounts.sign_in import make_token
from app.actor import Role
from app.db.engine import reading, writing
from app.errors import Conflict
from app.evidence.models import Submission
from app.web.idempotency import Remembered, forget, remember, take
from tests.conftest import NOW, Clock
from tests.factories import a_person, a_rubric, an_organisation


@pytest.fixture
def used(engine: Engine) -> Remembered:
    """A key as somebody uses it."""
    with writing(engine) as session:
        person = a_person(session, an_organisation(session), Role.CANDIDATE)
    return Remembered(person.id, "api:thing /api/v1/things", "k1", "aa" * 32, NOW, "first")


def take_now(engine: Engine, used: Remembered) -> object:
    with writing(engine) as session:
        return take(session, used)


def test_who_comes_while_a_request_runs_is_told_so(engine: Engine, used: Remembered):
    assert take_now(engine, used) is None
    with pytest.raises(Conflict) as refusal:
        take_now(engine, replace(used, owner="second"))
    assert refusal.value.code == "in-progress"


def test_who_comes_after_it_gets_its_answer(engine: Engine, used: Remembered):
    take_now(engine, used)
    with writing(engine) as session:
        remember(session, used, JSONResponse({"id": 7}, status_code=201))
    answer = take_now(engine, replace(used, owner="second"))
    assert (answer.status_code, answer.body) == (201, b'{"id":7}')


@pytest.mark.parametrize("let_go", [forget, lambda session, used: remember(session, used, JSONResponse({}, 422))])
def test_a_request_that_did_nothing_may_be_sent_again(engine: Engine, used: Remembered, let_go):
    take_now(engine, used)
    with writing(engine) as session:
        let_go(session, used)
    assert take_now(engine, replace(used, owner="second")) is None


def test_a_request_whose_process_died_may_be_sent_again_after_a_while(engine: Engine, used: Remembered, clock: Clock):
    take_now(engine, used)
    clock.forward(minutes=3)
    second = replace(used, owner="second", now=clock())
    assert take_now(engine, second) is None
    with writing(engine) as session:  # the first was not dead after all: its answer comes too late and changes nothing
        remember(session, used, JSONResponse({"id": 1}))
        remember(session, second, JSONResponse({"id": 2}))
    assert take_now(engine, replace(second, owner="third")).body == b'{"id":2}'


def test_answers_are_kept_for_a_day(engine: Engine, used: Remembered, clock: Clock):
    take_now(engine, used)
    with writing(engine) as session:
        remember(session, used, JSONResponse({"id": 7}))
    clock.forward(hours=25)
    assert take_now(engine, replace(used, owner="second", now=clock())) is None


def test_two_at_once_make_one_thing_and_get_one_answer(client: TestClient, engine: Engine):
    with writing(engine) as session:
        organisation = an_organisation(session)
        rubric = a_rubric(session, organisation)
        person = a_person(session, organisation, Role.CANDIDATE)
        token = make_token(session, person=person, organisation_id=organisation.id, now=NOW)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k1"}
    body = {"rubric_id": str(rubric.id), "language": "en"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/api/v1/submissions", json=body, headers=headers), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    with reading(engine) as session:
        assert session.exec(select(func.count()).select_from(Submission)).one() == 1
