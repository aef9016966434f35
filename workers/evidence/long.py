"""Long videos, piece by piece: each finished piece lies in the storage, so that a killed job goes on where it stopped.

Pieces are named by what decides their content, not by the attempt: any attempt may use what another has made.
"""

import hashlib
import json
from pathlib import Path

from workers.evidence.task import Facts, Task
from workers.media.picture import ENCODING
from workers.media.pieces import PIECE_S, Piece, convert_piece, join, pieces
from workers.media.probe import Probe
from workers.media.sound import PLAYABLE

PIECE_TYPE, SOUND_TYPE = "video/mp2t", "audio/mp4"


def convert_long(
    task: Task, facts: Facts, found: Probe, original: Path, sound: Path | None, *, low: float, high: float
) -> Path:
    """Make the playable of a long video; `low` and `high` are the shares of the stage that this takes."""
    out, duration_ms = original.with_name("out"), facts.duration_ms or 0
    parts = pieces(duration_ms)
    for piece in parts:
        begin = low + (high - low) * piece.index / len(parts)
        _make_sure(task, facts, found, original, piece, begin=begin, end=begin + (high - low) / len(parts))
    files = [_at_hand(task, facts, piece, out) for piece in parts]
    return join(files, sound, duration_ms=duration_ms, out_dir=out, tools=task.bench.tools)


def _make_sure(
    task: Task, facts: Facts, found: Probe, original: Path, piece: Piece, *, begin: float, end: float
) -> None:
    """Convert a piece unless an earlier attempt has; when this returns it is in the storage."""
    task.check()
    key = piece_key(task, facts, piece)
    if task.bench.storage.head(key) is not None:
        return
    made = convert_piece(
        original,
        found,
        piece,
        duration_ms=facts.duration_ms or 0,
        out_dir=original.with_name("out"),
        tools=task.bench.tools,
        on_progress=task.teller(begin, end),
        cancelled=task.halted,
    )
    task.bench.storage.put_file(key, made, media_type=PIECE_TYPE)
    with task.run.saving() as session:
        task.run.advanced(session)


def _at_hand(task: Task, facts: Facts, piece: Piece, out: Path) -> Path:
    """Return the local file of a piece, fetched if an earlier attempt made it."""
    path = out / f"piece-{piece.index:04}.ts"
    if not path.exists():
        task.check()
        task.bench.storage.download(piece_key(task, facts, piece), path)
    return path


def keep_sound(task: Task, facts: Facts, sound: Path) -> None:
    """Store the encoded sound for the attempt that joins the pieces."""
    task.bench.storage.put_file(sound_key(task, facts), sound, media_type=SOUND_TYPE)


def kept_sound(task: Task, facts: Facts, out: Path) -> Path | None:
    """Return the sound that an earlier attempt encoded, or None."""
    if task.bench.storage.head(sound_key(task, facts)) is None:
        return None
    path = out / "playable.m4a"
    task.bench.storage.download(sound_key(task, facts), path)
    return path


def forget_pieces(task: Task, facts: Facts) -> None:
    """Delete what nobody needs once the playable is shown."""
    task.bench.storage.delete_all(f"{facts.prefix}pieces-")


def piece_key(task: Task, facts: Facts, piece: Piece) -> str:
    """Return where a piece lies."""
    return f"{facts.prefix}pieces-{_recipe(task, facts)}/{piece.index:04}.ts"


def sound_key(task: Task, facts: Facts) -> str:
    """Return where the sound of the whole lies until the pieces are joined."""
    return f"{facts.prefix}pieces-{_recipe(task, facts)}/sound.m4a"


def _recipe(task: Task, facts: Facts) -> str:
    """Return a digest of all that decides what a piece looks like."""
    decides = [facts.sha256, PIECE_S, ENCODING, PLAYABLE, task.bench.tools.binaries.version]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
