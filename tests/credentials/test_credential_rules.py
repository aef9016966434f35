"""When a credential may be issued, and what can be done to it: tables of cases."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.credentials import rules
from app.credentials.facts import StatusPurpose
from app.credentials.rules import Act, ReleaseFacts
from app.credentials.states import CredentialState as State
from app.errors import Conflict

RELEASED = ReleaseFacts(
    finalised=True,
    competent=True,
    all_vacs_yes=True,
    consents_in_force=True,
    evidence_intact=True,
    identity_suffices=True,
    counts=True,
    policy="hold_until_lot_decided",
    lot_state="accepted",
    item_state="released",
    sampled=False,
    mandatory=False,
    tier="normal",
)
LOOKBACK = {"policy": "release_unsampled_with_lookback", "lot_state": "validating"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"lot_state": "rectified"},
        {"policy": "validate_all", "lot_state": "validating", "item_state": "upheld"},
        {"policy": "validate_all", "lot_state": "validating", "item_state": "overturned"},
        LOOKBACK,
        {**LOOKBACK, "tier": "reduced"},
    ],
)
def test_released_judgements_lead_to_a_credential(change):
    assert rules.why_not_issuable(replace(RELEASED, **change)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"finalised": False},
        {"competent": False},
        {"all_vacs_yes": False},
        {"consents_in_force": False},
        {"evidence_intact": False},
        {"identity_suffices": False},
        {"counts": False},
        {"lot_state": "open"},
        {"lot_state": "validating"},
        {"lot_state": "rejected"},
        {"policy": "validate_all", "lot_state": "validating", "item_state": "selected"},
        {**LOOKBACK, "lot_state": "open"},
        {**LOOKBACK, "sampled": True},
        {**LOOKBACK, "mandatory": True},
        {**LOOKBACK, "tier": "tightened"},
        {**LOOKBACK, "tier": "probation"},
    ],
)
def test_everything_else_does_not(change):
    assert rules.why_not_issuable(replace(RELEASED, **change))


@pytest.mark.parametrize(
    ("act", "state", "purpose", "after"),
    [
        (Act.REVOKE, State.ACTIVE, "revocation", (State.REVOKED, True)),
        (Act.REVOKE, State.ACTIVE, "suspension", (State.REVOKED, True)),
        (Act.REVOKE, State.SUSPENDED, "suspension", (State.REVOKED, True)),
        (Act.SUSPEND, State.ACTIVE, "suspension", (State.SUSPENDED, True)),
        (Act.REINSTATE, State.SUSPENDED, "suspension", (State.ACTIVE, False)),
        (Act.SUSPEND, State.ACTIVE, "revocation", "not-suspendable"),
        (Act.SUSPEND, State.REVOKED, "suspension", "wrong-state"),
        (Act.REINSTATE, State.REVOKED, "suspension", "wrong-state"),
        (Act.REINSTATE, State.ACTIVE, "suspension", "wrong-state"),
        (Act.REVOKE, State.REVOKED, "revocation", "wrong-state"),
        (Act.REVOKE, State.PENDING, "revocation", "wrong-state"),
        (Act.REVOKE, State.SUPERSEDED, "revocation", "wrong-state"),
    ],
)
def test_what_an_issuer_can_do(act, state, purpose, after):
    if isinstance(after, str):
        with pytest.raises(Conflict) as refused:
            rules.change(act, state=state, purpose=StatusPurpose(purpose))
        assert refused.value.code == after
    else:
        change = rules.change(act, state=state, purpose=StatusPurpose(purpose))
        assert (change.state, change.bit) == after


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [("2026-11-24", 24, "2028-11-24"), ("2024-02-29", 12, "2025-02-28"), ("2026-08-31", 6, "2027-02-28")],
)
def test_validity_counts_in_calendar_months(start, months, end):
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert rules.add_months(moment, months).date().isoformat() == end


@pytest.mark.parametrize(
    ("critical", "all_min", "critical_min", "required"),
    [(False, True, True, 2), (True, False, True, 2), (False, False, True, 0), (True, False, False, 0)],
)
def test_required_level_is_what_the_pass_rule_demands(critical, all_min, critical_min, required):
    found = rules.required_level(
        min_level=2, critical=critical, all_at_least_min=all_min, critical_at_least_min=critical_min
    )
    assert found == required


def test_active_credential_expires_by_itself():
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert rules.state_today(State.ACTIVE, valid_until=now, now=now) is State.EXPIRED
    assert rules.state_today(State.REVOKED, valid_until=now, now=now) is State.REVOKED
    assert rules.state_today(State.ACTIVE, valid_until=None, now=now) is State.ACTIVE
