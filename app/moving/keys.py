"""Private keys: copied to a folder that is named, never to a database or a storage."""

import os
from pathlib import Path

from app.errors import Conflict


def copy_keys(source: Path, target: Path) -> list[str]:
    """Copy the key files, 0600, and return their names. Conflict when another key has the name of one of them."""
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = key_names(source)
    for name in names:
        content, place = (source / name).read_bytes(), target / name
        if place.exists():
            if place.read_bytes() != content:
                raise Conflict("%(place)s is another key. Give a folder without keys.", place=str(place))
            continue
        unfinished = place.with_name(f".{name}.{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        unfinished.replace(place)
    return names


def key_names(folder: Path) -> list[str]:
    """Return the names of the key files in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.exists() else []
