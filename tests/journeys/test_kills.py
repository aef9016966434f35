"""`kill -9` at random instants: of the worker while it converts and transcribes, of the site while people decide.

Everything must end once and right. ROUNDS=20 kills more often than the default; SEED=n repeats a run.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import urllib3

from app.settings import Settings
from app.storage.client import Storage
from app.storage.embedded import located
from tests.factories import a_judgement
from tests.journeys.mortal import ROUNDS, Mortal, Site, a_worker, dice, let_pass, start_worker
from tests.journeys.recordings import a_talk, a_talking_video
from tests.journeys.running import Person, Running, running, wait_for
from tests.journeys.story import Cast, a_cast, accepted, claimed, declaration, holds, published, rubric

pytestmark = pytest.mark.journey
CODES = "DA RA CF RI EX"
KINDS = ["captions", "playable", "poster", "speech", "waveform"]


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory, own_database: dict[str, str]) -> Iterator[Cast]:
    with running(tmp_path_factory.mktemp("kills"), "--workers", "0", **own_database) as here:
        yield a_cast(here)


# --- the worker


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talk")
    return a_talking_video(folder / "talk.mp4", a_talk(folder / "talk.wav", "en-librivox-1.flac"))


def test_a_worker_killed_while_converting_ends_its_work_once(cast: Cast, talk: Path):
    """Kill it once in each recording. Transcription waits until that is over, so that each kill hits one thing."""
    here, chance = cast.here, dice("convert")
    worker = start_worker(here, queues="media")
    sent, instants = [video(cast.candidate, talk)], list[float]()
    whole = time_of(here, f"convert:{sent[0]}:1")
    while len(instants) < ROUNDS:
        sent.append(video(cast.candidate, talk))
        job, instant = f"convert:{sent[-1]}:1", chance.uniform(0, whole)
        if killed_during(here, worker, job, after=instant):
            instants.append(instant)
            worker = start_worker(here, queues="media")
        until_done(here, job)
    worker.stop()
    report("convert", whole, instants)
    all_ended_once_and_right(cast, sent)


def test_a_worker_killed_while_transcribing_ends_its_work_once(cast: Cast, talk: Path):
    """Kill it up to twice in each recording: with the model in memory, and then again while it is being loaded."""
    here, chance = cast.here, dice("transcribe")
    worker = start_worker(here)
    sent, instants = [video(cast.candidate, talk)], list[float]()
    whole = time_of(here, f"transcribe:{sent[0]}:1")
    shortest = whole / 4
    while len(instants) < ROUNDS:
        sent.append(video(cast.candidate, talk))
        job = f"transcribe:{sent[-1]}:1"
        for attempt, longest in ((1, shortest), (2, whole)):
            instant = chance.uniform(0, longest)
            if not killed_during(here, worker, job, after=instant, attempt=attempt):
                shortest *= 0.8 if attempt == 1 else 1
                break
            instants.append(instant)
            worker = start_worker(here)
        until_done(here, job)
    worker.stop()
    report("transcribe", whole, instants)
    all_ended_once_and_right(cast, sent)


def all_ended_once_and_right(cast: Cast, sent: list[str]) -> None:
    with a_worker(cast.here):
        for evidence_id in sent:
            cast.candidate.evidence_at_rest(evidence_id)
        wait_for(lambda: not open_jobs(cast.here) or None, seconds=60, what="everything to be tidy")
        for evidence_id in sent:
            ended_once_and_right(cast, evidence_id, like=sent[0])
        assert list((cast.here.data / "work").glob("*/job-*")) == []
    assert open_jobs(cast.here) == []
    assert cast.here.assay("audit", "verify")["ok"]


def open_jobs(here: Running) -> list[Any]:
    """Return what is not done; a second look at what dead workers have stored comes in an hour."""
    return here.rows(
        "SELECT id, state FROM job WHERE name LIKE 'evidence.%' AND state != 'done' AND id NOT LIKE :later",
        later="tidy:%:2",
    )


def video(candidate: Person, talk: Path) -> str:
    code = rubric(candidate, "presentation-skills")["id"]
    made = candidate.ask("POST", "/api/v1/submissions", {"rubric_id": code, "language": "en"}, status=201)
    return candidate.upload(made["id"], talk, kind="video", media_type="video/mp4")


def state_of(here: Running, job: str) -> str | None:
    return next((state for (state,) in here.rows("SELECT state FROM job WHERE id = :id", id=job)), None)


def until(here: Running, job: str, *states: str) -> float:
    """Wait until a job is in one of these states, and return the moment (monotonic seconds)."""
    wait_for(lambda: state_of(here, job) in states or None, seconds=240, what=f"{job} to be {states}", every=0.01)
    return time.monotonic()


def until_done(here: Running, job: str) -> None:
    until(here, job, "done", "failed", "cancelled")
    assert state_of(here, job) == "done"


def time_of(here: Running, job: str) -> float:
    """Return how long a job takes that nobody disturbs, in seconds."""
    began = until(here, job, "doing", "done")
    return until(here, job, "done") - began


def killed_during(here: Running, worker: Mortal, job: str, *, after: float, attempt: int = 1) -> bool:
    """Kill the worker that long after it began an attempt at a job; False when the job had ended by then."""

    def begun() -> bool | None:
        query = "SELECT state FROM job WHERE id = :id AND attempt >= :attempt AND state IN ('doing', 'done')"
        return bool(here.rows(query, id=job, attempt=str(attempt))) or None

    wait_for(begun, seconds=240, what=f"attempt {attempt} of {job}", every=0.01)
    let_pass(after)
    if state_of(here, job) != "doing":
        return False
    worker.kill()
    return state_of(here, job) == "doing"


def report(what: str, whole: float, instants: list[float]) -> None:
    shares = ", ".join(f"{instant / whole:.0%}" for instant in sorted(instants))
    print(f"{what}: takes {whole:.1f} s; killed {len(instants)} times at {shares}")  # noqa: T201


def ended_once_and_right(cast: Cast, evidence_id: str, *, like: str) -> None:
    here, key = cast.here, UUID(evidence_id).hex
    shown = cast.candidate.evidence_at_rest(evidence_id)
    assert shown["state"] == "ready", shown
    renditions = here.rows("SELECT kind, object_key FROM rendition WHERE evidence_id = :id ORDER BY kind", id=key)
    assert [kind for kind, _ in renditions] == KINDS
    assert words_of(cast.candidate, evidence_id) == words_of(cast.candidate, like)
    acts = [
        act for (act,) in here.rows("SELECT action FROM audit_event WHERE subject = :s", s=f"evidence:{evidence_id}")
    ]
    assert (acts.count("evidence.inspected"), acts.count("evidence.ready")) == (1, 1), acts
    storage = Storage(located(Settings(data_dir=here.data)))
    ((original,),) = here.rows("SELECT object_key FROM evidence WHERE id = :id", id=key)
    kept = {key for _, key in renditions}
    assert {found for found in storage.keys(original.rpartition("/")[0]) if found != original} == kept


def words_of(candidate: Person, evidence_id: str) -> list[str]:
    transcript = candidate.get(f"/api/v1/evidence/{evidence_id}/transcript")
    words = [word["text"] for segment in transcript["segments"] for word in segment["words"]]
    assert "dashwood" in " ".join(words).lower()
    return words


# --- the site


class Act:
    """One request with an Idempotency-Key: sent, interrupted by a kill, and sent again until it is answered."""

    def __init__(self, who: Person, path: str, body: dict[str, Any]) -> None:
        self.who, self.path, self.body = who, path, body
        self.first: Any = None
        self.seconds = 0.0

    def begin(self) -> None:
        began = time.monotonic()
        self.first = self._try()
        self.seconds = time.monotonic() - began

    def again(self) -> Any:
        return wait_for(self._try, seconds=60, what=f"an answer to {self.path}")

    def _try(self) -> Any:
        try:
            return self._send()
        except urllib3.exceptions.HTTPError:
            return None

    def _send(self) -> Any:
        answer = self.who.send("POST", self.path, self.body, **{"Idempotency-Key": self.path})
        assert answer.status == 200, answer.data
        return json.loads(answer.data)


class Killer:
    """Kills the site in the middle of acts, and counts what the kills hit."""

    def __init__(self, site: Site, chance: random.Random, *, whole: float) -> None:
        self._site, self._chance, self._whole = site, chance, whole
        self.hits = {"before it counted": 0, "after it counted": 0, "after the answer": 0}

    def interrupt(self, who: Person, path: str, body: dict[str, Any], *, counted: Callable[[], bool]) -> Any:
        """Kill at a random instant, or at the very moment when it counts: between that and the answer is little."""
        act = Act(self._site.seen_by(who), path, body)
        instant = self._chance.uniform(0, self._whole)
        if self._chance.random() < 0.5:  # every other time
            self._site.killed_during(act.begin, when=lambda: let_pass(instant))
        else:
            self._site.killed_during(act.begin, when=lambda: until_it(counted))
        if act.first is not None:
            self.hits["after the answer"] += 1
            self._whole = min(self._whole, act.seconds)  # the first request of a process may have been slow
        else:
            self.hits["after it counted" if counted() else "before it counted"] += 1
        answer = act.again()
        assert act.first is None or act.first == answer
        return answer


def until_it(counted: Callable[[], bool]) -> None:
    wait_for(lambda: counted() or None, seconds=60, what="it to count", every=0.0005)


def test_a_site_killed_during_send_and_decision_decides_once(cast: Cast):
    chance, site = dice("site"), Site(cast.here)
    try:
        with a_worker(cast.here, queues="quick"):
            whole = a_whole_story(cast, site.seen_by(cast.assessor), site.seen_by(cast.validator))
            sends, decisions = (Killer(site, chance, whole=seconds) for seconds in whole)
            told = [a_killed_story(cast, sends, decisions) for _ in range(ROUNDS)]
            for submission_id in told:
                credential_id = judged_once(cast, submission_id)
                assert published(cast.here, credential_id)["id"].endswith(credential_id)
    finally:
        site.mortal.stop()
    for what, seconds, killer in (("send", whole[0], sends), ("decision", whole[1], decisions)):
        print(f"{what}: takes {seconds:.2f} s; the kill came {killer.hits}")  # noqa: T201
    assert cast.here.assay("audit", "verify")["ok"]


def a_text(cast: Cast) -> tuple[str, str]:
    """Submit a text, which is ready at once; ids of submission and evidence."""
    asked = rubric(cast.candidate, "credit-analysis-walkthrough")
    made = cast.candidate.ask("POST", "/api/v1/submissions", {"rubric_id": asked["id"], "language": "en"}, status=201)
    body = {"kind": "text", "text": "The company can repay the loan. " * 90}
    written = cast.candidate.ask("POST", f"/api/v1/submissions/{made['id']}/evidence", body, status=201)
    cast.candidate.ask("POST", f"/api/v1/submissions/{made['id']}/submit", declaration(asked))
    return made["id"], written["id"]


def a_send(cast: Cast) -> tuple[str, str, dict[str, Any]]:
    """Return a submission that is claimed, and what sends its assessment: path and body."""
    submission_id, evidence_id = a_text(cast)
    claim = claimed(cast.assessor, submission_id)
    return submission_id, f"/api/v1/claims/{claim['id']}/send", a_judgement(evidence_id, codes=CODES)


def a_decision(cast: Cast, submission_id: str) -> tuple[str, str]:
    """Close the lot of a submission and score it blind; the lot, and the path of the decision."""
    lot = next(each for each in cast.lead.get("/api/v1/lots?state=open")["items"] if holds(each, submission_id))
    cast.lead.ask("POST", f"/api/v1/lots/{lot['id']}/close", {})
    taken = cast.validator.ask("POST", "/api/v1/validations/claims", {}, status=201)
    shown = cast.validator.get(f"/api/v1/validations/{taken['id']}")
    body = a_judgement(shown["evidence"][0]["id"], codes=CODES)
    del body["message"]
    cast.validator.ask("POST", f"/api/v1/validations/{taken['id']}/scores", body)
    return lot["id"], f"/api/v1/validations/{taken['id']}/decision"


UPHOLD = {"decision": "uphold", "reason": ""}


def a_whole_story(cast: Cast, assessor: Person, validator: Person) -> tuple[float, float]:
    """Play a story that nobody disturbs; how long `send` and `decision` take, in seconds."""
    submission_id, path, body = a_send(cast)
    began = time.monotonic()
    assessor.ask("POST", path, body)
    sent = time.monotonic() - began
    _, path = a_decision(cast, submission_id)
    began = time.monotonic()
    validator.ask("POST", path, UPHOLD)
    return sent, time.monotonic() - began


def a_killed_story(cast: Cast, sends: Killer, decisions: Killer) -> str:
    submission_id, path, body = a_send(cast)
    key = UUID(submission_id).hex
    answer = sends.interrupt(cast.assessor, path, body, counted=lambda: count(cast.here, "assessment", key) == 1)
    assert answer["percent"] == "200/3"
    lot_id, path = a_decision(cast, submission_id)
    decisions.interrupt(
        cast.validator, path, UPHOLD, counted=lambda: count(cast.here, "validation", key, "decided_at IS NOT NULL") == 1
    )
    wait_for(lambda: accepted(cast.lead, lot_id), seconds=60, what="the lot to be accepted")
    return submission_id


def count(here: Running, table: str, submission: str, more: str = "1 = 1") -> int:
    rows = here.rows(f"SELECT count(*) FROM {table} WHERE submission_id = :id AND {more}", id=submission)  # noqa: S608
    return int(rows[0][0])


def judged_once(cast: Cast, submission_id: str) -> str:
    """Check that one assessment, one decision and one credential came of it; the id of the credential."""
    here, key = cast.here, UUID(submission_id).hex
    finalised = cast.candidate.submission_in(submission_id, "finalised")
    credential_id = wait_for(
        lambda: cast.candidate.get(f"/api/v1/submissions/{submission_id}")["credential_id"],
        seconds=60,
        what="the credential",
    )
    assert finalised["result"]["outcome"] == "competent"
    assert {table: count(here, table, key) for table in ("assessment", "decision", "credential", "lot_item")} == {
        "assessment": 1,
        "decision": 1,
        "credential": 1,
        "lot_item": 1,
    }
    assert count(here, "validation", key, "decision = 'uphold'") == 1
    assert count(here, "claim", key, "ended_at IS NULL") == 0
    return str(credential_id)
