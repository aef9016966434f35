"""The pieces of one long recording are converted by several worker processes, each with a folder of its own."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.evidence.states import RenditionKind, StageState
from app.storage import embedded
from tests import postgres
from tests.workers.conftest import Make
from tests.workers.evidence.conftest import Place, a_place
from workers.media.probe import count, probe
from workers.media.tools import Tools

SECONDS = 600.5  # the rubric takes ten minutes, and a little
FRAMES_A_SECOND = 4


@pytest.fixture
def machines(tmp_path: Path, server: embedded.Server, postgres_server: postgres.Server) -> Iterator[list[Place]]:
    """Two machines with nothing in common but PostgreSQL and the storage."""
    url = postgres_server.make()
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    found = [a_place(folder, server, database_url=url) for folder in folders]
    yield found
    for machine in found:
        machine.close()
    postgres_server.drop(url)


def test_two_processes_share_a_recording_and_it_is_joined_whole(
    machines: list[Place], make: Make, tools: Tools, tmp_path: Path
) -> None:
    one = machines[0]
    video = make(form="mp4", size="64x48", rate=str(FRAMES_A_SECOND), seconds=SECONDS, sound=False)
    with ExitStack() as stack:
        for machine in machines:
            stack.enter_context(machine.worker("--queues", "media"))
        for machine in machines:
            machine.wait(lambda each=machine: "working on" in each.log.read_text())
        evidence_id = one.arrived(video, "video")
        one.wait(lambda: one.stage(evidence_id, "convert").state is StageState.DONE)
    shares = [re.findall(r"convert-pieces:\S+:(\d): attempt 1", machine.log.read_text()) for machine in machines]
    assert sorted(shares) == [["0"], ["1"]]
    whole = tmp_path / "whole"
    one.storage.download(one.renditions(evidence_id)[RenditionKind.PLAYABLE].object_key, whole)
    extent = count(whole, tools=tools, scratch=tmp_path)
    assert extent.video_packets == FRAMES_A_SECOND * SECONDS
    assert extent.duration_ms == pytest.approx(1000 * SECONDS, abs=50)
    assert not extent.odd_times  # no hole where the pieces meet
    seen = probe(whole, tools=tools, scratch=tmp_path).video
    assert seen is not None
    assert (seen.width, seen.height) == (64, 48)
