"""How the API shows a piece of evidence (section 4.3). Staff see "Evidence 1", never the file name (rule 11)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.evidence.media_types import told
from app.evidence.models import Evidence, EvidenceStage, Phrase, Rendition
from app.evidence.phrases import phrases_of
from app.evidence.reasons import Translate, english, shown
from app.evidence.states import RenditionKind
from app.evidence.submissions import evidence_of_all

LISTED = frozenset(RenditionKind) - {RenditionKind.SPEECH}
STAFF_SEES = LISTED - {RenditionKind.PREVIEW}  # what is judged is the playable


def time_text(value: datetime | None) -> str | None:
    """Return a time as the API writes it: RFC 3339, UTC, with Z."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None


def evidence_json(
    session: Session, evidence: Sequence[Evidence], *, staff: bool, translate: Translate = english
) -> list[dict[str, Any]]:
    """Return evidence with its stages and renditions; `staff` hides the names of files."""
    ids = [each.id for each in evidence]
    listed = STAFF_SEES if staff else LISTED
    stages = session.exec(
        select(EvidenceStage).where(col(EvidenceStage.evidence_id).in_(ids)).order_by(col(EvidenceStage.position))
    ).all()
    renditions = session.exec(select(Rendition).where(col(Rendition.evidence_id).in_(ids))).all()
    phrases = phrases_of(session, evidence)
    numbers = numbers_of(session, {each.submission_id for each in evidence}) if staff else {}
    return [
        {
            "id": str(each.id),
            "kind": each.kind.value,
            "name": f"Evidence {numbers.get(each.id, 0)}" if staff else each.name,
            "media_type": told(each.media_type) if staff else each.media_type,
            "state": each.state.value,
            "size_bytes": each.size_bytes,
            "sha256": each.sha256,
            "storage_etag": each.storage_etag,
            "duration_ms": each.duration_ms,
            "width": each.width,
            "height": each.height,
            "words": each.words,
            "phrase": phrase_json(phrases[each.id]) if each.id in phrases else None,
            "warnings": each.warnings,
            "reason": shown(each.reason, translate),
            "stages": [_stage_json(stage, translate) for stage in stages if stage.evidence_id == each.id],
            "renditions": [
                _rendition_json(rendition)
                for rendition in renditions
                if rendition.evidence_id == each.id and rendition.kind in listed
            ],
        }
        for each in evidence
    ]


def numbers_of(session: Session, submission_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the number that people see beside each piece of evidence: what was taken out counts for none."""
    found = evidence_of_all(session, submission_ids).values()
    return {each.id: number for items in found for number, each in enumerate(items, start=1)}


def phrase_json(phrase: Phrase) -> dict[str, Any]:
    """Return a phrase as the API shows it: what is to be heard in the recording, and since when each was there."""
    return {
        "text": phrase.text,
        "language": phrase.language,
        "drawn_at": time_text(phrase.drawn_at),
        "used_at": time_text(phrase.used_at),
    }


def _stage_json(stage: EvidenceStage, translate: Translate) -> dict[str, Any]:
    return {
        "name": stage.name.value,
        "state": stage.state.value,
        "progress": round(stage.progress, 4),
        "started_at": time_text(stage.started_at),
        "ended_at": time_text(stage.ended_at),
        "tries": stage.tries,
        "message": message_of(stage, translate),
    }


def message_of(stage: EvidenceStage, translate: Translate) -> str | None:
    """Return what a stage has to say, in the reader's language."""
    said = shown(stage.message, translate)
    return said["message"] if said else None


def _rendition_json(rendition: Rendition) -> dict[str, Any]:
    return {
        "kind": rendition.kind.value,
        "media_type": rendition.media_type,
        "size_bytes": rendition.size_bytes,
        "sha256": rendition.sha256,
        "url": f"/api/v1/evidence/{rendition.evidence_id}/{rendition.kind.value}",
    }
