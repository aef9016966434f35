"""Whether the results of a credential agree with the levels that its achievement requires. Pure."""

from typing import Any

Json = dict[str, Any]


def why_levels_disagree(subject: Json) -> str | None:
    """Name the first result that does not fit the achievement, or None. Credentials without results fit."""
    descriptions = {one.get("id"): one for one in subject["achievement"].get("resultDescription", []) if one.get("id")}
    for result in subject.get("result", []):
        described = descriptions.get(result.get("resultDescription"))
        if described is None:
            return str(result.get("resultDescription"))
        if not _fits(result, described):
            return str(described.get("name") or described["id"])
    return None


def _fits(result: Json, described: Json) -> bool:
    ranks = _ranks(described.get("rubricCriterionLevel", []))
    achieved, required = result.get("achievedLevel"), described.get("requiredLevel")
    if achieved is None:
        return required is None
    if achieved not in ranks:
        return False
    return required is None or (required in ranks and ranks[achieved] >= ranks[required])


def _ranks(levels: list[Json]) -> dict[str, float]:
    """Return each level's rank: its points where all have some, else its place."""
    try:
        return {str(level.get("id")): float(level["points"]) for level in levels}
    except (KeyError, ValueError, TypeError):
        return {str(level.get("id")): place for place, level in enumerate(levels)}
