"""What a credential says, and that it has the shape that Open Badges 3.0 asks for."""

import json
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from jsonschema import Draft201909Validator

from app.credentials import document, wording
from app.credentials.facts import IdentityFacts, IdentityMethod
from tests.credentials.award import NOW, SALT, an_award

SCHEMA = json.loads((Path(__file__).parent / "ob_v3p0_achievementcredential_schema.json").read_text())


def test_credential_has_the_shape_of_open_badges_3(award):
    errors = list(Draft201909Validator(SCHEMA).iter_errors(award.credential()))
    assert errors == []


def test_credential_without_anything_optional_has_the_shape_too(award):
    bare = award.changed(
        valid_until=None,
        activity_from=None,
        holder=replace(award.facts.holder, email=None),
        achievement=replace(
            award.facts.achievement, credits=None, credit_scheme=None, level=None, image_url=None, twins=()
        ),
    )
    signed = bare.sign(document.credential(bare.facts))
    assert list(Draft201909Validator(SCHEMA).iter_errors(signed)) == []
    assert "validUntil" not in signed
    assert [one["identityType"] for one in signed["credentialSubject"]["identifier"]] == ["name"]


def test_levels_are_named_as_achieved_and_required(award):
    said = award.credential()["credentialSubject"]
    first = said["achievement"]["resultDescription"][0]
    assert first["requiredLevel"] == f"{first['id']}/2"
    assert said["result"][0]["achievedLevel"] == f"{first['id']}/3"
    assert [level["points"] for level in first["rubricCriterionLevel"]] == ["0", "1", "2", "3"]


def test_alignment_names_competencies_level_and_quality_assurance(award):
    alignments = award.credential()["credentialSubject"]["achievement"]["alignment"]
    assert [one["targetType"] for one in alignments] == [
        "CFItem",
        "CFItem",
        "ext:QualificationLevel",
        "ext:QualityAssurance",
    ]
    assert alignments[2]["targetCode"] == "EQF 4"


def test_lot_and_sample_are_stated_and_nothing_more(award):
    said = award.credential()["credentialSubject"]["narrative"]
    assert "lot of 12, 5 validated independently" in said
    assert "This judgement was among those validated" in said
    unsampled = award.changed(judgement=replace(award.facts.judgement, upheld_here=False))
    said = document.credential(unsampled.facts)["credentialSubject"]["narrative"]
    assert "5 validated independently" in said
    assert "This judgement" not in said


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (IdentityMethod.NONE, "Identity: not checked."),
        (IdentityMethod.DECLARED, "Identity: declared by the holder, no document seen."),
        (IdentityMethod.DOCUMENT_SEEN, "Identity: document seen by the awarding body (2026-11-20)."),
        (
            IdentityMethod.SUPERVISED,
            "Identity: recorded under supervision with an identity check (2026-11-20).",
        ),
    ],
)
def test_identity_is_printed_as_it_is(award, method, says):
    facts = award.changed(identity=IdentityFacts(method, award.facts.identity.on)).facts
    said = document.credential(facts)
    assert says in said["credentialSubject"]["narrative"]
    assert says in said["evidence"][0]["narrative"]


def test_email_and_evidence_digest_appear_only_hashed_with_salt(award):
    text = award.text()
    assert "amina@example.org" not in text
    assert award.facts.evidence[0].salted_digest in text
    assert "ab" * 32 not in text
    assert SALT not in text


def test_validity_starts_a_little_early_for_slow_clocks(award):
    said = award.credential()
    assert said["validFrom"] == "2026-11-24T08:58:30Z"
    assert said["awardedDate"] == "2026-11-24T09:00:00Z"
    assert said["validUntil"] == (NOW + timedelta(days=730)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_whole_credits_are_whole_numbers(award):
    whole = award.changed(achievement=replace(award.facts.achievement, credits=Fraction(2)))
    assert '"creditsEarned": 2,' in json.dumps(document.credential(whole.facts)["credentialSubject"])
    assert award.credential()["credentialSubject"]["creditsEarned"] == 2.5


def test_arabic_credential_speaks_arabic(tmp_path):
    said = an_award(tmp_path, language="ar").credential()["credentialSubject"]
    assert said["achievement"]["inLanguage"] == "ar"
    assert "روجع منها 5 مراجعة مستقلة" in said["narrative"]
    assert "ضمان الجودة" in said["narrative"]


def test_every_sentence_exists_in_every_language():
    english, arabic = wording.SENTENCES["en"], wording.SENTENCES["ar"]
    assert english.keys() == arabic.keys()
