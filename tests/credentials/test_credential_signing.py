"""Keys, contexts, canonical form and proofs: what is signed is what other software reads."""

import hashlib
import json
import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld

from app.credentials import characters, keys, rdf, signing, vocabulary
from app.credentials.vocabulary import CREDENTIALS_V2, OPEN_BADGES
from app.errors import Invalid
from tests.credentials.award import CREDENTIAL, NOW, an_award

PINNED = {
    vocabulary.CREDENTIALS_V2: "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    vocabulary.OPEN_BADGES: "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84",
    vocabulary.DATA_INTEGRITY: "0f77743daf5b4e8fc067fc5ba5b21044283053aa717fc6b0219843bed3b00363",
    vocabulary.MULTIKEY: "c5f3806f8286920573221938917988a18a4cc5a09e968d29649613c7a1c2b1f6",
    vocabulary.DID: "62c1054bf404d6dd3a4b26b64f830fd72095f6a26edc4469908c94351352ce5f",
}


def plain_pyld(document):
    options = {
        "algorithm": "URDNA2015",
        "format": "application/n-quads",
        "documentLoader": vocabulary.load,
    }
    return jsonld.normalize(document, options)


def test_contexts_are_the_pinned_ones_and_no_other_is_loaded():
    assert {url: hashlib.sha256(vocabulary.context_bytes(url)).hexdigest() for url in vocabulary.FILES} == PINNED
    with pytest.raises(vocabulary.UnknownContext, match=r"https://example\.org/context"):
        vocabulary.load("https://example.org/context")


def test_both_canonicalisers_agree_on_a_whole_credential(tmp_path):
    for language in ("en", "ar"):
        unsigned = an_award(tmp_path, language=language).credential()
        del unsigned["proof"]
        assert rdf.canonical(unsigned) == plain_pyld(unsigned)


@settings(deadline=None)
@given(text=st.text(max_size=60).map(characters.clean_text))
def test_both_canonicalisers_agree_on_every_cleaned_text(text):
    document = {
        "@context": [CREDENTIALS_V2, OPEN_BADGES],
        "id": CREDENTIAL,
        "type": ["VerifiableCredential"],
        "name": text,
    }
    assert rdf.canonical(document) == plain_pyld(document)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\tb", "a b"),
        ("a\x08\x0c\x7f\x00b", "ab"),
        ("e\u0301", "\u00e9"),
        ("\u200fمرحبا\u2028", "\u200fمرحبا\u2028"),
        ("\ud800x", "x"),
    ],
)
def test_texts_are_cleaned_before_signing(raw, cleaned):
    assert characters.clean({"name": [raw]}) == {"name": [cleaned]}


@pytest.mark.parametrize(
    "change",
    [
        {"favouriteColour": "green"},
        {"evidence": [{"id": "urn:x:1", "type": ["Evidence"], "resolution": "hd"}]},
        {"type": ["VerifiableCredential", "OpenBadgeCredential", "MadeUpCredential"]},
        {"id": "no-full-address"},
        {"evidence": [{"id": "https://assay.example/a b", "type": ["Evidence"], "name": "Added unseen"}]},
        {"evidence": [{"id": "https://assay.example/<x>", "type": ["Evidence"], "name": "Added unseen"}]},
        {"evidence": [{"id": "_:b0", "type": ["Evidence"], "name": "Nameless"}]},
        {"name": {"@value": "x", "@language": "no language"}},
    ],
)
def test_what_would_not_be_covered_by_the_signature_is_not_signed(award, change):
    with pytest.raises(rdf.UndefinedTerm):
        award.sign({**award.credential(), **change})


@pytest.mark.parametrize("contexts", [[CREDENTIALS_V2, {"name": "https://evil.example/name"}], "https://a.example/"])
def test_contexts_from_elsewhere_are_refused(award, contexts):
    with pytest.raises(Invalid):
        award.sign({**award.credential(), "@context": contexts})


def test_graph_made_to_take_forever_is_refused_at_once(award):
    """Twelve nameless results that look alike have 479 million orders."""
    alike = [{"type": ["Result"], "value": "1"} for _ in range(12)]
    subject = {key: value for key, value in award.credential()["credentialSubject"].items() if key != "id"}
    with pytest.raises(Invalid, match="repeats"):
        rdf.canonical({**award.credential(), "credentialSubject": {**subject, "result": alike}})


def test_did_key_of_the_published_test_vector():
    """The key of W3C vc-di-eddsa, appendix B.1."""
    key = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    assert keys.multikey(keys.from_multikey(key)) == key
    assert keys.did_key_method(f"did:key:{key}") == f"did:key:{key}#{key}"


def test_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path):
    found: list[bytes] = []
    gate = threading.Barrier(8)

    def first_use():
        gate.wait()
        found.append(keys.file_signer(tmp_path / "keys", name="issuer").public_key)

    threads = [threading.Thread(target=first_use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["issuer.ed25519.pem"]
    assert (tmp_path / "keys" / "issuer.ed25519.pem").stat().st_mode & 0o777 == 0o600


def test_proof_holds_for_its_document_and_key_only(award):
    signed = award.credential()
    method = signed["proof"][0]["verificationMethod"]
    other = award.validator_key.public_key
    assert signing.signed_by(signed, methods={method: award.issuer_key.public_key})
    assert not signing.signed_by(signed, methods={method: other})
    assert not signing.signed_by(signed, methods={})
    assert not signing.signed_by({**signed, "name": "Other"}, methods={method: award.issuer_key.public_key})


@pytest.mark.parametrize(
    "change",
    [
        {"proofPurpose": "authentication"},
        {"cryptosuite": "eddsa-jcs-2022"},
        {"created": "2026-11-24T09:00:01Z"},
        {"proofValue": "zzz0"},
        {"proofValue": "u123"},
        {"type": "Ed25519Signature2020"},
    ],
)
def test_changed_proof_does_not_hold(award, change):
    signed = award.credential()
    proof = signed["proof"][0]
    changed = {**signed, "proof": [{**proof, **change}]}
    assert not signing.signed_by(changed, methods={proof["verificationMethod"]: award.issuer_key.public_key})


def test_same_facts_at_the_same_moment_give_the_same_bytes(award):
    assert json.dumps(award.credential()) == json.dumps(award.credential())
    later = replace(award, facts=replace(award.facts, awarded_at=NOW.replace(hour=10)))
    assert later.credential()["proof"] != award.credential()["proof"]
