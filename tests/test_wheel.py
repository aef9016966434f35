"""The wheel holds all that runs: code, templates, static files, catalogues, contexts, demonstration."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_every_file_of_the_three_packages(tmp_path: Path) -> None:
    build = ["-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--quiet", "-w", str(tmp_path)]
    subprocess.run([sys.executable, *build], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("assay_platform-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    listed = ["git", "ls-files", "--cached", "app", "workers", "templates"]
    tracked = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    assert tracked
    assert set(tracked) <= held
    assert any(name.endswith("licenses/NOTICE") for name in held)
