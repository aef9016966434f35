"""What came with a request, read up to its limits: JSON, forms, files."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.errors import BadRequest, TooLarge

MAX_BODY_BYTES = 2 * 1024**2
MAX_FILE_BYTES = 12 * 1024**2


@dataclass(frozen=True, slots=True)
class Body:
    """What came with a request: JSON or form fields, files, and the raw bytes (for the idempotency key)."""

    raw: bytes
    fields: dict[str, Any]
    files: dict[str, bytes]


async def read_body(request: Request) -> Body:
    """Read what was sent, up to the limits. JSON and forms give fields, multipart also files."""
    if request.method in {"GET", "HEAD"}:
        return Body(b"", {}, {})
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _multipart(request)
    raw = await _limited(request, MAX_BODY_BYTES)
    if not raw:
        return Body(raw, {}, {})
    if kind == "application/x-www-form-urlencoded":
        form = await request.form()
        return Body(raw, {name: str(value) for name, value in form.items()}, {})
    return Body(raw, _json(raw), {})


def _json(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON.", code="not-json") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", code="not-json")
    return value


async def _limited(request: Request, limit: int) -> bytes:
    """Read a body into memory, no further than the limit; form parsing reads it again from there."""
    chunks, total = [], 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > limit:
            raise TooLarge("That is more than this address takes.")
        chunks.append(chunk)
    raw = b"".join(chunks)
    request._body = raw  # noqa: SLF001  # the place where Starlette itself keeps a body that was read
    return raw


async def _multipart(request: Request) -> Body:
    declared = request.headers.get("content-length", "")
    if not declared.isdigit() or int(declared) > MAX_FILE_BYTES:
        raise TooLarge("That is more than this address takes.")
    fields: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    try:
        async with request.form(max_files=1, max_fields=20, max_part_size=MAX_FILE_BYTES) as form:
            for name, value in form.items():
                if isinstance(value, UploadFile):
                    files[name] = await value.read()
                else:
                    fields[name] = value
    except HTTPException as error:  # Starlette's word for a body that is not what its header says
        raise BadRequest("Please check what was sent: something is missing or wrong.", code="not-a-form") from error
    return Body(_as_bytes(fields, files), fields, files)


def _as_bytes(fields: dict[str, Any], files: dict[str, bytes]) -> bytes:
    """Write a form down in one way: the boundary between its parts is another one at each sending."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return json.dumps([fields, digests], sort_keys=True).encode()
