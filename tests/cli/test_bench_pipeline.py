"""`assay bench pipeline` (and so `media`) measures and leaves nothing behind. What it measures is no matter of a test."""

import json
import tempfile
from pathlib import Path

from tests.cli.running import Shell


def test_the_measurement_of_the_pipeline_works_in_a_place_of_its_own(tmp_path: Path):
    before = set(Path(tempfile.gettempdir()).glob("assay-bench-*"))
    answer = Shell(tmp_path).assay("bench", "pipeline", "--seconds", "5", "--json")
    assert answer.returncode == 0, answer.stderr
    figures = json.loads(answer.stdout)
    sides = [figures[name] for name in ("pipeline", "in_sequence", "same_settings")]
    assert all(side["cpu_s"] > 0 and side["wall_s"] > 0 for side in sides)
    assert figures["wall_ratio"] > 0
    assert figures["cpu_ratio"] > 0
    assert set(Path(tempfile.gettempdir()).glob("assay-bench-*")) <= before
