"""`assay demo`: `assay up`, and a story played against it."""

import shutil
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli.processes import DataDir, Port, say
from app.demo.player import play
from app.demo.sending import Interrupted
from app.demo.stage import Stage
from app.errors import AssayError, Conflict
from app.settings import Settings, load_settings
from app.supervisor import folder
from app.supervisor.run import Ready, run

MARK = "demonstration"  # a file that says: nothing but a demonstration lies in this folder


def demo(
    port: Port = 8000,
    data: DataDir = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove what an earlier demonstration left.")] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Don't open a browser.")] = False,
) -> None:
    """Run everything on this machine with people, recordings and results. Ctrl+C stops it; a new start continues.

    Example: assay demo --port 8000 --fresh
    """
    settings = load_settings(demo=True) if data is None else load_settings(demo=True, data_dir=data)
    if fresh:
        start_afresh(settings.data_dir)
    mark(settings.data_dir)
    opened = not no_open and sys.stdout.isatty()

    def when_ready(ready: Ready) -> None:
        threading.Thread(target=_play, args=(ready,), kwargs={"opened": opened}, daemon=True, name="player").start()

    run(settings, port=port, workers=1, say=say, when_ready=when_ready)


def mark(data_dir: Path) -> None:
    """Mark an empty folder as a demonstration's, so that `--fresh` may clear it; others are never cleared."""
    data_dir.mkdir(parents=True, exist_ok=True)
    if not any(path.name != "supervisor.lock" for path in data_dir.iterdir()):
        (data_dir / MARK).touch()


def start_afresh(data_dir: Path) -> None:
    """Remove everything of an earlier demonstration. Conflict for a folder that holds anything else."""
    if not data_dir.exists() or not any(data_dir.iterdir()):
        return
    if not (data_dir / MARK).exists():
        raise Conflict(
            "%(folder)s holds data that no demonstration made: it is left alone. Choose another folder with --data.",
            folder=str(data_dir),
        )
    with folder.lock(data_dir):
        for path in data_dir.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "supervisor.lock":
                path.unlink()


def _play(ready: Ready, *, opened: bool) -> None:
    """Play beside the supervisor; a failure leaves the site running and says what is wrong."""
    console = Console(file=sys.stdout, soft_wrap=True)

    def when_played(stage: Stage) -> None:
        _announce(ready.settings)
        for member, link in stage.links:
            say(f"  {', '.join(role.value for role in member.roles):<28} {member.name:<14} {link}")
        say("Ctrl+C stops everything; starting again continues; --fresh begins anew. Transcripts are being written:")
        if opened:
            webbrowser.open(ready.settings.base_url)

    try:
        play(ready.settings, console=console, stopping=ready.stopping, when_played=when_played)
    except Interrupted:
        return
    except AssayError as error:
        if not ready.stopping():
            say(f"The demonstration is not complete: {error}")
            _announce(ready.settings)
        return
    say("The demonstration is complete.")


def _announce(settings: Settings) -> None:
    say("")
    say(f"Assay runs at {settings.base_url}")
