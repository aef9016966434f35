"""One request as a handler sees it: who asks, what they sent, and how to answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.actor import Actor
from app.db.engine import reading, writing
from app.errors import FieldError, NotFound, SignInNeeded
from app.settings import Settings
from app.storage.client import Storage
from app.web.deps import Deps
from app.web.i18n import translations
from app.web.render import render

F = TypeVar("F")


class NoForm(BaseModel):
    """For routes that take nothing: a field that is sent all the same is refused (API section 4)."""

    model_config = ConfigDict(extra="forbid")


@dataclass(slots=True)
class Call(Generic[F]):
    """What a handler gets. `session` is open for GET and POST routes; `slow_post` handlers open their own units."""

    request: Request
    deps: Deps
    maybe_actor: Actor | None
    form: F
    now: datetime
    language: str
    maybe_session: Session | None = None
    typed: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return self.deps.settings

    @property
    def storage(self) -> Storage:
        return self.deps.storage

    @property
    def actor(self) -> Actor:
        """The signed-in person; SignInNeeded when nobody is."""
        if self.maybe_actor is None:
            raise SignInNeeded("Please sign in first.")
        return self.maybe_actor

    @property
    def session(self) -> Session:
        """The unit of work of this request."""
        if self.maybe_session is None:
            raise RuntimeError("a slow_post handler opens its own units with call.reading() and call.writing()")
        return self.maybe_session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a snapshot (slow handlers only)."""
        with reading(self.deps.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a write unit (slow handlers only)."""
        with writing(self.deps.engine) as session:
            yield session

    def path(self, name: str) -> str:
        """Return a part of the path as text."""
        return str(self.request.path_params[name])

    def path_id(self, name: str) -> UUID:
        """Return a part of the path as an id; anything else is an unknown thing."""
        try:
            return UUID(self.path(name))
        except ValueError as error:
            raise NotFound("There is nothing at this address.") from error

    def query(self, name: str) -> str | None:
        """Return one query parameter."""
        return self.request.query_params.get(name)

    def _(self, message: str, **params: object) -> str:
        """Translate a message for this reader."""
        text = str(translations(self.language).ugettext(message))
        return text % params if params else text

    def error_of(self, name: str) -> str | None:
        """Return the translated error beside a form field."""
        return next((self._(error.message) for error in self.errors if error.field == name), None)

    def url(self, name: str, **params: object) -> str:
        """Return the path of a named route."""
        return str(self.request.app.url_path_for(name, **{key: str(value) for key, value in params.items()}))

    def page(self, template: str, page: object, *, status: int = 200) -> Response:
        """Render a page."""
        return HTMLResponse(render(self, template, page), status_code=status)

    def json(self, answer: Any, *, status: int = 200) -> Response:
        """Answer with JSON; dataclasses, ids and times in it must be plain already."""
        return JSONResponse(answer, status_code=status)

    def redirect(self, name: str, **params: object) -> Response:
        """Send the browser to a named route (303)."""
        return RedirectResponse(self.url(name, **params), status_code=303)

    def redirect_to(self, path: str) -> Response:
        """Send the browser to a path of our own (303)."""
        own = path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
        return RedirectResponse(own, status_code=303)

    def nothing(self) -> Response:
        """Answer 204."""
        return Response(status_code=204)
