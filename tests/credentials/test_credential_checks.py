"""Checking a credential: what is genuine, what is not, what is no longer in force, and whom nobody knows."""

import copy
import json
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.credentials import baking, did, document, keys, picture, vc_jwt
from app.credentials.checks import verify
from app.credentials.facts import StatusPurpose
from app.credentials.sources import issuer_from_did
from app.credentials.verdict import EvidenceProof, IssuerKeys, Sources, Standing, Verdict
from app.errors import Unavailable
from tests.credentials.award import FILE_SHA256, LIST, NOW, SALT, an_award

NAMES = ["structure", "context", "proof", "issuer", "status", "validity", "levels", "endorsement"]


def check(award, content, *set_indexes, now=NOW, evidence=None, **sources):
    content = content.encode() if isinstance(content, str) else content
    return verify(content, sources=award.sources(*set_indexes, **sources), now=now, evidence=evidence)


def failed(report):
    return [one.name for one in report.checks if not one.ok]


def test_genuine_credential_passes_every_check(award):
    report = check(award, award.text())
    assert [(one.name, one.ok) for one in report.checks] == [(name, True) for name in NAMES]
    assert report.verdict is Verdict.GENUINE
    assert report.in_force
    assert report.standing is Standing.ACTIVE
    assert report.holder.name == "أمينة حسن"
    assert report.achievement.name == "Customer Service Call"
    assert report.issuer.name == "Nile Institute"


def test_all_four_kinds_of_file_are_read(award):
    sealed = award.text()
    badge = picture.svg(picture.BadgeText("Service <Call>", "Nile & Co", "2026", "en"))
    for content in (
        sealed.encode(),
        baking.bake_png(picture.png("https://assay.example/c/1"), sealed=sealed),
        baking.bake_svg(badge, sealed=sealed).encode(),
    ):
        assert check(award, content).verdict is Verdict.GENUINE


def test_one_changed_character_is_never_genuine(award):
    """Each character inside the texts, numbers and names of the JSON, some hundreds of them at random."""
    sealed = award.text()
    places = [at for at, letter in enumerate(sealed) if letter.isalnum()]
    chance = random.Random(20261124)  # noqa: S311 - the same places in every run
    sources = award.sources()
    for at in chance.sample(places, 150):
        letter = chance.choice([one for one in "abcXYZ0123456789" if one != sealed[at]])
        changed = sealed[:at] + letter + sealed[at + 1 :]
        report = verify(changed.encode(), sources=sources, now=NOW)
        assert report.verdict is not Verdict.GENUINE, (at, sealed[at - 20 : at + 20], letter)
        assert not report.in_force


@pytest.mark.parametrize(
    "path",
    [
        ("credentialSubject", "result", 0, "achievedLevel"),
        ("credentialSubject", "identifier", 1, "identityHash"),
        ("credentialSubject", "narrative"),
        ("evidence", 0, "narrative"),
        ("endorsement", 0, "credentialSubject", "endorsementComment"),
        ("validUntil",),
        ("credentialStatus", "statusListIndex"),
        ("issuer", "name"),
    ],
)
def test_change_of_any_statement_breaks_the_signature(award, path):
    changed = award.credential()
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = node[path[-1]].replace("2", "3").replace("e", "a") + "1"
    report = check(award, json.dumps(changed))
    assert report.verdict is Verdict.NOT_GENUINE
    assert "proof" in failed(report) or "structure" in failed(report)


def test_revoked_credential_is_genuine_and_not_in_force(award):
    report = check(award, award.text(), award.facts.status.index)
    assert report.verdict is Verdict.GENUINE
    assert not report.in_force
    assert failed(report) == ["status"]
    assert report.standing is Standing.REVOKED


def test_neighbours_bit_says_nothing_about_this_one(award):
    assert check(award, award.text(), award.facts.status.index + 1, 0).in_force


def test_suspended_credential_says_suspended(tmp_path):
    award = an_award(tmp_path, purpose=StatusPurpose.SUSPENSION)
    report = check(award, award.text(), award.facts.status.index)
    assert report.standing is Standing.SUSPENDED
    assert not report.in_force


