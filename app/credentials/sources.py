"""Where the keys and status lists come from with which a credential is checked: our database, the web, or a folder."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session, select

from app.accounts.models import Organisation
from app.credentials import did, keyring, keys, reading
from app.credentials.models import Credential, StatusList
from app.credentials.verdict import IssuerKeys, Sources
from app.db import engine as db
from app.errors import AssayError, NotFound, Unavailable
from app.settings import Settings
from app.web.fetch import Fetcher

Json = dict[str, Any]

DID_WEB = "did:web:"
MOST_DIGITS = 9
ANY_FORM = "application/vc, application/json, image/png, image/svg+xml, application/jwt, */*;q=0.5"


def own_sources(engine: Engine, settings: Settings, *, fetcher: Fetcher, on_behalf_of: str) -> Sources:
    """Ask our own database first, and the web for what is not ours. Issuers are known when they are ours."""
    base_url = keyring.base_of(settings)

    def issuer(identifier: str) -> IssuerKeys | None:
        with db.reading(engine) as session:
            own = own_issuer(session, settings, identifier)
        if own is not None or not identifier.startswith(DID_WEB):
            return own
        fetched = fetcher.fetch(did_web_address(identifier), on_behalf_of=on_behalf_of)
        return issuer_from_did(_json(fetched.content), identifier=identifier, known=False)

    def status_list(address: str) -> Json:
        number = address.removeprefix(f"{base_url}/status/")
        if number != address:
            with db.reading(engine) as session:
                return published_list(session, list_number(number))
        return _json(fetcher.fetch(address, on_behalf_of=on_behalf_of).content)

    return Sources(issuer=issuer, status_list=status_list)


def offline_sources(folder: Path) -> Sources:
    """Use the DID documents and status lists in a folder (a bundle): who hands it in trusts what is in it."""
    documents = [found for path in sorted(folder.rglob("*.json")) if (found := _document_in(path))]
    issuers = {
        str(one["id"]): issuer_from_did(one, identifier=str(one["id"]), known=True)
        for one in documents
        if "verificationMethod" in one and "id" in one
    }
    lists = {str(one["id"]): one for one in documents if "BitstringStatusListCredential" in one.get("type", ())}

    def status_list(address: str) -> Json:
        if address not in lists:
            raise NotFound("The folder holds no status list of the address %(address)s.", address=address[:200])
        return lists[address]

    return Sources(issuer=issuers.get, status_list=status_list)


def own_issuer(session: Session, settings: Settings, identifier: str) -> IssuerKeys | None:
    """Return the keys of an awarding body of this deployment, by either of its DIDs, or None."""
    base_url = keyring.base_of(settings)
    if identifier.startswith(keys.DID_KEY):
        organisation = keyring.organisation_of_key(session, identifier.removeprefix(keys.DID_KEY))
    else:
        slug = identifier.removeprefix(did.did_web(base_url, slug=""))
        organisation = session.exec(select(Organisation).where(Organisation.code == slug)).first()
    if organisation is None:
        return None
    rows = keyring.issuer_keys(session, organisation_id=organisation.id)
    ed25519 = {
        f"{identifier}#{row.kid}": keys.from_multikey(row.kid) for row in rows if row.algorithm == keyring.ED25519
    }
    if identifier.startswith(keys.DID_KEY):
        ed25519 = {method: key for method, key in ed25519.items() if method == keys.did_key_method(identifier)}
    tokens: dict[str, dict[str, str]] = {}
    for number, row in enumerate((row for row in rows if row.algorithm == keyring.ES256), start=1):
        jwk = keys.jwk(keys.from_es256_multikey(row.kid))
        tokens[keyring.key_url(base_url, row.kid)] = jwk
        tokens[did.es256_method(identifier, number=number)] = jwk
    return IssuerKeys(identifier, organisation.name, known=True, ed25519=ed25519, es256=tokens)


def list_number(text: str) -> int:
    """Read the number in the address of one of our status lists. NotFound for what can be none."""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise NotFound("There is no such status list.")
    return int(text)


def published_list(session: Session, number: int) -> Json:
    """Return the signed form of one of our status lists. Raises NotFound or Unavailable."""
    row = session.get(StatusList, number)
    if row is None:
        raise NotFound("There is no such status list.")
    if row.document is None:
        raise Unavailable("The status list is being published.")
    return row.document


def issuer_from_did(document: Json, *, identifier: str, known: bool) -> IssuerKeys | None:
    """Return the keys that a DID document gives for assertions, or None for a document of somebody else."""
    if document.get("id") != identifier:
        return None
    allowed, listed = document.get("assertionMethod"), document.get("verificationMethod")
    if not isinstance(allowed, list) or not isinstance(listed, list):
        return IssuerKeys(identifier, name=None, known=known, ed25519={})
    methods = [
        one
        for one in listed
        if isinstance(one, dict) and one.get("controller") == identifier and one.get("id") in allowed
    ]
    ed25519 = {str(one["id"]): key for one in methods if (key := _ed25519(one))}
    es256 = {str(one["id"]): dict(one["publicKeyJwk"]) for one in methods if isinstance(one.get("publicKeyJwk"), dict)}
    return IssuerKeys(identifier, name=None, known=known, ed25519=ed25519, es256=es256)


def did_web_address(identifier: str) -> str:
    """Return where the document of a did:web is (W3C CCG did:web, 3.2)."""
    host, *path = identifier.removeprefix(DID_WEB).split(":")
    place = "/".join(path) if path else ".well-known"
    return f"https://{unquote(host)}/{place}/did.json"


def open_address(url: str, *, engine: Engine, settings: Settings, fetcher: Fetcher, on_behalf_of: str) -> bytes:
    """Return what is at an address: our own credentials from the database, others from the web."""
    path = url.removeprefix(f"{keyring.base_of(settings)}/credentials/")
    if path == url:
        return fetcher.fetch(url, on_behalf_of=on_behalf_of, accept=ANY_FORM).content
    with db.reading(engine) as session:
        return (sealed_credential(session, path.split(".", 1)[0]).document or "").encode()


def sealed_credential(session: Session, identifier: str) -> Credential:
    """Return a credential that was signed, by the id in its address. NotFound otherwise."""
    try:
        credential = session.get(Credential, UUID(identifier))
    except ValueError as error:
        raise NotFound("There is nothing at this address.") from error
    if credential is None or credential.document is None:
        raise NotFound("There is nothing at this address.")
    return credential


def _ed25519(method: Json) -> bytes | None:
    try:
        return keys.from_multikey(str(method.get("publicKeyMultibase")))
    except ValueError:
        return None


def _json(content: bytes) -> Json:
    try:
        return reading.read_json(content.decode())
    except UnicodeDecodeError as error:
        raise Unavailable("The answer is no JSON.") from error


def _document_in(path: Path) -> Json | None:
    try:
        return _json(path.read_bytes())
    except (AssayError, json.JSONDecodeError):
        return None
