"""The checks of a credential, by name (API.md 4.8): one function behind page, API and command.

Where keys and status lists come from is handed in: our own database, a folder, or the network.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from app.credentials import keys, signing, structure, vc_jwt
from app.credentials.document import salted_digest
from app.credentials.levels import why_levels_disagree
from app.credentials.reading import Sealed, moment_of, read
from app.credentials.status_check import check_status
from app.credentials.verdict import (
    Check,
    EvidenceProof,
    IssuerKeys,
    Named,
    Report,
    Sources,
    Standing,
    Verdict,
)
from app.errors import AssayError, Invalid

Json = dict[str, Any]

# A credential signed a moment ago must not look "not yet valid" to a clock that is a little slow.
CLOCK_TOLERANCE = timedelta(minutes=2)
# Checks that say something about today, not about whether the credential is what its issuer signed.
ABOUT_TODAY = frozenset({"status", "validity"})


def verify(content: bytes, *, sources: Sources, now: datetime, evidence: EvidenceProof | None = None) -> Report:
    """Check a credential in any of its forms. Never raises for what is in the file: the report says it."""
    try:
        sealed = read(content)
    except Invalid as refusal:
        unreadable = Check("structure", ok=False, detail=refusal.detail, params=_texts(refusal))
        return Report(Verdict.UNREADABLE, in_force=False, checks=(unreadable,))
    if reason := structure.why_not(sealed.document, schema=structure.OPEN_BADGE):
        broken = Check(
            "structure",
            ok=False,
            detail="It is not built like a credential: %(where)s",
            params={"where": reason},
        )
        return Report(Verdict.NOT_GENUINE, in_force=False, checks=(broken,), **_names(sealed.document))
    return _verify_readable(sealed, sources=sources, now=now, evidence=evidence)


def _verify_readable(sealed: Sealed, *, sources: Sources, now: datetime, evidence: EvidenceProof | None) -> Report:
    document = sealed.document
    issuer = _issuer_keys(structure.issuer_id(document), sources=sources)
    status = check_status(document, issuer=issuer, fetch=sources.status_list, now=now)
    checks = [
        Check("structure", ok=True, detail="The file is complete."),
        _context(document),
        _proof(sealed, issuer=issuer),
        _issuer(document, issuer=issuer),
        status.check,
        _validity(document, now=now),
        _levels(document),
        _endorsement(document),
    ]
    if evidence:
        checks.append(_evidence_digest(document, evidence=evidence))
    verdict = _verdict(checks, issuer=issuer)
    today = all(check.ok for check in checks if check.name in ABOUT_TODAY)
    return Report(
        verdict,
        in_force=verdict is Verdict.GENUINE and today,
        checks=tuple(checks),
        standing=status.standing if verdict is Verdict.GENUINE else Standing.UNKNOWN,
        document=document,
        **_names(document),
    )


def _verdict(checks: list[Check], *, issuer: IssuerKeys | None) -> Verdict:
    """Genuine needs all checks but those about today; without the issuer's keys the proof is open."""
    failed = {check.name for check in checks if not check.ok} - ABOUT_TODAY
    if not failed:
        return Verdict.GENUINE
    if failed == {"issuer"} or (issuer is None and failed == {"issuer", "proof"}):
        return Verdict.UNKNOWN_ISSUER
    return Verdict.NOT_GENUINE


def _issuer_keys(issuer: str, *, sources: Sources) -> IssuerKeys | None:
    """Ask the source; a did:key that nobody vouches for still proves that the file is whole."""
    try:
        found = sources.issuer(issuer)
    except AssayError:
        return None
    return found or did_key_issuer(issuer)


def did_key_issuer(issuer: str) -> IssuerKeys | None:
    """Return the keys of a did:key, known by itself to nobody, or None."""
    if not issuer.startswith(keys.DID_KEY):
        return None
    try:
        key = keys.from_multikey(issuer.removeprefix(keys.DID_KEY))
    except ValueError:
        return None
    return IssuerKeys(issuer, name=None, known=False, ed25519={keys.did_key_method(issuer): key})


def _context(document: Json) -> Check:
    """The proof is left out: its own check reads it."""
    unsigned = {key: value for key, value in document.items() if key != "proof"}
    from app.credentials import rdf  # noqa: PLC0415  # 20 MB: for those who sign or check

    return _guarded("context", lambda: bool(rdf.canonical(unsigned)), yes="Its terms are the known ones.")


def _proof(sealed: Sealed, *, issuer: IssuerKeys | None) -> Check:
    if issuer is None:
        return Check("proof", ok=False, detail="The signature can't be checked without the issuer's keys.")
    return _guarded(
        "proof",
        lambda: _token_holds(sealed, issuer) if sealed.token else _embedded_proof_holds(sealed.document, issuer),
        yes="The signature is intact.",
        no="The signature does not match: the file was changed, or somebody else signed it.",
    )


def _embedded_proof_holds(document: Json, issuer: IssuerKeys) -> bool:
    return signing.signed_by(document, methods=issuer.ed25519)


