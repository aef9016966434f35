"""Carrying an object from one storage to another, in parts that both sides check."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import IO, Any

from app.errors import Unavailable
from app.storage.client import Storage
from app.storage.refusals import understood

PART_BYTES = 8 * 1024**2
MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Carried:
    """What was read from the source; the target has checked the MD5 of each part that it took."""

    key: str
    size_bytes: int
    sha256: str


def carry(key: str, *, source: Storage, target: Storage) -> Carried:
    """Copy one object. Raises NotFound (not in the source) and Unavailable; what is half done shows nowhere."""
    with understood():
        found = source.client.get_object(Bucket=source.bucket, Key=key)
        size, digest = int(found["ContentLength"]), hashlib.sha256()
        about = {"ContentType": found["ContentType"], **target.encryption}
        if size <= PART_BYTES:
            whole = _next(found["Body"], size, digest)
            target.client.put_object(Bucket=target.bucket, Key=key, Body=whole, ContentMD5=_md5(whole), **about)
        else:
            _in_parts(key, found["Body"], size=size, digest=digest, target=target, about=about)
    return Carried(key, size, digest.hexdigest())


def _in_parts(key: str, body: IO[bytes], *, size: int, digest: Any, target: Storage, about: dict[str, str]) -> None:
    where = {"Bucket": target.bucket, "Key": key}
    where["UploadId"] = target.client.create_multipart_upload(**where, **about)["UploadId"]
    length, parts = max(PART_BYTES, -(-size // MOST_PARTS)), []
    for number, start in enumerate(range(0, size, length), start=1):
        part = _next(body, min(length, size - start), digest)
        sent = target.client.upload_part(**where, PartNumber=number, Body=part, ContentMD5=_md5(part))
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    target.client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


def _next(body: IO[bytes], length: int, digest: Any) -> bytes:
    content = body.read(length)
    if len(content) != length:
        raise Unavailable("The storage ended an object too early. Try again.")
    digest.update(content)
    return content


def _md5(content: bytes) -> str:
    return b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
