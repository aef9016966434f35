"""Handing a submission over from a laptop to a phone: a QR code that signs in once, for a few minutes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from app.accounts.models import Person
from app.accounts.sign_in import replace_link
from app.actor import Role
from app.audit.service import append
from app.credentials.page import QrCode, qr_code
from app.errors import NotFound
from app.evidence.models import Submission
from app.evidence.submissions import own_for_changes
from app.web.call import Call, NoForm
from app.web.routing import post

LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class PhonePage:
    """The code for the phone, the same as an address, and until when it works."""

    submission: Submission
    qr: QrCode
    address: str
    until: datetime


def hand_over(call: Call[NoForm]) -> Response:
    """Show a code that opens this submission on another device. NotFound where a phone could not reach us safely."""
    if not call.settings.secure_throughout:
        raise NotFound("There is nothing at this address.")
    submission = own_for_changes(call.session, actor=call.actor, submission_id=call.path_id("submission_id"))
    person = call.session.get_one(Person, call.actor.person_id)
    path = call.url("evidence:submission", submission_id=submission.id)
    secret = replace_link(call.session, person=person, now=call.now, next_path=path, life=LIFE)
    append(
        call.session,
        action="submission.handed-over",
        subject=f"submission:{submission.id}",
        now=call.now,
        actor_id=person.id,
        organisation_id=submission.organisation_id,
    )
    address = call.settings.base_url.rstrip("/") + call.url("accounts:link", secret=secret)
    return call.page("evidence/phone.html", PhonePage(submission, qr_code(address), address, call.now + LIFE))


routes = [
    post(
        "/submissions/{submission_id}/phone",
        hand_over,
        name="evidence:phone",
        allow=frozenset({Role.CANDIDATE}),
        remembers=False,
        limit="20/hour",
    )
]
