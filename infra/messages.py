"""Finds every text that people read and keeps the catalogues of `app/locale` up to date.

    python -m infra.messages update     extract again, merge, list what is not translated
    python -m infra.messages check      say what is missing; exit 1 when something is

Templates are read by Jinja's own extractor. Python is read as a syntax tree, because a text often reaches a refusal by
a name, a helper or a rule that returns it: `message = "..."; raise Invalid(message)`.
"""

import ast
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import app
import workers
from app.errors import AssayError

ROOT = Path(app.__file__).parent.parent
LOCALE = ROOT / "app" / "locale"
# Which argument is a text: position and keyword. Subclasses of AssayError are added: their first one.
NEVER = 99  # a place that only a keyword can have
Place = tuple[int, str]
TEXTS: dict[str, set[Place]] = {
    "_": {(0, "")},
    "N_": {(0, "")},
    "FieldError": {(1, "message")},
    "Reason": {(1, "message")},
    "Refusal": {(1, "message")},
    "Check": {(1, "text"), (NEVER, "detail")},
}
# The command line and the programs behind it speak English.
NOT_FOR_PEOPLE = (
    "app/cli/",
    "app/demo/",
    "app/moving/",
    "app/storage/bucket.py",
    "app/supervisor/",
    "workers/doctor.py",
    "workers/bench.py",
    "workers/documents/reader.py",
)
RULE = "why_not"  # how rules are named that say why something is refused
PLURALS = frozenset({"ngettext", "ngettext_later", "count"})


@dataclass
class Sources:
    """All Python files as trees, with what is known about functions that pass a text on or return one."""

    trees: dict[Path, ast.Module]
    takers: dict[str, set[Place]] = field(default_factory=dict)
    returns: dict[str, list[ast.Return]] = field(default_factory=dict)


