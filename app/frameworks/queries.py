"""What the public rubric pages show."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from app.accounts.models import Organisation
from app.errors import NotFound
from app.frameworks.models import RubricVersion
from app.frameworks.rubric import Criterion, Rubric, read_rubric
from app.text import Text


@dataclass(frozen=True, slots=True)
class RubricLine:
    """A rubric in a list."""

    id: UUID
    code: str
    version: str
    rubric: Rubric


@dataclass(frozen=True, slots=True)
class OrganisationRubrics:
    """The newest published version of each rubric of one awarding body."""

    code: str
    name: Text
    rubrics: list[RubricLine]


@dataclass(frozen=True, slots=True)
class RubricsPage:
    """All rubrics that are open for new work, by awarding body."""

    organisations: list[OrganisationRubrics]


@dataclass(frozen=True, slots=True)
class RubricPage:
    """One rubric in full: what is asked, what is judged, what it takes to pass, what it gives.

    `open` says whether new work can be started on this version; `newest` is the version that replaced it, if any.
    """

    id: UUID
    code: str
    version: str
    content_hash: str
    organisation: Text
    organisation_code: str
    rubric: Rubric
    open: bool
    newest: str | None

    @property
    def critical(self) -> list[Criterion]:
        return [each for each in self.rubric.criteria if each.critical]

    @property
    def ordinary(self) -> list[Criterion]:
        return [each for each in self.rubric.criteria if not each.critical]

    def label(self, value: int) -> Text:
        """Return what a level is called."""
        return self.rubric.scale[value].label

    def weight_percent(self, criterion: Criterion) -> int:
        """Return the share of a criterion in the total, in whole percent."""
        return round(100 * criterion.weight / sum(each.weight for each in self.rubric.criteria))


def organisation_text(organisation: Organisation) -> Text:
    """Return the name of an awarding body in the languages it has."""
    return {"en": organisation.name, "ar": organisation.name_ar or organisation.name}


def _order(row: RubricVersion) -> tuple[int, ...]:
    return tuple(int(part) for part in row.version.split("."))


def newest_of_each(rows: list[RubricVersion]) -> list[RubricLine]:
    """Keep the newest open version of each code, by code."""
    newest: dict[str, RubricVersion] = {}
    for row in sorted(rows, key=_order):
        newest[row.code] = row
    return [RubricLine(row.id, row.code, row.version, read_rubric(row)) for _, row in sorted(newest.items())]


def open_rubrics(session: Session, organisation_id: UUID) -> list[RubricLine]:
    """Return the rubrics of an awarding body that a candidate can start on."""
    return newest_of_each([row for row in _published(session) if row.organisation_id == organisation_id])


def rubrics_page(session: Session, *, organisation_id: UUID | None) -> RubricsPage:
    """Return the rubrics of one awarding body, or of all for a visitor."""
    rows = _published(session)
    organisations = session.exec(select(Organisation).order_by(col(Organisation.name))).all()
    groups = [
        OrganisationRubrics(
            each.code, organisation_text(each), newest_of_each([row for row in rows if row.organisation_id == each.id])
        )
        for each in organisations
        if organisation_id in (None, each.id)
    ]
    return RubricsPage([group for group in groups if group.rubrics])


def rubric_page(
    session: Session, *, code: str, version: str | None, organisation: str | None, organisation_id: UUID | None
) -> RubricPage:
    """Return one rubric by its code: the reader's own organisation first, else the one that is named or the first."""
    found = session.exec(
        select(RubricVersion, Organisation)
        .where(
            RubricVersion.code == code,
            col(RubricVersion.published_at).is_not(None),
            RubricVersion.organisation_id == Organisation.id,
        )
        .order_by(col(Organisation.name))
    ).all()
    wanted = [(row, owner) for row, owner in found if organisation in (None, owner.code)]
    own = [(row, owner) for row, owner in wanted if owner.id == organisation_id] or wanted
    versions = sorted(
        ((row, owner) for row, owner in own if owner.id == own[0][1].id), key=lambda each: _order(each[0])
    )
    chosen = [each for each in versions if version in (None, each[0].version)]
    if not chosen:
        raise NotFound("There is no such rubric.")
    still_open = [each for each in chosen if each[0].withdrawn_at is None] or chosen
    row, owner = still_open[-1]
    newest = versions[-1][0].version
    return RubricPage(
        id=row.id,
        code=row.code,
        version=row.version,
        content_hash=row.content_hash,
        organisation=organisation_text(owner),
        organisation_code=owner.code,
        rubric=read_rubric(row),
        open=row.withdrawn_at is None and owner.id == (organisation_id or owner.id),
        newest=newest if newest != row.version else None,
    )


def _published(session: Session) -> list[RubricVersion]:
    return list(
        session.exec(
            select(RubricVersion).where(
                col(RubricVersion.published_at).is_not(None), col(RubricVersion.withdrawn_at).is_(None)
            )
        )
    )
