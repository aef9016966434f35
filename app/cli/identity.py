"""`assay identity`: how it is known who is in a submission, recorded and shown from the shell."""

from typing import Annotated

import typer

from app.accounts.people import person_by_email
from app.accounts.sign_in import actor_in
from app.actor import Role
from app.cli.evidence import submission_named
from app.cli.output import AsJson, read_unit, show, write_unit
from app.db.clock import now_in
from app.errors import Invalid, NotAllowed
from app.evidence.identity import LONGEST_NOTE, check_json, known
from app.evidence.identity import record as record_identity
from app.evidence.states import Identity

identity = typer.Typer(no_args_is_help=True, help="How it is known who is in a submission.")
Named = Annotated[str, typer.Argument(help="Id or reference of the submission.")]


@identity.command("record")
def record(
    submission: Named,
    how: Annotated[Identity, typer.Option("--identity", help="How it is known.")],
    by: Annotated[str, typer.Option(help="E-mail address of the administrator who knows it.")],
    note: Annotated[str, typer.Option(help="For the file; no judge sees it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record how it is known who is in a submission; a credential prints it as it is.

    Example: assay identity record 7QK2-M9CD --identity document-seen --by admin@example.org --note "Passport seen"
    """
    if len(note) > LONGEST_NOTE:
        raise Invalid("A note has up to %(most)s characters.", most=str(LONGEST_NOTE))
    with write_unit() as session:
        found, now = submission_named(session, submission), now_in(session)
        person = person_by_email(session, by)
        actor = actor_in(session, person_id=person.id, organisation_id=found.organisation_id, now=now)
        if actor is None or not actor.has(Role.ADMINISTRATOR):
            raise NotAllowed("Only an administrator of the submission's organisation records this.")
        made = record_identity(session, actor=actor, submission_id=found.id, identity=how, note=note.strip(), now=now)
        answer = check_json(made)
    show(answer, as_json=as_json)


@identity.command("show")
def show_one(submission: Named, as_json: AsJson = False) -> None:
    """Show what was recorded of a submission, the newest first.

    Example: assay identity show 7QK2-M9CD --json
    """
    with read_unit() as session:
        answer = known(session, submission_named(session, submission))
    show(answer, as_json=as_json)
