"""The event stream of a submission: each change of a stage, live, and what was missed after a break (API 4.2).

The stream looks into the database; nothing needs to be told. So it works with any number of sites and workers, and a
browser that comes back to another site with the last id that it saw misses nothing.
"""

import json
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio
from sqlalchemy import Engine
from sqlmodel import Session, col, select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from app.db.engine import reading
from app.errors import NotFound, TooMany, Unavailable
from app.evidence.access import READERS, reader_of
from app.evidence.api import SUBMISSION, hooks_of
from app.evidence.models import Evidence, EvidenceStage, Submission
from app.evidence.reasons import Translate
from app.evidence.show import message_of
from app.evidence.stages import ENDED
from app.evidence.states import EvidenceState, StageName, SubmissionState
from app.evidence.submissions import OPEN_FOR_CHANGES
from app.web.call import Call, NoForm
from app.web.deps import never
from app.web.routing import slow_get

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
QUIET_SECONDS, QUIET_LOOK_SECONDS = 10.0, 2.0  # after so long without a change a look is taken more seldom
BREATH_SECONDS = 15.0  # proxies cut connections on which nothing comes for a minute
LIFE_SECONDS = 600.0  # then the browser comes back, and whether its person may see this is asked anew
MOST_OPEN = 24  # streams of one person at one process; browsers open six at most, several pages of several devices
MOST_DIGITS = 18  # of an id; Python reads no number of thousands of digits
STOPPED = frozenset({EvidenceState.REJECTED, EvidenceState.FAILED, EvidenceState.DAMAGED, EvidenceState.ERASED})
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class StageEvent:
    """A stage as it is at one moment. `changed` is the id of the event and always grows within a submission."""

    evidence_id: UUID
    stage: StageName
    changed: int
    data: dict[str, Any]

    def __str__(self) -> str:
        return f"id: {self.changed}\nevent: stage\ndata: {json.dumps(self.data, ensure_ascii=False)}\n\n"


@dataclass(frozen=True, slots=True)
class Look:
    """All stages of a submission in the order of their changes, and whether nothing more can come."""

    events: tuple[StageEvent, ...]
    is_over: bool


def look(session: Session, submission_id: UUID, translate: Translate, *, follow: bool = False) -> Look:
    """Look at every stage of a submission. `follow`: another device may add to it, as long as it is open for that."""
    state = session.get_one(Submission, submission_id).state
    items = session.exec(select(Evidence).where(Evidence.submission_id == submission_id)).all()
    ids = [item.id for item in items]
    rows = session.exec(
        select(EvidenceStage).where(col(EvidenceStage.evidence_id).in_(ids)).order_by(col(EvidenceStage.changed))
    ).all()
    over = is_over(state, items, rows) and not (follow and state in OPEN_FOR_CHANGES)
    return Look(tuple(_event(row, translate) for row in rows), over)


def is_over(state: SubmissionState, items: Sequence[Evidence], stages: Sequence[EvidenceStage]) -> bool:
    """Say whether nothing more can come: every item has come to its end, and there is one or none can be added."""
    running = {stage.evidence_id for stage in stages if stage.state not in ENDED}
    ended = all(
        item.state in STOPPED or (item.state is EvidenceState.READY and item.id not in running) for item in items
    )
    return ended and (bool(items) or state not in OPEN_FOR_CHANGES)


def _event(stage: EvidenceStage, translate: Translate) -> StageEvent:
    data = {
        "evidence_id": str(stage.evidence_id),
        "stage": stage.name.value,
        "progress": round(stage.progress, 4),
        "state": stage.state.value,
        "message": message_of(stage, translate),
    }
    return StageEvent(stage.evidence_id, stage.name, stage.changed, data)


async def stream(
    engine: Engine,
    see: Callable[[Session], Look],
    *,
    after: int,
    breath_seconds: float = BREATH_SECONDS,
    ending: Callable[[], bool] = never,
    life_seconds: float = LIFE_SECONDS,
) -> AsyncIterator[str]:
    """Yield the changes after an id until nothing more can come.

    It ends early when its life is over, the database is down or the site is told to stop: browsers come back by
    themselves.

    What was sent is remembered, not only the last id: a unit that commits late may bear an earlier one.
    """

    def one_look() -> Look:
        with reading(engine) as session:
            return see(session)

    sent: dict[tuple[UUID, StageName], int] = {}
    quiet_seconds = silent_seconds = 0.0  # since a change, and since anything was sent
    until = anyio.current_time() + life_seconds
    yield "retry: 2000\n\n"
    while anyio.current_time() < until and not ending():
        try:
            seen = await run_in_threadpool(one_look)
        except Unavailable:
            log.warning("an event stream ended because the database can't be reached")
            return
        fresh = [each for each in seen.events if each.changed > sent.get((each.evidence_id, each.stage), after)]
        for each in fresh:
            sent[each.evidence_id, each.stage] = each.changed
            yield str(each)
        if seen.is_over:
            return
        pause = LOOK_SECONDS if quiet_seconds < QUIET_SECONDS else QUIET_LOOK_SECONDS
        quiet_seconds, silent_seconds = (0.0, 0.0) if fresh else (quiet_seconds + pause, silent_seconds + pause)
        if silent_seconds >= breath_seconds:
            silent_seconds = 0.0
            yield ": still here\n\n"
        await anyio.sleep(pause)


class Open:
    """How many streams each person has open at this process: each looks into the database twice a second."""

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most = most
        self._count: Counter[UUID] = Counter()

    def check(self, person_id: UUID) -> None:
        """Raise TooMany unless this person may open another one."""
        if self._count[person_id] >= self._most:
            raise TooMany("You have this open in too many places. Close some of them and load the page again.")

    async def counted(self, person_id: UUID, lines: AsyncIterator[str]) -> AsyncGenerator[str]:
        """Yield what a stream yields and count it meanwhile."""
        self._count[person_id] += 1
        try:
            async for line in lines:
                yield line
        finally:
            self._count[person_id] -= 1
            if not self._count[person_id]:
                del self._count[person_id]


OPEN = Open()


def events(call: Call[NoForm]) -> Response:
    """Stream the progress of a submission's evidence as server-sent events."""
    submission_id, person_id = call.path_id("submission_id"), call.actor.person_id
    OPEN.check(person_id)
    after, follow = _last_seen(call), call.query("follow") == "yes"
    with call.reading() as session:
        submission = session.get(Submission, submission_id)
        if submission is None:
            raise NotFound("There is no such evidence.")
        reader_of(
            session,
            submission,
            actor=call.actor,
            reason=call.query("reason"),
            lease_until=hooks_of(call).lease_until,
            now=call.now,
        )
        seen = look(session, submission_id, call._, follow=follow)
    if after and seen.is_over and all(each.changed <= after for each in seen.events):
        return call.nothing()  # 204 tells a browser's EventSource not to come back

    def see(session: Session) -> Look:
        return look(session, submission_id, call._, follow=follow)

    changes = stream(call.deps.engine, see, after=after, ending=call.deps.ending)
    return StreamingResponse(OPEN.counted(person_id, changes), media_type="text/event-stream", headers=HEADERS)


def _last_seen(call: Call[NoForm]) -> int:
    said = call.request.headers.get("last-event-id", "")
    return int(said) if said.isdecimal() and len(said) <= MOST_DIGITS else 0


routes = [slow_get(SUBMISSION + "/events", events, name="api:submission-events", allow=READERS)]
