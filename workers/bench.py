"""What every job works with: handed in by `workers.main`, so that handlers reach for nothing themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event

from sqlalchemy import Engine

from app.settings import Settings
from app.storage.client import Storage
from workers.evidence.originals import Originals
from workers.media.tools import Tools
from workers.transcribers import Transcribers


@dataclass(frozen=True, slots=True)
class Bench:
    """`folder` is for work files; `stopping` is set when the worker must end and jobs have to be given back."""

    settings: Settings
    engine: Engine
    storage: Storage
    tools: Tools
    transcribers: Transcribers
    folder: Path
    originals: Originals
    stopping: Event
    clock: Callable[[], datetime]
