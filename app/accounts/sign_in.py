"""Signing in and out: passwords, links, sessions, API tokens, and who a request comes from.

Roles are read from the memberships at every request, so that a change of role holds at the next one (ASVS 8.3.2).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, or_, update
from sqlmodel import Session, col, select
from starlette.requests import Request

from app.accounts.models import ApiToken, Membership, Organisation, Person, SignInLink, SignInSession
from app.accounts.secrets import fingerprint, hash_password, new_secret, password_matches
from app.actor import SCOPES_OF_ROLE, Actor, Role, Scope
from app.audit.service import append
from app.db.engine import reading, writing
from app.errors import BadRequest, Invalid, NotAllowed, NotFound, SignInNeeded

COOKIE = "assay_session"
SECURE_COOKIE = "__Host-assay_session"
SESSION_LIFE = timedelta(hours=12)
LINK_LIFE = timedelta(minutes=15)
DEMO_LINK_LIFE = timedelta(days=365)
NO_MATCH = "The address or the password does not match."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: the secret for the cookie, and where to go next."""

    secret: str
    next_path: str


def with_password(engine: Engine, *, email: str, password: str, now: datetime) -> SignedIn:
    """Sign in by address and password; one and the same refusal whichever of them is wrong.

    The password is hashed between two units: a tenth of a second in a write unit would hold up everybody's writing.
    """
    with reading(engine) as session:
        person = session.exec(select(Person).where(Person.email == email.strip().lower())).first()
    stored = person.password_hash if person else None
    matches = password_matches(stored, password)
    if person is None or not matches:
        raise Invalid(NO_MATCH, code="no-match")
    with writing(engine) as session:
        fresh = session.get(Person, person.id)
        if fresh is None or fresh.disabled_at is not None or fresh.password_hash != stored:
            raise Invalid(NO_MATCH, code="no-match")
        return SignedIn(_open_session(session, person=fresh, now=now), "/")


def set_password(session: Session, *, person: Person, password: str, now: datetime) -> None:
    """Set a password; every session of the person ends."""
    person.password_hash = hash_password(password)
    session.add(person)
    session.connection().execute(
        update(SignInSession).where(col(SignInSession.person_id) == person.id).values(expires_at=now)
    )
    append(session, action="password.set", subject=f"person:{person.id}", now=now)


def make_link(
    session: Session,
    *,
    person: Person,
    now: datetime,
    next_path: str = "/",
    reusable: bool = False,
    life: timedelta = LINK_LIFE,
) -> str:
    """Make a sign-in link and return its secret (the address is `/sign-in/{secret}`)."""
    secret = new_secret()
    life = DEMO_LINK_LIFE if reusable else life
    session.add(
        SignInLink(
            id=fingerprint(secret),
            person_id=person.id,
            next_path=next_path,
            reusable=reusable,
            expires_at=now + life,
        )
    )
    return secret


def replace_link(session: Session, *, person: Person, now: datetime, next_path: str, life: timedelta) -> str:
    """Make a link that works once; those to the same page that nobody has used yet end."""
    unused = (col(SignInLink.person_id) == person.id, col(SignInLink.next_path) == next_path)
    still = (col(SignInLink.used_at).is_(None), col(SignInLink.reusable).is_(False), col(SignInLink.expires_at) > now)
    session.connection().execute(update(SignInLink).where(*unused, *still).values(expires_at=now))
    return make_link(session, person=person, now=now, next_path=next_path, life=life)


def by_link(session: Session, *, secret: str, now: datetime) -> SignedIn:
    """Sign in by a link. A link works once (those of a demonstration: again and again)."""
    fresh = (col(SignInLink.id) == fingerprint(secret)) & (col(SignInLink.expires_at) > now)
    usable = or_(col(SignInLink.used_at).is_(None), col(SignInLink.reusable).is_(True))
    used = session.connection().execute(update(SignInLink).where(fresh, usable).values(used_at=now))
    if used.rowcount != 1:
        raise NotFound("This sign-in link is used up or too old. Ask for a new one.", code="link-used")
    link = session.get_one(SignInLink, fingerprint(secret))
    person = session.get_one(Person, link.person_id)
    if person.disabled_at is not None:
        raise NotAllowed("This account is closed.")
    return SignedIn(_open_session(session, person=person, now=now), link.next_path)


def _open_session(session: Session, *, person: Person, now: datetime) -> str:
    organisation_id = _home_of(session, person=person, now=now)
    if organisation_id is None:
        raise NotAllowed("This account belongs to no organisation yet. Ask your administrator.")
    secret = new_secret()
    session.add(
        SignInSession(
            id=fingerprint(secret),
            person_id=person.id,
            organisation_id=organisation_id,
            created_at=now,
            expires_at=now + SESSION_LIFE,
        )
    )
    append(session, action="person.signed-in", subject=f"person:{person.id}", now=now, organisation_id=organisation_id)
    return secret


