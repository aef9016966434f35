"""Public addresses: check pages, the files of a credential, status lists, achievements, keys and DID documents.

Media types and CORS: credentials.md 2.6. Nothing here needs a sign-in, and nothing tells who asked.
"""

from typing import Any

from pydantic import ConfigDict
from starlette.responses import JSONResponse, Response

from app.accounts.people import organisation_by_code
from app.credentials import did, keyring, keys
from app.credentials.achievement import published_achievement
from app.credentials.api import VerifyForm
from app.credentials.awards import achievement_facts, achievement_of, issuer_of
from app.credentials.badges import achievement_svg, credential_png, credential_svg
from app.credentials.checking import check_upload, sources_of
from app.credentials.checks import verify
from app.credentials.models import Credential, Endorsement, SigningKey
from app.credentials.page import CheckPage, Own, check_page
from app.credentials.rules import state_today
from app.credentials.sources import list_number, published_list, sealed_credential
from app.errors import NotFound
from app.text import LANGUAGES
from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.render import day
from app.web.routing import get, slow_get, slow_post

Json = dict[str, Any]

VC = "application/vc"
ANYONE = {"Access-Control-Allow-Origin": "*"}
# A badge is a picture: opened by itself it may load and run nothing.
PICTURE = {**ANYONE, "Content-Security-Policy": "default-src 'none'; sandbox"}


def credential(call: Call[NoForm]) -> Response:
    """`/credentials/{id}` is a page for people and JSON for programs; a suffix asks for one form."""
    identifier, _, form = call.path("name").partition(".")
    with call.reading() as session:
        row = sealed_credential(session, identifier)
        answer = _file(call, row, form)
        if answer is not None:
            return answer
    return call.page("credentials/check.html", _own_page(call, row))


def _file(call: Call[NoForm], row: Credential, form: str) -> Response | None:
    """Return one form of a credential, or None for the page."""
    sealed, wants_page = row.document or "", "text/html" in call.request.headers.get("accept", "")
    if form == "json" or (not form and not wants_page):
        return _json_text(call, sealed)
    if form == "jwt" and row.jwt:
        return Response(row.jwt, media_type="application/jwt", headers=ANYONE)
    if form == "png":
        return Response(credential_png(sealed), media_type="image/png", headers=PICTURE)
    if form == "svg":
        return Response(credential_svg(sealed), media_type="image/svg+xml", headers=PICTURE)
    if form:
        raise NotFound("There is nothing at this address.")
    return None


def _own_page(call: Call[NoForm], row: Credential) -> CheckPage:
    report = verify((row.document or "").encode(), sources=sources_of(call), now=call.now)
    state = state_today(row.state, valid_until=row.valid_until, now=call.now)
    own = Own(f"{keyring.base_of(call.settings)}/credentials/{row.id}", state, row.reason)
    return check_page(report, translate=call._, day=lambda moment: day(moment, call.language), own=own)


class UploadForm(VerifyForm):
    """The page's form: a browser sends the file field even when it is empty."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


def verify_form(call: Call[NoForm]) -> Response:
    return call.page("credentials/verify.html", None)


def verify_upload(call: Call[UploadForm]) -> Response:
    report = check_upload(call, url=call.form.url or None)
    page = check_page(report, translate=call._, day=lambda moment: day(moment, call.language))
    return call.page("credentials/check.html", page)


def status_list(call: Call[NoForm]) -> Response:
    return _json(call, published_list(call.session, list_number(call.path("number"))))


def achievement(call: Call[NoForm]) -> Response:
    """Return the achievement; `.ar` asks for Arabic, `.svg` for its picture."""
    identifier, _, form = call.path("name").partition(".")
    row, organisation = achievement_of(call.session, _uuid(call, identifier))
    language = form if form in LANGUAGES else "en"
    signer = _public_issuer(call, organisation.id, organisation.code)
    base_url = keyring.base_of(call.settings)
    issuer = issuer_of(organisation, issuer=signer, language=language, base_url=base_url)
    facts = achievement_facts(call.session, row, issuer=issuer, language=language, base_url=base_url)
    if form == "svg":
        return Response(achievement_svg(facts), media_type="image/svg+xml", headers=PICTURE)
    if form and form not in LANGUAGES:
        raise NotFound("There is nothing at this address.")
    return _json(call, published_achievement(facts))


def endorsement(call: Call[NoForm]) -> Response:
    row = call.session.get(Endorsement, call.path_id("id"))
    if row is None:
        raise NotFound("There is nothing at this address.")
    return _json(call, row.document)


def did_document(call: Call[NoForm]) -> Response:
    """Return the DID document of an awarding body; without a key it does not exist yet."""
    organisation = organisation_by_code(call.session, call.path("slug"))
    rows = keyring.issuer_keys(call.session, organisation_id=organisation.id)
    if not rows:
        raise NotFound("There is nothing at this address.")
    issuer = did.did_web(keyring.base_of(call.settings), slug=organisation.code)
    return _json(call, keyring.did_document(issuer, rows))


def key(call: Call[NoForm]) -> Response:
    """Return one bare JWK: validators read `kty` at the top (credentials.md 2.5)."""
    row = call.session.get(SigningKey, call.path("kid"))
    if row is None or row.compromised_at:
        raise NotFound("There is nothing at this address.")
    if row.algorithm == keyring.ES256:
        return _json(call, keys.jwk(keys.from_es256_multikey(row.public_multibase)))
    return _json(call, keys.ed25519_jwk(keys.from_multikey(row.public_multibase)))


def _public_issuer(call: Call[NoForm], organisation_id: Any, code: str) -> str:
    """Return the awarding body's DID as far as its public keys tell: nothing is signed here."""
    base_url = keyring.base_of(call.settings)
    rows = keyring.issuer_keys(call.session, organisation_id=organisation_id)
    newest = next((row.kid for row in rows if row.algorithm == keyring.ED25519), None)
    if call.settings.public or newest is None:
        return did.did_web(base_url, slug=code)
    return keys.DID_KEY + newest


def _uuid(call: Call[NoForm], identifier: str) -> Any:
    call.request.path_params["id"] = identifier
    return call.path_id("id")


def _json(call: Call[Any], document: Any) -> Response:
    return JSONResponse(document, media_type=_media_type(call), headers={**ANYONE, "Vary": "Accept"})


def _json_text(call: Call[Any], text: str) -> Response:
    return Response(text, media_type=_media_type(call), headers={**ANYONE, "Vary": "Accept"})


def _media_type(call: Call[Any]) -> str:
    """`application/vc` only for those who name it: some clients drop a body that is not called json."""
    return VC if VC in call.request.headers.get("accept", "") else "application/json"


routes = [
    slow_get("/credentials/{name}", credential, name="credentials:check", allow=Access.PUBLIC),
    get("/verify", verify_form, name="credentials:verify", allow=Access.PUBLIC),
    slow_post(
        "/verify",
        verify_upload,
        UploadForm,
        name="credentials:verify-upload",
        allow=Access.PUBLIC,
        remembers=False,
        again=verify_form,
    ),
    get("/status/{number}", status_list, name="credentials:status", allow=Access.PUBLIC),
    get("/achievements/{name}", achievement, name="credentials:achievement", allow=Access.PUBLIC),
    get("/endorsements/{id}", endorsement, name="credentials:endorsement", allow=Access.PUBLIC),
    get("/o/{slug}/did.json", did_document, name="credentials:did", allow=Access.PUBLIC),
    get("/keys/{kid}.json", key, name="credentials:key", allow=Access.PUBLIC),
]
