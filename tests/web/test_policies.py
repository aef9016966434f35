"""Every route, asked by nobody and by every role: generated from the one table of policies."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine
from starlette.routing import BaseRoute, Route
from starlette.testclient import TestClient

from app.actor import Role
from app.db.engine import writing
from app.main import all_routes
from app.web.endpoint import Access, Policy
from app.web.routing import POLICIES
from tests.factories import a_person, a_token, an_organisation, bearer


def _routes() -> list[tuple[str, str, Policy]]:
    found: list[tuple[str, str, Policy]] = []
    for route in _plain(all_routes()):
        methods = sorted((route.methods or set()) - {"HEAD"})
        found += [(route.path, method, POLICIES[route.path, method]) for method in methods]
    return found


def _plain(routes: list[BaseRoute]) -> list[Route]:
    return [route for route in routes if isinstance(route, Route)]


CLOSED = [each for each in _routes() if each[2].allow not in {Access.PUBLIC, Access.PROGRAMS}]
BY_ROLE = [(path, method, policy) for path, method, policy in CLOSED if isinstance(policy.allow, frozenset)]


def filled(path: str) -> str:
    """Return the path with an unknown id in each place."""
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + str(uuid4()) + rest.partition("}")[2]
    return path


@pytest.fixture
def by_role(engine: Engine) -> dict[Role, dict[str, str]]:
    with writing(engine) as session:
        organisation = an_organisation(session)
        return {role: bearer(a_token(session, a_person(session, organisation, role), organisation)) for role in Role}


def test_the_table_is_not_empty():
    assert len(CLOSED) > 30
    assert len(BY_ROLE) > 25


def test_nobody_gets_in_without_signing_in(client: TestClient):
    for path, method, _ in CLOSED:
        answer = client.request(method, filled(path), headers={"Sec-Fetch-Site": "same-origin"})
        if path.startswith("/api/"):
            assert (answer.status_code, answer.json()["code"]) == (401, "sign-in-needed"), (method, path)
        else:
            assert answer.status_code == 303, (method, path)
            assert answer.headers["location"].startswith("/sign-in"), (method, path)


def test_a_role_that_a_route_does_not_name_is_refused(client: TestClient, by_role: dict[Role, dict[str, str]]):
    for path, method, policy in BY_ROLE:
        assert isinstance(policy.allow, frozenset)
        for role in frozenset(Role) - policy.allow:
            answer = client.request(method, filled(path), headers=by_role[role])
            assert answer.status_code == 403, (method, path, role)


def test_a_token_without_the_scope_is_refused(client: TestClient, engine: Engine):
    with writing(engine) as session:
        organisation = an_organisation(session)
        person = a_person(session, organisation, *Role)
        headers = bearer(a_token(session, person, organisation, scopes=()))
    for path, method, _ in CLOSED:
        answer = client.request(method, filled(path), headers=headers)
        assert answer.status_code == 403, (method, path)


def test_an_unknown_id_is_never_a_server_error(client: TestClient, by_role: dict[Role, dict[str, str]]):
    for path, method, policy in BY_ROLE:
        if "{" not in path or method == "GET":
            continue
        assert isinstance(policy.allow, frozenset)
        for role in policy.allow:
            answer = client.request(method, filled(path), headers=by_role[role], json={})
            assert 400 <= answer.status_code < 500, (method, path, role, answer.text)
