"""Checking an exported lot without trusting us: commitment, every draw, the sizes and the selection (rule 7).

Takes the JSON of `GET /lots/{id}`, as anybody may save it once the lot is decided. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.validation.draw import Draw, commitment, decision_key, draw, smallest
from app.validation.plans import SamplingPlan, Tier, adaptive_sizes

WITHDRAWN = "withdrawn"
RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was recomputed."""

    name: str
    ok: bool
    detail: str


def verify_lot(lot: Mapping[str, Any], *, secret: str | None) -> tuple[Check, ...]:
    """Recompute a drawn lot from its secret (64 hex digits). Raises KeyError or ValueError for another shape."""
    if secret is None:
        return (Check("secret", ok=False, detail="not revealed: the lot is not decided yet"),)
    known = bytes.fromhex(secret)
    items: Sequence[Mapping[str, Any]] = lot["items"]
    return (
        _commitment(lot, known),
        _keys(items),
        _draws(lot, known, items),
        _sizes(lot, items),
        _selection(lot, items),
        _mandatory(items),
    )


def _commitment(lot: Mapping[str, Any], secret: bytes) -> Check:
    ok = commitment(secret) == lot["commitment"]
    return Check("commitment", ok, "the secret is the committed one" if ok else "the secret is another one")


def _keys(items: Sequence[Mapping[str, Any]]) -> Check:
    wrong = [
        item["key"]
        for item in items
        if item["key"] != decision_key(submission_id=item["submission_id"], attempt=item["attempt"])
    ]
    return _check("keys", wrong, f"{len(items)} keys name submission and attempt")


def _draws(lot: Mapping[str, Any], secret: bytes, items: Sequence[Mapping[str, Any]]) -> Check:
    plan = lot["plan"]
    wrong = [
        item["key"]
        for item in items
        if draw(secret, plan_id=plan["id"], plan_version=plan["version"], key=item["key"]).u != item["draw"]
    ]
    return _check("draws", wrong, f"{len(items)} draws recomputed")


def _sizes(lot: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Check:
    """Sizes follow from plan, tier and lot; items may have been withdrawn before the draw or after it."""
    plan = SamplingPlan.model_validate(lot["plan"]["body"])
    present = sum(1 for item in items if item["state"] != WITHDRAWN)
    stated = (lot["sample_size"], lot["accept"], lot["reject_at"])
    possible = [
        (sizes.n, sizes.accept, sizes.reject_at)
        for sizes in (adaptive_sizes(plan, tier=Tier(lot["tier"]), lot=n) for n in range(present, len(items) + 1) if n)
    ]
    ok = stated in possible or (present == 0 and lot["sample_size"] == 0)
    return Check("sizes", ok, f"n {stated[0]}, accept {stated[1]}, reject at {stated[2]}")


def _selection(lot: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Check:
    """The random part is the n smallest draws of what was not withdrawn."""
    draws = [Draw(key=item["key"], u=item["draw"]) for item in items if item["state"] != WITHDRAWN]
    expected = {each.key for each in smallest(draws, lot["sample_size"])}
    stated = {item["key"] for item in items if RANDOM in (item["reasons"] or [])}
    return _check("selection", sorted(expected ^ stated), f"the {len(expected)} smallest draws were taken")


def _mandatory(items: Sequence[Mapping[str, Any]]) -> Check:
    """Whatever has a reason is sampled, and nothing else; strata are stated facts that an export can't prove."""
    wrong = [
        item["key"]
        for item in items
        if item["sampled"] is not bool(item["reasons"])
        or item["mandatory"] is not any(reason != RANDOM for reason in item["reasons"])
    ]
    return _check("reasons", wrong, "every sampled item has its reasons")


def _check(name: str, wrong: Sequence[str], good: str) -> Check:
    return Check(name, not wrong, good if not wrong else f"not so for {', '.join(wrong[:5])}")
