"""The achievement as Open Badges 3.0 writes it: what is awarded, by which criteria and levels. Pure."""

from fractions import Fraction
from typing import Any

from app.credentials.facts import AchievementFacts, CompetencyFacts, CriterionFacts, IssuerFacts, LevelFacts
from app.credentials.vocabulary import CREDENTIALS_V2, OPEN_BADGES
from app.credentials.wording import say

Json = dict[str, Any]


def achievement(facts: AchievementFacts) -> Json:
    """Return the achievement as it stands inside a credential (credentials.md 2.2)."""
    return _without_none(
        {
            "id": facts.url,
            "type": ["Achievement"],
            "achievementType": "MicroCredential",
            "name": facts.name,
            "description": facts.description,
            "inLanguage": facts.language,
            "humanCode": facts.code,
            "version": facts.version,
            "creditsAvailable": number(facts.credits),
            "criteria": {"id": f"{facts.url}#criteria", "narrative": _narrative(facts)},
            "image": {"id": facts.image_url, "type": "Image", "caption": facts.name} if facts.image_url else None,
            "creator": profile(facts.creator),
            "related": [{"id": twin.url, "type": ["Related"], "inLanguage": twin.language} for twin in facts.twins]
            or None,
            "alignment": _alignments(facts),
            "resultDescription": [_result_description(facts.url, criterion) for criterion in facts.criteria],
        }
    )


def published_achievement(facts: AchievementFacts) -> Json:
    """Return the achievement as its own address serves it."""
    return {"@context": [CREDENTIALS_V2, OPEN_BADGES], **achievement(facts)}


def profile(facts: IssuerFacts) -> Json:
    """Return an awarding body's profile."""
    address = _without_none(
        {"type": ["Address"], "addressCountry": facts.country, "addressCountryCode": facts.country_code}
    )
    return _without_none(
        {
            "id": facts.id,
            "type": ["Profile"],
            "name": facts.name,
            "url": facts.url,
            "address": address if facts.country_code else None,
        }
    )


def criterion_url(achievement_url: str, code: str) -> str:
    """Return the address that results name for a criterion."""
    return f"{achievement_url}/results/{code}"


def level_url(achievement_url: str, code: str, *, value: int) -> str:
    """Return the address that results name for a level."""
    return f"{criterion_url(achievement_url, code)}/{value}"


def number(value: Fraction | None) -> int | float | None:
    """Return a JSON number; whole ones without a point, so that every reader writes them alike."""
    if value is None:
        return None
    return value.numerator if value.denominator == 1 else float(value)


def _narrative(facts: AchievementFacts) -> str:
    language = facts.language
    lines = [
        say(language, "criteria"),
        say(language, "method", method=facts.assessment_method),
        say(language, "outcomes"),
        *(f"- {outcome}" for outcome in facts.outcomes),
    ]
    if facts.credit_scheme:
        lines.append(say(language, "credit-scheme", scheme=facts.credit_scheme.rstrip(".")))
    if facts.notional_hours:
        lines.append(say(language, "hours", hours=facts.notional_hours))
    return "\n".join(lines)


def _alignments(facts: AchievementFacts) -> list[Json]:
    competencies = {one.url: one for criterion in facts.criteria for one in criterion.competencies}
    found = [_competency(one) for one in competencies.values()]
    if facts.level:
        found.append(
            {
                "type": ["Alignment"],
                "targetType": "ext:QualificationLevel",
                "targetName": say(facts.language, "level", value=facts.level.value, framework=facts.level.framework),
                "targetCode": f"{facts.level.framework} {facts.level.value}",
                "targetFramework": facts.level.framework,
                "targetUrl": facts.level.url,
            }
        )
    found.append(
        {
            "type": ["Alignment"],
            "targetType": "ext:QualityAssurance",
            "targetName": say(facts.language, "policy"),
            "targetUrl": facts.policy_url,
        }
    )
    return found


def _competency(facts: CompetencyFacts) -> Json:
    return {
        "type": ["Alignment"],
        "targetType": "CFItem",
        "targetName": facts.title,
        "targetCode": facts.code,
        "targetFramework": facts.framework,
        "targetUrl": facts.url,
    }


def _result_description(url: str, facts: CriterionFacts) -> Json:
    described = {
        "id": criterion_url(url, facts.code),
        "type": ["ResultDescription"],
        "name": facts.title,
        "resultType": "RubricCriterionLevel",
        "requiredLevel": level_url(url, facts.code, value=facts.required),
        "rubricCriterionLevel": [_level(url, facts.code, level) for level in facts.levels],
    }
    if facts.competencies:
        described["alignment"] = [_competency(one) for one in facts.competencies]
    return described


def _level(url: str, code: str, facts: LevelFacts) -> Json:
    """Points are texts in Open Badges 3.0, not numbers."""
    return {
        "id": level_url(url, code, value=facts.value),
        "type": ["RubricCriterionLevel"],
        "name": facts.label,
        "description": facts.descriptor,
        "level": facts.code,
        "points": str(facts.value),
    }


def _without_none(values: Json) -> Json:
    return {key: value for key, value in values.items() if value is not None}
