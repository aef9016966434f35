"""Transcription: chunk by chunk, each a committed row, so that a killed job goes on where it stopped."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from sqlalchemy import delete
from sqlmodel import Session, col, select

from app.db.engine import reading
from app.evidence import captions, processing
from app.evidence.models import Transcript as TranscriptRow
from app.evidence.models import TranscriptChunk
from app.evidence.processing import Key, Made
from app.evidence.reasons import Reason
from app.evidence.states import RenditionKind, StageName, StageState
from app.evidence.transcripts import Detected, Transcript
from app.jobs.engine import Run
from workers.bench import Bench
from workers.evidence.task import Facts, Superseded, Task
from workers.media.probe import ToolFailed
from workers.speech.client import LanguageNotTranscribed, SpeechChild, TranscriberStopped, TranscriberTooSlow
from workers.speech.plans import ChunkResult, Plan, join, together

log = logging.getLogger(__name__)
FETCHED = 0.03
UNSURE_BELOW = 0.6  # mean probability of the words: below it a transcript is a draft
OTHER_LANGUAGE = Reason(
    "language-not-transcribed",
    "There is no automatic transcript for this language. The recording can be judged without.",
)
OTHER_THAN_DECLARED = Reason(
    "language-differs",
    "This sounds like another language than the declared one: %(language)s. The transcript may be wrong; the "
    "recording counts as it is.",
)
NO_SPEECH = Reason("no-speech", "No speech was found in this recording.")


def transcribe(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Hear the speech WAV that the conversion made. No speech is a result; so is a language without a model."""
    task = Task(bench, run, Key.from_args(args), StageName.TRANSCRIBE)
    try:
        facts = task.begin()
        with task.folder() as folder, bench.transcribers.one() as child:
            _hear(task, facts, folder, child)
    except Superseded:
        return
    except LanguageNotTranscribed:
        with run.finishing() as session:
            processing.transcribed(session, task.key, state=StageState.SKIPPED, now=task.now(), message=OTHER_LANGUAGE)
    except (TranscriberStopped, TranscriberTooSlow) as error:
        task.check()
        raise ToolFailed(str(error)) from error  # counts as a try: a recording that kills its reader must end


def _hear(task: Task, facts: Facts, folder: Path, child: SpeechChild) -> None:
    speech, wav = facts.made[RenditionKind.SPEECH], folder / "speech.wav"
    digest = task.fetch(speech.object_key, wav, size_bytes=speech.size_bytes, tell=task.teller(0, FETCHED))
    if digest != speech.sha256:
        raise ToolFailed("the stored speech differs from what the conversion stored")
    plan = child.plan(wav, language=facts.language)
    if plan.wav_sha256 != digest:
        raise ToolFailed("the transcriber made a plan for another recording")
    results = _kept(task, plan)
    tell = task.teller(FETCHED)
    missing = [index for index in range(len(plan.chunks)) if index not in results]
    for indices in together(missing):
        tell(len(results) / len(plan.chunks))
        heard = child.transcribe(wav, plan=plan, indices=indices)
        _keep(task, plan, heard)
        results |= {result.index: result for result in heard}
    transcript = join(plan, list(results.values()))
    if transcript.dropped:
        log.info("left out %d stretches where the model repeated itself", len(transcript.dropped))
    _finish(task, facts, plan, transcript)


def _kept(task: Task, plan: Plan) -> dict[int, ChunkResult]:
    """Return the chunks that an earlier attempt finished under the same plan."""
    mine = select(TranscriptChunk).where(
        TranscriptChunk.evidence_id == task.key.evidence_id, TranscriptChunk.plan == plan.id
    )
    with reading(task.bench.engine) as session:
        return {row.index: _result(plan, row) for row in session.exec(mine)}


def _result(plan: Plan, row: TranscriptChunk) -> ChunkResult:
    return ChunkResult.from_json(
        {"plan_id": plan.id, "index": row.index, "segments": row.segments, "dropped": row.dropped, "guess": row.guess}
    )


def _keep(task: Task, plan: Plan, results: Sequence[ChunkResult]) -> None:
    with task.run.saving() as session:
        for result in results:
            session.merge(_row(task.key, plan, result))
        task.run.advanced(session)
    for result in results:
        chunk = plan.chunks[result.index]
        task.count_media(chunk.end_ms - chunk.start_ms)


def _row(key: Key, plan: Plan, result: ChunkResult) -> TranscriptChunk:
    chunk, stored = plan.chunks[result.index], result.to_json()
    return TranscriptChunk(
        evidence_id=key.evidence_id,
        plan=plan.id,
        index=result.index,
        start_ms=chunk.start_ms,
        end_ms=chunk.end_ms,
        segments=stored["segments"],
        dropped=stored["dropped"],
        guess=stored["guess"],
    )


def _finish(task: Task, facts: Facts, plan: Plan, transcript: Transcript) -> None:
    shown = captions.webvtt(transcript).encode()
    made = task.store_bytes(facts, shown, "captions.vtt", RenditionKind.CAPTIONS, "text/vtt; charset=utf-8")
    with task.run.finishing() as session:
        _store(session, task, transcript, made)
        _forget_other_plans(session, task.key, plan.id)
        message = _message(transcript)
        processing.transcribed(
            session, task.key, state=StageState.DONE, now=task.now(), message=message, warnings=_warnings(transcript)
        )


def _message(transcript: Transcript) -> Reason | None:
    if not transcript.segments:
        return NO_SPEECH
    if transcript.detected is None:
        return None
    return Reason(OTHER_THAN_DECLARED.code, OTHER_THAN_DECLARED.message, {"language": _name(transcript.detected)})


def _name(detected: Detected) -> str:
    """Return a language's name in that language: right for every reader."""
    try:
        return Locale.parse(detected.language).get_display_name() or detected.language
    except (UnknownLocaleError, ValueError):
        return detected.language


def _store(session: Session, task: Task, transcript: Transcript, made: Made) -> None:
    processing.publish(session, task.key, [made])
    session.merge(
        TranscriptRow(
            evidence_id=task.key.evidence_id,
            language=transcript.language,
            model=transcript.model,
            body=transcript.to_json(),
            created_at=task.now(),
        )
    )


def _forget_other_plans(session: Session, key: Key, plan_id: str) -> None:
    others = (col(TranscriptChunk.evidence_id) == key.evidence_id, col(TranscriptChunk.plan) != plan_id)
    session.connection().execute(delete(TranscriptChunk).where(*others))


def _warnings(transcript: Transcript) -> list[str]:
    confidence = transcript.confidence
    return ["unsure-transcript"] if confidence is not None and confidence < UNSURE_BELOW else []