def test_expired_credential_is_genuine_and_not_in_force(award):
    """The list is signed by then as well: only the dates have passed."""
    report = check(award, award.text(), now=NOW + timedelta(days=731))
    assert report.verdict is Verdict.GENUINE
    assert not report.in_force
    assert "validity" in failed(report)
    assert check(award, award.text(), now=NOW - timedelta(hours=1)).in_force is False


def test_status_list_signed_by_another_key_is_not_believed(award, tmp_path):
    stranger = an_award(tmp_path / "stranger")
    listed = stranger.status_list()
    listed["issuer"] = award.issuer
    for forged in (listed, stranger.status_list(), stranger.sign(listed)):
        report = check(award, award.text(), listed=forged)
        assert failed(report) == ["status"]
        assert report.standing is Standing.UNKNOWN
        assert not report.in_force


def test_stale_status_list_is_not_believed(award):
    report = check(award, award.text(), now=NOW + timedelta(hours=25))
    assert failed(report) == ["status"]
    assert "out of date" in report.checks[4].sentence()


def test_status_list_of_another_address_or_purpose_is_not_believed(award, tmp_path):
    other = an_award(tmp_path, purpose=StatusPurpose.SUSPENSION)
    assert failed(check(award, award.text(), listed=other.status_list())) == ["status"]
    moved = award.status_list()
    moved["id"] = LIST + "0"
    assert failed(check(award, award.text(), listed=award.sign(moved))) == ["status"]


def test_unreachable_status_list_is_said_and_not_in_force(award):
    def down(_address):
        raise Unavailable("The address does not answer.")

    sources = Sources(issuer=award.sources().issuer, status_list=down)
    report = verify(award.text().encode(), sources=sources, now=NOW)
    assert report.verdict is Verdict.GENUINE
    assert not report.in_force
    assert "does not answer" in report.checks[4].sentence()


def test_issuer_that_nobody_knows_is_named_unknown(award):
    report = check(award, award.text(), known=False)
    assert report.verdict is Verdict.UNKNOWN_ISSUER
    assert failed(report) == ["issuer"]


def test_stranger_who_names_a_known_issuer_is_not_genuine(award, tmp_path):
    stranger = an_award(tmp_path / "stranger")
    forged = {**stranger.credential(), "issuer": award.credential()["issuer"]}
    signed = stranger.sign(forged)
    assert check(award, json.dumps(signed)).verdict is Verdict.NOT_GENUINE


def test_issuer_whose_keys_are_out_of_reach_leaves_the_proof_open(award):
    signed = award.credential()
    signed["issuer"]["id"] = "did:web:nowhere.example"
    report = check(award, json.dumps(signed))
    assert report.verdict in {Verdict.UNKNOWN_ISSUER, Verdict.NOT_GENUINE}
    assert "proof" in failed(report)
    assert not report.in_force


def test_status_moved_out_of_sight_is_refused_although_the_signed_graph_is_the_same(award):
    """The endorsement speaks about the same id; a status put there is the same RDF, and nobody would look."""
    moved = award.credential()
    subject = moved["endorsement"][0]["credentialSubject"]
    subject["type"] = ["EndorsementSubject", "VerifiableCredential"]
    subject["credentialStatus"] = moved.pop("credentialStatus")
    report = check(award, json.dumps(moved), award.facts.status.index)
    assert report.verdict is Verdict.NOT_GENUINE
    assert not report.in_force


@pytest.mark.parametrize(
    "change",
    [
        {"https://schema.org/name": "Doctor of Everything"},
        {"@included": [{"id": "urn:x:y", "name": "z"}]},
        {"credentialStatus": []},
        {"credentialSubject": {"type": ["AchievementSubject"]}},
        {"validFrom": "yesterday"},
        {"type": "VerifiableCredential"},
    ],
)
def test_document_of_another_shape_is_not_genuine(award, change):
    report = check(award, json.dumps({**award.credential(), **change}))
    assert report.verdict is Verdict.NOT_GENUINE
    assert failed(report)[0] == "structure"


