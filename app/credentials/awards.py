"""From the rows of a rubric version to the facts of what it awards. Reads only; decides nothing."""

from fractions import Fraction
from uuid import UUID

from babel import Locale
from sqlmodel import Session, select

from app.accounts.models import Organisation
from app.credentials.facts import (
    AchievementFacts,
    CompetencyFacts,
    CriterionFacts,
    IssuerFacts,
    LevelFacts,
    QualificationLevel,
    TwinFacts,
)
from app.credentials.rules import required_level
from app.errors import NotFound
from app.frameworks.models import AchievementVersion, Competency, Framework, RubricVersion
from app.frameworks.rubric import Rubric, read_rubric
from app.text import LANGUAGES, in_language

EQF_LEVEL = "http://data.europa.eu/snb/eqf/{value}"


def achievement_url(base_url: str, achievement_id: UUID, language: str) -> str:
    """Return the public address of an achievement in one language; English has the plain one."""
    return f"{base_url}/achievements/{achievement_id}" + ("" if language == "en" else f".{language}")


def issuer_of(organisation: Organisation, *, issuer: str, language: str, base_url: str) -> IssuerFacts:
    """Return an awarding body's profile in one language."""
    name = (organisation.name_ar if language == "ar" else None) or organisation.name
    code = organisation.country
    country = Locale(language).territories.get(code) if code else None
    return IssuerFacts(id=issuer, name=name, url=base_url, country=country, country_code=code)


def achievement_facts(
    session: Session, row: AchievementVersion, *, issuer: IssuerFacts, language: str, base_url: str
) -> AchievementFacts:
    """Return what a rubric version awards, in one language."""
    version = session.get_one(RubricVersion, row.rubric_version_id)
    rubric = read_rubric(version)
    said = rubric.achievement
    level = said.level
    url = achievement_url(base_url, row.id, language)
    return AchievementFacts(
        url=url,
        language=language,
        name=in_language(said.name, language),
        description=in_language(said.description, language),
        code=version.code,
        version=version.version,
        creator=issuer,
        assessment_method=in_language(said.assessment_method, language),
        outcomes=tuple(in_language(outcome, language) for outcome in said.learning_outcomes),
        criteria=_criteria(rubric, _competencies(session, version, language=language), language=language),
        policy_url=f"{base_url}/rubrics/{version.code}",
        credits=None if said.credits is None else Fraction(str(said.credits)),
        credit_scheme=in_language(said.credit_scheme, language) if said.credit_scheme else None,
        notional_hours=said.notional_hours,
        level=QualificationLevel(level.framework, level.value, _level_url(level.framework, level.value, url))
        if level
        else None,
        image_url=f"{base_url}/achievements/{row.id}.svg",
        twins=tuple(
            TwinFacts(achievement_url(base_url, row.id, other), other)
            for other in LANGUAGES
            if other != language and other in said.name
        ),
    )


def achievement_of(session: Session, achievement_id: UUID) -> tuple[AchievementVersion, Organisation]:
    """Return an achievement with its awarding body. NotFound."""
    row = session.get(AchievementVersion, achievement_id)
    if row is None:
        raise NotFound("There is nothing at this address.")
    return row, session.get_one(Organisation, row.organisation_id)


def _level_url(framework: str, value: int, achievement: str) -> str:
    return EQF_LEVEL.format(value=value) if framework == "EQF" else f"{achievement}#level"


def _competencies(session: Session, version: RubricVersion, *, language: str) -> dict[str, CompetencyFacts]:
    if version.framework_id is None:
        return {}
    framework = session.get_one(Framework, version.framework_id)
    found = session.exec(select(Competency).where(Competency.framework_id == framework.id))
    return {
        one.code: CompetencyFacts(
            code=one.code,
            title=in_language(one.title, language),
            framework=in_language(framework.title, language),
            url=f"urn:uuid:{one.id}",
        )
        for one in found
    }


def _criteria(rubric: Rubric, competencies: dict[str, CompetencyFacts], *, language: str) -> tuple[CriterionFacts, ...]:
    scale = {level.value: level for level in rubric.scale}
    rule = rubric.pass_rule
    return tuple(
        CriterionFacts(
            code=criterion.code,
            title=in_language(criterion.title, language),
            required=required_level(
                min_level=criterion.min_level,
                critical=criterion.critical,
                all_at_least_min=rule.all_at_least_min,
                critical_at_least_min=rule.critical_all_at_least_min,
            ),
            levels=tuple(
                LevelFacts(
                    value=level.value,
                    code=scale[level.value].code,
                    label=in_language(scale[level.value].label, language),
                    descriptor=in_language(level.descriptor, language),
                )
                for level in criterion.levels
            ),
            competencies=tuple(competencies[code] for code in criterion.competencies if code in competencies),
        )
        for criterion in rubric.criteria
    )
