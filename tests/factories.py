"""One function per thing, with sensible defaults; a test names only the facts that decide."""

import itertools
from datetime import datetime

from sqlmodel import Session

from app.accounts.models import Organisation, Person
from app.accounts.people import NewPerson, add_organisation, add_person
from app.accounts.sign_in import make_token
from app.actor import Role, Scope
from tests.conftest import NOW

_numbers = itertools.count(1)


def an_organisation(session: Session, *, code: str | None = None, name: str = "Test Institute") -> Organisation:
    return add_organisation(session, code=code or f"institute-{next(_numbers)}", name=name, now=NOW, country="EG")


def a_person(
    session: Session,
    organisation: Organisation,
    *roles: Role,
    name: str | None = None,
    rubrics: tuple[str, ...] | None = None,
) -> Person:
    number = next(_numbers)
    new = NewPerson(email=f"person{number}@example.org", name=name or f"Person {number}", roles=roles, rubrics=rubrics)
    return add_person(session, organisation_id=organisation.id, new=new, now=NOW)


def a_token(
    session: Session, person: Person, organisation: Organisation, *, scopes: tuple[Scope, ...] | None = None
) -> str:
    return make_token(session, person=person, organisation_id=organisation.id, now=NOW, scopes=scopes)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def far_future() -> datetime:
    return NOW.replace(year=2040)
