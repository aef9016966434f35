"""One table from refusals to answers: problem JSON (RFC 9457) for the API, a page for people, in their language."""

from typing import Any

from starlette.responses import JSONResponse, RedirectResponse, Response

from app.errors import AssayError, SignInNeeded, TooMany, Unavailable
from app.web.call import Call
from app.web.i18n import N_

TITLES = {
    400: N_("This request can't be used"),
    401: N_("Please sign in"),
    403: N_("Not allowed"),
    404: N_("Nothing here"),
    405: N_("Not possible here"),
    409: N_("Not possible just now"),
    413: N_("Too large"),
    422: N_("Something is missing or wrong"),
    429: N_("Too many tries"),
    500: N_("Something broke on our side"),
    503: N_("Back in a moment"),
}
RETRY_AFTER_SECONDS = "10"


def is_api(call: Call[Any]) -> bool:
    """Say whether an answer is for a program."""
    return call.request.url.path.startswith("/api/")


def answer_for(call: Call[Any], error: AssayError) -> Response:
    """Turn a refusal into an answer."""
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if isinstance(error, (Unavailable, TooMany)) else {}
    if is_api(call):
        return JSONResponse(
            problem(call, error), status_code=error.status, headers=headers, media_type="application/problem+json"
        )
    if isinstance(error, SignInNeeded):
        return RedirectResponse(f"/sign-in?next={call.request.url.path}", status_code=303)
    answer = call.page("errors/error.html", problem(call, error), status=error.status)
    answer.headers.update(headers)
    return answer


def problem(call: Call[Any], error: AssayError) -> dict[str, Any]:
    """Return the problem document of a refusal."""
    document: dict[str, Any] = {
        "type": f"urn:assay:problem:{error.code}",
        "title": call._(TITLES.get(error.status, TITLES[400])),  # `_` is gettext's name
        "status": error.status,
        "detail": call._(error.detail, **error.params),
        "code": error.code,
        **error.extra,
    }
    if error.errors:
        document["errors"] = [{"field": item.field, "message": call._(item.message)} for item in error.errors]
    return document
