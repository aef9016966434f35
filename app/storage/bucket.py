"""Making the bucket ready: what `assay init` does, and what it asks an operator to do where it may not."""

import json
from typing import Any

from botocore.exceptions import ClientError

from app.errors import Unavailable
from app.storage.refusals import FORBIDDEN, MISSING, code_of, status_of, understood

HOME_REGION = "us-east-1"  # the one region that takes no location
NOT_THERE = frozenset({"NotImplemented", "MethodNotAllowed", "XNotImplemented"})


def make_bucket(client: Any, *, bucket: str, region: str, on_aws: bool) -> None:
    """Create the bucket unless it is there. Raises Unavailable with what an operator must do if we may not."""
    with understood():
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if status_of(error) == FORBIDDEN:
                raise _no_rights(bucket) from error
            if status_of(error) != MISSING:
                raise
            _create(client, bucket, region=region, on_aws=on_aws)


def _create(client: Any, bucket: str, *, region: str, on_aws: bool) -> None:
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}} if on_aws and region != HOME_REGION else {}
    try:
        client.create_bucket(Bucket=bucket, **place)
    except ClientError as error:
        if status_of(error) == FORBIDDEN:
            raise Unavailable(
                "There is no bucket %(bucket)s, and these credentials may not create it. "
                "Create it, give them the rights of infra/s3/policy-site.json, and run `assay init` again.",
                bucket=bucket,
            ) from error
        if not code_of(error).startswith("BucketAlready"):
            raise


def _no_rights(bucket: str) -> Unavailable:
    return Unavailable(
        "These credentials may not use the bucket %(bucket)s (or are wrong). "
        "Give them the rights of infra/s3/policy-site.json and run `assay init` again.",
        bucket=bucket,
    )


def cors_rules(origins: list[str]) -> list[dict[str, Any]]:
    """Return the rules that let pages of these origins, and no others, send parts and read media."""
    rule = {
        "AllowedOrigins": origins,
        "AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "Content-Range", "Accept-Ranges"],
        "MaxAgeSeconds": 3600,
    }
    return [rule]


def set_cors(client: Any, *, bucket: str, origins: list[str]) -> str | None:
    """Set the CORS rules; None when that is done, else what an operator must do."""
    rules = cors_rules(origins)
    with understood():
        try:
            client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
        except ClientError as error:
            if status_of(error) != FORBIDDEN and code_of(error) not in NOT_THERE:
                raise
            return (
                f"The CORS rules of the bucket {bucket} could not be set ({code_of(error)}). "
                f"Let somebody who may set these, or browsers can't upload: {json.dumps({'CORSRules': rules})}"
            )
    return None