@pytest.mark.parametrize("address", ["https://assay.example/a b", "https://assay.example/<>", "added", "urn:x:\u0001"])
def test_evidence_added_under_an_address_that_is_none_is_not_genuine(award, address):
    """Libraries drop what is said about such an address: the signature would still hold."""
    signed = award.credential()
    signed["evidence"].append({"id": address, "type": ["Evidence"], "name": "A doctorate"})
    report = check(award, json.dumps(signed))
    assert report.verdict is Verdict.NOT_GENUINE
    assert "context" in failed(report)


def test_undefined_term_is_not_genuine(award):
    report = check(award, json.dumps({**award.credential(), "favouriteColour": "green"}))
    assert report.verdict is Verdict.NOT_GENUINE
    assert "context" in failed(report)


def test_second_status_or_member_named_twice_is_refused(award):
    signed = award.credential()
    twice = award.text()[:-1] + ', "validUntil": "2099-01-01T00:00:00Z"}'
    assert check(award, twice).verdict is Verdict.UNREADABLE
    signed["credentialStatus"] = [signed["credentialStatus"]]
    assert check(award, json.dumps(signed)).verdict is Verdict.NOT_GENUINE


def test_level_below_the_required_one_is_refused_even_when_signed(award):
    unsigned = document.credential(award.facts)
    unsigned["credentialSubject"]["result"][0]["achievedLevel"] = f"{award.facts.achievement.url}/results/ID/1"
    report = check(award, json.dumps(award.sign(unsigned)))
    assert failed(report) == ["levels"]
    assert report.verdict is Verdict.NOT_GENUINE


@pytest.mark.parametrize("about", ["urn:uuid:6f1c2f6e-0000-4222-8333-444455556666", "https://assay.example/other"])
def test_endorsement_of_something_else_is_refused_even_when_signed(award, about):
    endorsement = award.endorsement()
    endorsement["credentialSubject"]["id"] = about
    unsigned = document.credential(award.facts, endorsements=(endorsement,))
    assert failed(check(award, json.dumps(award.sign(unsigned)))) == ["endorsement"]


