"""The candidates' part: send evidence by signed parts, wait for the pipeline, submit with declaration and consents.

Every step looks at the state first, so that a player who was stopped goes on where it was.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.demo.api import Api, read_part
from app.demo.cast import Act
from app.demo.progress import Board
from app.errors import Unavailable

POLL_SECONDS = 0.5
WORDS = Path(__file__).parent / "texts"
CLOSED = frozenset({"rejected", "failed", "damaged"})


class Interrupted(Exception):
    """Somebody asked to stop; starting again continues."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One candidate with one act."""

    api: Api
    act: Act
    title: str
    board: Board
    stopping: Callable[[], bool]

    def submission(self) -> dict[str, Any]:
        """Return the candidate's submission for this rubric; it is begun when there is none."""
        rubric = self._rubric()
        for each in self.api.get("/submissions?limit=100")["items"]:
            if each["rubric_id"] == rubric["id"]:
                return dict(self.api.get(f"/submissions/{each['id']}"))
        body = {"rubric_id": rubric["id"], "language": self.act.language}
        return dict(self.api.post("/submissions", body))

    def send(self, recording: Path | None) -> None:
        """Add the evidence and send all its bytes."""
        submission = self.submission()
        if submission["state"] != "draft":
            return
        evidence = self._kept(submission) or self._add(submission["id"], recording)
        if recording is not None and evidence["state"] == "uploading":
            self._send_parts(evidence, recording)

    def submit(self) -> None:
        """Submit as soon as everything is inspected, with declaration and consents."""
        self._until(lambda found: found["state"] != "draft" or _may_submit(found))
        submission = self.submission()
        if submission["state"] == "draft":
            consents = [{"purpose": each["purpose"], "version": each["version"]} for each in self._rubric()["consents"]]
            body = {"declaration": True, "consents": consents, "people": []}
            self.api.post(f"/submissions/{submission['id']}/submit", body)

    def wait_until_ready(self) -> None:
        """Wait until an assessor may take it: everything can be played."""
        self._until(lambda found: found["state"] not in {"draft", "processing"})
        self.board.step(self.title, stage="ready", part=1.0)

    def wait_for_transcript(self) -> bool:
        """Wait until the transcript has joined (judging need not). False when there will be none."""
        self._until(_transcribing_ended)
        failed = any(_stage(each, "transcribe") == "failed" for each in self.submission()["evidence"])
        self.board.step(self.title, stage="no transcript" if failed else "done", part=1.0)
        return not failed

    def _rubric(self) -> dict[str, Any]:
        items = self.api.get("/rubrics")["items"]
        return next(dict(each) for each in items if each["code"] == self.act.rubric)

    def _kept(self, submission: dict[str, Any]) -> dict[str, Any] | None:
        """Return the evidence of an earlier start; an upload that was cut short is taken out and sent again."""
        for evidence in submission["evidence"]:
            if evidence["state"] != "uploading":
                return dict(evidence)
            self.api.delete(f"/evidence/{evidence['id']}")
        return None

    def _add(self, submission_id: str, recording: Path | None) -> dict[str, Any]:
        path = f"/submissions/{submission_id}/evidence"
        if recording is None:
            text = (WORDS / str(self.act.text)).read_text(encoding="utf-8")
            return dict(self.api.post(path, {"kind": "text", "text": text}))
        made = self.act.recording
        assert made is not None  # noqa: S101  # an act has either a text or a recording
        body = {
            "kind": made.kind,
            "name": made.name,
            "media_type": made.media_type,
            "size_bytes": recording.stat().st_size,
        }
        return dict(self.api.post(path, body))

    def _send_parts(self, evidence: dict[str, Any], file: Path) -> None:
        upload = evidence["upload"]
        size, count = upload["part_size_bytes"], upload["part_count"]
        numbers = list(range(1, count + 1))
        for part in self.api.post(f"/evidence/{evidence['id']}/parts", {"numbers": numbers})["parts"]:
            self.board.step(self.title, stage="sending", part=(part["number"] - 1) / count)
            content = read_part(file, number=part["number"], part_size=size)
            self.api.put_part(part["url"], content, part["headers"])
            self._stop_if_asked()
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        self.api.post(f"/evidence/{evidence['id']}/complete", {"sha256": digest})

    def _until(self, reached: Callable[[dict[str, Any]], bool]) -> None:
        while not reached(found := self.submission()):
            for evidence in found["evidence"]:
                if evidence["state"] in CLOSED:
                    raise Unavailable(f"{self.title}: {evidence['reason']}")
                self._show(evidence["stages"])
            self._stop_if_asked()
            time.sleep(POLL_SECONDS)

    def _show(self, stages: list[dict[str, Any]]) -> None:
        running = next((each for each in stages if each["state"] == "running"), None)
        if running is not None:
            self.board.step(self.title, stage=running["name"], part=running["progress"])

    def _stop_if_asked(self) -> None:
        if self.stopping():
            raise Interrupted


def _may_submit(submission: dict[str, Any]) -> bool:
    """Say whether every item is inspected: the site refuses to submit before."""
    return all(_stage(each, "inspect") in {"done", "skipped"} for each in submission["evidence"])


def _transcribing_ended(submission: dict[str, Any]) -> bool:
    return all(_stage(each, "transcribe") in {"done", "skipped", "failed", None} for each in submission["evidence"])


def _stage(evidence: dict[str, Any], name: str) -> str | None:
    return next((str(each["state"]) for each in evidence["stages"] if each["name"] == name), None)
