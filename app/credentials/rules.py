"""When a credential may be issued, what its state is today, and which changes are possible. Pure."""

import calendar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.credentials.facts import StatusPurpose
from app.credentials.states import CredentialState
from app.errors import Conflict

DECIDED_LOTS = frozenset({"accepted", "rectified"})
DECIDED_ITEMS = frozenset({"upheld", "overturned", "returned-with-advice"})
QUIET_TIERS = frozenset({"normal", "reduced"})


class Act(StrEnum):
    """What an issuer does to a credential afterwards."""

    REVOKE = "revoke"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What rule 6 of DESIGN section 4 asks about one submission."""

    finalised: bool
    competent: bool
    all_vacs_yes: bool
    consents_in_force: bool
    evidence_intact: bool
    identity_suffices: bool
    counts: bool
    policy: str
    lot_state: str
    item_state: str
    sampled: bool
    mandatory: bool
    tier: str


@dataclass(frozen=True, slots=True)
class Change:
    """The state after an act, and whether the bit on the status list is then set."""

    state: CredentialState
    bit: bool


def why_not_issuable(facts: ReleaseFacts) -> str | None:
    """Say why no credential may be issued now, or None (DESIGN rule 6)."""
    hindrances = (
        (not facts.counts, "This submission is an exercise: no credential is issued for it."),
        (not facts.finalised, "The submission is not finalised."),
        (not facts.competent, "The outcome is not competent."),
        (not facts.all_vacs_yes, "The evidence was not found valid, authentic, current and sufficient."),
        (not facts.consents_in_force, "A consent was withdrawn."),
        (not facts.evidence_intact, "A stored original is no longer the one that was sent."),
        (not facts.identity_suffices, "Less is known of who is in it than the rubric asks for."),
        (not _is_released(facts), "The lot of this judgement is not decided."),
    )
    return next((reason for hinders, reason in hindrances if hinders), None)


def _is_released(facts: ReleaseFacts) -> bool:
    if facts.lot_state in DECIDED_LOTS:
        return True
    if facts.policy == "validate_all":
        return facts.item_state in DECIDED_ITEMS
    if facts.policy == "release_unsampled_with_lookback":
        unwatched = not facts.sampled and not facts.mandatory
        return facts.lot_state != "open" and unwatched and facts.tier in QUIET_TIERS
    return False


def state_today(state: CredentialState, *, valid_until: datetime | None, now: datetime) -> CredentialState:
    """Return the state that people see: an active credential expires by itself, without anybody doing it."""
    if state is CredentialState.ACTIVE and valid_until and valid_until <= now:
        return CredentialState.EXPIRED
    return state


def change(act: Act, *, state: CredentialState, purpose: StatusPurpose) -> Change:
    """Return what an act leads to. Conflict where it is not possible (API 4.6)."""
    if act is Act.REVOKE and state in (CredentialState.ACTIVE, CredentialState.SUSPENDED):
        return Change(CredentialState.REVOKED, bit=True)
    if act is Act.SUSPEND and purpose is StatusPurpose.REVOCATION:
        raise Conflict("This kind of credential can be revoked, not suspended.", code="not-suspendable")
    if act is Act.SUSPEND and state is CredentialState.ACTIVE:
        return Change(CredentialState.SUSPENDED, bit=True)
    if act is Act.REINSTATE and state is CredentialState.SUSPENDED:
        return Change(CredentialState.ACTIVE, bit=False)
    raise Conflict("The credential is %(state)s: this can't be done now.", code="wrong-state", state=str(state))


def add_months(moment: datetime, months: int) -> datetime:
    """Return the same day so many months later, or the month's last day where there is no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def required_level(*, min_level: int, critical: bool, all_at_least_min: bool, critical_at_least_min: bool) -> int:
    """Return the least level that the pass rule demands of a criterion: 0 where others may make up for it."""
    return min_level if all_at_least_min or (critical and critical_at_least_min) else 0