def _token_holds(sealed: Sealed, issuer: IssuerKeys) -> bool:
    """The token's key must be the issuer's, and its claims must repeat the credential."""
    token = sealed.token or ""
    public_jwk = issuer.es256.get(str(vc_jwt.header_of(token).get("kid")))
    return (
        public_jwk is not None
        and vc_jwt.claims_agree(token, document=sealed.document)
        and vc_jwt.signature_holds(token, public_jwk=dict(public_jwk))
    )


def _issuer(document: Json, *, issuer: IssuerKeys | None) -> Check:
    name = _names(document)["issuer"].name or structure.issuer_id(document)
    if issuer is None or not issuer.known:
        return Check("issuer", ok=False, detail="Nobody here knows the issuer %(name)s.", params={"name": name})
    known_as = issuer.name or name
    return Check("issuer", ok=True, detail="The issuer is recognised: %(name)s.", params={"name": known_as})


def _validity(document: Json, *, now: datetime) -> Check:
    begins, ends = moment_of(document["validFrom"]), moment_of(document.get("validUntil"))
    if begins is None or ("validUntil" in document and ends is None):
        return Check("validity", ok=False, detail="Its dates can't be read.")
    if now + CLOCK_TOLERANCE < begins:
        return Check("validity", ok=False, detail="It is not valid yet: from %(date)s.", params=_day(begins))
    if ends and now >= ends:
        return Check("validity", ok=False, detail="It expired on %(date)s.", params=_day(ends))
    return Check("validity", ok=True, detail="Today lies within its dates.")


def _levels(document: Json) -> Check:
    if wrong := why_levels_disagree(document["credentialSubject"]):
        return Check(
            "levels",
            ok=False,
            detail="The result of %(name)s does not reach what is required.",
            params={"name": wrong},
        )
    return Check("levels", ok=True, detail="Its levels agree with the rubric.")


def _endorsement(document: Json) -> Check:
    found = document.get("endorsement", [])
    if not found:
        return Check("endorsement", ok=True, detail="It carries no endorsement; none is needed.")
    return _guarded(
        "endorsement",
        lambda: all(_endorsement_holds(one, document) for one in found),
        yes="The validator's statement is intact.",
        no="An endorsement in it is not intact.",
    )


def _endorsement_holds(endorsement: Json, document: Json) -> bool:
    """An endorsement must speak about this credential and be signed by whom it names."""
    if structure.why_not(endorsement, schema=structure.ENDORSEMENT):
        return False
    about = {
        document["id"],
        document["credentialSubject"]["achievement"]["id"],
        structure.issuer_id(document),
    }
    endorser = did_key_issuer(structure.issuer_id(endorsement))
    return (
        endorsement["credentialSubject"]["id"] in about
        and endorser is not None
        and signing.signed_by(endorsement, methods=endorser.ed25519)
    )


def _evidence_digest(document: Json, *, evidence: EvidenceProof) -> Check:
    try:
        digest = salted_digest(sha256=evidence.sha256, salt=evidence.salt)
    except ValueError:
        return Check("evidence-digest", ok=False, detail="The salt is not written in hexadecimal digits.")
    found = any(digest in str(piece.get("narrative", "")) for piece in document.get("evidence", []))
    if found:
        return Check("evidence-digest", ok=True, detail="The file is one that was judged.")
    return Check("evidence-digest", ok=False, detail="The file is none of those that were judged.")


def _guarded(name: str, question: Callable[[], bool], *, yes: str, no: str = "It can't be checked.") -> Check:
    """Ask; a document that can't even be read so far gets the reason as its detail."""
    try:
        holds = question()
    except Invalid as refusal:
        return Check(name, ok=False, detail=refusal.detail, params=_texts(refusal))
    return Check(name, ok=holds, detail=yes if holds else no)


def _names(document: Json) -> dict[str, Any]:
    """Return what the file claims to be, for people; as far as it can be read."""
    subject = document.get("credentialSubject")
    subject = subject if isinstance(subject, dict) else {}
    issuer = document.get("issuer")
    return {
        "credential_id": _text(document.get("id")),
        "holder": Named(_text(subject.get("id")), _holder_name(subject)),
        "achievement": _named(subject.get("achievement")),
        "issuer": Named(issuer, None) if isinstance(issuer, str) else _named(issuer),
        "valid_from": moment_of(document.get("validFrom")),
        "valid_until": moment_of(document.get("validUntil")),
    }


def _holder_name(subject: Json) -> str | None:
    identifiers = subject.get("identifier")
    for one in identifiers if isinstance(identifiers, list) else []:
        if isinstance(one, dict) and one.get("identityType") == "name" and one.get("hashed") is False:
            return _text(one.get("identityHash"))
    return None


def _named(value: Any) -> Named:
    found = value if isinstance(value, dict) else {}
    return Named(_text(found.get("id")), _text(found.get("name")))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _day(moment: datetime) -> dict[str, str]:
    return {"date": moment.date().isoformat()}


def _texts(refusal: AssayError) -> dict[str, str]:
    return {name: str(value) for name, value in refusal.params.items()}
