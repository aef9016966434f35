"""Refusals: what a person sees when something can't be done. `web.errors` turns them into answers.

Messages are gettext ids with named places (`%(name)s`); the reader's language is applied when they are shown.
"""

from dataclasses import dataclass

Detail = str | int | float


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong in what was sent. `field` is a dotted path, `message` a gettext id."""

    field: str
    message: str


class AssayError(Exception):
    """A refusal with a stable `code` (API) and a `detail` that says what happened and what to do now."""

    status = 400
    default_code = "invalid"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: tuple[FieldError, ...] = (),
        extra: dict[str, object] | None = None,
        **params: Detail,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.errors = errors
        self.extra = extra or {}
        self.params = params

    def __str__(self) -> str:
        return self.detail % self.params if self.params else self.detail


class Invalid(AssayError):
    """What was sent can't be used: 422, with the fields that are wrong."""

    status = 422
    default_code = "invalid"


class BadRequest(AssayError):
    """The request makes no sense as a whole: 400."""

    status = 400
    default_code = "bad-request"


class SignInNeeded(AssayError):
    """Nobody is signed in: 401, a page goes to the sign-in page."""

    status = 401
    default_code = "sign-in-needed"


class NotAllowed(AssayError):
    """The person is known and may not: 403. `separation-of-duties` where the work is their own."""

    status = 403
    default_code = "not-allowed"


class NotFound(AssayError):
    """No such thing for this person: unknown, someone else's and another organisation's look the same."""

    status = 404
    default_code = "not-found"


class Conflict(AssayError):
    """The thing is no longer in the state that this needs: 409."""

    status = 409
    default_code = "conflict"


class TooLarge(AssayError):
    """More bytes than we take: 413."""

    status = 413
    default_code = "too-large"


class TooMany(AssayError):
    """Too many tries: 429 with `Retry-After`."""

    status = 429
    default_code = "too-many-requests"


class Unavailable(AssayError):
    """A part (database, storage) is down: 503 with `Retry-After`; jobs wait and try again."""

    status = 503
    default_code = "unavailable"
