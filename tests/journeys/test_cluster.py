"""The same stories on several machines: 2 sites, 4 workers, PostgreSQL and a storage that none of them started.

FREEZE=45 freezes a worker for longer than the default, which is a little more than a lease.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from app.jobs.engine import LEASE
from tests import postgres
from tests.journeys.cluster import Cluster, Machine, cluster
from tests.journeys.mortal import descendants, let_pass
from tests.journeys.recordings import a_talk, a_talking_video
from tests.journeys.running import wait_for
from tests.journeys.story import Cast, a_cast
from tests.journeys.test_chain import test_from_a_recording_to_a_credential  # noqa: F401  # played once more, here
from tests.journeys.test_kills import (
    KINDS,
    state_of,
    test_a_site_killed_during_send_and_decision_decides_once,  # noqa: F401  # and this one
    video,
    words_of,
)

pytestmark = pytest.mark.journey
FREEZE_SECONDS = float(os.environ.get("FREEZE", LEASE.total_seconds() + 5))
TAKEN_UP_SECONDS = 60


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A database server of these tests' own, because one of them restarts it."""
    with postgres.running() as started:
        yield started


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, server: postgres.Server) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), server) as made:
        yield made


@pytest.fixture(scope="module")
def cast(here: Cluster) -> Cast:
    return a_cast(here)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talk")
    return a_talking_video(folder / "talk.mp4", a_talk(folder / "talk.wav", "en-librivox-1.flac"))


def at_work_on(here: Cluster, job: str) -> Machine | None:
    """Return the machine that runs a job now, by what it has logged last about it."""
    if state_of(here, job) != "doing":
        return None
    said = [machine for machine in here.workers if f"{job}: attempt" in machine.log]
    return said[-1] if len(said) == 1 else None


def test_a_worker_killed_for_good_is_replaced_by_another(cast: Cast, here: Cluster, talk: Path):
    evidence_id = video(cast.candidate, talk)
    job = f"transcribe:{evidence_id}:1"
    machine = wait_for(lambda: at_work_on(here, job), seconds=120, what=f"somebody to begin {job}", every=0.02)
    machine.running[-1].kill()
    wait_for(
        lambda: state_of(here, job) == "done" or None, seconds=TAKEN_UP_SECONDS, what=f"another machine to end {job}"
    )
    ended_once(cast, evidence_id)
    machine.start("work")


def test_a_frozen_worker_cannot_harm_when_it_thaws(cast: Cast, here: Cluster, talk: Path):
    evidence_id = video(cast.candidate, talk)
    job = f"transcribe:{evidence_id}:1"
    machine = wait_for(lambda: at_work_on(here, job), seconds=120, what=f"somebody to begin {job}", every=0.02)
    family = {machine.running[-1].pid, *descendants(machine.running[-1].pid)}
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    let_pass(FREEZE_SECONDS)
    for pid in family:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: state_of(here, job) == "done" or None, seconds=TAKEN_UP_SECONDS, what=f"{job} to end")
    ended_once(cast, evidence_id)
    in_service(cast, here, machine, talk)


def test_a_restarted_database_loses_nothing_and_needs_nobody(
    cast: Cast, here: Cluster, server: postgres.Server, talk: Path
):
    if server.process is None:
        pytest.skip("the database server belongs to somebody else")
    sent = [video(cast.candidate, talk) for _ in range(3)]
    wait_for(lambda: at_work_on(here, f"transcribe:{sent[0]}:1"), seconds=120, what="work to begin", every=0.02)
    server.stop()
    server.start()
    sent.append(wait_for(lambda: sent_again(cast, talk), seconds=60, what="the sites to answer"))
    for evidence_id in sent:
        ended_once(cast, evidence_id)
    assert here.assay("audit", "verify")["ok"]


def sent_again(cast: Cast, talk: Path) -> str | None:
    answer = cast.candidate.send("GET", "/api/v1/me")
    assert answer.status in {200, 503}, answer.data
    return video(cast.candidate, talk) if answer.status == 200 else None


def test_a_machine_cut_off_silently_is_back_in_service(cast: Cast, here: Cluster, talk: Path):
    machine = here.workers[0]
    if machine.namespace is None:
        pytest.skip("needs network namespaces (root on Linux, with iproute2)")
    evidence_id = video(cast.candidate, talk)
    machine.cut()
    wait_for(lambda: ready(cast, evidence_id), seconds=180, what="the others to do the work")
    machine.join()
    ended_once(cast, evidence_id)
    in_service(cast, here, machine, talk)


def in_service(cast: Cast, here: Cluster, machine: Machine, talk: Path) -> None:
    """Check that a machine takes jobs again: the others are asked to rest for it."""
    others = [other for other in here.workers if other is not machine]
    for other in others:
        other.running[-1].stop()
    evidence_id = video(cast.candidate, talk)

    def served() -> bool | None:
        if machine.running[-1].process.poll() is not None:
            machine.start("work")  # its service manager does that, whenever it ends (Restart=always)
        return ready(cast, evidence_id)

    wait_for(served, seconds=120, what=f"{machine.name} to work again")
    for other in others:
        other.start("work")


def ready(cast: Cast, evidence_id: str) -> bool | None:
    return cast.candidate.get(f"/api/v1/evidence/{evidence_id}")["state"] == "ready" or None


def ended_once(cast: Cast, evidence_id: str) -> None:
    here, key = cast.here, UUID(evidence_id).hex
    wait_for(lambda: ready(cast, evidence_id), seconds=240, what=f"evidence {evidence_id} to be ready")
    wait_for(
        lambda: state_of(here, f"transcribe:{evidence_id}:1") == "done" or None, seconds=240, what="its transcript"
    )
    renditions = here.rows("SELECT kind FROM rendition WHERE evidence_id = :id ORDER BY kind", id=key)
    assert [kind for (kind,) in renditions] == KINDS
    assert words_of(cast.candidate, evidence_id)
    acts = [
        act for (act,) in here.rows("SELECT action FROM audit_event WHERE subject = :s", s=f"evidence:{evidence_id}")
    ]
    assert (acts.count("evidence.inspected"), acts.count("evidence.ready")) == (1, 1), acts
