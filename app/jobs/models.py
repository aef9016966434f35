"""The job table: the truth about every job in both modes (DESIGN section 6)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.db.columns import enum_column, json_column, time_column


class Queue(StrEnum):
    MEDIA = "media"
    SPEECH = "speech"
    QUICK = "quick"


class JobState(StrEnum):
    TODO = "todo"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = text("state IN ('todo', 'doing')")


class Job(SQLModel, table=True):
    """One job. `fence` names the attempt that holds the lease: only that one may write its result."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_pick", "queue", "state", "run_at"),
        Index("ix_job_open", "run_at", sqlite_where=OPEN, postgresql_where=OPEN),
    )
    id: str = Field(primary_key=True)
    name: str
    queue: Queue = enum_column(Queue)
    args: dict[str, Any] = json_column(default_factory=dict)
    priority: int = 0
    state: JobState = enum_column(JobState, default=JobState.TODO)
    attempt: int = 0
    deferrals: int = 0
    run_at: datetime = time_column()
    lease_until: datetime | None = time_column(default=None, nullable=True)
    fence: str | None = None
    progress: float = 0.0
    cancel: bool = False
    error: str | None = None
    created_at: datetime = time_column()
    ended_at: datetime | None = time_column(default=None, nullable=True)


class Worker(SQLModel, table=True):
    """A worker process that lives, or has lived until `seen_at`. A new start is a new row."""

    __tablename__ = "worker"
    id: str = Field(primary_key=True)
    machine: str
    pid: int
    queues: list[str] = json_column(default_factory=list)
    concurrency: int
    release: str
    started_at: datetime = time_column()
    seen_at: datetime = time_column()
