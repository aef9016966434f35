"""Any S3 service: addresses, credentials, encryption, and what `assay init` says where it may not do its work."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import urllib3

from app.errors import Invalid, Unavailable
from app.settings import Settings, load_settings
from app.storage.client import Storage
from app.storage.connection import browser_origin
from app.supervisor.prepare import prepare
from app.web.security import content_security_policy
from tests.cli.running import Shell
from tests.outside import Outside
from tests.storage.proxy import proxy

HOUR = timedelta(hours=1)
BROWSER = urllib3.PoolManager(retries=False)


def send(storage: Storage, key: str, content: bytes) -> str:
    """Send an object in one part as a browser does, and return the address by which it can be seen."""
    upload = storage.create_upload(key, media_type="text/plain")
    signed = storage.sign_part(key, upload_id=upload, number=1, size_bytes=len(content), life=HOUR)
    answer = BROWSER.request("PUT", signed.url, body=content, headers=signed.headers)
    assert answer.status == 200, answer.data
    storage.complete_upload(key, upload_id=upload, parts=storage.list_parts(key, upload_id=upload))
    return storage.sign_get(key, life=HOUR)


def test_a_public_address_may_have_a_path(outside_storage: Outside) -> None:
    with proxy(to_port=outside_storage.port, prefix="/media/s3") as address:
        settings = Settings(**outside_storage.settings("site", s3_public_url=address))
        seen = send(Storage(settings), f"e/{uuid4()}", b"through the proxy")
        assert seen.startswith(address + "/assay/e/")
        assert BROWSER.request("GET", seen).data == b"through the proxy"
        assert f"connect-src 'self' {address.removesuffix('/media/s3')};" in content_security_policy(settings)


def test_objects_are_encrypted_where_that_is_set(outside_storage: Outside) -> None:
    storage = Storage(Settings(**outside_storage.settings("site", s3_encryption="AES256")))
    sent, put = f"e/{uuid4()}", f"e/{uuid4()}"
    assert BROWSER.request("GET", send(storage, sent, b"in parts")).data == b"in parts"
    storage.put_bytes(put, b"at once", media_type="text/plain")
    admin = outside_storage.client("admin")
    for key in (sent, put):
        assert admin.head_object(Bucket="assay", Key=key)["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({"s3_endpoint_url": "https://s3.eu-central-1.amazonaws.com"}, "https://assay.s3.eu-central-1.amazonaws.com"),
        ({"s3_endpoint_url": "https://s3.example.org"}, "https://s3.example.org"),
        ({"s3_endpoint_url": "https://s3.example.org", "s3_addressing": "virtual"}, "https://assay.s3.example.org"),
        ({"s3_endpoint_url": "http://10.0.0.5:8333", "s3_public_url": "https://media.example.org/s3"},
         "https://media.example.org"),
    ],
)  # fmt: skip
def test_signed_addresses_and_the_content_policy_name_the_same_host(given: dict[str, str], origin: str) -> None:
    settings = Settings(**given, s3_access_key="a", s3_secret_key="b")
    assert browser_origin(settings) == origin
    assert Storage(settings).sign_get("e/x", life=HOUR).startswith(origin + "/")


@pytest.mark.parametrize(
    "wrong",
    [
        {"s3_public_url": "media.example.org"},
        {"s3_public_url": "https://media.example.org/?x=1"},
        {"s3_access_key": "only one"},
        {"s3_addressing": "host"},
        {"s3_encryption": "rot13"},
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="ASSAY_S3_"):
        load_settings(**wrong)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without anything of AWS in it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_credentials_of_the_environment_do(outside_storage: Outside, tmp_path: Path, alone: pytest.MonkeyPatch) -> None:
    settings = Settings(s3_endpoint_url=outside_storage.endpoint_url)
    alone.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(Unavailable, match="AWS_ACCESS_KEY_ID"):
        Storage(settings).is_alive()
    alone.setenv("AWS_ACCESS_KEY_ID", "AKSITE")
    alone.setenv("AWS_SECRET_ACCESS_KEY", "secret of site")
    assert Storage(settings).is_alive()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        alone.delenv(name)
    profile = tmp_path / "credentials"
    profile.write_text("[assay]\naws_access_key_id = AKSITE\naws_secret_access_key = secret of site\n")
    alone.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    alone.setenv("AWS_PROFILE", "assay")
    assert Storage(settings).is_alive()


def test_init_says_what_an_operator_must_do(outside_storage: Outside, tmp_path: Path) -> None:
    def made(identity: str, bucket: str) -> list[str]:
        return prepare(Settings(data_dir=tmp_path, **outside_storage.settings(identity, s3_bucket=bucket)))

    bucket = f"new-{uuid4().hex[:8]}"
    assert made("admin", bucket) == made("admin", bucket) == []
    for identity, name in (("nobody", "assay"), ("site", "elsewhere")):
        with pytest.raises(Unavailable, match=r"infra/s3/policy-site\.json"):
            made(identity, name)
    given = {f"ASSAY_{name.upper()}": value for name, value in outside_storage.settings("site").items()}
    done = Shell(tmp_path).assay("init", **given)  # it may use the bucket, and may not set CORS
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert '"AllowedOrigins": ["http://127.0.0.1:8000"]' in done.stderr


def test_a_key_that_is_refused_makes_work_wait(outside_storage: Outside) -> None:
    storage = Storage(Settings(**outside_storage.settings("nobody")))
    with pytest.raises(Unavailable) as refusal:
        storage.get_bytes("e/x")
    assert refusal.value.code == "storage-refused"
