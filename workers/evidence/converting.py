"""What all jobs of a conversion have in common: the original at hand, how an attempt ends, how the result is shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import NotFound
from app.evidence import custody, processing
from app.evidence.processing import NO_TRANSCRIPT, Made
from app.evidence.reasons import Reason
from app.evidence.states import RenditionKind, StageState
from workers.evidence.inspect import as_reason
from workers.evidence.task import Facts, Superseded, Task
from workers.media.check import check_rendition
from workers.media.picture import make_poster
from workers.media.probe import Probe, ToolFailed, Unreadable

FETCHED, HEARD, SEEN = 0.05, 0.15, 0.95  # shares of the stage, as they are for a video


class Refused(Exception):
    """The original turned out to be unusable while it was converted."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


class Changed(Exception):
    """The stored original has another digest than at inspection."""


@contextmanager
def attempt(task: Task) -> Iterator[None]:
    """End the evidence where the attempt inside finds that it must; failures of ours go on to the engine."""
    try:
        yield
    except Superseded:
        return
    except Changed:
        with task.run.finishing() as session:
            custody.damaged(session, task.key.evidence_id, now=task.now())
    except Refused as refused:
        _reject(task, refused.reason)
    except Unreadable as error:
        _reject(task, Reason(error.code, error.detail))
    except ToolFailed:
        task.check()  # a tool that was ended because this attempt has to stop has not failed
        raise


def _reject(task: Task, reason: Reason) -> None:
    with task.run.finishing() as session:
        processing.rejected(session, task.key, task.stage, reason, now=task.now())


def fetch_original(task: Task, facts: Facts, original: Path, *, tell: Callable[[float], None]) -> None:
    """Bring the original to a local path of our naming, without an extension: ffmpeg believes extensions.

    Raises Changed unless it is the one that was inspected.
    """
    try:
        digest = task.fetch(facts.object_key, original, size_bytes=facts.size_bytes, tell=tell)
    except NotFound as error:  # inspected, and gone since
        raise Changed from error
    if digest != facts.sha256:
        raise Changed


def out_of(folder: Path) -> Path:
    """Return the only folder that a tool may write to."""
    out = folder / "out"
    out.mkdir(exist_ok=True)
    return out


def check(task: Task, facts: Facts, found: Probe, playable: Path) -> None:
    """Look at a rendition before anybody else does. Raises Refused."""
    wrong = check_rendition(
        playable, original=found, duration_ms=facts.duration_ms or 0, tools=task.bench.tools, scratch=playable.parent
    )
    if wrong:
        raise Refused(as_reason(wrong))


def finish_video(task: Task, facts: Facts, found: Probe, playable: Path) -> None:
    """Check what was made of a video, take its poster, and show both."""
    check(task, facts, found, playable)
    poster = make_poster(playable, duration_ms=facts.duration_ms or 0, out_dir=playable.parent, tools=task.bench.tools)
    made = [
        task.store(facts, playable, RenditionKind.PLAYABLE, "video/mp4"),
        task.store(facts, poster, RenditionKind.POSTER, "image/jpeg"),
    ]
    finish(task, facts, made, silent=found.audio is None)


def finish(task: Task, facts: Facts, made: list[Made], *, silent: bool = False) -> None:
    """Show what was made, in the fenced commit."""
    with task.run.finishing() as session:
        processing.publish(session, task.key, made)
        if silent:
            processing.transcribed(session, task.key, state=StageState.SKIPPED, now=task.now(), message=NO_TRANSCRIPT)
        processing.converted(session, task.key, now=task.now())
    task.count_media(facts.duration_ms or 0)
