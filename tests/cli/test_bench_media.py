"""`assay bench media` measures and leaves nothing behind. How much it measures is no matter of a test."""

import json
import tempfile
from pathlib import Path

from tests.cli.running import Shell


def test_the_measurement_of_media_works_in_a_place_of_its_own(tmp_path: Path):
    before = set(Path(tempfile.gettempdir()).glob("assay-bench-*"))
    answer = Shell(tmp_path).assay("bench", "media", "--seconds", "5", "--json")
    assert answer.returncode == 0, answer.stderr
    figures = json.loads(answer.stdout)
    assert figures["pipeline"]["cpu_s"] > 0
    assert figures["ratio"] > 0
    assert set(Path(tempfile.gettempdir()).glob("assay-bench-*")) <= before
