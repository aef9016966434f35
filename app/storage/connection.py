"""How we reach an S3 service: credentials, region, addressing, encryption, and the address that browsers use.

Credentials are those of our own settings, else what boto3 finds: `AWS_` variables, a profile, the role of the
machine or container. boto3 renews those of a role by itself.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.client import Config

from app.settings import Settings

AWS = (".amazonaws.com", ".amazonaws.com.cn")
CONNECT_SECONDS = 5
READ_SECONDS = 30
TRIES_AGAIN = 2
CONNECTIONS = 50  # threads of a site that talk to the storage at the same time


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """The address of the storage for browsers. A proxy takes `prefix` away before the storage sees the request."""

    endpoint_url: str
    prefix: str


def is_aws(endpoint_url: str) -> bool:
    """Say whether this is Amazon's own service."""
    return f".{urlsplit(endpoint_url).hostname or ''}".endswith(AWS)


def addressing(settings: Settings, endpoint_url: str) -> str:
    """Return `virtual` (the bucket is part of the host name) or `path`. By itself: virtual at Amazon only.

    A bucket with a dot in its name has no certificate under a host name of its own.
    """
    if settings.s3_addressing != "auto":
        return settings.s3_addressing
    return "virtual" if is_aws(endpoint_url) and "." not in settings.s3_bucket else "path"


def public_address(settings: Settings) -> PublicAddress:
    """Split the public address. A path in it is no part of what is signed: see infra/docs/storage.md."""
    if not settings.s3_public_url:
        return PublicAddress(settings.s3_endpoint_url, "")
    parts = urlsplit(settings.s3_public_url)
    return PublicAddress(f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/"))


def browser_origin(settings: Settings) -> str:
    """Return scheme, host and port that browsers talk to; empty where no storage is set."""
    address = public_address(settings).endpoint_url
    parts = urlsplit(address)
    if not parts.netloc:
        return ""
    bucket = f"{settings.s3_bucket}." if addressing(settings, address) == "virtual" else ""
    return f"{parts.scheme}://{bucket}{parts.netloc}"


def connect(settings: Settings, endpoint_url: str) -> Any:
    """Return an S3 client for one address of the storage."""
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": addressing(settings, endpoint_url)},
        retries={"max_attempts": TRIES_AGAIN, "mode": "standard"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    keys = (
        {"aws_access_key_id": settings.s3_access_key, "aws_secret_access_key": settings.s3_secret_key}
        if settings.s3_access_key
        else {}
    )
    session = boto3 if keys else boto3.Session()  # a new one looks for credentials anew; the shared one is quicker
    where = {"endpoint_url": endpoint_url or None, "region_name": settings.s3_region}
    return session.client("s3", config=config, **where, **keys)


def encryption(settings: Settings) -> dict[str, str]:
    """Return what a request that makes an object says about encryption at rest; nothing where none is set.

    S3 wants it with PutObject and CreateMultipartUpload alone. UploadPart, which browsers send, and GetObject
    refuse it, so signed addresses never carry it.
    """
    if not settings.s3_encryption:
        return {}
    key = {"SSEKMSKeyId": settings.s3_encryption_key} if settings.s3_encryption_key else {}
    return {"ServerSideEncryption": settings.s3_encryption, **key}
