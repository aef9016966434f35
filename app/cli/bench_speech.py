"""`assay bench speech`: transcription against the plain calls of both libraries. The worker's side measures."""

import json
import subprocess
from pathlib import Path
from typing import Any

from app.errors import Unavailable
from app.settings import load_settings
from app.supervisor.plan import child_environment, python


def measure_speech(samples: Path | None, *, repeat: int, rounds: int) -> dict[str, Any]:
    """Return the sides and their ratios. Raises Unavailable when the worker's side fails; it has said why."""
    folder = ["--samples", str(samples.absolute())] if samples else []
    command = python("workers.speech.bench", "--repeat", str(repeat), "--rounds", str(rounds), *folder)
    done = subprocess.run(
        command, env=child_environment(load_settings()), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise Unavailable("The measurement failed; the last lines say why.")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def lines(found: dict[str, Any]) -> list[str]:
    """Return what people read."""
    seconds = found["seconds"]
    return [
        f"{seconds:g} s of joined samples, {found['rounds']} rounds, model loading left out",
        *[
            f"{side['name']}: {side['wall_s']:.1f} s ({seconds / side['wall_s']:.1f} x real time), "
            f"{side['cpu_s']:.1f} s of processor, WER {side['wer']:.3f}, {side['memory_mib']} MiB"
            for side in found["sides"]
        ],
        *[
            f"{ratio['what']} against {ratio['against']}: {ratio['wall']:.2f} x as fast "
            f"(processor {ratio['cpu']:.2f}; the aim is {ratio['aim']:g})"
            for ratio in found["ratios"]
        ],
    ]
