"""Conversion: the sound first, so that transcription starts at once, then the picture; checked, then shown."""

import json
from pathlib import Path
from typing import Any

from app.evidence import custody, processing
from app.evidence.processing import NO_TRANSCRIPT, Key, Made
from app.evidence.reasons import Reason
from app.evidence.stages import mark
from app.evidence.states import EvidenceKind, RenditionKind, StageName, StageState
from app.jobs.engine import Run
from workers.bench import Bench
from workers.evidence.inspect import as_reason
from workers.evidence.long import convert_long, forget_pieces, keep_sound, kept_sound
from workers.evidence.task import Facts, Superseded, Task
from workers.media.check import check_rendition
from workers.media.picture import convert_picture, make_poster
from workers.media.pieces import LONG_MS
from workers.media.preview import LARGEST_BYTES, box_for, copy_preview
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
            custody.damaged(session, task.key.evidence_id, now=task.now())
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
        task.count_media(facts.duration_ms or 0)
        return
    _preview(task, facts, found, original)
    playable = _long(task, facts, found, original) if is_long(facts) else _short(task, facts, found, original)
    _finish(task, _shown(task, facts, found, playable), silent=found.audio is None)
    task.count_media(facts.duration_ms or 0)
    if is_long(facts):
        forget_pieces(task, facts)


def _preview(task: Task, facts: Facts, found: Probe, original: Path) -> None:
    """Show the candidate what arrived, within seconds, where browsers play it as it is."""
    box = box_for(found)
    if box is None or K.PREVIEW in facts.made or facts.size_bytes > LARGEST_BYTES:
        return
    copy = copy_preview(
        original, found, box, duration_ms=facts.duration_ms or 0, out_dir=_out(original), tools=task.bench.tools
    )
    if copy is None:
        return
    made = task.store(facts, copy, K.PREVIEW, box.media_type)
    copy.unlink()
    with task.run.saving(FETCHED) as session:
        processing.publish(session, task.key, [made])
        mark(session, task.key.evidence_id, task.stage, now=task.now(), progress=FETCHED)


def is_long(facts: Facts) -> bool:
    """Tell whether a video is converted in pieces, each of which survives a killed worker."""
    return (facts.duration_ms or 0) > LONG_MS


def _audio(task: Task, facts: Facts, found: Probe, original: Path) -> list[Made]:
    """Make all of a sound recording in one pass; transcription may begin when this returns."""
    sound = _sound(task, facts, found, original, high=SEEN)
    if sound.playable is None:
        raise ToolFailed("no playable was made")
    _check(task, facts, found, sound.playable)
    _publish_sound(task, facts, sound)
    return [task.store(facts, sound.playable, K.PLAYABLE, "audio/mp4")]


def _short(task: Task, facts: Facts, found: Probe, original: Path) -> Path:
    if found.audio and is_heard(facts):
        _hear_again(task)
    elif found.audio:
        _publish_sound(task, facts, _sound(task, facts, found, original, high=HEARD))
    return convert_picture(
        original,
        found,
        duration_ms=facts.duration_ms or 0,
        out_dir=_out(original),
        tools=task.bench.tools,
        on_progress=task.teller(HEARD, SEEN),
        cancelled=task.halted,
    )


def _long(task: Task, facts: Facts, found: Probe, original: Path) -> Path:
    sound = _long_sound(task, facts, found, original) if found.audio else None
    return convert_long(task, facts, found, original, sound, low=HEARD, high=SEEN)


def _long_sound(task: Task, facts: Facts, found: Probe, original: Path) -> Path | None:
    """Return the encoded sound of the whole: an earlier attempt's, else this one's, which is published too."""
    out = _out(original)
    if is_heard(facts) and (kept := kept_sound(task, facts, out)):
        _hear_again(task)
        return kept
    sound = _sound(task, facts, found, original, high=HEARD)
    if sound.playable:
        keep_sound(task, facts, sound.playable)
    _publish_sound(task, facts, sound)
    return sound.playable


def _hear_again(task: Task) -> None:
    """Begin transcription if this is a new generation; within one the job is there already."""
    with task.run.saving() as session:
        processing.hear_again(session, task.key, now=task.now())


def is_heard(facts: Facts) -> bool:
    """Tell whether an earlier attempt has made the sound."""
    return {K.SPEECH, K.WAVEFORM} <= facts.made.keys()


def _sound(task: Task, facts: Facts, found: Probe, original: Path, *, high: float) -> Sound:
    return convert_sound(
        original,
        found,
        duration_ms=facts.duration_ms or 0,
        out_dir=_out(original),
        tools=task.bench.tools,
        playable=facts.kind is EvidenceKind.AUDIO or is_long(facts),
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


def _shown(task: Task, facts: Facts, found: Probe, playable: Path) -> list[Made]:
    """Check what was made of a video, take its poster and store both."""
    _check(task, facts, found, playable)
    poster = make_poster(playable, duration_ms=facts.duration_ms or 0, out_dir=playable.parent, tools=task.bench.tools)
    return [
        task.store(facts, playable, K.PLAYABLE, "video/mp4"),
        task.store(facts, poster, K.POSTER, "image/jpeg"),
    ]


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
