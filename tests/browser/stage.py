"""People, recordings and texts for the browser tests: stored as the pipeline leaves them, in the real storage."""

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import col, select

from app.accounts.models import Organisation, Person
from app.accounts.sign_in import make_link
from app.actor import Actor, Role, Scope
from app.assessments.forms import SendForm
from app.db.engine import writing
from app.demo.recordings import SAMPLES
from app.evidence.models import Evidence, Phrase, Rendition, Submission, Transcript
from app.evidence.states import EvidenceKind, EvidenceState, RenditionKind
from app.evidence.texts import Part, WrittenText, put_together, read_text
from app.frameworks.exchange import import_file, read_file
from app.frameworks.models import RubricVersion
from app.ids import new_id
from app.main import review_hooks
from app.review import claims
from app.review.hooks import Taking
from app.review.sending import send
from app.storage.client import Storage
from app.validation.lots import close_lot
from app.validation.models import Lot
from app.validation.plans import SamplingPlan
from app.validation.policies import set_plan
from tests.factories import a_judgement, a_person, a_submission, an_organisation, demo_content
from workers.media.binaries import find_binaries
from workers.media.levels import measure_levels

CLIPS = ("en-librivox-1.flac", "en-fleurs-1.flac", "en-librivox-2.flac")
PAUSE_MS = 2500
RATE = 8000


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording made once for all tests: what people play, its words and its peaks."""

    media: Path
    kind: EvidenceKind
    duration_ms: int
    transcript: dict[str, Any]
    peaks: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """An organisation with its people and the demo rubrics."""

    engine: Engine
    storage: Storage
    organisation: Organisation
    assessor: Person
    validator: Person
    lead: Person

    def rubric(self, code: str) -> RubricVersion:
        with writing(self.engine) as session:
            return session.exec(select(RubricVersion).where(RubricVersion.code == code)).one()

    def person(self, role: Role, name: str) -> Person:
        with writing(self.engine) as session:
            return a_person(session, self.organisation, role, name=name)

    def actor(self, person: Person, role: Role) -> Actor:
        return Actor(
            person_id=person.id,
            name=person.name,
            email=person.email,
            organisation_id=self.organisation.id,
            organisation_name=self.organisation.name,
            roles=frozenset({role}),
            rubrics={},
            scopes=frozenset(Scope),
        )

    def judged(self, recording: Recording, levels: dict[str, int] | int, *, by: Person | None = None) -> UUID:
        """Store a submission and let the assessor judge it: it joins the assessor's open lot."""
        submission_id = self.submission(recording)
        actor, hooks, now = self.actor(by or self.assessor, Role.ASSESSOR), review_hooks(), datetime.now(UTC)
        with writing(self.engine) as session:
            taking = Taking(actor, now, timedelta(minutes=15), hooks)
            made = claims.claim(session, submission_id=submission_id, by=taking)
            evidence = session.exec(select(Evidence).where(Evidence.submission_id == submission_id)).one()
            body = a_judgement(evidence.id, level=levels if isinstance(levels, int) else 2)
            if isinstance(levels, dict):
                for score in body["scores"]:
                    score["level"] = levels.get(score["criterion"], 2)
            body["scores"][0]["note"] = "Asks two questions before any detail."
            body["comments"] = [{"evidence_id": str(evidence.id), "start_ms": 9000, "text": "Clear and calm here."}]
            form = SendForm.model_validate(body)
            send(session, actor=actor, claim_id=made.id, form=form, now=now, hooks=hooks)
        return submission_id

    def plan(self, **changes: object) -> None:
        """Set a sampling plan for lots opened from now on."""
        plan = SamplingPlan.model_validate(demo_content()["sampling_plans"][0] | changes)
        with writing(self.engine) as session:
            set_plan(session, organisation_id=self.organisation.id, rubric_code=None, plan=plan, now=datetime.now(UTC))

    def lot(self, *, of: Person | None = None) -> Lot:
        """Return the assessor's newest lot."""
        with writing(self.engine) as session:
            wanted = select(Lot).where(Lot.assessor_id == (of or self.assessor).id)
            return session.exec(wanted.order_by(col(Lot.opened_audit_seq).desc())).all()[0]

    def close(self, lot: Lot) -> None:
        with writing(self.engine) as session:
            close_lot(session, lot=session.get_one(Lot, lot.id), now=datetime.now(UTC), why="early")

    def link(self, person: Person) -> str:
        """Return the path that signs this person in."""
        with writing(self.engine) as session:
            return "/sign-in/" + make_link(session, person=person, now=datetime.now(UTC))

    def submission(self, recording: Recording, *, code: str = "teller-service-call", **facts: Any) -> UUID:
        """Store a submission with this recording, ready to be judged."""
        rubric = self.rubric(code)
        with writing(self.engine) as session:
            made = a_submission(
                session,
                self.organisation,
                rubric=rubric,
                duration_ms=recording.duration_ms,
                **({"ready_at": datetime.now(UTC) - timedelta(hours=3)} | facts),
            )
            evidence = session.exec(select(Evidence).where(Evidence.submission_id == made.id)).one()
            evidence.kind = recording.kind
            session.add(
                Transcript(
                    evidence_id=evidence.id,
                    language=made.language,
                    model="test",
                    body=recording.transcript,
                    created_at=datetime.now(UTC),
                )
            )
            self._rendition(session, evidence, RenditionKind.PLAYABLE, recording.media.read_bytes(), "video/mp4")
            peaks = json.dumps(recording.peaks).encode()
            self._rendition(session, evidence, RenditionKind.WAVEFORM, peaks, "application/json")
            return made.id

    def phrase(self, submission_id: UUID, words: str) -> None:
        """Let the recording of a submission be one that these words were drawn for."""
        with writing(self.engine) as session:
            drawn = Phrase(submission_id=submission_id, language="en", text=words, drawn_at=datetime.now(UTC))
            session.add(drawn)
            session.flush()
            session.exec(select(Evidence).where(Evidence.submission_id == submission_id)).one().phrase_id = drawn.id

    def text(self, submission_id: UUID, words: str) -> UUID:
        """Add a text to a submission."""
        return self._written(submission_id, read_text(words), EvidenceKind.TEXT, "reflection.txt")

    def document(self, submission_id: UUID, parts: list[Part]) -> UUID:
        """Add a Word document that nobody scanned; its original is no real one."""
        return self._written(submission_id, put_together(parts), EvidenceKind.DOCUMENT, "my report.docx")

    def _written(self, submission_id: UUID, text: WrittenText, kind: EvidenceKind, name: str) -> UUID:
        with writing(self.engine) as session:
            submission = session.get_one(Submission, submission_id)
            evidence = Evidence(
                organisation_id=submission.organisation_id,
                submission_id=submission.id,
                position=2,
                kind=kind,
                name=name,
                media_type="text/plain",
                state=EvidenceState.READY,
                object_key=f"e/{new_id()}",
                sha256="cd" * 32,
                size_bytes=len(text.content),
                words=text.words,
                warnings=["not-scanned"] if kind is EvidenceKind.DOCUMENT else [],
                created_at=datetime.now(UTC),
            )
            session.add(evidence)
            session.flush()
            self.storage.put_bytes(evidence.object_key, b"the original", media_type="application/pdf")
            self._rendition(session, evidence, RenditionKind.TEXT, text.rendition, "application/json")
            return evidence.id

    def _rendition(
        self, session: Any, evidence: Evidence, kind: RenditionKind, content: bytes, media_type: str
    ) -> None:
        key = f"r/{evidence.id}/{kind.value}"
        self.storage.put_bytes(key, content, media_type=media_type)
        session.add(
            Rendition(
                evidence_id=evidence.id,
                kind=kind,
                media_type=media_type,
                size_bytes=len(content),
                sha256="ef" * 32,
                object_key=key,
            )
        )


