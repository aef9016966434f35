"""Long videos, piece by piece, by as many workers as there are: each job takes a run of pieces, the last one joins.

Each finished piece lies in the storage, so that a kill costs one of them. Pieces are named by what decides their
content, not by the attempt: any attempt may use what another has made. They are deleted when the stage is over.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from app.errors import NotFound
from app.evidence import sharing
from app.evidence.processing import Key
from app.evidence.states import StageName
from app.jobs.engine import Run
from workers.bench import Bench
from workers.evidence.converting import HEARD, SEEN, attempt, fetch_original, finish_video, out_of
from workers.evidence.task import Facts, Task
from workers.media.picture import ENCODING
from workers.media.pieces import LONG_MS, PIECE_S, Piece, convert_piece, join, pieces
from workers.media.probe import Probe, probe
from workers.media.sound import PLAYABLE, SOUND, convert_sound

log = logging.getLogger("assay.worker.long")
RECIPE = 1  # to be counted up when the filters change: pieces of two releases don't fit together
PIECE_TYPE, SOUND_TYPE = "video/mp2t", "audio/mp4"
PIECES_OF_A_JOB = 10  # short recordings wait for one such job at most, and several workers share the work evenly
FEWEST_JOBS = 2
FETCHED = 0.1  # the share of a job


def is_long(facts: Facts) -> bool:
    """Tell whether a video is converted in pieces. Odd times don't survive the cuts: those go in one pass."""
    return (facts.duration_ms or 0) > LONG_MS and not facts.odd_times


def share_out(task: Task, facts: Facts) -> None:
    """End a job whose sound is done by writing the jobs that convert the picture."""
    count = len(pieces(facts.duration_ms or 0))
    jobs = min(count, max(FEWEST_JOBS, -(-count // PIECES_OF_A_JOB)))
    with task.run.finishing() as session:
        sharing.share_out(session, task.key, jobs=jobs, now=task.now())


def convert_pieces(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Convert a run of pieces, unless that was done before; the last of these jobs has them joined."""
    task = Task(bench, run, Key.from_args(args), StageName.CONVERT)
    with attempt(task):
        facts = task.begin()
        missing = _missing(task, facts, share=args["share"], jobs=args["jobs"])
        if missing:
            with task.folder() as folder:
                _convert(task, facts, folder, missing)
        with run.finishing() as session:
            sharing.pieces_done(session, task.key, now=task.now())


def _missing(task: Task, facts: Facts, *, share: int, jobs: int) -> list[Piece]:
    parts = pieces(facts.duration_ms or 0)
    ours = parts[len(parts) * share // jobs : len(parts) * (share + 1) // jobs]
    return [piece for piece in ours if task.bench.storage.head(piece_key(facts, piece)) is None]


def _convert(task: Task, facts: Facts, folder: Path, parts: Sequence[Piece]) -> None:
    def shown(own: float) -> float:
        return HEARD + (SEEN - HEARD) * own

    with _original(task, facts, tell=task.teller(0, FETCHED, shared=shown)) as original:
        found = probe(original, tools=task.bench.tools, scratch=folder)
        for number, piece in enumerate(parts):
            low, high = (FETCHED + (1 - FETCHED) * done / len(parts) for done in (number, number + 1))
            tell = task.teller(low, high, shared=shown)
            _made(task, facts, found, original, piece, out_of(folder), tell=tell).unlink()


@contextmanager
def _original(task: Task, facts: Facts, *, tell: Callable[[float], None]) -> Iterator[Path]:
    bring = partial(fetch_original, task, facts, tell=tell)
    with task.bench.originals.at_hand(facts.sha256 or "", bring=bring, check=task.check) as original:
        yield original


def _made(
    task: Task,
    facts: Facts,
    found: Probe,
    original: Path,
    piece: Piece,
    out: Path,
    *,
    tell: Callable[[float], None] | None = None,
) -> Path:
    """Convert a piece, store it for the job that joins, and return the file."""
    made = convert_piece(
        original,
        found,
        piece,
        duration_ms=facts.duration_ms or 0,
        out_dir=out,
        tools=task.bench.tools,
        on_progress=tell,
        cancelled=task.halted,
    )
    task.check()
    task.bench.storage.put_file(piece_key(facts, piece), made, media_type=PIECE_TYPE, with_digest=True)
    with task.run.saving() as session:
        task.run.advanced(session)
    return made


def join_pieces(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Put the pieces and the sound together, without encoding anything again, and show the result."""
    task = Task(bench, run, Key.from_args(args), StageName.CONVERT)
    with attempt(task):
        facts = task.begin()
        with task.folder() as folder:
            out, found = out_of(folder), Probe.from_stored(facts.probe)
            parts = pieces(facts.duration_ms or 0)
            sound = out / SOUND if found.audio else None
            _gather(task, facts, found, parts, sound, out)
            files = [out / piece.file for piece in parts]
            playable = join(files, sound, duration_ms=facts.duration_ms or 0, out_dir=out, tools=bench.tools)
            finish_video(task, facts, found, playable)


def _gather(task: Task, facts: Facts, found: Probe, parts: Sequence[Piece], sound: Path | None, out: Path) -> None:
    """Fetch what the other jobs have stored; what is gone or something else by now is made once more."""
    lost = [piece for piece in parts if not _is_brought(task, piece_key(facts, piece), out / piece.file)]
    silent = sound is not None and not _is_brought(task, sound_key(facts), sound)
    if not lost and not silent:
        return
    log.warning("evidence %s: %d stored pieces are made once more", task.key.evidence_id, len(lost) + silent)
    with _original(task, facts, tell=task.teller(SEEN, SEEN)) as original:
        for piece in lost:
            _made(task, facts, found, original, piece, out)
        if silent:
            length_ms, tools = facts.duration_ms or 0, task.bench.tools
            convert_sound(original, found, duration_ms=length_ms, out_dir=out, tools=tools, playable=True)


def _is_brought(task: Task, key: str, path: Path) -> bool:
    """Fetch what another job has stored; False where it isn't that any more."""
    task.check()
    try:
        return task.bench.storage.download_own(key, path)
    except NotFound:
        return False


def keep_sound(task: Task, facts: Facts, sound: Path) -> None:
    """Store the encoded sound for the job that joins the pieces."""
    task.bench.storage.put_file(sound_key(facts), sound, media_type=SOUND_TYPE, with_digest=True)


def has_sound(task: Task, facts: Facts) -> bool:
    """Tell whether an earlier attempt has stored the encoded sound."""
    return task.bench.storage.head(sound_key(facts)) is not None


def piece_key(facts: Facts, piece: Piece) -> str:
    """Return where a piece lies."""
    return f"{facts.prefix}pieces-{_recipe(facts)}/{piece.index:04}.ts"


def sound_key(facts: Facts) -> str:
    """Return where the sound of the whole lies until the pieces are joined."""
    return f"{facts.prefix}pieces-{_recipe(facts)}/sound.m4a"


def _recipe(facts: Facts) -> str:
    """Return a digest of all that decides what a piece looks like, the same on every machine."""
    encoding = {name: value for name, value in ENCODING.items() if name != "threads"}
    decides = [RECIPE, facts.sha256, PIECE_S, encoding, PLAYABLE]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
