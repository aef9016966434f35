"""`assay org`, `person`, `token`, `login-link`: people and their ways in, for the operator."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from app.accounts.calendar import calendar, set_calendar
from app.accounts.people import (
    NewPerson,
    add_organisation,
    add_person,
    list_people,
    organisation_by_code,
    person_by_email,
)
from app.accounts.sign_in import make_link, make_token, organisation_of, set_password
from app.actor import Role, Scope
from app.cli.output import AsJson, read_unit, show, write_unit
from app.errors import Invalid
from app.settings import load_settings

org = typer.Typer(no_args_is_help=True, help="Organisations (awarding bodies).")
person = typer.Typer(no_args_is_help=True, help="People and their roles.")
token = typer.Typer(no_args_is_help=True, help="Tokens for the JSON API.")

LEAST_PASSWORD = 12

Email = Annotated[str, typer.Option(help="The person's e-mail address.")]
OrgCode = Annotated[str, typer.Option("--org", help="Code of the organisation.")]


@org.command("add")
def add_org(
    code: Annotated[str, typer.Option(help="Small letters, digits and hyphens.")],
    name: Annotated[str, typer.Option(help="The full name.")],
    as_json: AsJson = False,
) -> None:
    """Add an organisation.

    Example: assay org add --code banking --name "Banking Institute"
    """
    with write_unit() as session:
        made = add_organisation(session, code=code, name=name, now=datetime.now(UTC))
        answer = {"id": str(made.id), "code": made.code, "name": made.name}
    show(answer, as_json=as_json)


@org.command("calendar")
def org_calendar(
    code: Annotated[str, typer.Option(help="Code of the organisation.")],
    time_zone: Annotated[str | None, typer.Option(help="Such as Africa/Cairo.")] = None,
    weekend: Annotated[str | None, typer.Option(help="Days of rest with commas, such as fri,sat.")] = None,
    holiday: Annotated[list[str] | None, typer.Option(help="Such as 2027-01-07; give all. `none`: none.")] = None,
    judge_within: Annotated[int | None, typer.Option(help="Working days until a judgement is due.")] = None,
    answer_within: Annotated[int | None, typer.Option(help="Working days until candidates hear.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the working days of an organisation, or change what is given.

    Example: assay org calendar --code banking --time-zone Africa/Cairo --weekend fri,sat --holiday 2027-01-07
    """
    given = {
        "zone": time_zone,
        "weekend": None if weekend is None else frozenset(day for day in weekend.lower().split(",") if day),
        "holidays": None if holiday is None else frozenset(_day(each) for each in holiday if each != "none"),
        "judge_within": judge_within,
        "answer_within": answer_within,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    with write_unit() as session:
        organisation = organisation_by_code(session, code)
        if changes:
            new = replace(calendar(organisation), **changes)  # type: ignore[arg-type]  # each of its field's type
            set_calendar(session, organisation=organisation, new=new, now=datetime.now(UTC))
        kept = calendar(organisation)
    show({"time_zone": kept.zone, **kept.to_json()}, as_json=as_json)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise Invalid("A holiday is a day such as 2027-01-07, not %(given)s.", given=written) from error


@person.command("add")
def add(
    email: Email,
    name: Annotated[str, typer.Option(help="The full name.")],
    org_code: OrgCode,
    role: Annotated[list[Role], typer.Option(help="May be given more than once.")],
    name_ar: Annotated[str | None, typer.Option(help="The name in Arabic.")] = None,
    rubric: Annotated[list[str] | None, typer.Option(help="Limit the roles to these rubric codes.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day of the roles, such as 2027-06-30 (UTC).")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a person, or give a known person further roles.

    Example: assay person add --email amira@example.org --name "Amira Nasser" --org banking --role assessor
    """
    new = NewPerson(
        email=email,
        name=name,
        roles=tuple(role),
        name_ar=name_ar,
        rubrics=tuple(rubric) if rubric else None,
        until=_end_of_day(until) if until else None,
    )
    with write_unit() as session:
        organisation = organisation_by_code(session, org_code)
        made = add_person(session, organisation_id=organisation.id, new=new, now=datetime.now(UTC))
        listed = next(each for each in list_people(session) if each.id == made.id)
    show({"id": str(made.id), "email": made.email, "name": made.name, "roles": listed.roles}, as_json=as_json)


@person.command("password")
def password(
    email: Annotated[str, typer.Option("--person", help="The person's e-mail address.")],
    secret: Annotated[
        str,
        typer.Option(
            "--password",
            prompt="New password",
            hide_input=True,
            confirmation_prompt=True,
            help="Asked for if left out.",
        ),
    ],
) -> None:
    """Set a person's password; it is asked for, and every session of the person ends.

    Example: assay person password --person amira@example.org
    """
    if len(secret) < LEAST_PASSWORD:
        raise Invalid("A password has at least %(least)s characters.", least=str(LEAST_PASSWORD))
    with write_unit() as session:
        set_password(session, person=person_by_email(session, email), password=secret, now=datetime.now(UTC))
    print("The password is set.")


@person.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List everybody with their roles.

    Example: assay person list --json
    """
    with read_unit() as session:
        people = list_people(session)
    if as_json:
        items = [{"id": str(p.id), "email": p.email, "name": p.name, "roles": p.roles} for p in people]
        show({"items": items}, as_json=True)
        return
    for each in people:
        print(f"{each.email}  {each.name}  ({', '.join(each.roles)})")


@token.command("add")
def add_token(
    email: Annotated[str, typer.Option("--person", help="The person's e-mail address.")],
    days: Annotated[int | None, typer.Option(min=1, help="How long it holds; without: until revoked.")] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="Less than the roles allow; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token. It is shown once.

    Example: assay token add --person amira@example.org --days 30 --json
    """
    now = datetime.now(UTC)
    with write_unit() as session:
        owner = person_by_email(session, email)
        made = make_token(
            session,
            person=owner,
            organisation_id=organisation_of(session, owner, now=now),
            now=now,
            days=days,
            scopes=tuple(scope) if scope else None,
        )
    show({"token": made}, as_json=as_json)


def login_link(
    email: Annotated[str, typer.Option("--person", help="The person's e-mail address.")],
    next_path: Annotated[str, typer.Option("--next", help="Where the link leads after signing in.")] = "/",
    as_json: AsJson = False,
) -> None:
    """Make a sign-in link: works once, for 15 minutes.

    Example: assay login-link --person amira@example.org --next /queue
    """
    if not next_path.startswith("/") or next_path.startswith(("//", "/\\")):
        raise Invalid("--next is a path of this site, such as /queue.")
    settings = load_settings()
    with write_unit() as session:
        secret = make_link(session, person=person_by_email(session, email), now=datetime.now(UTC), next_path=next_path)
    show({"url": f"{settings.base_url}/sign-in/{secret}"}, as_json=as_json)


def _end_of_day(text: str) -> datetime:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Invalid("--until is a day such as 2027-06-30.") from error
    return day.replace(hour=23, minute=59, second=59)
