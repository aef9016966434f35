"""Object storage: one concrete S3 client. Bytes go between browsers, workers and the store, never through the site."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.client import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from app import meters
from app.errors import AssayError, NotFound, Unavailable
from app.settings import Settings

MIN_PART_BYTES = 5 * 1024**2
STREAM_BYTES = 1024**2
DOWN = "The storage can't be reached just now. Nothing was lost; please try again."
GONE = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NoSuchBucket", "NotFound"})


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
class SignedRequest:
    """A request that a browser sends as it is."""

    url: str
    headers: dict[str, str]


class Storage:
    """The bucket. Signed addresses name the public endpoint; everything else goes to the inner one."""

    def __init__(self, settings: Settings) -> None:
        self.bucket = settings.s3_bucket
        self.endpoint_url = settings.s3_endpoint_url
        self.public_url = settings.storage_public_url
        self._inner = _client(settings, settings.s3_endpoint_url)
        self._outer = _client(settings, settings.storage_public_url)

    def create_upload(self, key: str, *, media_type: str) -> str:
        """Begin a multipart upload and return its id."""
        with _down_is_unavailable():
            answer = self._inner.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType=media_type)
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
        url = self._outer.generate_presigned_url("upload_part", Params=params, ExpiresIn=int(life.total_seconds()))
        return SignedRequest(url=str(url), headers={})

    def list_parts(self, key: str, *, upload_id: str) -> list[StoredPart]:
        """List the parts that the store holds of an unfinished upload, each number once: what came last counts.

        S3 replaces a part that is sent again; SeaweedFS lists both until the upload is complete.
        """
        parts: dict[int, tuple[datetime, StoredPart]] = {}
        with _down_is_unavailable():
            pages = self._inner.get_paginator("list_parts").paginate(Bucket=self.bucket, Key=key, UploadId=upload_id)
            for page in pages:
                for part in page.get("Parts", []):
                    found = StoredPart(int(part["PartNumber"]), int(part["Size"]), str(part["ETag"]))
                    if found.number not in parts or parts[found.number][0] <= part["LastModified"]:
                        parts[found.number] = (part["LastModified"], found)
        return [found for _, (_, found) in sorted(parts.items())]

    def complete_upload(self, key: str, *, upload_id: str, parts: list[StoredPart]) -> None:
        """Join the parts. NotFound when the upload is gone (finished or aborted)."""
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        with _down_is_unavailable():
            self._inner.complete_multipart_upload(
                Bucket=self.bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def abort_upload(self, key: str, *, upload_id: str) -> None:
        """Drop an unfinished upload; one that is gone already is fine."""
        try:
            with _down_is_unavailable():
                self._inner.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)
        except NotFound:
            return

    def head(self, key: str) -> StoredObject | None:
        """Return what the store knows of an object, or None."""
        try:
            with _down_is_unavailable():
                answer = self._inner.head_object(Bucket=self.bucket, Key=key)
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
            params["ResponseContentDisposition"] = f'attachment; filename="{attachment}"'
        return str(self._outer.generate_presigned_url("get_object", Params=params, ExpiresIn=int(life.total_seconds())))

    def download(self, key: str, target: Path, *, on_bytes: Callable[[int], None] | None = None) -> str:
        """Stream an object to a local file and return the SHA-256 of what was read (hex)."""
        digest, done = hashlib.sha256(), 0
        with _down_is_unavailable():
            body = self._inner.get_object(Bucket=self.bucket, Key=key)["Body"]
            with target.open("wb") as file:
                for block in body.iter_chunks(STREAM_BYTES):
                    digest.update(block)
                    file.write(block)
                    done += len(block)
                    if on_bytes:
                        on_bytes(done)
        return digest.hexdigest()

    def put_file(self, key: str, source: Path, *, media_type: str) -> None:
        """Store a local file."""
        with _down_is_unavailable():
            self._inner.upload_file(str(source), self.bucket, key, ExtraArgs={"ContentType": media_type})

    def put_bytes(self, key: str, content: bytes, *, media_type: str) -> None:
        """Store a small object."""
        with _down_is_unavailable():
            self._inner.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=media_type)

    def get_bytes(self, key: str, *, limit: int = 16 * 1024**2) -> bytes:
        """Read a small object whole, up to `limit` bytes."""
        with _down_is_unavailable():
            body: IO[bytes] = self._inner.get_object(Bucket=self.bucket, Key=key)["Body"]
            return body.read(limit)

    def delete(self, key: str) -> None:
        """Delete an object; one that is gone already is fine."""
        with _down_is_unavailable():
            self._inner.delete_object(Bucket=self.bucket, Key=key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of all objects that begin so."""
        with _down_is_unavailable():
            pages = self._inner.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [str(found["Key"]) for page in pages for found in page.get("Contents", [])]

    def delete_all(self, prefix: str) -> None:
        """Delete every object whose key begins so."""
        for key in self.keys(prefix):
            self.delete(key)

    def prepare(self, *, origins: list[str]) -> None:
        """Create the bucket and let browsers of these origins send parts and read media."""
        with _down_is_unavailable():
            try:
                self._inner.create_bucket(Bucket=self.bucket)
            except ClientError as error:
                if not str(error.response["Error"]["Code"]).startswith("BucketAlready"):
                    raise
            self._inner.put_bucket_cors(Bucket=self.bucket, CORSConfiguration={"CORSRules": [_cors_rule(origins)]})

    def is_alive(self) -> bool:
        """Say whether the bucket answers."""
        with _down_is_unavailable():
            self._inner.head_bucket(Bucket=self.bucket)
        return True


def _cors_rule(origins: list[str]) -> dict[str, Any]:
    return {
        "AllowedOrigins": origins,
        "AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "Content-Range", "Accept-Ranges"],
        "MaxAgeSeconds": 3600,
    }


def _client(settings: Settings, endpoint_url: str) -> Any:
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        retries={"max_attempts": 2, "mode": "standard"},
        connect_timeout=5,
        read_timeout=30,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    keys = (
        {"aws_access_key_id": settings.s3_access_key, "aws_secret_access_key": settings.s3_secret_key}
        if settings.s3_access_key
        else {}
    )
    return boto3.client("s3", endpoint_url=endpoint_url or None, region_name=settings.s3_region, config=config, **keys)


@contextmanager
def _down_is_unavailable() -> Iterator[None]:
    """Turn "the store can't be reached" and its 5xx into `Unavailable`, and "no such thing" into `NotFound`."""
    try:
        yield
    except ClientError as error:
        if refusal := _refusal(error):
            raise refusal from error
        raise
    except S3UploadFailedError as error:  # what boto3 makes of a ClientError while it uploads a file
        if isinstance(error.__context__, ClientError) and (refusal := _refusal(error.__context__)):
            raise refusal from error
        raise
    except (BotoConnectionError, HTTPClientError, BotoCoreError) as error:
        raise _down() from error


def _down() -> Unavailable:
    meters.part_errors.labels("storage").inc()
    return Unavailable(DOWN)


def _refusal(error: ClientError) -> AssayError | None:
    """Return what an answer of the store means to people, or None for one that is a bug of ours."""
    code = str(error.response["Error"]["Code"])
    status = int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))
    if code in GONE or status == 404:  # noqa: PLR2004
        return NotFound("The storage holds no such object.", code="object-not-found")
    return _down() if status >= 500 else None  # noqa: PLR2004
