"""Embedded proofs: `eddsa-rdfc-2022` (W3C Data Integrity EdDSA Cryptosuites 1.0), made and checked."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.credentials.characters import clean
from app.credentials.keys import Signer, from_multibase, multibase, verify_ed25519
from app.credentials.vocabulary import CREDENTIALS_V2, DATA_INTEGRITY
from app.errors import Invalid

Json = dict[str, Any]

CRYPTOSUITE = "eddsa-rdfc-2022"


def sign_document(document: Json, *, signer: Signer, method: str, now: datetime) -> Json:
    """Return the document with one proof. `method` is the full id of the key (a DID with its fragment).

    Texts are cleaned first, and a term that no context defines is refused: otherwise we would issue
    what other software rejects (credentials.md section 6). Raises Invalid.
    """
    unsigned = clean({key: value for key, value in document.items() if key != "proof"})
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITE,
        "created": timestamp(now),
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    signature = signer.sign(_hash_data(unsigned, options=options))
    return {**unsigned, "proof": [{**options, "proofValue": multibase(signature)}]}


def proof_holds(document: Json, *, proof: Json, public_key: bytes) -> bool:
    """Say whether this key made this proof over this document. Raises Invalid for no JSON-LD."""
    unsigned = {key: value for key, value in document.items() if key != "proof"}
    options = {key: value for key, value in proof.items() if key != "proofValue"}
    try:
        signature = from_multibase(str(proof.get("proofValue")))
    except ValueError:
        return False
    return verify_ed25519(public_key, signature=signature, message=_hash_data(unsigned, options=options))


def signed_by(document: Json, *, methods: Mapping[str, bytes]) -> bool:
    """Say whether one of these keys, by the id that a proof names, made it. Raises Invalid."""
    for proof in usable_proofs(document):
        key = methods.get(proof["verificationMethod"])
        if key and proof_holds(document, proof=proof, public_key=key):
            return True
    return False


def usable_proofs(document: Json) -> list[Json]:
    """Return the proofs that we can check: right suite, right purpose."""
    proofs = document.get("proof")
    listed = proofs if isinstance(proofs, list) else [proofs]
    return [proof for proof in listed if isinstance(proof, dict) and _is_usable(proof)]


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC with whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_usable(proof: Json) -> bool:
    return (
        proof.get("type") == "DataIntegrityProof"
        and proof.get("cryptosuite") == CRYPTOSUITE
        and proof.get("proofPurpose") == "assertionMethod"
        and isinstance(proof.get("verificationMethod"), str)
    )


def _hash_data(unsigned: Json, *, options: Json) -> bytes:
    """Return the hash of the proof's options followed by the hash of the document (section 3.3.4)."""
    from app.credentials import rdf  # noqa: PLC0415  # 20 MB: for those who sign or check

    contexts = rdf.contexts_of(unsigned)
    if not {CREDENTIALS_V2, DATA_INTEGRITY} & set(contexts):
        raise Invalid("The document's contexts do not define a proof.", code="unknown-context")
    options_hash = hashlib.sha256(rdf.canonical({"@context": contexts, **options}).encode()).digest()
    return options_hash + rdf.hash_document(unsigned)