def test_evidence_file_is_recognised_with_its_salt_only(award):
    right = EvidenceProof(sha256=FILE_SHA256, salt=SALT)
    assert failed(check(award, award.text(), evidence=right)) == []
    for wrong in (
        EvidenceProof("cd" * 32, SALT),
        EvidenceProof(FILE_SHA256, "00" * 16),
        EvidenceProof("xy", "z"),
    ):
        assert failed(check(award, award.text(), evidence=wrong)) == ["evidence-digest"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a credential",
        b"[1, 2]",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b"\xff\xfe\x00",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\nxxxx",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<svg",
        b'<!DOCTYPE x [<!ENTITY a "b">]><svg>&a;</svg>',
        b"a.b.c",
        b"eyJhbGciOiJub25lIn0.e30.AA",
        b" " * (2 * 1024 * 1024),
    ],
)
def test_what_is_no_credential_is_unreadable_or_not_genuine(award, content):
    report = check(award, content)
    assert report.verdict in {Verdict.UNREADABLE, Verdict.NOT_GENUINE}
    assert not report.in_force
    assert not report.checks[0].ok


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_makes_the_check_fall_over(tmp_path_factory, data):
    award = an_award(tmp_path_factory.getbasetemp() / "shared")
    signed = copy.deepcopy(award.credential())
    node = signed
    while isinstance(node, dict | list) and node:
        steps = list(node) if isinstance(node, dict) else list(range(len(node)))
        step = data.draw(st.sampled_from(steps))
        if not isinstance(node[step], dict | list) or data.draw(st.booleans()):
            node[step] = data.draw(st.sampled_from([None, 1, "", "x:y z", [], {}, [{}], "_:b", True, [1], {"id": 1}]))
            break
        node = node[step]
    assert verify(json.dumps(signed).encode(), sources=award.sources(), now=NOW).verdict is not Verdict.GENUINE


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("credentialSubject.achievement.resultDescription.0.id", ["x"]),
        ("credentialSubject.achievement.resultDescription.0.requiredLevel", {}),
        ("credentialSubject.achievement.resultDescription.0.rubricCriterionLevel", 5),
        ("credentialSubject.achievement.resultDescription.0.rubricCriterionLevel", ["x"]),
        ("credentialSubject.result.0.resultDescription", ["x"]),
        ("credentialSubject.result.0.achievedLevel", ["x"]),
        ("validFrom", "0001-01-01T00:00:00+14:00"),
        ("validUntil", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_values_of_another_kind_are_not_genuine_and_never_an_error(award, path, value):
    signed = copy.deepcopy(award.credential())
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node = signed
    for step in way:
        node = node[step]
    node[last] = value
    assert verify(json.dumps(signed).encode(), sources=award.sources(), now=NOW).verdict is Verdict.NOT_GENUINE


def test_status_list_whose_end_is_no_date_is_not_believed(award):
    listed = {name: value for name, value in award.status_list().items() if name != "proof"}
    signed = award.sign({**listed, "validUntil": "2027-13-40T25:61:61Z"})
    report = check(award, award.text(), listed=signed)
    assert failed(report) == ["status"]
    assert report.standing is Standing.UNKNOWN


@pytest.mark.parametrize("allowed", [5, "did:web:example.org#1", {"id": 1}, None])
def test_did_document_of_another_shape_gives_no_keys(allowed):
    method = {"id": ["did:web:example.org#1"], "controller": "did:web:example.org", "publicKeyMultibase": "z6Mk"}
    said = {"id": "did:web:example.org", "assertionMethod": allowed, "verificationMethod": [method]}
    found = issuer_from_did(said, identifier="did:web:example.org", known=False)
    assert found is not None
    assert not found.ed25519


def test_png_with_a_flipped_bit_is_refused_with_or_without_a_right_checksum(award):
    baked = baking.bake_png(picture.png("https://assay.example/c/1"), sealed=award.text())
    at = baked.index(b"Customer Service Call")
    flipped = baked[:at] + b"X" + baked[at + 1 :]
    assert check(award, flipped).verdict is Verdict.UNREADABLE
    repaired = baking.bake_png(
        picture.png("https://assay.example/c/1"),
        sealed=award.text().replace("Customer Service", "Xustomer Service", 1),
    )
    assert check(award, repaired).verdict is Verdict.NOT_GENUINE


def test_token_is_genuine_and_a_changed_or_foreign_one_is_not(award, tmp_path):
    key = keys.file_es256_key(tmp_path, name="issuer")
    kid = did.es256_method(award.issuer)
    token = vc_jwt.sign(document.credential(award.facts), key=key, kid=kid)
    jwk = vc_jwt.public_jwk(key)
    method = did.method_of(award.issuer, award.issuer_key.public_key)
    known = IssuerKeys(award.issuer, "Institute", True, {method: award.issuer_key.public_key}, {kid: jwk})
    sources = Sources(issuer={award.issuer: known}.get, status_list=award.sources().status_list)
    assert verify(token.encode(), sources=sources, now=NOW).verdict is Verdict.GENUINE
    assert verify(token.encode(), sources=sources, now=NOW).in_force
    header, payload, signature = token.split(".")
    foreign = keys.file_es256_key(tmp_path, name="stranger")
    for forged in (
        f"{header}.{payload[:-8]}AAAA{payload[-4:]}.{signature}",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        vc_jwt.sign(document.credential(award.facts), key=foreign, kid=kid),
        vc_jwt.sign(document.credential(award.facts), key=foreign, kid="https://evil.example/key"),
    ):
        report = verify(forged.encode(), sources=sources, now=NOW)
        assert report.verdict in {Verdict.NOT_GENUINE, Verdict.UNREADABLE}
    assert vc_jwt.header_of(token) == {"alg": "ES256", "kid": kid, "typ": "JWT"}
