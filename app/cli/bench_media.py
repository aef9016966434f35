"""What the measurement of media consists of: the worker's conversion, and the same files made by hand."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.cli.bench_worker import Used, environment, installation, median, recording, through, worker
from app.evidence.states import StageName
from app.settings import Settings
from app.supervisor.plan import python


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """Medians of all rounds. `ratio` is the processor time of the pipeline to that of the plain calls."""

    seconds: int
    rounds: int
    pipeline: Used
    by_hand: Used
    ratio: float
    wall_ratio: float


def measure(*, seconds: int, rounds: int, talk: Path | None) -> MediaFigures:
    """Measure in turns, so that what else the machine does hits both alike."""
    ours, plain = list[Used](), list[Used]()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name, installation(Path(name)) as settings:
        talk = talk or recording(settings, seconds=seconds)
        for _ in range(rounds):
            plain.append(by_hand(settings, "convert", talk))
            with worker(settings, "media") as place:
                ours.append(through(place, talk, StageName.CONVERT))
    pipeline, plainly = median(ours), median(plain)
    ratio, wall = pipeline.cpu_s / plainly.cpu_s, pipeline.wall_s / plainly.wall_s
    return MediaFigures(seconds, rounds, pipeline, plainly, round(ratio, 3), round(wall, 3))


def by_hand(settings: Settings, act: str, talk: Path) -> Used:
    """Run the plain calls for a recording: `convert`, `whisper` or `whisper-greedy` (see workers.byhand)."""
    done = subprocess.run(
        python("workers.byhand", act, str(talk)),
        # passive: on a busy machine the threads of a model would spin for one another's sake, which is no work
        env={**environment(settings), "OMP_WAIT_POLICY": "passive"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Used(**json.loads(done.stdout.splitlines()[-1]))
