"""A small client of the JSON API: the demonstration does what people and scripts do, by the same calls."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from app.errors import AssayError, Unavailable

TIMEOUT = urllib3.Timeout(connect=5, read=60)
RETRIES = urllib3.Retry(total=5, backoff_factor=0.5, status_forcelist=(502, 503), allowed_methods=None)
OK = 300


class Refused(AssayError):
    """The site refused a call; `code` is the API's own."""


@dataclass(frozen=True, slots=True)
class Api:
    """The API as one person sees it."""

    base_url: str
    token: str
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(timeout=TIMEOUT, retries=RETRIES))

    def get(self, path: str) -> Any:
        """Read something."""
        return self._call("GET", path, None, {})

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> Any:
        """Do something. With a `key` the same call may be sent again and is done once."""
        return self._call("POST", path, body or {}, {"Idempotency-Key": key} if key else {})

    def delete(self, path: str) -> None:
        """Take something away."""
        self._call("DELETE", path, None, {})

    def put_part(self, url: str, content: bytes, headers: dict[str, str]) -> None:
        """Send one part to the storage as its signed address says."""
        answer = self.pool.request("PUT", url, body=content, headers=headers)
        if answer.status >= OK:
            raise Unavailable(f"The storage refused a part of a recording ({answer.status}).")

    def _call(self, method: str, path: str, body: dict[str, Any] | None, extra: dict[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **extra}
        url = f"{self.base_url}/api/v1{path}"
        try:
            answer = self.pool.request(method, url, json=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"The site did not answer {method} {path}.") from error
        found = json.loads(answer.data) if answer.data else None
        if answer.status >= OK:
            raise _refusal(method, path, answer.status, found)
        return found


def _refusal(method: str, path: str, status: int, problem: Any) -> Refused:
    known = problem if isinstance(problem, dict) else {}
    more = "; ".join(f"{each.get('field')}: {each.get('message')}" for each in known.get("errors", []))
    detail = f"{method} {path} was refused ({status}): {known.get('detail', '')} {more}".strip()
    return Refused(detail, code=str(known.get("code", status)))


def read_part(file: Path, *, number: int, part_size: int) -> bytes:
    """Return one part of a file; parts are numbered from 1."""
    with file.open("rb") as source:
        source.seek((number - 1) * part_size)
        return source.read(part_size)
