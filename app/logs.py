"""Logs of site and worker: lines for people, or one JSON object a line for programs (`ASSAY_LOG_FORMAT`).

What is known about the work under way (the request, the job) stands in each line that is written meanwhile.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

NOTHING: Mapping[str, Any] = MappingProxyType({})
_about: ContextVar[Mapping[str, Any]] = ContextVar("assay_log", default=NOTHING)
# One line for each request is for programs; people read of those that went wrong.
REQUESTS = "assay.request"
OURS = "assay_facts"
# PostgreSQL names values of the row here, and those are of people. In a `repr` its line begins after an escape.
_DETAIL = re.compile(r"(?:\n|\\n)DETAIL:.*?(?=\n|\\n|$)")


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Name, in each line that this thread or task writes in the block, what it is about: `job_id="issue:1"`."""
    before = _about.get()
    token = _about.set({**before, **facts})
    try:
        yield
    finally:
        _about.reset(token)


def facts(**values: Any) -> dict[str, Any]:
    """Return the `extra` of a logging call: fields of its JSON line."""
    return {OURS: values}


def set_up(form: Literal["text", "json"]) -> None:
    """Send the log of this process to standard error, in one of the two forms."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger(REQUESTS).setLevel(logging.INFO if form == "json" else logging.WARNING)


def without_values(error: str) -> str:
    """Return what a database said went wrong, without the values it was about."""
    return _DETAIL.sub("", error)


class _Form(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's name
        return without_values(super().formatException(ei))


class JsonLines(_Form):
    """One JSON object a line: `at`, `level`, `logger`, `message`, what the line is about, its own fields, `trace`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_about.get(),
            **getattr(record, OURS, NOTHING),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class Lines(_Form):
    """A line for people; what it is about stands at its end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        known = " ".join(f"{name}={value}" for name, value in _about.get().items())
        return super().formatMessage(record) + (f" [{known}]" if known else "")
