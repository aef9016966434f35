"""Uploads by signed parts to the real storage, as a browser sends them."""

import hashlib
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.accounts.sign_in import actor_in
from app.actor import Actor
from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.errors import Conflict, NotFound
from app.evidence.adding import MOST_UNSENT, prefix_of
from app.evidence.expiring import sweep
from app.evidence.models import Evidence, EvidenceStage
from app.evidence.removing import erase_objects
from app.evidence.states import EvidenceState
from app.evidence.uploads import Completion, complete
from app.jobs.models import Job, JobState
from app.main import create_app
from app.settings import Settings
from app.storage.client import Storage, StoredPart
from app.storage.embedded import wait_for
from app.web.endpoint import SLOW_AT_ONCE
from tests.conftest import NOW, Clock
from tests.evidence.conftest import BROWSER, MIB, Candidate, a_candidate, put, row
from tests.races import at_once

ESTABLISHED = "01"  # in /proc/net/tcp
BIG = os.urandom(11 * MIB + 17)  # two parts: 8 MiB and the rest


def jobs_of(engine: Engine) -> list[Job]:
    with reading(engine) as session:
        return list(session.exec(select(Job).order_by(Job.id)))


def test_a_file_goes_to_the_storage_in_parts_and_is_inspected(candidate: Candidate, stored: Storage, engine: Engine):
    evidence = candidate.audio(candidate.submission(), size_bytes=len(BIG))
    upload = evidence["upload"]
    assert (upload["part_size_bytes"], upload["part_count"]) == (8 * MIB, 2)
    assert upload["expires_at"].endswith("Z")
    assert [stage["name"] for stage in evidence["stages"]] == ["inspect", "scan", "convert", "transcribe"]
    assert [stage["state"] for stage in evidence["stages"]] == ["waiting"] * 4
    first, second = candidate.sign(evidence["id"], [1, 2])
    assert (first["size_bytes"], second["size_bytes"]) == (8 * MIB, 3 * MIB + 17)
    assert put(second, BIG[8 * MIB :]) == 200
    held = candidate.get(f"/evidence/{evidence['id']}/parts").json()["parts"]
    assert held == [{"number": 2, "size_bytes": 3 * MIB + 17}]
    answer = candidate.post(f"/evidence/{evidence['id']}/complete")
    assert (answer.status_code, answer.json()["code"], answer.json()["numbers"]) == (409, "parts-missing", [1])
    assert put(first, BIG[: 8 * MIB]) == 200
    answer = candidate.post(f"/evidence/{evidence['id']}/complete", {"sha256": hashlib.sha256(BIG).hexdigest().upper()})
    assert (answer.status_code, answer.json()["state"], answer.json()["size_bytes"]) == (200, "processing", len(BIG))
    kept = row(engine, Evidence, UUID(evidence["id"]))
    assert kept.client_sha256 == hashlib.sha256(BIG).hexdigest()
    assert stored.get_bytes(kept.object_key) == BIG
    assert [job.id for job in jobs_of(engine)] == [f"inspect:{evidence['id']}:1"]
    with reading(engine) as session:
        assert verify(session).ok


def test_a_part_of_another_length_is_refused_by_the_store(candidate: Candidate, stored: Storage):
    evidence = candidate.audio(candidate.submission(), size_bytes=1000)
    (part,) = candidate.sign(evidence["id"], [1])
    assert put(part, b"x" * 1001) == 403
    assert put(part, b"x" * 999) == 403
    assert candidate.get(f"/evidence/{evidence['id']}/parts").json()["parts"] == []
    assert put(part, b"x" * 1000) == 200


def test_completing_twice_answers_the_same_and_starts_one_job(candidate: Candidate, stored: Storage, engine: Engine):
    evidence_id = candidate.upload(candidate.submission(), b"sound")
    first = candidate.get(f"/submissions/{_submission_of(engine, evidence_id)}").json()["evidence"][0]
    again = candidate.post(f"/evidence/{evidence_id}/complete")
    assert (again.status_code, again.json()) == (200, first)
    assert len(jobs_of(engine)) == 1


def _submission_of(engine: Engine, evidence_id: str) -> UUID:
    submission_id: UUID = row(engine, Evidence, UUID(evidence_id)).submission_id
    return submission_id


