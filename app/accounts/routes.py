"""Pages of signing in and out, and the choice of language."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar
from starlette.responses import Response

from app.accounts import sign_in
from app.accounts.models import Membership, Person, SignInLink
from app.actor import Role
from app.errors import NotFound
from app.settings import LOOPBACK
from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.i18n import COOKIE as LANGUAGE_COOKIE
from app.web.i18n import LANGUAGES
from app.web.routing import get, post, slow_post

YEAR_SECONDS = 365 * 24 * 3600


class PasswordForm(BaseModel):
    """Address and password."""

    model_config = ConfigDict(extra="ignore")
    email: str = Field(max_length=320)
    password: str = Field(max_length=1024)
    next: str = "/"


class DemoForm(BaseModel):
    """Which person of the demonstration to be."""

    email: str = Field(max_length=320)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody of the demonstration that one can sign in as."""

    email: str
    name: str
    roles: list[str]


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in page; `people` is empty except in a demonstration on loopback."""

    next_path: str
    people: list[DemoPerson]


@dataclass(frozen=True, slots=True)
class LinkPage:
    """The page behind a sign-in link: one button, so that mail scanners don't use the link up."""

    secret: str


def show(call: Call[NoForm]) -> Response:
    people = _demo_people(call) if _is_demo(call) else []
    return call.page("accounts/sign_in.html", SignInPage(call.query("next") or "/", people))


def enter(call: Call[PasswordForm]) -> Response:
    signed_in = sign_in.with_password(
        call.deps.engine, email=call.form.email, password=call.form.password, now=call.now
    )
    return _go(call, signed_in, call.form.next)


def show_link(call: Call[NoForm]) -> Response:
    return call.page("accounts/link.html", LinkPage(call.path("secret")))


def follow_link(call: Call[NoForm]) -> Response:
    signed_in = sign_in.by_link(call.session, secret=call.path("secret"), now=call.now)
    return _go(call, signed_in, signed_in.next_path)


def enter_demo(call: Call[DemoForm]) -> Response:
    """Sign in as somebody of the demonstration: only there, only on loopback."""
    if not _is_demo(call):
        raise NotFound("There is nothing at this address.")
    wanted = select(Person).where(Person.email == call.form.email, col(Person.id).in_(_with_demo_link()))
    person = call.session.exec(wanted).first()
    if person is None:
        raise NotFound("There is nobody of this address in the demonstration.")
    secret = sign_in.make_link(call.session, person=person, now=call.now)
    call.session.flush()
    return _go(call, sign_in.by_link(call.session, secret=secret, now=call.now), "/")


def leave(call: Call[NoForm]) -> Response:
    name = sign_in.cookie_name(secure=call.settings.secure)
    sign_in.sign_out(call.session, secret=call.request.cookies.get(name, ""), now=call.now)
    answer = call.redirect("accounts:sign-in")
    answer.delete_cookie(name, path="/", secure=call.settings.secure, httponly=True)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def choose_language(call: Call[NoForm]) -> Response:
    language = call.path("language")
    if language not in LANGUAGES:
        raise NotFound("There is nothing at this address.")
    answer = call.redirect_to(call.query("next") or "/")
    answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_SECONDS, samesite="lax", secure=call.settings.secure)
    return answer


def _go(call: Call[PasswordForm] | Call[NoForm] | Call[DemoForm], signed_in: sign_in.SignedIn, path: str) -> Response:
    answer = call.redirect_to(path)
    answer.set_cookie(
        sign_in.cookie_name(secure=call.settings.secure),
        signed_in.secret,
        max_age=int(sign_in.SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=call.settings.secure,
        path="/",
    )
    return answer


def _is_demo(call: Call[NoForm] | Call[DemoForm]) -> bool:
    client = call.request.client
    return call.settings.demo and client is not None and client.host in LOOPBACK | {"testclient"}


def _with_demo_link() -> SelectOfScalar[UUID]:
    return select(SignInLink.person_id).where(col(SignInLink.reusable).is_(True))


def _demo_people(call: Call[NoForm]) -> list[DemoPerson]:
    people = call.session.exec(
        select(Person).where(col(Person.id).in_(_with_demo_link())).order_by(col(Person.created_at))
    ).all()
    held = call.session.exec(select(Membership)).all()
    order = list(Role)
    ranks = {person.id: sorted(order.index(m.role) for m in held if m.person_id == person.id) for person in people}
    return [
        DemoPerson(person.email, person.name, [order[rank].value for rank in ranks[person.id]])
        for person in sorted(people, key=lambda person: (ranks[person.id], person.name))
    ]


routes = [
    get("/sign-in", show, name="accounts:sign-in", allow=Access.PUBLIC),
    slow_post(
        "/sign-in",
        enter,
        PasswordForm,
        name="accounts:enter",
        allow=Access.PUBLIC,
        remembers=False,
        again=show,
        limit="10/5 minutes",
    ),
    post("/sign-in/demo", enter_demo, DemoForm, name="accounts:enter-demo", allow=Access.PUBLIC),
    get("/sign-in/{secret}", show_link, name="accounts:link", allow=Access.PUBLIC),
    post("/sign-in/{secret}", follow_link, name="accounts:follow-link", allow=Access.PUBLIC, limit="60/minute"),
    post("/sign-out", leave, name="accounts:sign-out", allow=Access.SIGNED_IN),
    get("/language/{language}", choose_language, name="accounts:language", allow=Access.PUBLIC),
]
