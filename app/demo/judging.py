"""The judges' part: assess, close the lot, validate blind, uphold. Each call carries a key, so that it is done once."""

from dataclasses import dataclass
from typing import Any

from app.demo.api import Api
from app.demo.cast import Judgement

ALL_YES = {"valid": True, "authentic": True, "current": True, "sufficient": True}
FIRST_MOMENT_MS, BETWEEN_MOMENTS_MS, MOMENT_MS = 4_000, 16_000, 7_000


@dataclass(frozen=True, slots=True)
class Judges:
    """Who judges in one act."""

    assessor: Api
    lead: Api
    validator: Api

    def assess(self, submission_id: str, judgement: Judgement) -> str:
        """Claim the submission, score it with moments and send; return the outcome."""
        claim = self.assessor.post("/queue/claims", {"submission_id": submission_id}, key=f"claim-{submission_id}")
        work = self.assessor.get(f"/claims/{claim['id']}")
        body = {
            "vacs": ALL_YES,
            "scores": _scores(judgement, work["evidence"][0]),
            "message": judgement.message,
            "next": False,
        }
        sent = self.assessor.post(f"/claims/{claim['id']}/send", body, key=f"send-{submission_id}")
        return str(sent["outcome"])

    def close_lot(self, submission_id: str) -> None:
        """Close the lot of this submission unless it is closed: then the sample is drawn."""
        lot = self.lot(submission_id)
        if lot["state"] == "open":
            self.lead.post(f"/lots/{lot['id']}/close", key=f"close-{lot['id']}")

    def lot(self, submission_id: str) -> dict[str, Any]:
        """Return the lot that holds this submission."""
        lots = self.lead.get("/lots?limit=100")["items"]
        return next(dict(lot) for lot in lots if any(each["submission_id"] == submission_id for each in lot["items"]))

    def validate(self, submission_id: str, judgement: Judgement) -> None:
        """Score blind, compare, uphold; nothing where the item was not sampled or is decided."""
        item = next(each for each in self.lot(submission_id)["items"] if each["submission_id"] == submission_id)
        if item["state"] not in {"selected", "claimed", "compared"}:
            return
        body = {"submission_id": submission_id}
        taken = self.validator.post("/validations/claims", body, key=f"validate-{submission_id}")
        path = f"/validations/{taken['id']}"
        if item["state"] != "compared":
            work = self.validator.get(path)
            scores = {"vacs": ALL_YES, "scores": _scores(_seen_again(judgement), work["evidence"][0])}
            self.validator.post(f"{path}/scores", scores, key=f"scores-{submission_id}")
        decision = {"decision": "uphold", "reason": "Scored blind; the outcome is the same."}
        self.validator.post(f"{path}/decision", decision, key=f"decision-{submission_id}")


def _scores(judgement: Judgement, evidence: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the scores as the API takes them, each bound to a moment of a recording."""
    scores = []
    for index, (criterion, (level, note)) in enumerate(judgement.levels.items()):
        score: dict[str, Any] = {"criterion": criterion, "level": level, "note": note}
        start = FIRST_MOMENT_MS + index * BETWEEN_MOMENTS_MS
        if evidence["duration_ms"] and start + MOMENT_MS < evidence["duration_ms"]:
            score["moments"] = [{"evidence_id": evidence["id"], "start_ms": start, "end_ms": start + MOMENT_MS}]
        scores.append(score)
    return scores


def _seen_again(judgement: Judgement) -> Judgement:
    """Return what a second pair of eyes scores: the same levels, in words of its own."""
    levels = {code: (level, "Seen at the same place.") for code, (level, _note) in judgement.levels.items()}
    return Judgement(judgement.assessor, levels, "")
