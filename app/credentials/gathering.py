"""From the rows of all domains to the facts of one credential. Reads only; decides nothing."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, func, select

from app.accounts.models import Organisation, Person
from app.assessments.models import Assessment, Decision
from app.assessments.rules import Vacs
from app.credentials import document
from app.credentials.awards import achievement_facts, issuer_of
from app.credentials.facts import (
    CredentialFacts,
    EvidenceFacts,
    HolderFacts,
    IdentityFacts,
    IdentityMethod,
    JudgementFacts,
    StatusEntryFacts,
    StatusPurpose,
)
from app.credentials.models import Credential, StatusList
from app.credentials.rules import DECIDED_ITEMS, ReleaseFacts, add_months
from app.errors import NotFound
from app.evidence.custody import is_damaged
from app.evidence.identity import lacking, newest
from app.evidence.media_types import told
from app.evidence.models import Evidence, Submission, SubmissionConsent
from app.evidence.states import JUDGED, Outcome, Purpose, SubmissionState
from app.frameworks.models import AchievementVersion, RubricVersion
from app.frameworks.rubric import read_rubric
from app.text import LANGUAGES
from app.validation.models import Lot, LotItem, Validation


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows that a credential rests on."""

    submission: Submission
    organisation: Organisation
    holder: Person
    achievement: AchievementVersion
    decision: Decision
    lot: Lot
    item: LotItem


def judged(session: Session, submission_id: UUID) -> Judged:
    """Load what was judged. NotFound when it was never judged."""
    submission = session.get(Submission, submission_id)
    decision = session.exec(
        select(Decision).where(Decision.submission_id == submission_id, col(Decision.superseded_at).is_(None))
    ).first()
    found = session.exec(
        select(LotItem, Lot)
        .join(Lot, col(Lot.id) == col(LotItem.lot_id))
        .where(LotItem.submission_id == submission_id)
        .order_by(col(LotItem.joined_at).desc())
    ).first()
    if submission is None or decision is None or found is None:
        raise NotFound("There is no judgement of this submission.")
    item, lot = found
    achievement = session.exec(
        select(AchievementVersion).where(AchievementVersion.rubric_version_id == submission.rubric_id)
    ).one()
    organisation = session.get_one(Organisation, submission.organisation_id)
    holder = session.get_one(Person, submission.candidate_id)
    return Judged(submission, organisation, holder, achievement, decision, lot, item)


def release_facts(session: Session, rows: Judged) -> ReleaseFacts:
    """Return what rule 6 asks."""
    withdrawn = session.exec(
        select(SubmissionConsent.purpose).where(
            SubmissionConsent.submission_id == rows.submission.id, col(SubmissionConsent.withdrawn_at).is_not(None)
        )
    ).first()
    return ReleaseFacts(
        finalised=rows.submission.state is SubmissionState.FINALISED,
        competent=rows.decision.outcome is Outcome.COMPETENT,
        all_vacs_yes=Vacs(**rows.decision.vacs).all_yes,
        consents_in_force=withdrawn is None,
        evidence_intact=not is_damaged(session, rows.submission.id),
        identity_suffices=lacking(session, rows.submission) is None,
        counts=rows.submission.purpose is not Purpose.SEED,
        policy=str(rows.lot.plan.get("issue_policy", "hold_until_lot_decided")),
        lot_state=rows.lot.state.value,
        item_state=rows.item.state.value,
        sampled=bool(rows.item.sampled),
        mandatory=bool(rows.item.mandatory),
        tier=rows.lot.tier.value,
    )


def language_for(rows: Judged) -> str:
    """Return the holder's language; where they chose none, that of their evidence."""
    for language in (rows.holder.language, rows.submission.language):
        if language in LANGUAGES:
            return str(language)
    return "en"


def credential_facts(
    session: Session, rows: Judged, *, credential: Credential, issuer: str, base_url: str
) -> CredentialFacts:
    """Return everything that this credential says."""
    language = credential.language
    issuer_facts = issuer_of(rows.organisation, issuer=issuer, language=language, base_url=base_url)
    rubric = read_rubric(session.get_one(RubricVersion, rows.submission.rubric_id))
    months = rubric.achievement.valid_months
    status_list = session.get_one(StatusList, credential.status_list)
    pieces = _evidence(session, rows.submission.id)
    started = min((piece.created_at for piece in pieces), default=None)
    return CredentialFacts(
        url=f"{base_url}/credentials/{credential.id}",
        issuer=issuer_facts,
        holder=HolderFacts(
            subject=f"urn:uuid:{credential.id}",
            name=(rows.holder.name_ar if language == "ar" else None) or rows.holder.name,
            email=rows.holder.email,
            salt=credential.salt,
        ),
        achievement=achievement_facts(
            session, rows.achievement, issuer=issuer_facts, language=language, base_url=base_url
        ),
        judgement=_judgement(session, rows),
        identity=_identity(session, rows.submission),
        evidence=tuple(_piece(piece) for piece in pieces),
        status=StatusEntryFacts(
            list_url=status_url(base_url, credential.status_list),
            index=credential.status_index,
            purpose=StatusPurpose(status_list.purpose),
        ),
        awarded_at=credential.created_at,
        valid_until=add_months(credential.created_at, months) if months else None,
        activity_from=started,
        activity_until=rows.submission.submitted_at,
        demonstration=rows.organisation.demonstration or rows.submission.purpose is Purpose.DEMONSTRATION,
    )


def status_url(base_url: str, number: int) -> str:
    """Return the public address of a status list."""
    return f"{base_url}/status/{number}"


def upheld_validations(session: Session, rows: Judged) -> list[Validation]:
    """Return the validations of this judgement that upheld it: the only ones that may be endorsed."""
    return list(
        session.exec(
            select(Validation)
            .where(
                Validation.submission_id == rows.submission.id,
                Validation.lot_id == rows.lot.id,
                Validation.decision == "uphold",
            )
            .order_by(col(Validation.decided_at))
        )
    )


def _identity(session: Session, submission: Submission) -> IdentityFacts:
    """Return how we know who it is, and since when, as it was recorded."""
    check = newest(session, submission.id)
    seen = check is not None and check.identity is submission.identity
    return IdentityFacts(IdentityMethod(submission.identity.value), check.at.date() if check and seen else None)


def _judgement(session: Session, rows: Judged) -> JudgementFacts:
    assessors = session.exec(
        select(func.count(func.distinct(Assessment.assessor_id))).where(Assessment.submission_id == rows.submission.id)
    ).one()
    validated = session.exec(
        select(func.count())
        .select_from(LotItem)
        .where(LotItem.lot_id == rows.lot.id, col(LotItem.state).in_(sorted(DECIDED_ITEMS)))
    ).one()
    return JudgementFacts(
        levels={str(score["criterion"]): int(score["level"]) for score in rows.decision.scores},
        assessors=max(1, assessors),
        lot_size=rows.lot.size,
        validated=validated,
        upheld_here=bool(upheld_validations(session, rows)),
    )


def _evidence(session: Session, submission_id: UUID) -> list[Evidence]:
    return list(
        session.exec(
            select(Evidence)
            .where(Evidence.submission_id == submission_id, col(Evidence.state).in_(JUDGED))
            .order_by(col(Evidence.position))
        )
    )


def _piece(row: Evidence) -> EvidenceFacts:
    return EvidenceFacts(
        kind=row.kind.value,
        media_type=told(row.media_type),
        salted_digest=document.salted_digest(sha256=row.sha256 or "", salt=row.salt),
        duration_ms=row.duration_ms,
    )
