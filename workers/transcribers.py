"""The speech children of one worker: as many as jobs of the speech queue run at a time, each for one job at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from workers.speech.client import SpeechChild
from workers.speech.starting import SpeechOptions


class Transcribers:
    """Lends a child for the length of a job. A child is started when first asked and kept: its model stays loaded."""

    def __init__(self, options: SpeechOptions, *, count: int) -> None:
        self._children = [SpeechChild(options) for _ in range(count)]
        self._free: SimpleQueue[SpeechChild] = SimpleQueue()
        for child in self._children:
            self._free.put(child)

    @contextmanager
    def one(self) -> Iterator[SpeechChild]:
        """Lend a child, waiting until one is free."""
        child = self._free.get()
        try:
            yield child
        finally:
            self._free.put(child)

    def stop(self) -> None:
        """End all children at once; calls that wait for them fail."""
        for child in self._children:
            child.stop()
