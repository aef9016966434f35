"""The import contracts catch what they are there for: one planted violation each."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLANTED = [
    ("Imports go one way", "app/review/queue.py", "import app.validation.lots"),
    ("The site starts without workers and heavy libraries", "app/review/api.py", "import app.validation.posterior"),
    ("Nothing in app imports workers", "app/jobs/service.py", "import workers"),
    ("Rules are pure", "app/assessments/rules.py", "import sqlmodel"),
    ("Models, rules, services, queries and workers know no web", "app/review/models.py", "import starlette"),
]


@pytest.mark.parametrize(("contract", "file", "line"), PLANTED)
def test_a_planted_violation_is_caught(tmp_path: Path, contract: str, file: str, line: str):
    for package in ("app", "workers"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("static", "*.pyc", "contexts")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / file).open("a") as source:
        source.write(f"\n{line}\n")
    found = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1, found.stdout
    assert f"{contract} BROKEN" in found.stdout
