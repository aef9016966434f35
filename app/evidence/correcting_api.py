"""API section 4.3: correcting a word of a transcript."""

from starlette.responses import Response

from app.actor import Role, Scope
from app.evidence.access import reader_of_evidence
from app.evidence.api import EVIDENCE, hooks_of
from app.evidence.corrections import Correction, correct
from app.evidence.forms import CorrectionForm
from app.web.call import Call
from app.web.routing import post

ASSESSORS = frozenset({Role.ASSESSOR})


def correct_word(call: Call[CorrectionForm]) -> Response:
    """Correct one word of the transcript, or put back what was heard."""
    evidence, reader = reader_of_evidence(
        call.session,
        actor=call.actor,
        evidence_id=call.path_id("evidence_id"),
        reason=None,
        lease_until=hooks_of(call).lease_until,
        now=call.now,
    )
    form = call.form
    change = Correction(form.segment, form.word, form.text)
    word = correct(call.session, evidence=evidence, reader=reader, actor=call.actor, change=change, now=call.now)
    return call.json({"segment": form.segment, "word": form.word, **word.to_json()})


routes = [
    post(
        EVIDENCE + "/transcript",
        correct_word,
        CorrectionForm,
        name="api:correct-word",
        allow=ASSESSORS,
        scope=Scope.ASSESS,
        method="PATCH",
        limit="1200/hour",  # each writes the whole transcript anew
    )
]
