"""The stage of the demonstration: its organisation, framework, people, tokens and sign-in links.

Made by the services that `assay org`, `framework` and `person` call; what is there already stays.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from sqlmodel import Session

from app.accounts.calendar import Calendar, set_calendar
from app.accounts.models import Organisation, Person
from app.accounts.people import NewPerson, add_organisation, add_person, organisation_by_code, person_by_email
from app.accounts.sign_in import make_link, make_token
from app.db.engine import make_engine, writing
from app.demo.cast import CAST, ORGANISATION, Member
from app.errors import NotFound
from app.frameworks.exchange import import_file, read_file
from app.settings import Settings

TOKEN_DAYS = 2


@dataclass(frozen=True, slots=True)
class Stage:
    """What the player needs: a token for each person by address, and links to print."""

    tokens: dict[str, str]
    links: list[tuple[Member, str]]


def build(settings: Settings) -> Stage:
    """Make or complete the stage in one write unit."""
    engine = make_engine(settings.database)
    now = datetime.now(UTC)
    try:
        with writing(engine) as session:
            organisation = _organisation(session, now)
            content = json.loads((files("app.demo") / "demo-frameworks.json").read_text(encoding="utf-8"))
            import_file(session, file=read_file(content), organisation_id=organisation.id, now=now)
            people = {member.email: _person(session, organisation, member, now) for member in CAST}
            tokens = {
                email: make_token(session, person=person, organisation_id=organisation.id, now=now, days=TOKEN_DAYS)
                for email, person in people.items()
            }
            return Stage(tokens, _links(session, people, settings, now))
    finally:
        engine.dispose()


def _organisation(session: Session, now: datetime) -> Organisation:
    try:
        return organisation_by_code(session, ORGANISATION)
    except NotFound:
        made = add_organisation(
            session,
            code=ORGANISATION,
            name="Demonstration Institute",
            name_ar="المعهد التجريبي",
            country="EG",
            demonstration=True,
            now=now,
        )
        cairo = Calendar(zone="Africa/Cairo", weekend=frozenset({"fri", "sat"}))
        set_calendar(session, organisation=made, new=cairo, now=now)
        return made


def _person(session: Session, organisation: Organisation, member: Member, now: datetime) -> Person:
    try:
        return person_by_email(session, member.email)
    except NotFound:
        new = NewPerson(email=member.email, name=member.name, roles=member.roles, name_ar=member.name_ar)
        return add_person(session, organisation_id=organisation.id, new=new, now=now)


def _links(session: Session, people: dict[str, Person], settings: Settings, now: datetime) -> list[tuple[Member, str]]:
    """Make a link for everybody (the page offers to sign in as any of them) and return those to print."""
    secrets = {member.email: make_link(session, person=people[member.email], now=now, reusable=True) for member in CAST}
    return [(member, f"{settings.base_url}/sign-in/{secrets[member.email]}") for member in CAST if member.shown]
