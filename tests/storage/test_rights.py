"""The site and the workers need no more rights than `infra/s3` gives them, and have no more."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import urllib3
from botocore.exceptions import ClientError
from starlette.testclient import TestClient

from app.demo.recordings import SAMPLES
from app.settings import Settings
from app.storage.embedded import wait_for
from app.supervisor.plan import import_path
from tests.conftest import ORIGIN
from tests.evidence.conftest import a_candidate
from tests.outside import Outside

RECORDING = SAMPLES / "en-librivox-1.flac"
BROWSER = urllib3.PoolManager(retries=False)


@pytest.fixture
def settings(tmp_path: Path, database_url: str, outside_storage: Outside) -> Settings:
    """Settings of the site: the least rights that do."""
    return Settings(data_dir=tmp_path, base_url=ORIGIN, database_url=database_url, **outside_storage.settings("site"))


@pytest.fixture
def worker(tmp_path: Path, database_url: str, outside_storage: Outside) -> Iterator[None]:
    """A worker process with rights of its own, which are others than the site's."""
    given = {**outside_storage.settings("worker"), "data_dir": tmp_path, "database_url": database_url}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "AWS_"))}
    env = {**kept, "PYTHONPATH": import_path(), **{f"ASSAY_{name.upper()}": str(said) for name, said in given.items()}}
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "workers", "--queues", "media,quick"], env=env, stdout=log, stderr=log
        )
    yield
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def refused(act: Callable[[], Any]) -> bool:
    try:
        act()
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return False


@pytest.mark.usefixtures("worker")
def test_a_recording_goes_its_way_with_the_rights_of_site_and_worker(
    client: TestClient, engine: Any, tmp_path: Path, outside_storage: Outside
) -> None:
    candidate = a_candidate(engine, client)
    submission = candidate.submission(language="en")
    evidence = candidate.upload(submission, RECORDING.read_bytes())

    def shown() -> bool:
        return any(made["kind"] == "playable" for made in candidate.get(f"/evidence/{evidence}").json()["renditions"])

    assert wait_for(shown, 60), (tmp_path / "worker.log").read_text()
    address = candidate.get(f"/evidence/{evidence}/playable").headers["location"]
    part = BROWSER.request("GET", address, headers={"Range": "bytes=4-7", "Origin": ORIGIN})
    assert (part.status, part.data) == (206, b"ftyp")
    assert part.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert candidate.delete(f"/evidence/{evidence}").status_code == 204  # the worker deletes what the site may not
    admin = outside_storage.client("admin")
    prefix = f"e/{candidate.organisation.id}/{evidence}/"
    assert wait_for(lambda: admin.list_objects_v2(Bucket="assay", Prefix=prefix)["KeyCount"] == 0, 30)


def test_nobody_may_more_than_is_needed(outside_storage: Outside) -> None:
    admin, site, worker = (outside_storage.client(name) for name in ("admin", "site", "worker"))
    original = f"e/{uuid4()}/{uuid4()}/{uuid4().hex}"
    site.put_object(Bucket="assay", Key=original, Body=b"what was sent")
    assert refused(lambda: site.delete_object(Bucket="assay", Key=original))
    assert refused(lambda: worker.put_object(Bucket="assay", Key=original, Body=b"something else"))
    assert admin.get_object(Bucket="assay", Key=original)["Body"].read() == b"what was sent"
    for one in (site, worker):
        assert refused(lambda one=one: one.list_objects_v2(Bucket="elsewhere"))
        assert refused(lambda one=one: one.get_object(Bucket="elsewhere", Key="secret"))
        assert refused(lambda one=one: one.put_object(Bucket="assay", Key="not-ours", Body=b""))
        assert refused(lambda one=one: one.put_bucket_cors(Bucket="assay", CORSConfiguration={"CORSRules": []}))
        assert refused(lambda one=one: one.delete_bucket(Bucket="assay"))
    worker.put_object(Bucket="assay", Key=f"e/{uuid4()}/{uuid4()}/convert-1/playable.mp4", Body=b"made")
    worker.list_multipart_uploads(Bucket="assay")  # it drops what nobody finished
