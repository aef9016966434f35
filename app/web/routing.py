"""Making routes: none without saying who may use it; `check_policies` refuses routes that were made otherwise."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace

from pydantic import BaseModel
from starlette.routing import BaseRoute, Mount, Route

from app.actor import Role, Scope
from app.web.call import NoForm
from app.web.endpoint import Access, Handler, Policy, Unit, make_endpoint

Allow = AbstractSet[Role] | Access

# (path, method) -> policy. The one table that drives the router and the generated access test.
POLICIES: dict[tuple[str, str], Policy] = {}


def get(path: str, handler: Handler, *, name: str, allow: Allow, scope: Scope = Scope.READ) -> Route:
    """Make a route that reads: its unit stores nothing."""
    return _route(path, ["GET"], handler, _policy(name, allow, scope, NoForm, Unit.READING))


def post(
    path: str,
    handler: Handler,
    form: type[BaseModel] = NoForm,
    *,
    name: str,
    allow: Allow,
    scope: Scope = Scope.READ,
    method: str = "POST",
    remembers: bool = True,
    again: Handler | None = None,
    limit: str | None = None,
) -> Route:
    """Make a route that changes something, in one write unit. `again` shows a page's form once more when invalid.

    `limit` is a rate such as `20/minute`, for one person or address.
    `remembers=False` for answers that hold tokens or signed addresses: those are made anew, never stored.
    """
    return _route(
        path,
        [method],
        handler,
        _policy(name, allow, scope, form, Unit.WRITING, remembers=remembers, again=again, limit=limit),
    )


def slow_post(
    path: str,
    handler: Handler,
    form: type[BaseModel] = NoForm,
    *,
    name: str,
    allow: Allow,
    scope: Scope = Scope.READ,
    method: str = "POST",
    remembers: bool = True,
    again: Handler | None = None,
    limit: str | None = None,
) -> Route:
    """Make a route that talks to the storage or another host: its handler opens its own short units."""
    return _route(
        path,
        [method],
        handler,
        _policy(name, allow, scope, form, Unit.OWN, remembers=remembers, again=again, limit=limit),
    )


def slow_get(
    path: str, handler: Handler, *, name: str, allow: Allow, scope: Scope = Scope.READ, limit: str | None = None
) -> Route:
    """Make a GET route whose handler opens its own units (logged views, event streams)."""
    policy = _policy(name, allow, scope, NoForm, Unit.OWN, remembers=False, limit=limit)
    return _route(path, ["GET"], handler, policy)


def _policy(
    name: str,
    allow: Allow,
    scope: Scope,
    form: type[BaseModel],
    unit: Unit,
    *,
    remembers: bool = True,
    again: Handler | None = None,
    limit: str | None = None,
) -> Policy:
    who = allow if isinstance(allow, Access) else frozenset(allow)
    return Policy(name, who, scope, form, unit, remembers, again, limit)


def _route(path: str, methods: list[str], handler: Handler, policy: Policy) -> Route:
    policy = replace(policy, does=(handler.__doc__ or "").split("\n")[0])
    POLICIES[path, methods[0]] = policy
    return Route(path, make_endpoint(handler, policy, path=path), methods=methods, name=policy.name)


def check_policies(routes: Iterable[BaseRoute]) -> None:
    """Refuse to start when a route has no policy. Mounts of static files are public by nature."""
    for route in routes:
        if isinstance(route, Mount):
            continue
        methods = (getattr(route, "methods", None) or set()) - {"HEAD"}
        path = getattr(route, "path", "")
        missing = [method for method in methods if (path, method) not in POLICIES]
        if missing or not methods:
            raise RuntimeError(f"the route {path} {missing} has no policy: make it with app.web.routing")
