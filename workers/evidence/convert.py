"""Conversion: the sound first, so that transcription starts at once, then the picture; checked, then shown."""

import json
from pathlib import Path
from typing import Any

from app.evidence import processing
from app.evidence.processing import NO_TRANSCRIPT, Key, Made
from app.evidence.reasons import Reason
from app.evidence.states import EvidenceKind, RenditionKind, StageName, StageState
from app.jobs.engine import Run
from workers.bench import Bench
from workers.evidence.inspect import as_reason
from workers.evidence.task import Facts, Superseded, Task
from workers.media.check import check_rendition
from workers.media.picture import convert_picture, make_poster
from workers.media.probe import Probe, ToolFailed, Unreadable, probe
from workers.media.sound import Sound, convert_sound

FETCHED, HEARD, SEEN = 0.05, 0.15, 0.95  # shares of the stage, as they are for a video
VERY_QUIET_LUFS = -45.0
K = RenditionKind


class Refused(Exception):
    """The original turned out to be unusable while it was converted."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


class Changed(Exception):
    """The stored original has another digest than at inspection."""


def convert(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Make what people play and hear, and what transcription reads; show it in the fenced commit."""
    task = Task(bench, run, Key.from_args(args), StageName.CONVERT)
    try:
        facts = task.begin()
        with task.folder() as folder:
            _convert(task, facts, folder)
    except Superseded:
        return
    except Changed:
        with run.finishing() as session:
            processing.damaged(session, task.key.evidence_id, now=task.now())
    except Refused as refused:
        with run.finishing() as session:
            processing.rejected(session, task.key, task.stage, refused.reason, now=task.now())
    except Unreadable as error:
        with run.finishing() as session:
            processing.rejected(session, task.key, task.stage, Reason(error.code, error.detail), now=task.now())
    except ToolFailed:
        task.check()  # a tool that was ended because this attempt has to stop has not failed
        raise


def _convert(task: Task, facts: Facts, folder: Path) -> None:
    original = folder / "original"
    digest = task.fetch(facts.object_key, original, size_bytes=facts.size_bytes, tell=task.teller(0, FETCHED))
    if digest != facts.sha256:
        raise Changed
    found = probe(original, tools=task.bench.tools, scratch=folder)
    if facts.kind is EvidenceKind.AUDIO:
        _finish(task, _audio(task, facts, found, original))
        return
    if found.audio and not {K.SPEECH, K.WAVEFORM} <= facts.made.keys():
        _hear(task, facts, found, original)
    _finish(task, _video(task, facts, found, original), silent=found.audio is None)


def _audio(task: Task, facts: Facts, found: Probe, original: Path) -> list[Made]:
    """Make all of a sound recording in one pass; transcription may begin when this returns."""
    sound = _sound(task, facts, found, original, high=SEEN)
    if sound.playable is None:
        raise ToolFailed("no playable was made")
    _check(task, facts, found, sound.playable)
    _publish_sound(task, facts, sound)
    return [task.store(facts, sound.playable, K.PLAYABLE, "audio/mp4")]


def _hear(task: Task, facts: Facts, found: Probe, original: Path) -> None:
    _publish_sound(task, facts, _sound(task, facts, found, original, high=HEARD))


def _sound(task: Task, facts: Facts, found: Probe, original: Path, *, high: float) -> Sound:
    return convert_sound(
        original,
        found,
        duration_ms=facts.duration_ms or 0,
        out_dir=_out(original),
        tools=task.bench.tools,
        playable=facts.kind is EvidenceKind.AUDIO,
        on_progress=task.teller(FETCHED, high),
        cancelled=task.halted,
    )


def _out(original: Path) -> Path:
    """Return the only folder that a tool may write to."""
    folder = original.with_name("out")
    folder.mkdir(exist_ok=True)
    return folder


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


def _video(task: Task, facts: Facts, found: Probe, original: Path) -> list[Made]:
    duration_ms, out, tools = facts.duration_ms or 0, _out(original), task.bench.tools
    playable = convert_picture(
        original,
        found,
        duration_ms=duration_ms,
        out_dir=out,
        tools=tools,
        on_progress=task.teller(HEARD, SEEN),
        cancelled=task.halted,
    )
    _check(task, facts, found, playable)
    poster = make_poster(playable, duration_ms=duration_ms, out_dir=out, tools=tools)
    return [task.store(facts, playable, K.PLAYABLE, "video/mp4"), task.store(facts, poster, K.POSTER, "image/jpeg")]


def _check(task: Task, facts: Facts, found: Probe, playable: Path) -> None:
    wrong = check_rendition(
        playable,
        original=found,
        duration_ms=facts.duration_ms or 0,
        tools=task.bench.tools,
        scratch=playable.parent,
    )
    if wrong:
        raise Refused(as_reason(wrong))


def _finish(task: Task, made: list[Made], *, silent: bool = False) -> None:
    with task.run.finishing() as session:
        processing.publish(session, task.key, made)
        if silent:
            processing.transcribed(session, task.key, state=StageState.SKIPPED, now=task.now(), message=NO_TRANSCRIPT)
        processing.converted(session, task.key, now=task.now())
