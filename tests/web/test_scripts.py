"""The pure parts of the scripts, tested where they run: by Node's own test runner."""

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent / "js"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is needed only by people who change the scripts")
def test_pure_parts_of_the_scripts():
    files = sorted(str(path) for path in TESTS.glob("*.test.mjs"))
    assert files
    run = subprocess.run(["node", "--test", *files], check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
