"""The root of `assay`: its groups, and how errors end (one sentence on stderr, exit status 2).

A command is imported when it is asked for: all of them together take a second of processor time and what the site
needs, 60 MB, which `assay up` and `assay work` would hold for nothing.
"""

import sys
from pkgutil import resolve_name

import typer

from app.errors import AssayError

# In the order of `assay --help`.
COMMANDS = {
    "demo": "app.cli.demo:demo",
    "doctor": "app.cli.doctor:doctor",
    "copy": "app.cli.copy:copy_command",
    "serve": "app.cli.serving:serve_command",
    "work": "app.cli.processes:work",
    "up": "app.cli.processes:up",
    "init": "app.cli.processes:init",
    "migrate": "app.cli.processes:migrate",
    "login-link": "app.cli.accounts:login_link",
}
GROUPS = {
    "org": "app.cli.accounts:org",
    "person": "app.cli.accounts:person",
    "token": "app.cli.accounts:token",
    "credential": "app.cli.credential:credential",
    "framework": "app.cli.frameworks:framework",
    "evidence": "app.cli.evidence:evidence",
    "identity": "app.cli.identity:identity",
    "storage": "app.cli.storage:storage",
    "audit": "app.cli.audit:audit",
    "sample": "app.cli.sample:sample",
    "jobs": "app.cli.jobs:jobs",
    "bench": "app.cli.bench:bench",
    "model": "app.cli.model:model",
}
HELP = (
    "Competence proved by evidence. Settings come from ASSAY_... variables (README lists them).\n\n"
    "Example: assay up --port 8000 --data ./var"
)


def root(wanted: str | None = None) -> typer.Typer:
    """Return the command line: with one command alone, or with all of them when it is none that we know."""
    made = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=HELP,
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=lambda: None,  # without it a single command would take the place of the root
    )
    alone = wanted in COMMANDS or wanted in GROUPS
    for name, place in COMMANDS.items():
        if not alone or name == wanted:
            made.command(name)(resolve_name(place))
    for name, place in GROUPS.items():
        if not alone or name == wanted:
            made.add_typer(resolve_name(place), name=name)
    return made


def main() -> None:
    """Run the command line. A refusal is one sentence on stderr and exit status 2; a bug keeps its traceback."""
    try:
        root(sys.argv[1] if len(sys.argv) > 1 else None)(prog_name="assay")
    except AssayError as error:
        sys.exit(fail(error))


def fail(error: AssayError) -> int:
    """Print a refusal and return the exit status for it."""
    sys.stderr.write(f"{error}\n")
    for each in error.errors:
        sys.stderr.write(f"  {each.field}: {each.message}\n")
    return 2
