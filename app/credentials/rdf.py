"""From a JSON-LD document to the bytes that are signed: expansion with a guard, then RDFC-1.0."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pyoxigraph
from pyld import jsonld

from app.credentials import vocabulary
from app.errors import Invalid

Json = dict[str, Any]

UNDEFINED = "urn:x-undefined:"
# Parts of JSON-LD that leave no trace in RDF, or that libraries write differently.
UNSIGNED = frozenset({"@index", "@direction", "@language"})
NO_BASE = "https://relative.invalid/"

# Canonicalisation tries every order of nameless parts that look alike: 6! orders are quick, 12! are not.
MAX_ALIKE = 6
MAX_NAMELESS = 2000


class UndefinedTerm(Invalid):
    """A term that no context defines would not be covered by the signature."""

    default_code = "undefined-term"


def hash_document(document: Json) -> bytes:
    """Return the SHA-256 of the canonical N-Quads (W3C vc-di-eddsa 3.2.3 and 3.2.4). Raises Invalid."""
    return hashlib.sha256(canonical(document).encode()).digest()


def canonical(document: Json) -> str:
    """Return canonical N-Quads (RDFC-1.0). Raises UndefinedTerm, UnknownContext or Invalid.

    Remembered for the last documents: one check asks twice for a credential, and every check for the same list.
    """
    return _canonical(json.dumps(document, ensure_ascii=False))


@lru_cache(maxsize=64)
def _canonical(text: str) -> str:
    quads = to_quads(json.loads(text))
    _refuse_poison(quads)
    dataset = pyoxigraph.Dataset(quads)
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    # By code point, as the standard says; str.splitlines would also cut at U+2028 inside a text.
    return "".join(sorted(f"{quad} .\n" for quad in dataset))


def to_quads(document: Json) -> list[pyoxigraph.Quad]:
    """Return the RDF of a document. pyld expands it, Rust reads the rest: 17 times as fast as pyld's own."""
    expanded = json.dumps(expand(document)).encode()
    try:
        return list(pyoxigraph.parse(expanded, format=pyoxigraph.RdfFormat.JSON_LD))
    except SyntaxError as error:
        raise Invalid("The file is not valid JSON-LD.", code="not-json-ld") from error


def expand(document: Json) -> list[Any]:
    """Expand, and refuse what would vanish silently.

    pyld has no safe mode: it drops terms that no context defines, so they would be unsigned. A last context
    gives them an address of ours instead, and we look for that address (credentials.md section 6).
    """
    guarded = {**document, "@context": [*contexts_of(document), {"@vocab": UNDEFINED}]}
    try:
        options = {"documentLoader": vocabulary.load, "base": NO_BASE}
        expanded: list[Any] = jsonld.expand(guarded, options)
    except jsonld.JsonLdError as error:
        raise _explained(error) from error
    for name in _names(expanded):
        _check_name(name)
    return expanded


def _refuse_poison(quads: list[pyoxigraph.Quad]) -> None:
    """Refuse graphs made to take forever (RDFC-1.0 section 7.1): many nameless nodes that look alike."""
    seen: dict[str, list[str]] = {}
    for quad in quads:
        for node in {part for part in quad if isinstance(part, pyoxigraph.BlankNode)}:
            seen.setdefault(node.value, []).append(" ".join(_seen_from(node, part) for part in quad))
    alike = Counter("\n".join(sorted(lines)) for lines in seen.values())
    if len(seen) > MAX_NAMELESS or max(alike.values(), default=0) > MAX_ALIKE:
        raise Invalid("The file repeats the same part too often to be checked.", code="too-complex")


def _seen_from(node: pyoxigraph.BlankNode, part: Any) -> str:
    if isinstance(part, pyoxigraph.BlankNode):
        return "_:self" if part == node else "_:other"
    return str(part)


def contexts_of(document: Json) -> list[str]:
    """Return the contexts, all of them addresses: terms defined inside a file could mean anything."""
    contexts = document.get("@context")
    found = contexts if isinstance(contexts, list) else [contexts]
    addresses = [context for context in found if isinstance(context, str)]
    if len(addresses) != len(found):
        raise Invalid("The file defines terms of its own.", code="unknown-context")
    return addresses


def _check_name(name: str) -> None:
    """Refuse a name that would vanish: not defined, relative, or no address at all."""
    if name.startswith(UNDEFINED):
        raise UndefinedTerm("The term %(term)s is not defined.", term=name.removeprefix(UNDEFINED)[:100])
    if name.startswith(NO_BASE) or not _is_address(name):
        relative = name.removeprefix(NO_BASE)[:100]
        raise UndefinedTerm("The identifier %(term)s is not a full address.", term=relative)


def _is_address(name: str) -> bool:
    """Both libraries drop statements about what is no IRI, without a word."""
    try:
        pyoxigraph.NamedNode(name)
    except ValueError:
        return False
    return True


def _names(value: Any) -> Iterator[str]:
    """Yield every property, type, datatype and node id of an expanded document."""
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("@id", "@type"):
                yield from ([inner] if isinstance(inner, str) else inner)
            elif key in UNSIGNED:
                raise UndefinedTerm("The term %(term)s is not defined.", term=key)
            elif key != "@value":
                if not key.startswith("@"):
                    yield key
                yield from _names(inner)


def _explained(error: jsonld.JsonLdError) -> Invalid:
    """Find our own refusal in pyld's chain of causes; otherwise say that it is no JSON-LD."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Invalid):
            return cause
        cause = cause.__cause__
    return Invalid("The file is not valid JSON-LD.", code="not-json-ld")
