"""`assay model`: the speech models of this machine. The worker's side does it, in a process of its own."""

import subprocess
from typing import Annotated

import typer

from app.settings import load_settings
from app.supervisor.plan import child_environment, python

model = typer.Typer(no_args_is_help=True, help="Speech models of this machine.")


@model.callback()
def group() -> None:
    """Keep `add` a command of its own while it is the only one."""


@model.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Such as base, small, medium, large-v3; or a path.")],
) -> None:
    """Download (or find, or convert) a model for the transcriber of ASSAY_TRANSCRIBER, before the first recording.

    Then set ASSAY_WHISPER_MODEL to its name. `assay doctor` says how good it is.

    Example: assay model add small
    """
    command = python("workers.speech.models", name)
    done = subprocess.run(command, env=child_environment(load_settings()), check=False)
    raise typer.Exit(done.returncode)
