"""The storage, as a browser sees it: a real upload in two parts, at the address that browsers use.

Each step that fails names what to set. Everything that is sent is deleted again.
"""

import hashlib
import secrets
import time
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta

import urllib3

from app.cli.checks.check import HTTP, Check
from app.settings import Settings
from app.storage.client import MIN_PART_BYTES, SignedRequest, Storage
from app.storage.connection import browser_origin
from app.storage.embedded import find, located
from app.storage.refusals import understood
from app.web.security import origin_of

PART_LIFE = timedelta(minutes=5)
REST_BYTES = 1000
SUCCESS = range(200, 300)
PARTIAL = 206
CORS = "Run `assay init`, or let an operator set the CORS rules of infra/docs/storage.md on the bucket."
PUBLIC = "Set ASSAY_S3_PUBLIC_URL to the address by which browsers reach the storage; see infra/docs/storage.md."
CREDENTIALS = "Set ASSAY_S3_ENDPOINT_URL and the credentials; the rights needed are in infra/s3/policy-site.json."


@dataclass(eq=False)
class Trouble(Exception):
    """A step that went wrong, and what to set."""

    detail: str
    advice: str
    state: str = "fail"


@dataclass(frozen=True, slots=True)
class Trial:
    """One upload under way, from a page of `origin`."""

    storage: Storage
    settings: Settings
    key: str
    upload_id: str
    parts: tuple[bytes, bytes]

    @property
    def origin(self) -> str:
        """The origin of our pages."""
        return origin_of(self.settings.base_url)

    def signed(self, number: int) -> SignedRequest:
        """Sign the PUT of a part."""
        return self.storage.sign_part(
            self.key,
            upload_id=self.upload_id,
            number=number,
            size_bytes=len(self.parts[number - 1]),
            life=PART_LIFE,
        )

    def put(self, number: int, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        """Send a part as a browser does."""
        signed = self.signed(number)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return HTTP.request("PUT", signed.url, body=body, headers={**signed.headers, "Origin": self.origin, **named})


def check_storage(settings: Settings) -> Check:
    """Send an object in two parts by signed addresses and read it back, with CORS, sizes, checksums and ranges."""
    if not settings.s3_endpoint_url and find(settings.data_dir) is None:
        return Check("storage", "warn", "the embedded server does not run", "`assay up` starts it; then ask again.")
    settings = located(settings)
    started = time.monotonic()
    try:
        weak = _try(settings)
    except Trouble as trouble:
        return Check("storage", trouble.state, trouble.detail, trouble.advice)
    took = int((time.monotonic() - started) * 1000)
    said = f"{settings.s3_endpoint_url}: two parts, sizes, checksum, ranges and CORS right in {took} ms"
    if weak:
        return Check("storage", weak.state, weak.detail, weak.advice)
    return Check("storage", "ok", said)


def _try(settings: Settings) -> Trouble | None:
    """Make a whole upload. Raises Trouble; returns the first of those that people can live with."""
    storage, key = Storage(settings), f"health/doctor-{secrets.token_hex(8)}"
    _can_be_reached(settings)
    upload_id = storage.create_upload(key, media_type="application/octet-stream")
    content = secrets.token_bytes(MIN_PART_BYTES + REST_BYTES)
    trial = Trial(storage, settings, key, upload_id, (content[:MIN_PART_BYTES], content[MIN_PART_BYTES:]))
    try:
        _may_send(trial)
        weak = [_wrong_size(trial), _wrong_checksum(trial), _send(trial)]
        storage.complete_upload(key, upload_id=upload_id, parts=storage.list_parts(key, upload_id=upload_id))
        _read_back(trial, content)
        _is_encrypted(trial)
    finally:
        storage.abort_upload(key, upload_id=upload_id)
        storage.delete(key)
    return next((each for each in weak if each), None)


def _can_be_reached(settings: Settings) -> None:
    public = browser_origin(settings)
    if settings.secure and not public.startswith("https://"):
        raise Trouble(f"pages come by https, and browsers then refuse the storage at {public}", PUBLIC)
    try:
        HTTP.request("HEAD", public)
    except urllib3.exceptions.SSLError as error:
        raise Trouble(f"the certificate of {public} is not good: {error}", PUBLIC) from error
    except urllib3.exceptions.HTTPError as error:
        raise Trouble(f"nothing answers at {public}, the address for browsers: {error}", PUBLIC) from error


def _may_send(trial: Trial) -> None:
    """Ask as a browser does before it sends a part: our pages may, a stranger's may not."""
    for origin, may in ((trial.origin, True), ("https://stranger.example", False)):
        asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        answer = HTTP.request("OPTIONS", trial.signed(1).url, headers=asked)
        allowed = answer.status in SUCCESS and answer.headers.get("Access-Control-Allow-Origin") in {origin, "*"}
        methods = answer.headers.get("Access-Control-Allow-Methods", "")
        if may and allowed and "PUT" not in methods:
            raise Trouble(f"CORS: pages of {origin} may not PUT (allowed: {methods})", CORS)
        if allowed is not may:
            raise Trouble(f"CORS: pages of {origin} {'may not' if may else 'may'} send to the bucket", CORS)


def _wrong_size(trial: Trial) -> Trouble | None:
    if trial.put(2, trial.parts[1] + b"x").status not in SUCCESS:
        return None
    detail = "a part of another length than was signed is taken"
    return Trouble(detail, "Limits on sizes then count only when uploads are complete.", "warn")


def _wrong_checksum(trial: Trial) -> Trouble | None:
    wrong = b64encode(hashlib.md5(b"something else", usedforsecurity=False).digest()).decode()
    if trial.put(2, trial.parts[1], Content_MD5=wrong).status not in SUCCESS:
        return None
    return Trouble("a part with a wrong Content-MD5 is taken", "Workers still compare whole files.", "warn")


def _send(trial: Trial) -> Trouble | None:
    for number, part in enumerate(trial.parts, start=1):
        answer = trial.put(number, part)
        if answer.status not in SUCCESS:
            reason = answer.data[:300].decode(errors="replace")
            raise Trouble(f"the signed address of part {number} was refused ({answer.status}): {reason}", CREDENTIALS)
        if answer.headers.get("Access-Control-Allow-Origin") not in {trial.origin, "*"}:
            raise Trouble(f"CORS: the answer to a part is not shown to pages of {trial.origin}", CORS)
    exposed = answer.headers.get("Access-Control-Expose-Headers", "").lower()
    if "etag" in exposed or exposed == "*":
        return None
    return Trouble("CORS: pages can't see the ETag of a part (Access-Control-Expose-Headers)", CORS, "warn")


def _read_back(trial: Trial, content: bytes) -> None:
    url = trial.storage.sign_get(trial.key, life=PART_LIFE)
    whole = HTTP.request("GET", url, headers={"Origin": trial.origin})
    if hashlib.sha256(whole.data).digest() != hashlib.sha256(content).digest():
        raise Trouble("the object that came back is not the one that was sent", CREDENTIALS)
    first, last = MIN_PART_BYTES - 2, MIN_PART_BYTES + 1  # across the border of the two parts
    some = HTTP.request("GET", url, headers={"Origin": trial.origin, "Range": f"bytes={first}-{last}"})
    if (some.status, some.data) != (PARTIAL, content[first : last + 1]):
        raise Trouble("a range of an object can't be read: recordings can't be wound", PUBLIC)
    if some.headers.get("Access-Control-Allow-Origin") not in {trial.origin, "*"}:
        raise Trouble(f"CORS: objects are not shown to pages of {trial.origin}", CORS)


def _is_encrypted(trial: Trial) -> None:
    wanted = trial.settings.s3_encryption
    if not wanted:
        return
    with understood():
        kept = trial.storage.client.head_object(Bucket=trial.storage.bucket, Key=trial.key)
    if kept.get("ServerSideEncryption") != wanted:
        raise Trouble(f"objects are not encrypted by {wanted}", "Look at the encryption of the bucket.")
