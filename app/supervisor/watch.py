"""Starts the parts in order, restarts what ends by itself, stops them in reverse order."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from types import FrameType

from app.errors import Unavailable
from app.supervisor.parts import Part, end, tail

READY_SECONDS = 120.0
POLL_SECONDS = 0.1
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY_SECONDS = 60.0  # a part that ran this long starts again without delay
LOG_LINES = 6
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked us to stop while the parts were still starting."""


@dataclass(slots=True)
class Running:
    """A part that should be running, with the process of now."""

    part: Part
    process: subprocess.Popen[bytes]
    since: float
    deaths: int = 0
    due: float | None = None


class Supervisor:
    """For the main thread only: signals arrive there, and a child dies with the thread that made it."""

    def __init__(self, *, say: Callable[[str], None]) -> None:
        self._say = say
        self._groups: list[list[Running]] = []
        self._stopping = False  # no Event: a signal handler that sets one can lock out the thread that it interrupts

    def listen(self) -> None:
        """Take Ctrl+C, SIGTERM and SIGHUP as the wish to stop in order."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)

    @property
    def stopping(self) -> bool:
        """Whether we have been asked to stop."""
        return self._stopping

    def start(self, parts: Sequence[Part]) -> None:
        """Start these parts together and wait until each is ready. Raises Stopped, or Unavailable."""
        group: list[Running] = []
        self._groups.append(group)
        group.extend(Running(part, part.start(), time.monotonic()) for part in parts)
        limit = time.monotonic() + READY_SECONDS
        for running in group:
            while not running.part.ready():
                self._still_starting(running, limit)
            self._say(f"{running.part.name}: ready")

    def run(self, *, while_running: Callable[[], bool] = lambda: True) -> None:
        """Watch the parts until somebody asks us to stop, or `while_running` says no."""
        while not self._stopping and while_running():
            self.look()
            time.sleep(POLL_SECONDS)

    def look(self) -> None:
        """See to each part once: restart what has ended, after a delay that grows."""
        for running in chain.from_iterable(self._groups):
            if running.due is None and running.process.poll() is not None:
                self._ended(running)
            if running.due is not None and time.monotonic() >= running.due and not self.stopping:
                self._start_again(running)

    def ask_to_restart(self, name: str) -> None:
        """Ask a part to end; it starts again as if it had ended by itself."""
        for running in chain.from_iterable(self._groups):
            if running.part.name == name and running.process.poll() is None:
                running.process.terminate()

    def stop(self) -> None:
        """Stop all parts: the group started last first, the parts of a group together."""
        while self._groups:
            group = self._groups.pop()
            for running in group:
                if running.process.poll() is None:
                    running.process.terminate()
            for running in group:
                end(running.process, seconds=running.part.stop_seconds)

    def _start_again(self, running: Running) -> None:
        try:
            running.process = running.part.start()
        except Unavailable as error:
            self._say(f"{running.part.name}: {error}")
            running.deaths += 1
            running.due = time.monotonic() + _delay(running.deaths)
            return
        running.due, running.since = None, time.monotonic()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _still_starting(self, running: Running, limit: float) -> None:
        time.sleep(POLL_SECONDS)
        if self._stopping:
            raise Stopped
        if running.process.poll() is not None or time.monotonic() > limit:
            log = "\n".join(f"  {line}" for line in tail(running.part.log, lines=LOG_LINES))
            where = f"The end of {running.part.log}:\n{log}" if running.part.log else "Its output above says why."
            raise Unavailable(f"{running.part.name} did not start. {where}")

    def _ended(self, running: Running) -> None:
        steady = time.monotonic() - running.since > STEADY_SECONDS
        running.deaths = 1 if steady else running.deaths + 1
        delay = _delay(running.deaths)
        running.due = time.monotonic() + delay
        code = running.process.returncode
        end_of_log = " End of its log:" if running.part.log else ""
        self._say(f"{running.part.name}: ended by itself ({code}), starts again in {delay:g} s.{end_of_log}")
        for line in tail(running.part.log, lines=LOG_LINES):
            self._say(f"  {line}")


def _delay(deaths: int) -> float:
    return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** (deaths - 1)))
