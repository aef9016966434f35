"""API section 4.1: who is asking."""

from starlette.responses import Response

from app.accounts.sign_in import roles_of
from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.routing import get


def me(call: Call[NoForm]) -> Response:
    """Say who asks, in which organisation and in which roles."""
    actor = call.actor
    return call.json(
        {
            "person": {"id": str(actor.person_id), "name": actor.name, "email": actor.email},
            "organisation": {"id": str(actor.organisation_id), "name": actor.organisation_name},
            "roles": [role.value for role in roles_of(actor)],
        }
    )


routes = [get("/api/v1/me", me, name="api:me", allow=Access.SIGNED_IN)]
