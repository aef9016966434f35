"""The OpenAPI document, made from the one table of routes and their forms: it can't say less than the site does."""

import re
from typing import Any

from pydantic import BaseModel

from app.web.call import NoForm
from app.web.endpoint import Access, Policy
from app.web.routing import POLICIES

PREFIX = "/api/v1"
PROBLEM = {"$ref": "#/components/schemas/Problem"}
REFUSALS = {
    "400": "The request can't be used",
    "401": "Sign in first",
    "403": "Not allowed, or own work",
    "404": "Nothing here for you",
    "409": "Not in the state that this needs",
    "422": "Something is missing or wrong",
    "429": "Too many tries",
    "503": "A part is down; see Retry-After",
}


def document(version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the JSON API."""
    schemas: dict[str, Any] = {"Problem": _problem_schema()}
    paths: dict[str, Any] = {}
    for (path, method), policy in sorted(POLICIES.items(), key=lambda item: item[0]):
        if path.startswith(PREFIX):
            paths.setdefault(path.removeprefix(PREFIX), {})[method.lower()] = _operation(path, policy, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Assay", "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": PREFIX}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "assay_session"},
            },
        },
    }


def _operation(path: str, policy: Policy, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": policy.name,
        "summary": policy.does,
        "security": [] if policy.allow is Access.PUBLIC else [{"token": []}, {"session": []}],
        "description": _who(policy),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)[^}]*}", path)
        ],
        "responses": {
            "2XX": {"description": "Done"},
            **{status: _refusal(text) for status, text in REFUSALS.items()},
        },
    }
    if policy.form is not NoForm:
        operation["requestBody"] = {"content": {"application/json": {"schema": _schema(policy.form, schemas)}}}
    return operation


def _who(policy: Policy) -> str:
    if isinstance(policy.allow, Access):
        return f"Access: {policy.allow.value}. Scope: {policy.scope.value}."
    roles = ", ".join(sorted(role.value for role in policy.allow))
    return f"Roles: {roles}. Scope: {policy.scope.value}."


def _schema(form: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = form.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[form.__name__] = schema
    return {"$ref": f"#/components/schemas/{form.__name__}"}


def _refusal(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/problem+json": {"schema": PROBLEM}}}


def _problem_schema() -> dict[str, Any]:
    field_error = {"type": "object", "properties": {"field": {"type": "string"}, "message": {"type": "string"}}}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "errors": {"type": "array", "items": field_error},
        },
    }
