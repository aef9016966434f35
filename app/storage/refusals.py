"""What the answers of a storage mean to people: down, gone, or not allowed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from app import meters
from app.errors import AssayError, NotFound, Unavailable

log = logging.getLogger(__name__)
DOWN = "The storage can't be reached just now. Nothing was lost; please try again."
REFUSED = (
    "The storage refuses what this site asks of it. Nothing was lost; whoever runs the site has to look into its "
    "rights there."
)
NO_CREDENTIALS = (
    "There are no credentials for the storage. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role."
)
NO_BUCKET = (
    "The storage has no such bucket. Nothing was lost; whoever runs the site has to look into the name in its settings."
)
GONE = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound", "PreconditionFailed"})
FORBIDDEN = 403
MISSING = 404
BROKEN = 500
BUSY = frozenset({"SlowDown", "RequestTimeout", "ServiceUnavailable", "TooManyRequests", "OperationAborted"}) | {
    "ConditionalRequestConflict"  # another request for the same object is on its way
}


def code_of(error: ClientError) -> str:
    """Return the code of an S3 error, such as `AccessDenied`; the bare status for an answer without a body."""
    return str(error.response["Error"]["Code"])


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an S3 error; 0 where there is none."""
    return int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))


@contextmanager
def understood() -> Iterator[None]:
    """Turn "can't be reached", 5xx and "not allowed" into `Unavailable`, and "no such thing" into `NotFound`."""
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
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise Unavailable(NO_CREDENTIALS, code="storage-refused") from error
    except (BotoConnectionError, HTTPClientError, BotoCoreError) as error:
        raise _down() from error


def _down() -> Unavailable:
    meters.part_errors.labels("storage").inc()
    return Unavailable(DOWN)


def _refusal(error: ClientError) -> AssayError | None:
    """Return what an answer of the store means to people, or None for one that is a bug of ours."""
    code, status = code_of(error), status_of(error)
    if code == "NoSuchBucket":  # a wrong name in the settings: no object is gone
        return Unavailable(NO_BUCKET, code="storage-refused")
    if code in GONE or status == MISSING:
        return NotFound("The storage holds no such object.", code="object-not-found")
    if status == FORBIDDEN:
        log.error("the storage refused %s: %s", error.operation_name, error.response["Error"].get("Message") or code)
        return Unavailable(REFUSED, code="storage-refused")
    return _down() if status >= BROKEN or code in BUSY else None
