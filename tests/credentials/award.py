"""One award with its keys, made by the real code: what the tests of this folder sign, change and check."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.credentials import did, document, keys, signing, status
from app.credentials.facts import (
    AchievementFacts,
    CompetencyFacts,
    CredentialFacts,
    CriterionFacts,
    EndorsementFacts,
    EvidenceFacts,
    HolderFacts,
    IdentityFacts,
    IdentityMethod,
    IssuerFacts,
    JudgementFacts,
    LevelFacts,
    QualificationLevel,
    StatusEntryFacts,
    StatusListFacts,
    StatusPurpose,
    TwinFacts,
)
from app.credentials.verdict import IssuerKeys, Sources
from app.errors import NotFound

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BASE = "https://assay.example"
CREDENTIAL = f"{BASE}/credentials/5a0b3c62-7f3b-4a55-9d2e-3f1d1a2b3c4d"
LIST = f"{BASE}/status/1"
FILE_SHA256 = "ab" * 32
SALT = "0f" * 16


def bits_with(indexes: Iterable[int]) -> bytes:
    bits = status.empty()
    for index in indexes:
        bits = status.with_bit(bits, index=index, is_set=True)
    return bits


def levels() -> tuple[LevelFacts, ...]:
    names = ("Not yet", "Developing", "Competent", "Advanced")
    return tuple(
        LevelFacts(value=value, code=name[:2].upper(), label=name, descriptor=f"{name}: what one sees.")
        for value, name in enumerate(names)
    )


def criteria() -> tuple[CriterionFacts, ...]:
    checks = CompetencyFacts("FCS-02", "Protect customer identity", "Retail banking", f"{BASE}/c/FCS-02")
    listens = CompetencyFacts("FCS-01", "Listen with respect", "Retail banking", f"{BASE}/c/FCS-01")
    return (
        CriterionFacts("ID", "Identity check", required=2, levels=levels(), competencies=(checks,)),
        CriterionFacts("LI", "Listening", required=1, levels=levels(), competencies=(listens,)),
        CriterionFacts("EM", "Tone", required=1, levels=levels(), competencies=(listens,)),
    )


def achievement(issuer: IssuerFacts) -> AchievementFacts:
    return AchievementFacts(
        url=f"{BASE}/achievements/11111111-2222-4333-8444-555555555555",
        language="en",
        name="Customer Service Call",
        description="The holder handled a recorded service call.",
        code="teller-service-call",
        version="1.0.0",
        creator=issuer,
        assessment_method="Recorded performance scored against a published rubric.",
        outcomes=("Protect customer data during a call", "Agree and record a resolution"),
        criteria=criteria(),
        policy_url=f"{BASE}/rubrics/teller-service-call#validation",
        credits=Fraction(5, 2),
        credit_scheme="1 credit = 10 notional hours",
        notional_hours=25,
        level=QualificationLevel("EQF", 4, "http://data.europa.eu/snb/eqf/4"),
        image_url=f"{BASE}/achievements/11111111-2222-4333-8444-555555555555.svg",
        twins=(TwinFacts(f"{BASE}/achievements/11111111-2222-4333-8444-555555555555.ar", "ar"),),
    )


@dataclass(frozen=True, slots=True)
class Award:
    """Facts and keys of one credential; methods sign what they are asked for, at its time."""

    issuer_key: keys.FileSigner
    validator_key: keys.FileSigner
    facts: CredentialFacts
    at: datetime = NOW

    @property
    def issuer(self) -> str:
        return self.facts.issuer.id

    def endorsement(self) -> dict[str, Any]:
        endorser = keys.did_key(self.validator_key.public_key)
        facts = EndorsementFacts(
            url=f"{BASE}/endorsements/9a0b3c62-7f3b-4a55-9d2e-3f1d1a2b3c4d",
            endorser=endorser,
            pseudonym="V-7F3A",
            credential_url=self.facts.url,
            plan="standard 2",
            language=self.facts.achievement.language,
            validated_at=self.at - timedelta(days=1),
        )
        unsigned = document.endorsement(facts)
        return signing.sign_document(
            unsigned, signer=self.validator_key, method=keys.did_key_method(endorser), now=self.at
        )

    def sign(self, unsigned: dict[str, Any]) -> dict[str, Any]:
        method = did.method_of(self.issuer, self.issuer_key.public_key)
        return signing.sign_document(unsigned, signer=self.issuer_key, method=method, now=self.at)

    def credential(self) -> dict[str, Any]:
        return self.sign(document.credential(self.facts, endorsements=(self.endorsement(),)))

    def text(self) -> str:
        return json.dumps(self.credential(), ensure_ascii=False)

    def status_list(self, *set_indexes: int) -> dict[str, Any]:
        facts = StatusListFacts(
            url=LIST,
            issuer=self.issuer,
            purpose=self.facts.status.purpose,
            encoded=status.encode(bits_with(set_indexes)),
            valid_from=self.at - timedelta(minutes=2),
            valid_until=self.at + status.LIFETIME,
        )
        return self.sign(document.status_list(facts))

    def sources(self, *set_indexes: int, known: bool = True, listed: dict[str, Any] | None = None) -> Sources:
        lists = {LIST: listed or self.status_list(*set_indexes)}
        method = did.method_of(self.issuer, self.issuer_key.public_key)
        book = {self.issuer: IssuerKeys(self.issuer, "Institute", True, {method: self.issuer_key.public_key})}

        def status_list(address: str) -> dict[str, Any]:
            if address not in lists:
                raise NotFound("There is no status list at %(address)s.", address=address)
            return lists[address]

        return Sources(issuer=(book if known else {}).get, status_list=status_list)

    def changed(self, **facts: Any) -> "Award":
        return replace(self, facts=replace(self.facts, **facts))


def an_award(
    folder: Path, *, language: str = "en", purpose: StatusPurpose = StatusPurpose.REVOCATION, at: datetime = NOW
) -> Award:
    issuer_key = keys.file_signer(folder, name="issuer")
    issuer = IssuerFacts(keys.did_key(issuer_key.public_key), "Nile Institute", BASE, "Egypt", "EG")
    facts = CredentialFacts(
        url=CREDENTIAL,
        issuer=issuer,
        holder=HolderFacts("urn:uuid:6f1c2f6e-1111-4222-8333-444455556666", "أمينة حسن", "amina@example.org", "ab12"),
        achievement=replace(achievement(issuer), language=language),
        judgement=JudgementFacts({"ID": 3, "LI": 2, "EM": 1}, 1, lot_size=12, validated=5, upheld_here=True),
        identity=IdentityFacts(IdentityMethod.DOCUMENT_SEEN, on=date(2026, 11, 20)),
        evidence=(EvidenceFacts("video", "video/mp4", document.salted_digest(sha256=FILE_SHA256, salt=SALT), 872_000),),
        status=StatusEntryFacts(LIST, 90_321, purpose),
        awarded_at=at,
        valid_until=at + timedelta(days=730),
        activity_from=at - timedelta(days=4),
        activity_until=at - timedelta(days=3),
    )
    return Award(issuer_key, keys.file_signer(folder, name="validator"), facts, at)
