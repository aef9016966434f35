"""What a credential, an endorsement and a status list say: facts in, unsigned document out. Pure."""

import hashlib
from datetime import timedelta
from typing import Any

from app.credentials import wording
from app.credentials.achievement import achievement, criterion_url, level_url, number, profile
from app.credentials.facts import (
    CredentialFacts,
    EndorsementFacts,
    EvidenceFacts,
    HolderFacts,
    StatusEntryFacts,
    StatusListFacts,
)
from app.credentials.signing import timestamp
from app.credentials.vocabulary import CREDENTIALS_V2, OPEN_BADGES

Json = dict[str, Any]

# A verifier whose clock is a little slow refuses what is valid only from now on.
CLOCK_TOLERANCE = timedelta(seconds=90)


def credential(facts: CredentialFacts, *, endorsements: tuple[Json, ...] = ()) -> Json:
    """Return the unsigned Open Badges 3.0 credential. Endorsements come signed already."""
    document: Json = {
        "@context": [CREDENTIALS_V2, OPEN_BADGES],
        "id": facts.url,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": facts.achievement.name,
        "description": facts.achievement.description,
        "issuer": profile(facts.issuer),
        "validFrom": timestamp(facts.awarded_at - CLOCK_TOLERANCE),
        "awardedDate": timestamp(facts.awarded_at),
        "credentialSubject": _subject(facts),
        "evidence": [_evidence(facts, piece, number=index) for index, piece in enumerate(facts.evidence, start=1)],
        "credentialStatus": status_entry(facts.status),
    }
    if facts.valid_until:
        document["validUntil"] = timestamp(facts.valid_until)
    if endorsements:
        document["endorsement"] = list(endorsements)
    return document


def endorsement(facts: EndorsementFacts) -> Json:
    """Return a validator's unsigned statement that a sampled judgement was upheld (credentials.md 2.4)."""
    return {
        "@context": [CREDENTIALS_V2, OPEN_BADGES],
        "id": facts.url,
        "type": ["VerifiableCredential", "EndorsementCredential"],
        "name": wording.say(facts.language, "endorsement-name"),
        "issuer": {
            "id": facts.endorser,
            "type": ["Profile"],
            "name": wording.say(facts.language, "validator", pseudonym=facts.pseudonym),
        },
        "validFrom": timestamp(facts.validated_at),
        "credentialSubject": {
            "id": facts.credential_url,
            "type": ["EndorsementSubject"],
            "endorsementComment": wording.say(facts.language, "endorsement", plan=facts.plan),
        },
    }


def status_list(facts: StatusListFacts) -> Json:
    """Return the unsigned status list credential (W3C Bitstring Status List 1.0)."""
    return {
        "@context": [CREDENTIALS_V2],
        "id": facts.url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": facts.issuer,
        "validFrom": timestamp(facts.valid_from),
        "validUntil": timestamp(facts.valid_until),
        "credentialSubject": {
            "id": f"{facts.url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": str(facts.purpose),
            "encodedList": facts.encoded,
        },
    }


def status_entry(facts: StatusEntryFacts) -> Json:
    """Return the one status object of a credential: the Open Badges schema takes no list here."""
    return {
        "id": f"{facts.list_url}#{facts.index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": str(facts.purpose),
        "statusListIndex": str(facts.index),
        "statusListCredential": facts.list_url,
    }


def hashed_email(email: str, *, salt: str) -> str:
    """Return the Open Badges identity hash: SHA-256 of the lower-cased address followed by the salt."""
    return "sha256$" + hashlib.sha256((email.lower() + salt).encode()).hexdigest()


def salted_digest(*, sha256: str, salt: str) -> str:
    """Return SHA-256(salt, file digest), both in hex. Without the salt it links to no file."""
    return hashlib.sha256(bytes.fromhex(salt) + bytes.fromhex(sha256)).hexdigest()


def _subject(facts: CredentialFacts) -> Json:
    subject: Json = {
        "id": facts.holder.subject,
        "type": ["AchievementSubject"],
        "identifier": _identifiers(facts.holder),
        "narrative": _narrative(facts),
        "achievement": achievement(facts.achievement),
        "result": [
            {
                "type": ["Result"],
                "resultDescription": criterion_url(facts.achievement.url, code),
                "achievedLevel": level_url(facts.achievement.url, code, value=value),
                "status": "Completed",
            }
            for code, value in facts.judgement.levels.items()
        ],
    }
    if facts.achievement.credits is not None:
        subject["creditsEarned"] = number(facts.achievement.credits)
    if facts.activity_from and facts.activity_until:
        subject["activityStartDate"] = timestamp(facts.activity_from)
        subject["activityEndDate"] = timestamp(facts.activity_until)
    return subject


def _narrative(facts: CredentialFacts) -> str:
    language = facts.achievement.language
    said = [wording.judgement(language, facts.judgement), wording.identity(language, facts.identity)]
    if facts.demonstration:
        said.insert(0, wording.say(language, "demonstration"))
    return " ".join(said)


def _identifiers(holder: HolderFacts) -> list[Json]:
    named = {
        "type": "IdentityObject",
        "hashed": False,
        "identityHash": holder.name,
        "identityType": "name",
    }
    if holder.email is None:
        return [named]
    return [
        {
            "type": "IdentityObject",
            "hashed": True,
            "identityHash": hashed_email(holder.email, salt=holder.salt),
            "identityType": "emailAddress",
            "salt": holder.salt,
        },
        named,
    ]


def _evidence(facts: CredentialFacts, piece: EvidenceFacts, *, number: int) -> Json:
    """Describe one piece without a way to the media: no address, no plain digest."""
    language = facts.achievement.language
    length = ""
    if piece.duration_ms:
        minutes, seconds = divmod(round(piece.duration_ms / 1000), 60)
        length = wording.say(language, "length", minutes=minutes, seconds=seconds) + " "
    method = wording.say(language, "method", method=facts.achievement.assessment_method)
    return {
        "id": f"{facts.url}#evidence-{number}",
        "type": ["Evidence"],
        "name": wording.say(language, piece.kind),
        "genre": piece.media_type,
        "audience": wording.say(language, "audience"),
        "description": length + wording.say(language, "private"),
        "narrative": f"{method}\n{wording.identity(language, facts.identity)}\n"
        + wording.say(language, "digest", digest=piece.salted_digest),
    }