def sign_out(session: Session, *, secret: str, now: datetime) -> None:
    """End a session for good."""
    session.connection().execute(
        update(SignInSession).where(col(SignInSession.id) == fingerprint(secret)).values(expires_at=now)
    )


def make_token(
    session: Session,
    *,
    person: Person,
    organisation_id: UUID,
    now: datetime,
    days: int | None = None,
    scopes: tuple[Scope, ...] | None = None,
) -> str:
    """Make an API token and return it; it is shown once. No scopes = all that the person's roles allow."""
    token = f"assay_{new_secret()}"
    session.add(
        ApiToken(
            id=fingerprint(token),
            person_id=person.id,
            organisation_id=organisation_id,
            scopes=[scope.value for scope in scopes] if scopes is not None else None,
            created_at=now,
            expires_at=now + timedelta(days=days) if days is not None else None,
        )
    )
    append(session, action="token.made", subject=f"person:{person.id}", now=now, organisation_id=organisation_id)
    return token


def _home_of(session: Session, *, person: Person, now: datetime) -> UUID | None:
    """Return the organisation that somebody works for: the oldest membership in force, else the oldest of all."""
    held = session.exec(
        select(Membership).where(Membership.person_id == person.id).order_by(col(Membership.starts_at))
    ).all()
    in_force = [each for each in held if each.starts_at <= now and (each.until is None or each.until > now)]
    return next((each.organisation_id for each in (*in_force, *held)), None)


def organisation_of(session: Session, person: Person, *, now: datetime) -> UUID:
    """Return the organisation that a person works for now; NotFound without any."""
    found = _home_of(session, person=person, now=now)
    if found is None:
        raise NotFound("%(email)s belongs to no organisation yet.", email=person.email)
    return found


def cookie_name(*, secure: bool) -> str:
    """Return the name of the session cookie: `__Host-` where https makes that possible."""
    return SECURE_COOKIE if secure else COOKIE


def find_actor(session: Session, request: Request, now: datetime) -> Actor | None:
    """Say who a request comes from: a bearer token or a session cookie; both at once is a bad request.

    A site on https reads no cookie without `__Host-`: a neighbouring host could have planted it.
    """
    bearer = request.headers.get("authorization", "")
    secret = request.cookies.get(cookie_name(secure=request.app.state.deps.settings.secure))
    if bearer and secret:
        raise BadRequest("Send either a token or a session cookie, not both.", code="two-identities")
    if bearer:
        return _by_token(session, bearer, now)
    return _by_session(session, secret, now) if secret else None


def _by_token(session: Session, bearer: str, now: datetime) -> Actor:
    kind, _, token = bearer.partition(" ")
    row = session.get(ApiToken, fingerprint(token.strip())) if kind.lower() == "bearer" else None
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise SignInNeeded("This token is unknown, revoked or too old.", code="bad-token")
    scopes = frozenset(Scope(scope) for scope in row.scopes) if row.scopes is not None else None
    actor = actor_in(
        session, person_id=row.person_id, organisation_id=row.organisation_id, now=now, scopes=scopes, by_token=True
    )
    if actor is None:
        raise SignInNeeded("This token is unknown, revoked or too old.", code="bad-token")
    return actor


def _by_session(session: Session, secret: str, now: datetime) -> Actor | None:
    row = session.get(SignInSession, fingerprint(secret))
    if row is None or row.expires_at <= now:
        return None
    return actor_in(session, person_id=row.person_id, organisation_id=row.organisation_id, now=now)


def actor_in(
    session: Session,
    *,
    person_id: UUID,
    organisation_id: UUID,
    now: datetime,
    scopes: frozenset[Scope] | None = None,
    by_token: bool = False,
) -> Actor | None:
    """Return a person with the roles that they hold now in an organisation; None for whoever may not come in."""
    person = session.get(Person, person_id)
    organisation = session.get(Organisation, organisation_id)
    if person is None or organisation is None or person.disabled_at is not None:
        return None
    held = session.exec(
        select(Membership).where(
            Membership.person_id == person_id,
            Membership.organisation_id == organisation_id,
            col(Membership.starts_at) <= now,
            or_(col(Membership.until).is_(None), col(Membership.until) > now),
        )
    ).all()
    roles = frozenset(membership.role for membership in held)
    by_roles = frozenset(scope for role in roles for scope in SCOPES_OF_ROLE[role])
    return Actor(
        person_id=person.id,
        name=person.name,
        email=person.email,
        organisation_id=organisation.id,
        organisation_name=organisation.name,
        roles=roles,
        rubrics={m.role: frozenset(m.rubrics) for m in held if m.rubrics is not None},
        scopes=by_roles if scopes is None else by_roles & scopes,
        demonstration=organisation.demonstration,
        by_token=by_token,
    )


def roles_of(actor: Actor) -> list[Role]:
    """Return the roles in the order of the enum."""
    return [role for role in Role if role in actor.roles]
