"""Which transcriber a child opens: by the setting TRANSCRIBER. Only the chosen library is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from workers.speech.transcriber import Transcriber
from workers.speech.weights import Weights

ENGINES = {
    "openai-whisper": "workers.speech.openai_engine:open_it",
    "faster-whisper": "workers.speech.faster_engine:open_it",
}
EXTRA = "faster-whisper is not installed: pip install 'assay-platform[fast]', or set ASSAY_TRANSCRIBER=openai-whisper."


MODELS = {
    "openai-whisper": "workers.speech.weights:provide",
    "faster-whisper": "workers.speech.fast_weights:provide_folder",
}


class NotInstalled(Exception):
    """The settings name a transcriber that comes with an extra, and that isn't here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a transcriber is to run: `model` is a name or a path, `device` is `cpu` or `cuda`."""

    model: str
    folder: Path | None = None
    download: bool = True
    device: str = "cpu"
    threads: int = 1


def make_sure_of(transcriber: str) -> None:
    """Raise NotInstalled when the library of a transcriber is missing. Loads nothing."""
    if transcriber == "faster-whisper" and find_spec("faster_whisper") is None:
        raise NotInstalled(EXTRA)


def find_model(transcriber: str, model: str, *, folder: Path | None, download: bool) -> Weights:
    """Return the weights that a transcriber would load. Raises NotInstalled, NoWeights."""
    make_sure_of(transcriber)
    found: Weights = resolve_name(MODELS[transcriber])(model, folder=folder, download=download)
    return found


def open_engine(transcriber: str, wanted: Wanted, *, speech_settings: Mapping[str, Any]) -> Transcriber:
    """Load a transcriber with its model. Raises NotInstalled, NoWeights."""
    make_sure_of(transcriber)
    opened: Transcriber = resolve_name(ENGINES[transcriber])(wanted, speech_settings=speech_settings)
    return opened