def a_stage(engine: Engine, storage: Storage) -> Stage:
    with writing(engine) as session:
        organisation = an_organisation(session, name="Nile Banking Institute")
        import_file(session, file=read_file(demo_content()), organisation_id=organisation.id, now=datetime.now(UTC))
        return Stage(
            engine=engine,
            storage=storage,
            organisation=organisation,
            assessor=a_person(session, organisation, Role.ASSESSOR, name="Nadia Kamel"),
            validator=a_person(session, organisation, Role.VALIDATOR, name="Youssef Adel"),
            lead=a_person(session, organisation, Role.LEAD_VALIDATOR, name="Salma Rushdi"),
        )


def make_recording(folder: Path, *, kind: EvidenceKind) -> Recording:
    """Join spoken samples with pauses between them; the words are spread evenly over each sample."""
    tools = find_binaries(cache=folder)
    said = json.loads((SAMPLES / "transcripts.json").read_text())
    segments, sources, at = [], [], 0
    for number, clip in enumerate(CLIPS):
        length = _length_ms(tools.ffprobe, SAMPLES / clip)
        segments.append(_segment(said[clip]["text"], at, length, unsure=number == 1))
        sources += ["-i", str(SAMPLES / clip)]
        at += length + PAUSE_MS
    media = folder / f"{kind.value}.mp4"
    joined = "".join(f"[{n}:a]apad=pad_dur={PAUSE_MS / 1000}[a{n}];" for n in range(len(CLIPS)))
    joined += "".join(f"[a{n}]" for n in range(len(CLIPS))) + f"concat=n={len(CLIPS)}:v=0:a=1[a]"
    picture = ["-f", "lavfi", "-i", f"gradients=s=640x360:r=10:d={at / 1000}:speed=0.02:c0=#2b3a3d:c1=#16494a"]
    with_picture = kind is EvidenceKind.VIDEO
    command = [tools.ffmpeg, "-v", "error", "-y", *sources, *(picture if with_picture else [])]
    command += ["-filter_complex", joined, "-map", "[a]", *(["-map", f"{len(CLIPS)}:v"] if with_picture else [])]
    command += ["-c:a", "aac", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-shortest"]
    subprocess.run([*command, "-movflags", "+faststart", str(media)], check=True)  # our own arguments
    pcm = folder / f"{kind.value}.raw"
    raw = ["-f", "s16le", "-ac", "1", "-ar", str(RATE), str(pcm)]
    subprocess.run([tools.ffmpeg, "-v", "error", "-y", "-i", str(media), *raw], check=True)
    levels = measure_levels(pcm)
    silences = [{"start_ms": each.start_ms, "end_ms": each.end_ms} for each in levels.silences]
    return Recording(
        media=media,
        kind=kind,
        duration_ms=_length_ms(tools.ffprobe, media),
        transcript={"language": "en", "model": "test", "segments": segments, "silences": silences},
        peaks={"duration_ms": levels.duration_ms, "bucket_ms": levels.bucket_ms, "peaks": list(levels.peaks)},
    )


def _segment(text: str, start_ms: int, length_ms: int, *, unsure: bool) -> dict[str, Any]:
    words = text.split()
    step = length_ms / len(words)
    return {
        "start_ms": start_ms,
        "end_ms": start_ms + length_ms,
        "text": text,
        "words": [
            {
                "start_ms": round(start_ms + n * step),
                "end_ms": round(start_ms + (n + 1) * step),
                "text": word,
                "probability": 0.2 if unsure and word == "sie" else 0.95,
            }
            for n, word in enumerate(words)
        ],
    }


def _length_ms(ffprobe: Path, path: Path) -> int:
    wanted = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]
    answer = subprocess.run([ffprobe, *wanted, str(path)], check=True, capture_output=True, text=True)
    return round(float(answer.stdout) * 1000)