def test_a_site_that_died_between_joining_and_writing_loses_nothing(
    candidate: Candidate, stored: Storage, engine: Engine
):
    evidence = candidate.audio(candidate.submission(), size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    put(part, b"sound")
    kept = row(engine, Evidence, UUID(evidence["id"]))
    stored.complete_upload(
        kept.object_key, upload_id=kept.upload_id, parts=stored.list_parts(kept.object_key, upload_id=kept.upload_id)
    )
    answer = candidate.post(f"/evidence/{evidence['id']}/complete")
    assert (answer.status_code, answer.json()["state"]) == (200, "processing"), answer.text
    assert len(jobs_of(engine)) == 1


def test_nothing_can_be_written_after_completion(candidate: Candidate, stored: Storage, engine: Engine):
    evidence = candidate.audio(candidate.submission(), size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    put(part, b"sound")
    shown = candidate.post(f"/evidence/{evidence['id']}/complete").json()
    kept = row(engine, Evidence, UUID(evidence["id"]))
    before = stored.head(kept.object_key)
    assert before is not None
    assert before.etag == kept.storage_etag == shown["storage_etag"]
    assert put(part, b"other") == 404
    assert candidate.post(f"/evidence/{evidence['id']}/parts", {"numbers": [1]}).json()["code"] == "not-uploading"
    plain, signed = part["url"].split("?")
    others = [plain, f"{plain}?{signed.replace('partNumber=1', 'partNumber=2')}"]
    assert {BROWSER.request("PUT", url, body=b"other").status for url in others} <= {400, 403}
    second = stored.create_upload(kept.object_key, media_type="audio/flac")  # as a bug of the site itself might
    again = stored.sign_part(kept.object_key, upload_id=second, number=1, size_bytes=5, life=timedelta(minutes=1))
    assert BROWSER.request("PUT", again.url, body=b"other").status == 200
    parts = stored.list_parts(kept.object_key, upload_id=second)
    with pytest.raises(NotFound):
        stored.complete_upload(kept.object_key, upload_id=second, parts=parts)
    stored.abort_upload(kept.object_key, upload_id=second)
    assert stored.head(kept.object_key) == before
    assert stored.get_bytes(kept.object_key) == b"sound"
    assert row(engine, Evidence, kept.id) == kept


@pytest.mark.parametrize("how", [{"headers": {"x-amz-copy-source": "/assay/e/another"}}, {"chunked": True}])
def test_a_signed_address_takes_the_bytes_of_its_part_and_nothing_else(
    candidate: Candidate, stored: Storage, how: dict[str, Any]
):
    stored.put_bytes("e/another", b"recording of somebody else", media_type="audio/flac")
    evidence = candidate.audio(candidate.submission(), size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    assert BROWSER.request("PUT", part["url"], body=b"sound", **how).status == 403
    assert candidate.get(f"/evidence/{evidence['id']}/parts").json()["parts"] == []


@pytest.mark.parametrize("end", ["removed", "withdrawn", "expired"])
def test_an_address_signed_before_its_upload_ended_brings_nothing_back(
    candidate: Candidate, stored: Storage, engine: Engine, end: str
):
    submission_id = candidate.submission()
    evidence = candidate.audio(submission_id, size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    kept = row(engine, Evidence, UUID(evidence["id"]))
    if end == "removed":
        candidate.delete(f"/evidence/{kept.id}")
    elif end == "withdrawn":
        candidate.post(f"/submissions/{submission_id}/withdraw")
        assert put(part, b"other") == 200, "the storage knows nothing of it, and yet:"
        assert candidate.post(f"/evidence/{kept.id}/complete").json()["code"] == "not-open"
        assert stored.head(kept.object_key) is None
    if end != "removed":
        sweep(engine, stored, now=NOW + timedelta(days=8), go_on=lambda: None)
    erase_objects(stored, **row(engine, Job, f"erase:{kept.id}:first").args)
    assert put(part, b"other") == 404
    assert stored.keys(prefix_of(kept.organisation_id, kept.id)) == []
    assert candidate.post(f"/evidence/{kept.id}/complete").json().get("state") in {None, "rejected"}


def test_a_submission_withdrawn_while_its_file_is_joined_processes_nothing(
    candidate: Candidate, stored: Storage, engine: Engine, settings: Settings
):
    submission_id = candidate.submission()
    evidence = candidate.audio(submission_id, size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    put(part, b"sound")

    class Slow(Storage):
        def complete_upload(self, key: str, *, upload_id: str, parts: list[StoredPart]) -> None:
            super().complete_upload(key, upload_id=upload_id, parts=parts)
            assert candidate.post(f"/submissions/{submission_id}/withdraw").status_code == 200

    with pytest.raises(Conflict):
        complete(
            engine,
            Slow(settings),
            actor=_actor(engine, candidate),
            evidence_id=UUID(evidence["id"]),
            said=Completion(),
            limit_bytes=MIB,
            now=NOW,
        )
    assert row(engine, Evidence, UUID(evidence["id"])).state is EvidenceState.UPLOADING
    assert jobs_of(engine) == []


def _actor(engine: Engine, candidate: Candidate) -> Actor:
    with reading(engine) as session:
        found = actor_in(session, person_id=candidate.person.id, organisation_id=candidate.organisation.id, now=NOW)
    assert found is not None
    return found


def test_while_the_storage_hangs_the_site_serves_everybody_else(
    candidate: Candidate, stored: Storage, settings: Settings, clock: Clock
):
    evidence_id = candidate.audio(candidate.submission(), size_bytes=5)["id"]
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent, ThreadPoolExecutor(SLOW_AT_ONCE + 5) as pool:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        hanging = create_app(settings.model_copy(update={"s3_endpoint_url": address}), clock=clock)
        with TestClient(hanging) as client:
            there = replace(candidate, client=client)
            waiting = [pool.submit(there.get, f"/evidence/{evidence_id}/parts") for _ in range(SLOW_AT_ONCE + 5)]
            assert wait_for(lambda: _connections(silent) >= SLOW_AT_ONCE, 10)
            assert there.get("/me").status_code == 200
            assert not any(each.done() for each in waiting)
            silent.close()
            assert {each.result().status_code for each in waiting} == {503}
        hanging.state.deps.engine.dispose()


def _connections(listener: socket.socket) -> int:
    """Return how many have connected to a server that accepts nobody."""
    port = f":{listener.getsockname()[1]:04X}"
    rows = [each.split() for each in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(port) and row[3] == ESTABLISHED for row in rows)


def test_a_recording_of_unknown_length_names_the_size_of_each_part(
    candidate: Candidate, stored: Storage, engine: Engine
):
    evidence = candidate.audio(candidate.submission(), size_bytes=None)
    path = f"/evidence/{evidence['id']}"
    assert evidence["upload"]["part_count"] is None
    assert candidate.post(path + "/parts", {"numbers": [1]}).status_code == 422
    sizes = [5 * MIB, 5 * MIB, 100]
    asked = [{"number": number, "size_bytes": size} for number, size in enumerate(sizes, start=1)]
    parts = candidate.post(path + "/parts", {"parts": asked}).json()["parts"]
    for part in (parts[0], parts[2]):
        assert put(part, b"r" * part["size_bytes"]) == 200
    answer = candidate.post(path + "/complete")
    assert (answer.status_code, answer.json()["numbers"]) == (409, [2])
    assert put(parts[1], b"r" * 5 * MIB) == 200
    answer = candidate.post(path + "/complete", {"part_count": 4})
    assert (answer.json()["code"], answer.json()["numbers"]) == ("parts-missing", [4])
    assert candidate.post(path + "/complete", {"size_bytes": 1}).json()["code"] == "size-differs"
    extra = candidate.post(path + "/parts", {"parts": [{"number": 4, "size_bytes": 7}]}).json()["parts"][0]
    assert put(extra, b"earlier") == 200, "left over from a try that was longer"
    answer = candidate.post(path + "/complete", {"part_count": 3, "size_bytes": sum(sizes)})
    assert (answer.status_code, answer.json()["size_bytes"]) == (200, sum(sizes))


def test_parts_of_a_recording_that_can_only_be_too_long_are_not_signed(candidate: Candidate, stored: Storage):
    evidence_id = candidate.audio(candidate.submission(), size_bytes=None)["id"]
    for number, size, status in ((4, 512 * MIB, 200), (5, 512 * MIB, 413), (409, 5 * MIB, 200), (410, 5 * MIB, 413)):
        asked = {"parts": [{"number": number, "size_bytes": size}]}
        assert candidate.post(f"/evidence/{evidence_id}/parts", asked).status_code == status, (number, size)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "audio", "name": "x", "media_type": "audio/flac"},
        {"kind": "audio", "media_type": "audio/flac", "size_bytes": 5},
        {"kind": "audio", "name": "a\u202eb.mp3", "media_type": "audio/flac", "size_bytes": 5},
        {"kind": "audio", "name": "x", "media_type": "text/html", "size_bytes": 5},
        {"kind": "audio", "name": "x", "media_type": "audio/flac\r\nX: y", "size_bytes": 5},
        {"kind": "audio", "name": "x", "media_type": "audio/flac; name=\u0639", "size_bytes": 5},
        {"kind": "audio", "name": "x", "media_type": "audio/flac", "size_bytes": 0},
        {"kind": "audio", "name": "x", "media_type": "audio/flac", "size_bytes": 5, "key": "e/other"},
        {"kind": "video", "name": "x", "media_type": "video/mp4", "size_bytes": 5},
        {"kind": "document", "name": "x", "media_type": "application/pdf", "size_bytes": 5},
        {"kind": "text", "text": "The rubric takes sound only."},
        {"kind": "picture", "name": "x", "media_type": "image/png", "size_bytes": 5},
    ],
)
def test_what_the_rubric_or_the_form_does_not_take_is_refused(candidate: Candidate, body: dict[str, object]):
    answer = candidate.post(f"/submissions/{candidate.submission()}/evidence", body)
    assert answer.status_code == 422, answer.text


def test_a_file_above_the_limit_is_refused_before_it_is_sent(candidate: Candidate, settings: Settings):
    body = {"kind": "audio", "name": "x", "media_type": "audio/flac", "size_bytes": settings.max_upload_bytes + 1}
    answer = candidate.post(f"/submissions/{candidate.submission()}/evidence", body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_one_person_leaves_only_so_much_unsent(
    engine: Engine, candidate: Candidate, stored: Storage, settings: Settings
):
    first = candidate.submission()
    big = row(engine, Evidence, UUID(candidate.audio(first, size_bytes=5)["id"]))
    with writing(engine) as session:  # refused files don't count as items, and take room all the same
        held = session.get_one(Evidence, big.id)
        held.state, held.size_bytes = EvidenceState.REJECTED, (MOST_UNSENT - 1) * settings.max_upload_bytes
    body = {"kind": "audio", "name": "x", "media_type": "audio/flac", "size_bytes": None}
    assert candidate.post(f"/submissions/{candidate.submission()}/evidence", body).status_code == 201
    answer = candidate.post(f"/submissions/{candidate.submission()}/evidence", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "too-much-unsent")
    assert candidate.delete(f"/evidence/{big.id}").status_code == 204
    assert candidate.post(f"/submissions/{candidate.submission()}/evidence", body).status_code == 201


def test_no_more_items_than_the_rubric_takes(candidate: Candidate, stored: Storage):
    submission_id = candidate.submission()
    for _ in range(2):
        candidate.audio(submission_id, size_bytes=5)
    body = {"kind": "audio", "name": "x", "media_type": "audio/flac", "size_bytes": 5}
    answer = candidate.post(f"/submissions/{submission_id}/evidence", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-items")


def test_other_peoples_evidence_is_unknown(candidate: Candidate, stranger: Candidate, stored: Storage, engine: Engine):
    evidence_id = stranger.audio(stranger.submission(), size_bytes=5)["id"]
    answers = [
        candidate.post(f"/evidence/{evidence_id}/parts", {"numbers": [1]}),
        candidate.get(f"/evidence/{evidence_id}/parts"),
        candidate.post(f"/evidence/{evidence_id}/complete"),
        candidate.post(f"/evidence/{evidence_id}/retry"),
        candidate.delete(f"/evidence/{evidence_id}"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert row(engine, Evidence, UUID(evidence_id)).state is EvidenceState.UPLOADING


def test_a_removed_upload_leaves_nothing(candidate: Candidate, stored: Storage, engine: Engine):
    submission_id = candidate.submission()
    evidence_id = candidate.upload(submission_id, b"sound")
    kept = row(engine, Evidence, UUID(evidence_id))
    made = prefix_of(kept.organisation_id, kept.id) + "convert-1/playable.m4a"
    stored.put_bytes(made, b"made by a worker", media_type="audio/mp4")
    assert candidate.delete(f"/evidence/{evidence_id}").status_code == 204
    assert candidate.get(f"/submissions/{submission_id}").json()["evidence"] == []
    jobs = {job.id: job for job in jobs_of(engine)}
    assert jobs[f"inspect:{evidence_id}:1"].state is JobState.CANCELLED
    for job in [job for name, job in jobs.items() if name.startswith("erase:")] * 2:
        erase_objects(stored, **job.args)
    assert stored.head(kept.object_key) is None
    assert stored.head(made) is None
    assert row(engine, EvidenceStage, (UUID(evidence_id), "inspect")) is None


def test_of_two_removals_one_is_recorded(candidate: Candidate, stored: Storage, engine: Engine):
    evidence_id = candidate.upload(candidate.submission(), b"sound")
    answers = at_once([lambda: candidate.delete(f"/evidence/{evidence_id}")] * 3)
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404]
    with reading(engine) as session:
        actions = session.exec(select(AuditEvent.action).where(AuditEvent.subject == f"evidence:{evidence_id}"))
        assert list(actions).count("evidence.removed") == 1


def test_a_removed_unfinished_upload_is_dropped_by_its_job(candidate: Candidate, stored: Storage, engine: Engine):
    evidence = candidate.audio(candidate.submission(), size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    put(part, b"sound")
    kept = row(engine, Evidence, UUID(evidence["id"]))
    candidate.delete(f"/evidence/{evidence['id']}")
    erase_objects(stored, **row(engine, Job, f"erase:{evidence['id']}:first").args)
    with pytest.raises(NotFound):
        stored.list_parts(kept.object_key, upload_id=kept.upload_id)


def test_while_the_storage_is_down_nothing_is_lost(candidate: Candidate, engine: Engine):
    body = {"kind": "audio", "name": "x", "media_type": "audio/flac", "size_bytes": 5}
    submission_id = candidate.submission()
    answer = candidate.post(f"/submissions/{submission_id}/evidence", body, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert candidate.get(f"/submissions/{submission_id}").json()["evidence"] == []
    with reading(engine) as session:
        assert session.exec(select(Evidence)).all() == []


def test_the_store_answers_the_pages_of_the_site_only(candidate: Candidate, stored: Storage):
    evidence = candidate.audio(candidate.submission(), size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    asked = {"Access-Control-Request-Method": "PUT"}
    ours = BROWSER.request("OPTIONS", part["url"], headers={**asked, "Origin": "http://testserver"})
    theirs = BROWSER.request("OPTIONS", part["url"], headers={**asked, "Origin": "http://evil.example"})
    assert ours.headers["Access-Control-Allow-Origin"] == "http://testserver"
    assert "Access-Control-Allow-Origin" not in theirs.headers


def test_a_rejected_file_makes_room_for_another(engine: Engine, client: TestClient, stored: Storage):
    candidate = a_candidate(engine, client, items_max=1)
    submission_id = candidate.submission()
    evidence_id = candidate.upload(submission_id, b"sound")
    _set_state(engine, evidence_id, EvidenceState.REJECTED)
    candidate.audio(submission_id, size_bytes=5)


def _set_state(engine: Engine, evidence_id: str, state: EvidenceState) -> None:
    with writing(engine) as session:
        evidence = session.get_one(Evidence, UUID(evidence_id))
        evidence.state = state
        session.add(evidence)


def test_what_failed_on_our_side_is_tried_again(candidate: Candidate, stored: Storage, engine: Engine):
    evidence_id = candidate.upload(candidate.submission(), b"sound")
    assert candidate.post(f"/evidence/{evidence_id}/retry").json()["code"] == "not-failed"
    _set_state(engine, evidence_id, EvidenceState.FAILED)
    answer = candidate.post(f"/evidence/{evidence_id}/retry")
    assert (answer.status_code, answer.json()["state"]) == (200, "processing")
    assert {job.id for job in jobs_of(engine)} == {f"inspect:{evidence_id}:1", f"inspect:{evidence_id}:2"}


def test_two_completions_at_once_start_one_job(candidate: Candidate, stored: Storage, engine: Engine):
    evidence = candidate.audio(candidate.submission(), size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    put(part, b"sound")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: candidate.post(f"/evidence/{evidence['id']}/complete"), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
    assert len(jobs_of(engine)) == 1
    with reading(engine) as session:
        actions = session.exec(select(AuditEvent.action).where(AuditEvent.subject == f"evidence:{evidence['id']}"))
        assert list(actions) == ["evidence.added", "evidence.completed"]


def test_files_added_at_once_never_exceed_the_rubric(candidate: Candidate, stored: Storage):
    submission_id = candidate.submission()
    body = {"kind": "audio", "name": "x", "media_type": "audio/flac", "size_bytes": 5}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: candidate.post(f"/submissions/{submission_id}/evidence", body), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
    evidence = candidate.get(f"/submissions/{submission_id}").json()["evidence"]
    assert len(evidence) == 2


def test_an_upload_survives_a_storage_that_was_down(
    candidate: Candidate, stored: Storage, engine: Engine, settings: Settings, clock: Clock
):
    evidence = candidate.audio(candidate.submission(), size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    put(part, b"sound")
    down = create_app(settings.model_copy(update={"s3_endpoint_url": "http://localhost:9"}), clock=clock)
    with TestClient(down) as client:
        there = replace(candidate, client=client)
        for answer in (
            there.post(f"/evidence/{evidence['id']}/complete"),
            there.get(f"/evidence/{evidence['id']}/parts"),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    down.state.deps.engine.dispose()
    assert candidate.post(f"/evidence/{evidence['id']}/complete").json()["state"] == "processing"
