"""The parts of lead validators, issuers, auditors and administrators on the start page."""

from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from app.accounts.models import Membership, Person
from app.actor import Actor, Role
from app.audit.models import AuditEvent
from app.credentials.models import Credential, CredentialState
from app.evidence.models import DAMAGED, Evidence, Submission
from app.evidence.states import SubmissionState
from app.frameworks.models import RubricVersion
from app.home.judging import rubric_titles
from app.home.parts import Count, Part, Words, Work, WorkList
from app.jobs.models import Job, JobState
from app.validation.models import Lot, LotState


def lead_part(session: Session, actor: Actor, words: Words) -> Part:
    """Return the lead validator's part: lots that need a look, then lots by state."""
    lots = session.exec(
        select(Lot).where(Lot.organisation_id == actor.organisation_id).order_by(col(Lot.opened_at))
    ).all()
    titles, names = rubric_titles(session), _assessors(session, actor)
    of = {state: [lot for lot in lots if lot.state is state] for state in LotState}
    needing = [*of[LotState.REJECTED], *of[LotState.RECTIFYING], *of[LotState.VALIDATING]]
    held = session.exec(
        select(func.min(Submission.decided_at)).where(
            Submission.organisation_id == actor.organisation_id, Submission.state == SubmissionState.HELD
        )
    ).one()
    return Part(
        role=Role.LEAD_VALIDATOR,
        next=None,
        lists=[
            WorkList(
                words._("What needs you"),
                _damaged(session, actor, words)
                + [
                    _lot(lot, words, words.text(titles[lot.rubric_id]), names.get(lot.assessor_id, ""))
                    for lot in needing
                ],
                words._("Nothing needs you"),
                words._("A lot opens by itself with the first decision of an assessor on a rubric."),
            )
        ],
        counts_title=words._("Lots"),
        counts=[
            Count(words._("Lots open"), str(len(of[LotState.OPEN]))),
            Count(words._("Being validated"), str(len(of[LotState.VALIDATING]))),
            Count(words._("Accepted"), str(len(of[LotState.ACCEPTED]) + len(of[LotState.RECTIFIED]))),
            Count(words._("Oldest held decision"), words.day(held) if held else words._("none")),
        ],
    )


def _damaged(session: Session, actor: Actor, words: Words) -> list[Work]:
    """Return the submissions of which a stored original is not what was sent."""
    rows = session.exec(
        select(Submission.reference)
        .join(Evidence, col(Evidence.submission_id) == col(Submission.id))
        .where(text(f"evidence.{DAMAGED}"), Submission.organisation_id == actor.organisation_id)
        .distinct()
        .order_by(col(Submission.reference))
    )
    on_hold = words._("On hold")
    why = words._("Nobody judges it until the operator has put the file back. The candidate was told.")
    return [
        Work(
            words._("A stored file of %(reference)s is not what was sent", reference=each),
            why,
            on_hold,
            "bad",
        )
        for each in rows
    ]


def _assessors(session: Session, actor: Actor) -> dict[UUID, str]:
    rows = session.exec(
        select(Person.id, Person.name)
        .join(Membership, col(Membership.person_id) == col(Person.id))
        .where(Membership.organisation_id == actor.organisation_id, Membership.role == Role.ASSESSOR)
    )
    return dict(rows.all())


def _lot(lot: Lot, words: Words, title: str, assessor: str) -> Work:
    tags = {
        LotState.REJECTED: (words._("Rejected"), "bad"),
        LotState.RECTIFYING: (words._("Being rectified"), "warn"),
        LotState.VALIDATING: (words._("Being validated"), "acc"),
    }
    tag, tone = tags[lot.state]
    why = words.count("%(n)s decision", "%(n)s decisions", lot.size)
    sampled = words.count("%(n)s in the sample", "%(n)s in the sample", lot.sample_size or 0)
    return Work(f"{assessor}, {title}", f"{why}, {sampled}.", tag, tone, f"/lots/{lot.id}", words._("Open"))


def issuer_part(session: Session, actor: Actor, words: Words) -> Part:
    """Return the issuer's part: what waits to be signed, and what was signed."""
    counts = dict(
        session.exec(
            select(Credential.state, func.count())
            .where(Credential.organisation_id == actor.organisation_id)
            .group_by(col(Credential.state))
        ).all()
    )
    pending = counts.get(CredentialState.PENDING, 0)
    last = session.exec(
        select(func.max(Credential.valid_from)).where(Credential.organisation_id == actor.organisation_id)
    ).one()
    waiting = [
        Work(
            words.count("%(n)s credential is being signed", "%(n)s credentials are being signed", pending),
            words._("This happens by itself within a minute."),
        )
    ]
    since = words._("The last one was signed on %(when)s.", when=words.moment(last)) if last else ""
    return Part(
        role=Role.ISSUER,
        next=None,
        lists=[WorkList(words._("To sign"), waiting * bool(pending), words._("Nothing waits for a signature"), since)],
        counts_title=words._("Credentials"),
        counts=[
            Count(words._("In force"), str(counts.get(CredentialState.ACTIVE, 0))),
            Count(words._("Suspended"), str(counts.get(CredentialState.SUSPENDED, 0))),
            Count(words._("Revoked"), str(counts.get(CredentialState.REVOKED, 0))),
        ],
    )


def auditor_part(session: Session, actor: Actor, words: Words) -> Part:
    """Return the auditor's part: how long the trail is and when it grew last."""
    own = AuditEvent.organisation_id == actor.organisation_id
    rows = session.exec(select(func.count()).where(own)).one()
    last = session.exec(select(func.max(AuditEvent.at)).where(own)).one()
    return Part(
        role=Role.AUDITOR,
        next=None,
        lists=[
            WorkList(
                words._("Audit trail"),
                [
                    Work(
                        words.count("%(n)s entry", "%(n)s entries", rows),
                        words._("The last one: %(when)s.", when=words.moment(last)) if last else "",
                        path="/audit",
                        button=words._("Open"),
                    )
                ],
                "",
            )
        ],
        counts_title=words._("Audit trail"),
        counts=[Count(words._("Entries"), str(rows))],
    )


def administrator_part(session: Session, actor: Actor, words: Words) -> Part:
    """Return the administrator's part: what is broken, then who is here."""
    broken = session.exec(select(func.count()).where(Job.state == JobState.FAILED)).one()
    waiting = session.exec(select(func.count()).where(Job.state == JobState.TODO)).one()
    people = session.exec(
        select(func.count(col(Membership.person_id).distinct())).where(
            Membership.organisation_id == actor.organisation_id
        )
    ).one()
    rubrics = session.exec(
        select(func.count(col(RubricVersion.code).distinct())).where(
            RubricVersion.organisation_id == actor.organisation_id, col(RubricVersion.published_at).is_not(None)
        )
    ).one()
    failed = Work(
        words.count("%(n)s job was given up", "%(n)s jobs were given up", broken),
        words._("The people concerned see it beside their evidence and can try again."),
        words._("Look"),
        "bad",
        "/admin/jobs",
        words._("Open"),
    )
    return Part(
        role=Role.ADMINISTRATOR,
        next=None,
        lists=[WorkList(words._("What needs you"), [failed] * bool(broken), words._("Nothing needs you"))],
        counts_title=words._("This organisation"),
        counts=[
            Count(words._("People"), str(people)),
            Count(words._("Published rubrics"), str(rubrics)),
            Count(words._("Jobs that wait"), str(waiting)),
        ],
    )
