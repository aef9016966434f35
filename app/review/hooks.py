"""What domains above do at moments of a review. `main` fills it in, because review knows nothing of lots."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from app.actor import Actor
from app.assessments.models import Decision
from app.frameworks.models import RubricVersion


@dataclass(frozen=True, slots=True)
class Hooks:
    """`on_claim` opens the assessor's lot before the first decision (rule 7); `on_decision` joins it (rule 8)."""

    on_claim: Callable[[Session, UUID, RubricVersion, datetime], object]
    on_decision: Callable[[Session, Decision, datetime], object]


@dataclass(frozen=True, slots=True)
class Taking:
    """Who takes a submission, when, and for how long."""

    actor: Actor
    now: datetime
    lease: timedelta
    hooks: Hooks
