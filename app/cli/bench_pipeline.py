"""What the measurement of the whole pipeline consists of: from a complete upload to picture, sound and every word."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.cli.bench_media import by_hand
from app.cli.bench_worker import Used, installation, median, recording, through, worker
from app.evidence.states import StageName

SHORT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class PipelineFigures:
    """Medians of all rounds, model loading left out.

    `in_sequence`: the calls of ffmpeg that give our files, then the call that the command `whisper` makes.
    `same_settings`: the same calls of ffmpeg, then openai-whisper's with our settings on our even sound.
    `wall_ratio` is against the first, `cpu_ratio` against the second.
    """

    seconds: int
    rounds: int
    pipeline: Used
    in_sequence: Used
    same_settings: Used
    wall_ratio: float
    cpu_ratio: float


def measure(*, seconds: int, rounds: int) -> PipelineFigures:
    """Measure in turns, so that what else the machine does hits both alike."""
    ours, plain, same = list[Used](), list[Used](), list[Used]()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name, installation(Path(name)) as settings:
        short, talk = recording(settings, seconds=SHORT_SECONDS), recording(settings, seconds=seconds)
        for _ in range(rounds):
            converted, heard, greedy = (by_hand(settings, act, talk) for act in ("convert", "whisper", "greedy"))
            plain.append(_both(converted, heard))
            same.append(_both(converted, greedy))
            with worker(settings, "media", "speech") as place:
                through(place, short, StageName.CONVERT, StageName.TRANSCRIBE)  # loads the model
                ours.append(through(place, talk, StageName.CONVERT, StageName.TRANSCRIBE))
    pipeline, in_sequence, same_settings = median(ours), median(plain), median(same)
    return PipelineFigures(
        seconds,
        rounds,
        pipeline,
        in_sequence,
        same_settings,
        round(pipeline.wall_s / in_sequence.wall_s, 3),
        round(pipeline.cpu_s / same_settings.cpu_s, 3),
    )


def _both(one: Used, other: Used) -> Used:
    return Used(one.cpu_s + other.cpu_s, one.wall_s + other.wall_s)
