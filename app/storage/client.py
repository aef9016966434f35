"""Object storage: one concrete S3 client. Bytes go between browsers, workers and the store, never through the site."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit, urlunsplit

from botocore.exceptions import ClientError

from app.errors import NotFound
from app.settings import Settings
from app.storage.bucket import make_bucket, set_cors
from app.storage.connection import connect, encryption, is_aws, public_address
from app.storage.refusals import code_of, understood

MIN_PART_BYTES = 5 * 1024**2
STREAM_BYTES = 1024**2
DIGEST = "sha256"  # the name of our own digest beside an object


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that the store holds."""

    number: int
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says about an object."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class ReadObject:
    """What an object is, by reading all of it; `etag` is the store's own checksum."""

    size_bytes: int
    sha256: str
    etag: str


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """An upload that was begun; its parts take room until it is completed or aborted."""

    key: str
    upload_id: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that a browser sends as it is."""

    url: str
    headers: dict[str, str]


def disposition(name: str) -> str:
    """Return the header that makes a browser save a file under a name in any script (RFC 6266, RFC 8187)."""
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class Storage:
    """The bucket. Signed addresses name the public endpoint; everything else goes to the inner one."""

    def __init__(self, settings: Settings) -> None:
        self.bucket = settings.s3_bucket
        self.region = settings.s3_region
        self.endpoint_url = settings.s3_endpoint_url
        self._public = public_address(settings)
        self.encryption = encryption(settings)
        self.client = connect(settings, settings.s3_endpoint_url)
        self._outer = connect(settings, self._public.endpoint_url)

    def create_upload(self, key: str, *, media_type: str) -> str:
        """Begin a multipart upload and return its id."""
        with understood():
            answer = self.client.create_multipart_upload(
                Bucket=self.bucket, Key=key, ContentType=media_type, **self.encryption
            )
        return str(answer["UploadId"])

    def sign_part(self, key: str, *, upload_id: str, number: int, size_bytes: int, life: timedelta) -> SignedRequest:
        """Sign the PUT of one part. Its length is signed: the store refuses a longer or shorter body."""
        params = {
            "Bucket": self.bucket,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": size_bytes,
        }
        return SignedRequest(url=self._signed("upload_part", params, life), headers={})

    def list_parts(self, key: str, *, upload_id: str) -> list[StoredPart]:
        """List the parts that the store holds of an unfinished upload, each number once: what came last counts.

        S3 replaces a part that is sent again; SeaweedFS lists both until the upload is complete.
        """
        parts: dict[int, tuple[datetime, StoredPart]] = {}
        with understood():
            pages = self.client.get_paginator("list_parts").paginate(Bucket=self.bucket, Key=key, UploadId=upload_id)
            for page in pages:
                for part in page.get("Parts", []):
                    found = StoredPart(int(part["PartNumber"]), int(part["Size"]), str(part["ETag"]))
                    if found.number not in parts or parts[found.number][0] <= part["LastModified"]:
                        parts[found.number] = (part["LastModified"], found)
        return [found for _, (_, found) in sorted(parts.items())]

    def complete_upload(self, key: str, *, upload_id: str, parts: list[StoredPart]) -> None:
        """Join the parts. NotFound when the upload is gone (finished or aborted) or an object has its place already."""
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        asked = {"Bucket": self.bucket, "Key": key, "UploadId": upload_id, "MultipartUpload": {"Parts": listed}}
        with understood():
            try:
                self.client.complete_multipart_upload(**asked, IfNoneMatch="*")
            except ClientError as error:
                if code_of(error) != "NotImplemented":
                    raise
                self.client.complete_multipart_upload(**asked)  # a store without conditional writes

    def abort_upload(self, key: str, *, upload_id: str) -> None:
        """Drop an unfinished upload; one that is gone already is fine."""
        try:
            with understood():
                self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)
        except NotFound:
            return

    def unfinished(self, prefix: str) -> list[UnfinishedUpload]:
        """List the uploads under a prefix that were begun and neither completed nor aborted."""
        with understood():
            pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=prefix)
            return [
                UnfinishedUpload(str(one["Key"]), str(one["UploadId"]), one["Initiated"])
                for page in pages
                for one in page.get("Uploads", [])
            ]

    def head(self, key: str) -> StoredObject | None:
        """Return what the store knows of an object, or None."""
        try:
            with understood():
                answer = self.client.head_object(Bucket=self.bucket, Key=key)
        except NotFound:
            return None
        return StoredObject(key=key, size_bytes=int(answer["ContentLength"]), etag=str(answer["ETag"]))

    def sign_get(
        self, key: str, *, life: timedelta, media_type: str | None = None, attachment: str | None = None
    ) -> str:
        """Sign a GET that honours Range. `attachment` makes the browser save it under that name."""
        params: dict[str, Any] = {"Bucket": self.bucket, "Key": key}
        if media_type:
            params["ResponseContentType"] = media_type
        if attachment:
            params["ResponseContentType"] = "application/octet-stream"
            params["ResponseContentDisposition"] = disposition(attachment)
        return self._signed("get_object", params, life)

    def _signed(self, operation: str, params: dict[str, Any], life: timedelta) -> str:
        """Sign for the browsers' address; a proxy takes the prefix away again, so that it is not signed."""
        with understood():
            url = self._outer.generate_presigned_url(operation, Params=params, ExpiresIn=int(life.total_seconds()))
        parts = urlsplit(str(url))
        return urlunsplit(parts._replace(path=self._public.prefix + parts.path))

    def download(self, key: str, target: Path, *, on_bytes: Callable[[int], None] | None = None) -> str:
        """Stream an object to a local file and return the SHA-256 of what was read (hex)."""
        digest, done = hashlib.sha256(), 0
        with understood():
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
            with target.open("wb") as file:
                for block in body.iter_chunks(STREAM_BYTES):
                    digest.update(block)
                    file.write(block)
                    done += len(block)
                    if on_bytes:
                        on_bytes(done)
        return digest.hexdigest()

    def digest(self, key: str) -> ReadObject | None:
        """Read an object to its end without keeping it; None without such an object."""
        digest, done = hashlib.sha256(), 0
        try:
            with understood():
                answer = self.client.get_object(Bucket=self.bucket, Key=key)
                for block in answer["Body"].iter_chunks(STREAM_BYTES):
                    digest.update(block)
                    done += len(block)
        except NotFound:
            return None
        return ReadObject(done, digest.hexdigest(), str(answer["ETag"]))

    def download_own(self, key: str, target: Path) -> bool:
        """Bring what `put_file` stored with its digest to a local file; False when it is something else by now."""
        with understood():
            told = self.client.head_object(Bucket=self.bucket, Key=key)["Metadata"].get(DIGEST)
        return self.download(key, target) == str(told)

    def put_file(self, key: str, source: Path, *, media_type: str, with_digest: bool = False) -> None:
        """Store a local file; `with_digest` for what is read again with `download_own`."""
        more: dict[str, Any] = {"ContentType": media_type, **self.encryption}
        if with_digest:
            with source.open("rb") as file:
                more["Metadata"] = {DIGEST: hashlib.file_digest(file, "sha256").hexdigest()}
        with understood():
            self.client.upload_file(str(source), self.bucket, key, ExtraArgs=more)

    def put_bytes(self, key: str, content: bytes, *, media_type: str) -> str:
        """Store a small object and return the store's own checksum of it."""
        asked = {"Bucket": self.bucket, "Key": key, "Body": content, "ContentType": media_type, **self.encryption}
        with understood():
            return str(self.client.put_object(**asked)["ETag"])

    def get_bytes(self, key: str, *, limit: int = 16 * 1024**2) -> bytes:
        """Read a small object whole, up to `limit` bytes."""
        with understood():
            body: IO[bytes] = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
            return body.read(limit)

    def delete(self, key: str) -> None:
        """Delete an object; one that is gone already is fine."""
        with understood():
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of all objects that begin so."""
        return list(self.sizes(prefix))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the size of every object whose key begins so."""
        with understood():
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return {str(found["Key"]): int(found["Size"]) for page in pages for found in page.get("Contents", [])}

    def delete_all(self, prefix: str) -> None:
        """Delete every object whose key begins so."""
        for key in self.keys(prefix):
            self.delete(key)

    def prepare(self, *, origins: list[str]) -> list[str]:
        """Create the bucket unless it is there, and let browsers of these origins send parts and read media.

        Returns what an operator must do because we may not. Raises Unavailable when there is no bucket for us.
        """
        make_bucket(self.client, bucket=self.bucket, region=self.region, on_aws=is_aws(self.endpoint_url))
        left = set_cors(self.client, bucket=self.bucket, origins=origins)
        return [left] if left else []

    def is_alive(self) -> bool:
        """Say whether the bucket answers."""
        with understood():
            self.client.head_bucket(Bucket=self.bucket)
        return True
