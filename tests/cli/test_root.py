"""The command line loads what a command needs, and knows every command."""

import subprocess
import sys

import pytest
from alembic.script import ScriptDirectory

from app.cli.root import COMMANDS, GROUPS, root
from app.db.engine import make_engine
from app.schema import migrate
from app.supervisor.plan import import_path

HEAVY = ("alembic", "pyld", "pyoxigraph", "numpy", "scipy", "torch", "rich.progress")


def test_every_command_can_be_loaded_alone():
    for name in COMMANDS:
        (command,) = root(name).registered_commands
        assert command.name == name
    for name in GROUPS:
        (group,) = root(name).registered_groups
        assert group.name == name


def test_an_unknown_command_is_looked_for_among_all():
    everything = root("no-such-command")
    assert len(everything.registered_commands) == len(COMMANDS)
    assert len(everything.registered_groups) == len(GROUPS)


@pytest.mark.parametrize("module", ["app.main", "app.cli.serving", "app.cli.processes", "app.cli.accounts"])
def test_what_runs_for_long_or_often_loads_nothing_heavy(module: str):
    code = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": import_path()}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_the_newest_revision_is_found_without_the_library():
    engine = make_engine("sqlite:///nowhere.sqlite3")
    assert ScriptDirectory.from_config(migrate.configuration(engine)).get_current_head() == migrate.newest()
