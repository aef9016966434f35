"""What the virus scan writes: passed, something found, or no verdict yet. It fails closed (reliability notes 3).

Each function belongs into the write unit of the job that scans, like those of `processing`.
"""

from datetime import datetime

from sqlmodel import Session

from app.evidence import processing
from app.evidence.models import Evidence, EvidenceStage
from app.evidence.processing import Key
from app.evidence.reasons import Reason
from app.evidence.stages import mark
from app.evidence.states import EvidenceKind, StageName, StageState

MALWARE = Reason(
    "malware",
    "Our virus scanner found something harmful in this file. Check your device, then make the file anew "
    "or send another.",
)
DELAYED = Reason(
    "scanner-down",
    "Waiting for the virus check, which is not available just now. Your file is safe; it goes on by itself.",
)


def passed(session: Session, key: Key, *, scanner: str, now: datetime) -> None:
    """Record that the scanner looked at all of a file and found nothing; a recording goes on."""
    evidence = processing.current(session, key)
    if evidence is None:
        return
    mark(session, evidence.id, StageName.SCAN, now=now, state=StageState.DONE)
    processing.record(session, evidence, "evidence.scanned", now=now, body={"scanner": scanner})
    processing.go_on(session, evidence, now=now)


def found(session: Session, key: Key, *, scanner: str, signature: str, now: datetime) -> None:
    """End an evidence in which something harmful was found; its name is for the operator, not for the candidate."""
    evidence = processing.current(session, key)
    if evidence is None:
        return
    body = {"scanner": scanner, "signature": signature}
    processing.record(session, evidence, "evidence.malware-found", now=now, body=body)
    processing.rejected(session, key, StageName.SCAN, MALWARE, now=now)


def delayed(session: Session, key: Key, *, now: datetime) -> None:
    """Tell the candidate that the scanner can't be reached; the job comes back to it."""
    evidence = processing.current(session, key)
    if evidence is not None:
        mark(session, evidence.id, StageName.SCAN, now=now, state=StageState.WAITING, message=DELAYED)


def is_withheld(session: Session, evidence: Evidence, *, is_staff: bool) -> bool:
    """Say whether the original must not be handed out: something was found in it, or no scan has passed it.

    Its candidate may have back what was refused before it came to a scan; nobody else may.
    """
    if evidence.reason is not None and evidence.reason["code"] == MALWARE.code:
        return True
    stage = session.get(EvidenceStage, (evidence.id, StageName.SCAN))
    if stage is None or stage.state is StageState.DONE:
        return False
    if stage.state is not StageState.SKIPPED:
        return True
    unasked = evidence.kind is EvidenceKind.TEXT or processing.NOT_SCANNED in evidence.warnings
    return is_staff and not unasked
