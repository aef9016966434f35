"""Everything that is needed to check one credential without the site: a ZIP for `verify --offline`."""

import io
import json
import zipfile
from typing import Any

from sqlmodel import Session

from app.credentials import keyring
from app.credentials.badges import credential_png, credential_svg
from app.credentials.models import Credential
from app.credentials.sources import own_issuer, published_list
from app.credentials.structure import issuer_id
from app.errors import NotFound
from app.settings import Settings

Json = dict[str, Any]

# ZIP entries carry a time; a fixed one keeps equal bundles equal.
EPOCH = (1980, 1, 1, 0, 0, 0)


def bundle(session: Session, settings: Settings, *, credential: Credential) -> bytes:
    """Return the ZIP: the credential in all forms, its issuer's DID document and its status list."""
    sealed = credential.document or ""
    files = {
        "credential.json": sealed.encode(),
        "credential.jwt": (credential.jwt or "").encode(),
        "credential.png": credential_png(sealed),
        "credential.svg": credential_svg(sealed).encode(),
        "issuer.json": _text(_issuer_document(session, settings, credential)),
        "status-list.json": _text(published_list(session, credential.status_list)),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _issuer_document(session: Session, settings: Settings, credential: Credential) -> Json:
    """Return a DID document of the credential's own issuer; a token's key is added under the name it goes by."""
    identifier = issuer_id(json.loads(credential.document or "{}"))
    known = own_issuer(session, settings, identifier)
    if known is None:
        raise NotFound("The issuer of this credential is not known here.")
    rows = keyring.issuer_keys(session, organisation_id=credential.organisation_id)
    document = keyring.did_document(identifier, rows)
    for name, jwk in known.es256.items():
        if name not in document["assertionMethod"]:
            method = {"id": name, "type": "JsonWebKey", "controller": identifier, "publicKeyJwk": dict(jwk)}
            document["verificationMethod"].append(method)
            document["assertionMethod"].append(name)
    return document


def _text(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode()
