"""What `assay doctor` says of the storage, seen from a browser, and of a database server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.cli.checks.check import Check
from app.cli.checks.database import check_clock, check_database, check_jobs
from app.cli.checks.machine import check_address
from app.cli.checks.storage import check_storage
from app.errors import Unavailable
from app.settings import Settings
from app.storage.bucket import cors_rules
from app.storage.client import Storage
from tests.conftest import ORIGIN
from tests.outside import Outside
from tests.storage.proxy import proxy

Look = Callable[..., Check]


@pytest.fixture
def bucket(outside_storage: Outside) -> str:
    """A bucket of this test's own, as `assay init` makes it."""
    name = f"doctor-{uuid4().hex[:8]}"
    settings = Settings(**outside_storage.settings("admin", s3_bucket=name))
    assert Storage(settings).prepare(origins=[ORIGIN]) == []
    return name


@pytest.fixture
def look(outside_storage: Outside, bucket: str) -> Look:
    def _look(**more: Any) -> Check:
        given = outside_storage.settings("admin", **{"base_url": ORIGIN, "s3_bucket": bucket, **more})
        return check_storage(Settings(**given))

    return _look


def test_a_storage_in_order_takes_a_browsers_upload_and_keeps_nothing(
    look: Look, outside_storage: Outside, bucket: str
) -> None:
    assert look(s3_encryption="AES256").state == "ok"
    client = outside_storage.client("admin")
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_the_rights_of_the_site_do_for_the_doctor(outside_storage: Outside) -> None:
    said = check_storage(Settings(base_url=ORIGIN, **outside_storage.settings("site")))
    assert said.state == "ok", said


def test_each_trouble_names_what_to_set(look: Look, outside_storage: Outside, bucket: str) -> None:
    said = [
        look(base_url="http://elsewhere.example"),
        look(base_url="https://assay.example"),
        look(s3_public_url="http://127.0.0.1:9"),
    ]
    assert [each.state for each in said] == ["fail"] * 3
    for each, detail, advice in zip(
        said,
        ("may not send", "browsers then refuse", "nothing answers"),
        ("CORS rules", "ASSAY_S3_PUBLIC_URL", "ASSAY_S3_PUBLIC_URL"),
        strict=True,
    ):
        assert detail in each.detail
        assert advice in each.advice
    with pytest.raises(Unavailable):
        look(s3_access_key="unknown")
    (rule,) = cors_rules([ORIGIN])
    hidden = {"CORSRules": [{**rule, "ExposeHeaders": []}]}
    outside_storage.client("admin").put_bucket_cors(Bucket=bucket, CORSConfiguration=hidden)
    assert (look().state, "ETag" in look().detail) == ("warn", True)


def test_a_proxy_in_front_is_seen_as_browsers_see_it(look: Look, outside_storage: Outside) -> None:
    with proxy(to_port=outside_storage.port, prefix="/s3") as address:
        assert look(s3_public_url=address).state == "ok"


def test_database_jobs_and_clock_are_told_in_one_line_each(
    engine: Engine, outside_storage: Outside, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, **outside_storage.settings("site"))
    on_server = engine.dialect.name == "postgresql"
    database = check_database(engine)
    assert (database.state, "newest schema" in database.detail) == ("ok", True), database
    assert ("connections in use" in database.detail) is on_server
    jobs = check_jobs(engine)
    assert (jobs.state, ("Procrastinate" in jobs.detail) is on_server) == ("warn", True)
    assert "speech: 0 workers, none waits" in jobs.detail
    clock = check_clock(engine, settings)
    assert (clock.state, "the storage's" in clock.detail) == ("ok", True)
    assert ("the database's" in clock.detail) is on_server


def test_an_address_without_https_is_named(tmp_path: Path) -> None:
    def state(url: str) -> str:
        return check_address(Settings(data_dir=tmp_path, base_url=url)).state

    assert [state("http://127.0.0.1:8000"), state("http://assay.example"), state("https://127.0.0.1:9")] == [
        "ok",
        "warn",
        "warn",
    ]
