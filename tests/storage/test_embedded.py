"""The embedded storage server, with a real one."""

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from app.errors import Unavailable
from app.ports import listening
from app.settings import Settings
from app.storage import embedded, weed
from app.storage.client import Storage

ORIGIN = "http://127.0.0.1:8123"
HTTP = urllib3.PoolManager(retries=False)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Started]:
    server = embedded.start(tmp_path_factory.mktemp("data"), origin=ORIGIN)
    yield server
    embedded.stop(server)


def put_url(server: embedded.Server, key: str) -> str:
    """Return a signed address as browsers get it."""
    public = embedded.client(server, endpoint_url=server.public_url)
    return public.generate_presigned_url("put_object", Params={"Bucket": server.bucket, "Key": key})


def test_another_process_finds_the_running_server(started: embedded.Started) -> None:
    found = embedded.find(started.folder.parent)
    assert found == started.server
    embedded.client(found).put_object(Bucket=found.bucket, Key="a", Body=b"1")


def test_settings_name_the_running_server(started: embedded.Started) -> None:
    found = embedded.located(Settings(data_dir=started.folder.parent))
    assert found.s3_endpoint_url == started.server.endpoint_url
    assert Storage(found).is_alive()


def test_without_a_server_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="assay up"):
        embedded.located(Settings(data_dir=tmp_path))


def test_keys_and_record_are_for_the_owner_only(started: embedded.Started) -> None:
    for name in ("s3.json", "server.json", "lock"):
        assert stat.S_IMODE((started.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(started.folder.stat().st_mode) == 0o700


def test_the_site_may_send_from_a_browser_and_strangers_may_not(started: embedded.Started) -> None:
    url = put_url(started.server, "cors")
    asked = {"Access-Control-Request-Method": "PUT"}
    ours = HTTP.request("OPTIONS", url, headers={**asked, "Origin": ORIGIN})
    theirs = HTTP.request("OPTIONS", url, headers={**asked, "Origin": "http://stranger.example"})
    assert ours.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Origin" not in theirs.headers
    assert HTTP.request("PUT", url, body=b"2", headers={"Origin": ORIGIN}).status == 200


def test_without_a_signature_nothing_is_served(started: embedded.Started) -> None:
    server = started.server
    embedded.client(server).put_object(Bucket=server.bucket, Key="private", Body=b"secret")
    for port in server.ports:
        if port in (server.ports[1], server.ports[3], server.ports[5], server.ports[7]):
            continue  # these speak gRPC
        for path in (f"/{server.bucket}/private", f"/buckets/{server.bucket}/private"):
            answer = HTTP.request("GET", f"http://127.0.0.1:{port}{path}")
            assert answer.status >= 400
            assert b"secret" not in answer.data


def test_it_listens_on_loopback_only(started: embedded.Started) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ours = [line.split()[1] for line in listening if int(line.split()[1].split(":")[1], 16) in started.server.ports]
    assert ours
    assert all(address.startswith("0100007F:") for address in ours)


def test_a_killed_server_comes_back_with_its_objects_on_the_same_ports(tmp_path: Path) -> None:
    first = embedded.start(tmp_path, origin=ORIGIN)
    embedded.client(first.server).put_object(Bucket="assay", Key="kept", Body=b"evidence")
    first.process.kill()
    first.process.wait()
    assert embedded.find(tmp_path) is None
    second = embedded.start(tmp_path, origin=ORIGIN)
    try:
        assert second.server.ports == first.server.ports
        kept = embedded.client(second.server).get_object(Bucket="assay", Key="kept")
        assert kept["Body"].read() == b"evidence"
    finally:
        embedded.stop(second)


def test_a_server_left_over_is_stopped_at_the_next_start(tmp_path: Path) -> None:
    left = embedded.start(tmp_path, origin=ORIGIN)
    fresh = embedded.start(tmp_path, origin=ORIGIN)
    try:
        assert left.process.wait(5) == -signal.SIGKILL
        assert embedded.find(tmp_path) == fresh.server
    finally:
        embedded.stop(fresh)
    assert embedded.find(tmp_path) is None
    assert not weed.socket_files(fresh.server.ports)


def test_a_taken_port_is_replaced(tmp_path: Path) -> None:
    first = embedded.start(tmp_path, origin=ORIGIN)
    embedded.stop(first)
    with listening(first.server.ports[weed.S3_PORT]):
        second = embedded.start(tmp_path, origin=ORIGIN)
        embedded.stop(second)
    assert set(second.server.ports).isdisjoint({first.server.ports[weed.S3_PORT]})


def test_the_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, signal; from app.storage import embedded;"
        f"s = embedded.start(pathlib.Path(sys.argv[1]), origin={ORIGIN!r});"
        "print('started', flush=True); signal.pause()"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    with starter:
        assert starter.stdout.readline() == b"started\n"  # type: ignore[union-attr]  # a pipe was asked for
        starter.kill()
    assert embedded.wait_for(lambda: embedded.find(tmp_path) is None, 10)
