"""Files go through a real clamd, and without its OK they go nowhere."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading
from app.evidence import scanning
from app.evidence.models import Evidence
from app.evidence.states import RenditionKind, StageState, SubmissionState
from app.storage import embedded
from tests.workers.clamav import STREAM_BYTES, Daemon, clamd
from tests.workers.conftest import Make
from tests.workers.evidence.conftest import Place, a_place
from workers.clamd import eicar

ESSAY = b"What I did when the alarm rang.\n\nFirst I looked for my colleagues.\n"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with clamd() as started:
        yield started


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory, server: embedded.Server, daemon: Daemon) -> Iterator[Place]:
    """An installation whose worker has a scanner."""
    found = a_place(tmp_path_factory.mktemp("scanned"), server, clamd_socket=daemon.address)
    with found.worker("--queues", "media"):
        yield found
    found.close()


def a_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def audited(place: Place, evidence_id: UUID, action: str) -> list[dict[str, object]]:
    with reading(place.engine) as session:
        assert verify(session).ok
        wanted = AuditEvent.action == action, AuditEvent.subject == f"evidence:{evidence_id}"
        return list(session.exec(select(AuditEvent.body).where(*wanted)))


def is_withheld(place: Place, evidence_id: UUID) -> bool:
    with reading(place.engine) as session:
        return scanning.is_withheld(session, session.get_one(Evidence, evidence_id), is_staff=True)


def test_clean_files_go_on_and_nobody_is_warned(scanned: Place, make: Make, tmp_path: Path) -> None:
    essay = scanned.arrived(a_file(tmp_path / "essay", ESSAY), "document")
    video = scanned.arrived(make(form="mp4", sound=False, seconds=2), "video")
    for evidence_id in (essay, video):
        evidence = scanned.wait_for_state(evidence_id, "ready")
        assert scanned.stage(evidence_id, "scan").state is StageState.DONE
        assert "not-scanned" not in evidence.warnings
        assert not is_withheld(scanned, evidence_id)
        (said,) = audited(scanned, evidence_id, "evidence.scanned")
        assert str(said["scanner"]).startswith("ClamAV")
    assert RenditionKind.TEXT in scanned.renditions(essay)


@pytest.mark.parametrize("kind", ["document", "video"])
def test_a_harmful_file_is_refused_and_never_handed_out(
    kind: str, scanned: Place, good_mp4: Path, tmp_path: Path
) -> None:
    box = (8 + len(eicar())).to_bytes(4) + b"free" + eicar()  # players pass over it
    content = eicar() if kind == "document" else good_mp4.read_bytes() + box
    evidence_id = scanned.arrived(a_file(tmp_path / "upload", content), kind)
    evidence = scanned.wait_for_state(evidence_id, "rejected", "ready")
    assert evidence.reason == scanning.MALWARE.to_json()
    assert "Test-" not in str(evidence.reason)
    assert scanned.renditions(evidence_id) == {}
    assert scanned.submission(evidence_id).state is SubmissionState.RETURNED
    assert is_withheld(scanned, evidence_id)
    (found,) = audited(scanned, evidence_id, "evidence.malware-found")
    assert str(found["signature"]).startswith("Test-")
    assert f"evidence {evidence_id} holds Test-" in scanned.log.read_text()


def test_while_the_scanner_is_down_files_wait_and_are_not_judged(
    scanned: Place, daemon: Daemon, tmp_path: Path
) -> None:
    daemon.stop()
    evidence_id = scanned.arrived(a_file(tmp_path / "essay", ESSAY), "document")
    scanned.wait(lambda: scanned.stage(evidence_id, "scan").message is not None)
    stage, evidence = scanned.stage(evidence_id, "scan"), scanned.evidence(evidence_id)
    assert (stage.state, stage.message) == (StageState.WAITING, scanning.DELAYED.to_json())
    assert (evidence.state, scanned.renditions(evidence_id)) == ("processing", {})
    assert scanned.submission(evidence_id).state is SubmissionState.PROCESSING
    assert is_withheld(scanned, evidence_id)
    daemon.start()
    scanned.wait_for_state(evidence_id, "ready")
    assert scanned.stage(evidence_id, "scan").message is None


def test_a_file_that_is_too_large_for_the_scanner_waits_for_the_operator(scanned: Place, make: Make) -> None:
    large = make(form="wav", picture=False, seconds=40)
    assert STREAM_BYTES // 2 < large.stat().st_size < STREAM_BYTES
    evidence_id = scanned.arrived(large, "audio")
    scanned.wait(lambda: scanned.stage(evidence_id, "scan").message is not None)
    assert scanned.evidence(evidence_id).state == "processing"
    assert "Heuristics.Limits" in scanned.log.read_text()
