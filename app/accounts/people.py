"""Organisations, people and their memberships."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from app.accounts.models import Membership, Organisation, Person
from app.actor import Role
from app.audit.service import append
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.ids import new_id
from app.text import has_control_characters

CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What is needed to add a person to an organisation. `rubrics` None = every rubric."""

    email: str
    name: str
    roles: tuple[Role, ...]
    name_ar: str | None = None
    rubrics: tuple[str, ...] | None = None
    until: datetime | None = None


def add_organisation(
    session: Session,
    *,
    code: str,
    name: str,
    now: datetime,
    name_ar: str | None = None,
    country: str | None = None,
    demonstration: bool = False,
) -> Organisation:
    """Add an awarding body. Conflict when its code is taken."""
    if not CODE.fullmatch(code):
        raise Invalid("A code has 2 to 41 small letters, digits and hyphens, such as central-bank-institute.")
    _check_name(name, "name")
    if session.exec(select(Organisation).where(Organisation.code == code)).first():
        raise Conflict("There is an organisation with the code %(taken)s already.", code="code-taken", taken=code)
    organisation = Organisation(
        code=code, name=name, name_ar=name_ar, country=country, demonstration=demonstration, created_at=now
    )
    session.add(organisation)
    session.flush()
    append(
        session,
        action="organisation.added",
        subject=f"organisation:{organisation.id}",
        now=now,
        organisation_id=organisation.id,
    )
    return organisation


def organisation_by_code(session: Session, code: str) -> Organisation:
    """Return an organisation; NotFound with a hint when there is none of this code."""
    organisation = session.exec(select(Organisation).where(Organisation.code == code)).first()
    if organisation is None:
        raise NotFound("There is no organisation with the code %(wanted)s.", wanted=code)
    return organisation


def person_by_email(session: Session, email: str) -> Person:
    """Return a person; NotFound when nobody has this address."""
    person = session.exec(select(Person).where(Person.email == email.strip().lower())).first()
    if person is None:
        raise NotFound("Nobody here has the address %(email)s. `assay person list` names everybody.", email=email)
    return person


def add_person(session: Session, *, organisation_id: UUID, new: NewPerson, now: datetime) -> Person:
    """Add a person, or further roles to a person who is known already (people are deployment-wide)."""
    email = new.email.strip().lower()
    if not EMAIL.fullmatch(email):
        raise Invalid("This is not an e-mail address.", errors=(FieldError("email", "This is not an e-mail address."),))
    _check_name(new.name, "name")
    if new.name_ar:
        _check_name(new.name_ar, "name_ar")
    person = session.exec(select(Person).where(Person.email == email)).first()
    if person is None:
        person = Person(id=new_id(), email=email, name=new.name.strip(), name_ar=new.name_ar, created_at=now)
        session.add(person)
        session.flush()
    for role in new.roles:
        _grant(session, organisation_id=organisation_id, person=person, role=role, new=new, now=now)
    return person


def _grant(
    session: Session, *, organisation_id: UUID, person: Person, role: Role, new: NewPerson, now: datetime
) -> None:
    held = session.exec(
        select(Membership).where(
            Membership.organisation_id == organisation_id,
            Membership.person_id == person.id,
            Membership.role == role,
        )
    ).first()
    rubrics = list(new.rubrics) if new.rubrics is not None else None
    membership = held or Membership(
        organisation_id=organisation_id, person_id=person.id, role=role, starts_at=now, rubrics=rubrics
    )
    membership.rubrics, membership.until = rubrics, new.until
    session.add(membership)
    append(
        session,
        action="role.granted",
        subject=f"person:{person.id}",
        now=now,
        organisation_id=organisation_id,
        body={"role": role.value, "rubrics": rubrics, "until": new.until.isoformat() if new.until else None},
    )


def _check_name(name: str, field: str) -> None:
    if not name.strip() or has_control_characters(name):
        message = "A name is needed, without control characters."
        raise Invalid(message, errors=(FieldError(field, message),))


@dataclass(frozen=True, slots=True)
class Listed:
    """A person as `assay person list` shows them."""

    id: UUID
    email: str
    name: str
    roles: list[str]


def list_people(session: Session) -> list[Listed]:
    """List everybody with their roles, by address."""
    roles: dict[UUID, list[str]] = {}
    for membership in session.exec(select(Membership)):
        roles.setdefault(membership.person_id, []).append(membership.role.value)
    people = session.exec(select(Person).order_by(col(Person.email)))
    return [Listed(person.id, person.email, person.name, sorted(set(roles.get(person.id, [])))) for person in people]
