"""The root of `assay`: its groups, and how errors end (one sentence on stderr, exit status 2)."""

import sys

import typer

from app.cli import accounts, audit, bench, credential, frameworks, jobs, processes, storage
from app.cli.copy import copy_command
from app.cli.demo import demo
from app.cli.doctor import doctor
from app.cli.sample import sample
from app.errors import AssayError

root = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Competence proved by evidence. Settings come from ASSAY_... variables (README lists them).\n\n"
    "Example: assay up --port 8000 --data ./var",
    context_settings={"help_option_names": ["-h", "--help"]},
)
root.command("demo")(demo)
root.command("doctor")(doctor)
root.command("copy")(copy_command)
processes.register(root)
root.add_typer(accounts.org, name="org")
root.add_typer(accounts.person, name="person")
root.add_typer(accounts.token, name="token")
root.command("login-link")(accounts.login_link)
root.add_typer(credential.credential, name="credential")
root.add_typer(frameworks.framework, name="framework")
root.add_typer(storage.storage, name="storage")
root.add_typer(audit.audit, name="audit")
root.add_typer(sample, name="sample")
root.add_typer(jobs.jobs, name="jobs")
root.add_typer(bench.bench, name="bench")


def main() -> None:
    """Run the command line. A refusal is one sentence on stderr and exit status 2; a bug keeps its traceback."""
    try:
        root(prog_name="assay")
    except AssayError as error:
        sys.exit(fail(error))


def fail(error: AssayError) -> int:
    """Print a refusal and return the exit status for it."""
    sys.stderr.write(f"{error}\n")
    for each in error.errors:
        sys.stderr.write(f"  {each.field}: {each.message}\n")
    return 2
