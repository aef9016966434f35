"""Conversion: the sound first, so that transcription starts at once, then the picture; checked, then shown."""

import json
from pathlib import Path
from typing import Any

from app.evidence import processing
from app.evidence.processing import Key, Made
from app.evidence.stages import mark
from app.evidence.states import EvidenceKind, RenditionKind, StageName
from app.jobs.engine import Run
from workers.bench import Bench
from workers.evidence.converting import (
    FETCHED,
    HEARD,
    SEEN,
    attempt,
    check,
    fetch_original,
    finish,
    finish_video,
    out_of,
)
from workers.evidence.long import has_sound, is_long, keep_sound, share_out
from workers.evidence.task import Facts, Task
from workers.media.picture import convert_picture
from workers.media.preview import LARGEST_BYTES, box_for, copy_preview
from workers.media.probe import Probe, ToolFailed, probe
from workers.media.sound import Sound, convert_sound

VERY_QUIET_LUFS = -45.0
K = RenditionKind


def convert(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Make what people play and hear, and what transcription reads; show it in the fenced commit.

    Of a long video this is the sound; the picture is shared out to any workers.
    """
    task = Task(bench, run, Key.from_args(args), StageName.CONVERT)
    with attempt(task):
        facts = task.begin()
        with task.folder() as folder:
            _convert(task, facts, folder)


def _convert(task: Task, facts: Facts, folder: Path) -> None:
    original = folder / "original"
    fetch_original(task, facts, original, tell=task.teller(0, FETCHED))
    found = probe(original, tools=task.bench.tools, scratch=folder)
    if facts.kind is EvidenceKind.AUDIO:
        finish(task, facts, _audio(task, facts, found, original))
        return
    _preview(task, facts, found, original)
    if found.audio:
        _hear(task, facts, found, original)
    if is_long(facts):
        share_out(task, facts)
    else:
        finish_video(task, facts, found, _picture(task, facts, found, original))


def _preview(task: Task, facts: Facts, found: Probe, original: Path) -> None:
    """Show the candidate what arrived, within seconds, where browsers play it as it is."""
    box = box_for(found)
    if box is None or K.PREVIEW in facts.made or facts.size_bytes > LARGEST_BYTES:
        return
    copy = copy_preview(
        original,
        found,
        box,
        duration_ms=facts.duration_ms or 0,
        out_dir=out_of(original.parent),
        tools=task.bench.tools,
    )
    if copy is None:
        return
    made = task.store(facts, copy, K.PREVIEW, box.media_type)
    copy.unlink()
    with task.run.saving(FETCHED) as session:
        processing.publish(session, task.key, [made])
        mark(session, task.key.evidence_id, task.stage, now=task.now(), progress=FETCHED)


def _audio(task: Task, facts: Facts, found: Probe, original: Path) -> list[Made]:
    """Make all of a sound recording in one pass; transcription may begin when this returns."""
    sound = _sound(task, facts, found, original, high=SEEN)
    if sound.playable is None:
        raise ToolFailed("no playable was made")
    check(task, facts, found, sound.playable)
    _publish_sound(task, facts, sound)
    return [task.store(facts, sound.playable, K.PLAYABLE, "audio/mp4")]


def _picture(task: Task, facts: Facts, found: Probe, original: Path) -> Path:
    return convert_picture(
        original,
        found,
        duration_ms=facts.duration_ms or 0,
        out_dir=out_of(original.parent),
        tools=task.bench.tools,
        on_progress=task.teller(HEARD, SEEN),
        cancelled=task.halted,
    )


def _hear(task: Task, facts: Facts, found: Probe, original: Path) -> None:
    """Make the sound and let transcription begin, unless an earlier attempt has made it."""
    if is_heard(facts) and (not is_long(facts) or has_sound(task, facts)):
        with task.run.saving() as session:  # of a new generation; within one the job is there already
            processing.hear_again(session, task.key, now=task.now())
        return
    sound = _sound(task, facts, found, original, high=HEARD)
    if sound.playable:
        keep_sound(task, facts, sound.playable)
    _publish_sound(task, facts, sound)


def is_heard(facts: Facts) -> bool:
    """Tell whether an earlier attempt has made the sound."""
    return {K.SPEECH, K.WAVEFORM} <= facts.made.keys()


def _sound(task: Task, facts: Facts, found: Probe, original: Path, *, high: float) -> Sound:
    return convert_sound(
        original,
        found,
        duration_ms=facts.duration_ms or 0,
        out_dir=out_of(original.parent),
        tools=task.bench.tools,
        playable=facts.kind is EvidenceKind.AUDIO or is_long(facts),
        on_progress=task.teller(FETCHED, high),
        cancelled=task.halted,
    )


def _publish_sound(task: Task, facts: Facts, sound: Sound) -> None:
    """Store what the first pass made and let transcription begin: a short unit of its own, under the fence."""
    silences = [{"start_ms": one.start_ms, "end_ms": one.end_ms} for one in sound.levels.silences]
    made = [
        task.store(facts, sound.speech_wav, K.SPEECH, "audio/wav"),
        task.store_bytes(facts, _waveform(sound, silences), "waveform.json", K.WAVEFORM, "application/json"),
    ]
    quiet = sound.loudness_lufs is None or sound.loudness_lufs < VERY_QUIET_LUFS
    with task.run.saving() as session:
        processing.publish(session, task.key, made)
        processing.heard(session, task.key, silences=silences, warnings=["very-quiet"] if quiet else [], now=task.now())


def _waveform(sound: Sound, silences: list[dict[str, int]]) -> bytes:
    body = {
        "version": 1,
        "duration_ms": sound.levels.duration_ms,
        "bucket_ms": sound.levels.bucket_ms,
        "peaks": sound.levels.peaks,
        "peak_db": sound.levels.peak_db,
        "loudness_lufs": sound.loudness_lufs,
        "silences": silences,
    }
    return json.dumps(body, separators=(",", ":")).encode()