def refusals() -> Iterator[str]:
    """Return the names of all classes of refusals in the code."""
    for package in (app, workers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                importlib.import_module(module.name)
    waiting: list[type[AssayError]] = [AssayError]
    while waiting:
        kind = waiting.pop()
        yield kind.__name__
        waiting.extend(kind.__subclasses__())


def python_sources() -> Sources:
    """Read all Python files of the site and the workers."""
    paths = [*sorted((ROOT / "app").rglob("*.py")), *sorted((ROOT / "workers").rglob("*.py"))]
    shown = [path for path in paths if not path.relative_to(ROOT).as_posix().startswith(NOT_FOR_PEOPLE)]
    sources = Sources({path: ast.parse(path.read_text()) for path in shown if "migrations" not in path.parts})
    sources.takers = {**TEXTS, **{name: {(0, "detail")} for name in refusals()}}
    for function in _functions(sources):
        sources.returns.setdefault(function.name, []).extend(
            node for node in ast.walk(function) if isinstance(node, ast.Return)
        )
    while _find_takers(sources):
        pass
    return sources


def _functions(sources: Sources) -> Iterator[ast.FunctionDef]:
    for tree in sources.trees.values():
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _find_takers(sources: Sources) -> bool:
    """Add functions that hand a parameter on as a text; True when there was a new one."""
    found = False
    for function in _functions(sources):
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        offset = 1 if names and names[0] in {"self", "cls"} else 0
        only_named = [argument.arg for argument in function.args.kwonlyargs]
        for name in _names_given(function, sources):
            position = names.index(name) - offset if name in names else NEVER
            if name in names or name in only_named:
                places = sources.takers.setdefault(function.name, set())
                found = found or (position, name) not in places
                places.add((position, name))
    return found


def _names_given(function: ast.FunctionDef, sources: Sources) -> Iterator[str]:
    """Yield the names that a function hands on as texts."""
    for call in _calls(function):
        for given in _texts_of(call, sources.takers):
            leaves = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
            yield from (leaf.id for leaf in leaves if isinstance(leaf, ast.Name))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _texts_of(call: ast.Call, takers: dict[str, set[Place]]) -> list[ast.expr]:
    """Return the arguments of a call that are texts."""
    found = []
    for position, keyword in sorted(takers.get(_called(call), set())):
        found += [each.value for each in call.keywords if each.arg == keyword]
        found += call.args[position : position + 1]
    return found


Found = tuple[str, int, str | tuple[str, str]]


def python_messages(sources: Sources) -> Iterator[Found]:
    """Yield file, line and text (or singular and plural) of everything in Python files."""
    for path, tree in sources.trees.items():
        where = path.relative_to(ROOT).as_posix()
        for scope in _scopes(tree):
            for call in _calls_in(scope):
                for text in _messages(call, scope, tree, sources):
                    yield where, call.lineno, text


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    yield tree
    yield from (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _calls_in(scope: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a scope, without those of functions in it: they are scopes of their own."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls_in(child)


def _messages(call: ast.Call, scope: ast.AST, tree: ast.Module, sources: Sources) -> Iterator[str | tuple[str, str]]:
    if _called(call) in PLURALS:
        pair = [each.value for each in call.args[:2] if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if len(pair) == 2:  # noqa: PLR2004
            yield pair[0], pair[1]
        return
    for given in _texts_of(call, sources.takers):
        yield from _constants(given, scope, tree, sources)


def _constants(value: ast.expr, scope: ast.AST, tree: ast.Module, sources: Sources) -> Iterator[str]:
    """Yield the texts that an expression can be."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _constants(value.body, scope, tree, sources)
        yield from _constants(value.orelse, scope, tree, sources)
    elif isinstance(value, ast.Call):
        if _called(value).startswith(RULE):
            yield from _sentences(_called(value), sources, set())
            return
        for returned in sources.returns.get(_called(value), []):
            if isinstance(returned.value, ast.Constant) and isinstance(returned.value.value, str):
                yield returned.value.value
    elif isinstance(value, ast.Name):
        for assigned in _assigned(value.id, (scope, tree)):
            yield from _constants(assigned, scope, tree, sources)


def _sentences(rule: str, sources: Sources, seen: set[str]) -> Iterator[str]:
    """Yield all sentences of a rule, and of those that it asks: it may choose among them in any way."""
    seen.add(rule)
    for function in (each for each in _functions(sources) if each.name == rule):
        for node in (inner for statement in function.body for inner in ast.walk(statement)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith("."):
                if node.value != ast.get_docstring(function, clean=False):
                    yield node.value
            elif isinstance(node, ast.Call) and _called(node).startswith(RULE) and _called(node) not in seen:
                yield from _sentences(_called(node), sources, seen)


def _assigned(name: str, scopes: Iterable[ast.AST]) -> list[ast.expr]:
    """Return what a name is given in the nearest scope that gives it something."""
    for scope in scopes:
        given = [node.value for node in ast.walk(scope) if _gives(node, name)]
        values = [each for each in given if each is not None and not (isinstance(each, ast.Name) and each.id == name)]
        if values:
            return values
    return []


def _gives(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return isinstance(node, ast.NamedExpr) and node.target.id == name


def template_messages() -> Iterator[Found]:
    """Yield file, line and text of everything in templates."""
    options = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
    keywords = {"_": None, "ngettext": (1, 2)}
    found = extract_from_dir(ROOT / "templates", [("**.html", "jinja2")], options, keywords=keywords)
    for path, line, text, _comments, _context in found:
        yield f"templates/{path}", line, text


def extract() -> Catalog:
    """Return all texts, each with the files that hold it (no line numbers: they would change with every edit)."""
    catalogue = Catalog(project="Assay", charset="utf-8", fuzzy=False)
    for path, _line, text in sorted(
        [*python_messages(python_sources()), *template_messages()], key=lambda each: (each[0], str(each[2]))
    ):
        catalogue.add(text, locations=[(path, None)])
    return catalogue


def path_of(language: str) -> Path:
    """Return the file of a language."""
    return LOCALE / language / "LC_MESSAGES" / "assay.po"


def stored(language: str) -> Catalog:
    """Return the catalogue of a language as it is kept."""
    if not path_of(language).exists():
        return Catalog(locale=language, project="Assay", fuzzy=False)
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def missing(language: str) -> list[str]:
    """List the texts that have no translation, or only a guessed one."""
    kept = stored(language)
    return [str(each.id) for each in extract() if each.id and not _is_done(kept, each.id)]


def _is_done(kept: Catalog, text: str | tuple[str, str]) -> bool:
    message = kept.get(text[0] if isinstance(text, tuple) else text)
    if message is None or message.fuzzy or message.pluralizable != isinstance(text, tuple):
        return False
    parts = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    return all(parts)


def update(language: str) -> None:
    """Extract again and merge. Texts that are gone are dropped; a new one is never filled with a guess."""
    kept = stored(language)
    made = kept.creation_date
    kept.update(extract(), no_fuzzy_matching=True)
    kept.creation_date = made  # else every run would change the file
    kept.obsolete.clear()
    path_of(language).parent.mkdir(parents=True, exist_ok=True)
    with path_of(language).open("wb") as file:
        write_po(file, kept, sort_output=True, omit_header=False, width=110, include_lineno=False)


def main(arguments: list[str]) -> int:
    """Run one of the two commands on every language but English."""
    if arguments not in (["update"], ["check"]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    languages = sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir())
    left = 0
    for language in languages:
        if arguments == ["update"]:
            update(language)
        for text in missing(language):
            left += 1
            sys.stdout.write(f"{language}: {text}\n")
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
