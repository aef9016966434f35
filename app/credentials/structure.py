"""The shape that a credential must have before its signature means anything. Pure.

The signature covers the RDF graph, people and programs read the JSON tree. `why_ambiguous` refuses documents
in which the two could differ.
"""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from app.credentials.vocabulary import CREDENTIALS_V2

Json = dict[str, Any]

_ADDRESS = {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$"}
_MOMENT = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}
_TEXT = {"type": "string", "minLength": 1}
_PARTY = {"anyOf": [_ADDRESS, {"type": "object", "required": ["id"], "properties": {"id": _ADDRESS, "name": _TEXT}}]}
_PROOFS = {"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}, "minItems": 1}]}
_OBJECTS = {"type": "array", "items": {"type": "object"}}
_RESULTS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"resultDescription": {"type": "string"}, "achievedLevel": {"type": "string"}},
    },
}
_RESULT_DESCRIPTIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "requiredLevel": {"type": "string"},
            "rubricCriterionLevel": _OBJECTS,
        },
    },
}


def _of_types(*names: str) -> Json:
    """Match a `type` that holds all the names; the last may be any of an alternative written `A|B`."""
    return {
        "type": "array",
        "items": {"type": "string"},
        "allOf": [{"contains": {"enum": name.split("|")}} for name in names],
    }


_CREDENTIAL = {
    "type": "object",
    "required": ["@context", "id", "type", "issuer", "validFrom", "credentialSubject"],
    "properties": {
        "@context": {"type": "array", "prefixItems": [{"const": CREDENTIALS_V2}], "minItems": 2},
        "id": _ADDRESS,
        "issuer": _PARTY,
        "validFrom": _MOMENT,
        "validUntil": _MOMENT,
        "awardedDate": _MOMENT,
        "name": _TEXT,
        "proof": _PROOFS,
        # One object: the Open Badges schema takes no list, and a second one would go unread.
        "credentialStatus": {"type": "object", "required": ["type"]},
        "evidence": _OBJECTS,
        "endorsement": _OBJECTS,
    },
}

OPEN_BADGE = {
    **_CREDENTIAL,
    "properties": {
        **_CREDENTIAL["properties"],  # type: ignore[dict-item]  # a schema is nested dicts of any depth
        "type": _of_types("VerifiableCredential", "OpenBadgeCredential|AchievementCredential"),
        "credentialSubject": {
            "type": "object",
            "required": ["type", "achievement"],
            "properties": {
                "id": _ADDRESS,
                "type": _of_types("AchievementSubject"),
                "identifier": _OBJECTS,
                "result": _RESULTS,
                "achievement": {
                    "type": "object",
                    "required": ["id", "type", "name", "description", "criteria"],
                    "properties": {
                        "id": _ADDRESS,
                        "type": _of_types("Achievement"),
                        "name": _TEXT,
                        "description": _TEXT,
                        "criteria": {"type": "object"},
                        "resultDescription": _RESULT_DESCRIPTIONS,
                    },
                },
            },
        },
    },
}

ENDORSEMENT = {
    **_CREDENTIAL,
    "properties": {
        **_CREDENTIAL["properties"],  # type: ignore[dict-item]  # a schema is nested dicts of any depth
        "type": _of_types("VerifiableCredential", "EndorsementCredential"),
        "credentialSubject": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {"id": _ADDRESS, "type": _of_types("EndorsementSubject")},
        },
    },
}

STATUS_LIST = {
    "type": "object",
    "required": ["@context", "id", "type", "issuer", "credentialSubject"],
    "properties": {
        "id": _ADDRESS,
        "type": _of_types("VerifiableCredential", "BitstringStatusListCredential"),
        "issuer": _PARTY,
        "validFrom": _MOMENT,
        "validUntil": _MOMENT,
        "credentialSubject": {
            "type": "object",
            "required": ["type", "statusPurpose", "encodedList"],
            "properties": {
                "type": {"const": "BitstringStatusList"},
                "statusPurpose": _TEXT,
                "encodedList": _TEXT,
            },
        },
    },
}


def why_not(document: Json, *, schema: Json) -> str | None:
    """Name the first place where the document is not as the schema says, or None."""
    errors = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda error: error.json_path)
    if errors:
        return f"{errors[0].json_path}: {errors[0].message[:160]}"
    return why_ambiguous(document)


def why_ambiguous(document: Json) -> str | None:
    """Say why the JSON tree could be read otherwise than the signed graph, or None.

    Full addresses and keywords as names, nameless ids, and one id described in two places would let somebody
    move a member (say `credentialStatus`) to where no reader looks, under a valid signature.
    """
    described: dict[str, list[Json]] = {}
    for node in _objects(document):
        for name in node:
            if name != "@context" and (name.startswith("@") or ":" in name):
                return f"{name}: only plain names are read here"
        identifier = node.get("id")
        if isinstance(identifier, str):
            if identifier.startswith("_:"):
                return f"{identifier}: a nameless node"
            if set(node) - {"id"}:
                described.setdefault(identifier, []).append(node)
    for identifier, nodes in described.items():
        if not _may_stand_together(nodes):
            return f"{identifier}: described in two places"
    return None


def issuer_id(document: Json) -> str:
    """Return the issuer's id, whether it is written as text or as a profile."""
    issuer = document["issuer"]
    return str(issuer["id"] if isinstance(issuer, dict) else issuer)


def _may_stand_together(nodes: list[Json]) -> bool:
    """Two descriptions of one id are harmless when they are equal, or are of different types.

    Terms belong to types, so nothing can move between nodes that share none.
    """
    for index, one in enumerate(nodes):
        for other in nodes[index + 1 :]:
            if one != other and (not _types(one) or not _types(other) or _types(one) & _types(other)):
                return False
    return True


def _types(node: Json) -> frozenset[str]:
    types = node.get("type", [])
    listed = types if isinstance(types, list) else [types]
    return frozenset(str(one) for one in listed)


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)
