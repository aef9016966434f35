"""API section 4.3: evidence, its media by signed addresses, its transcript. Every look at content is recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import Any
from urllib.parse import urlencode

from sqlmodel import Session, col, select
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from app.errors import Conflict, NotFound
from app.evidence import captions, scanning
from app.evidence.access import READERS, Reader, log_view, reader_of_evidence
from app.evidence.answers import own_evidence_json
from app.evidence.api import EVIDENCE, hooks_of
from app.evidence.corrections import as_judged
from app.evidence.models import Evidence, Rendition, Submission, TranscriptChunk
from app.evidence.models import Transcript as TranscriptRow
from app.evidence.show import LISTED, evidence_json, numbers_of
from app.evidence.states import EvidenceState, RenditionKind
from app.evidence.transcripts import Segment, Span, Transcript
from app.web.call import Call, NoForm
from app.web.routing import get, slow_get

FOUND = 302
NO_ORIGINAL = frozenset({EvidenceState.UPLOADING, EvidenceState.ERASED})
ENDINGS = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mp3", ".m4a", ".wav", ".aac", ".flac", ".ogg", ".oga"}
    | {".opus", ".docx", ".pdf", ".txt", ".md"}
)
SEALED = {"Content-Security-Policy": "sandbox; default-src 'none'"}


@dataclass(frozen=True, slots=True)
class Subtitles:
    """A form of the transcript as a file."""

    media_type: str
    write: Callable[[Transcript], str]


SUBTITLES = {
    "vtt": Subtitles("text/vtt", captions.webvtt),
    "srt": Subtitles("application/x-subrip", captions.srt),
    "txt": Subtitles("text/plain", captions.plain_text),
}


def _readable(call: Call[Any], session: Session) -> tuple[Evidence, Reader]:
    return reader_of_evidence(
        session,
        actor=call.actor,
        evidence_id=call.path_id("evidence_id"),
        reason=call.query("reason"),
        lease_until=hooks_of(call).lease_until,
        now=call.now,
    )


def show(call: Call[NoForm]) -> Response:
    """Return evidence with its stages and renditions."""
    evidence, reader = _readable(call, call.session)
    if reader.is_staff:
        return call.json(evidence_json(call.session, [evidence], staff=True, translate=call._)[0])
    return call.json(own_evidence_json(call.session, [evidence], translate=call._)[0])


def _logged_get(
    call: Call[Any], evidence: Evidence, reader: Reader, *, what: str, key: str, **signing: Any
) -> Response:
    """Answer 302 to a signed address that honours Range; its life is that of the claim and the media (rule 10)."""
    longest = timedelta(seconds=call.settings.media_address_seconds)
    life = reader.life(evidence.duration_ms, now=call.now, longest=longest)
    url = call.storage.sign_get(key, life=life, **signing)
    with call.writing() as session:
        log_view(session, evidence, reader, what=what, actor=call.actor, now=call.now)
    return RedirectResponse(url, status_code=FOUND)


def rendition_of(session: Session, evidence: Evidence, kind: RenditionKind) -> Rendition:
    """Return a derived file; NotFound `not-there-yet` while there is none."""
    wanted = select(Rendition).where(Rendition.evidence_id == evidence.id, col(Rendition.kind) == kind)
    found = session.exec(wanted).first()
    if found is None:
        raise NotFound("This is not there yet, or this evidence has none.", code="not-there-yet")
    return found


def _seen_by(session: Session, evidence: Evidence, reader: Reader, kind: RenditionKind) -> Rendition:
    """Return what this reader gets. A preview is for its candidate, and is the playable as soon as there is one.

    So a player that shows the preview goes on where it was when its address runs out.
    """
    if kind is not RenditionKind.PREVIEW:
        return rendition_of(session, evidence, kind)
    if reader.is_staff:
        raise NotFound("This is not there yet, or this evidence has none.", code="not-there-yet")
    try:
        return rendition_of(session, evidence, RenditionKind.PLAYABLE)
    except NotFound:
        return rendition_of(session, evidence, kind)


def _showing(kind: RenditionKind) -> Callable[[Call[NoForm]], Response]:
    def show_rendition(call: Call[NoForm]) -> Response:
        """Redirect to an address of the storage that holds for a while."""
        with call.reading() as session:
            evidence, reader = _readable(call, session)
            rendition = _seen_by(session, evidence, reader, kind)
        return _logged_get(
            call, evidence, reader, what=kind.value, key=rendition.object_key, media_type=rendition.media_type
        )

    return show_rendition


def captions_file(call: Call[NoForm]) -> Response:
    """Send the captions that the worker stored, or, once a word was corrected, those of the corrected transcript."""
    with call.reading() as session:
        evidence, _ = _readable(call, session)
        row = session.get(TranscriptRow, evidence.id)
    if row is not None and row.corrections:
        said = f"?{urlencode({'reason': reason})}" if (reason := call.query("reason")) else ""
        path = call.url("api:subtitles", evidence_id=evidence.id, form="vtt")
        return RedirectResponse(path + said, status_code=FOUND)
    return _showing(RenditionKind.CAPTIONS)(call)


def original(call: Call[NoForm]) -> Response:
    """Send the original as a file to be saved, never to be shown: what people upload may be a page with scripts."""
    with call.reading() as session:
        evidence, reader = _readable(call, session)
        number = numbers_of(session, [evidence.submission_id]).get(evidence.id, 0)
        withheld = scanning.is_withheld(session, evidence, is_staff=reader.is_staff)
    if evidence.state in NO_ORIGINAL:
        raise NotFound("There is no original: it is not complete yet, or it was erased.", code="not-there-yet")
    if withheld:
        raise Conflict("This file is not handed out: its virus check is not passed.", code="not-scanned")
    name = f"Evidence {number}{_ending(evidence)}" if reader.is_staff else evidence.name
    return _logged_get(call, evidence, reader, what="original", key=evidence.object_key, attachment=name)


def _ending(evidence: Evidence) -> str:
    """Return how the file name ends, if that is the ending of a recording or document: never of a program."""
    ending = PurePath(evidence.name).suffix.lower()
    return ending if ending in ENDINGS else ".bin"


def _transcript(call: Call[NoForm]) -> tuple[Transcript, bool]:
    """Return the transcript as far as it is, and whether that is all of it; the look is recorded."""
    with call.reading() as session:
        evidence, reader = _readable(call, session)
        row = session.get(TranscriptRow, evidence.id)
        found = Transcript.from_json(row.body) if row else _growing(session, evidence)
        if found is not None and row is not None and reader.by == "lease":
            found = as_judged(found, row.corrections, call.actor)
    if found is None:
        raise NotFound("There is no transcript yet, or this evidence has none.", code="not-there-yet")
    with call.writing() as session:
        log_view(session, evidence, reader, what="transcript", actor=call.actor, now=call.now)
    return found, row is not None


def _growing(session: Session, evidence: Evidence) -> Transcript | None:
    """Put together what is transcribed so far, so that an assessor can begin before the end."""
    wanted = select(TranscriptChunk).where(TranscriptChunk.evidence_id == evidence.id)
    chunks = session.exec(wanted.order_by(col(TranscriptChunk.index))).all()
    if not chunks:
        return None
    plan = max({chunk.plan for chunk in chunks}, key=lambda plan: sum(chunk.plan == plan for chunk in chunks))
    segments = tuple(Segment.from_json(each) for chunk in chunks if chunk.plan == plan for each in chunk.segments)
    language = session.get_one(Submission, evidence.submission_id).language
    return Transcript(language, "", segments, tuple(Span.from_json(each) for each in evidence.silences))


def transcript(call: Call[NoForm]) -> Response:
    """Return what was said, word by word with times."""
    found, is_whole = _transcript(call)
    return call.json({**found.to_json(), "complete": is_whole})


def subtitles(call: Call[NoForm]) -> Response:
    """Return the transcript as vtt, srt or txt."""
    form = SUBTITLES.get(call.path("form"))
    if form is None:
        raise NotFound("There is nothing at this address.")
    found, _ = _transcript(call)
    return PlainTextResponse(form.write(found), media_type=form.media_type, headers=SEALED)


LOOKS = "300/minute"  # each leaves a line in the audit trail, which nobody can ever shorten
MAY: dict[str, Any] = {"allow": READERS, "limit": LOOKS}
routes = [
    get(EVIDENCE, show, name="api:evidence", allow=READERS),
    slow_get(EVIDENCE + "/original", original, name="api:original", **MAY),
    slow_get(EVIDENCE + "/transcript", transcript, name="api:transcript", **MAY),
    slow_get(EVIDENCE + "/transcript.{form}", subtitles, name="api:subtitles", **MAY),
    slow_get(EVIDENCE + "/captions", captions_file, name="api:captions", **MAY),
    *[
        slow_get(f"{EVIDENCE}/{kind.value}", _showing(kind), name=f"api:{kind.value}", **MAY)
        for kind in sorted(LISTED - {RenditionKind.CAPTIONS})
    ],
]
