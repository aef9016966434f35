"""What `main` hands to every request: engine, storage, and the functions of domains that stand above `web`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.requests import Request

from app.actor import Actor
from app.settings import Settings
from app.storage.client import Storage

FindActor = Callable[[Session, Request, datetime], Actor | None]


def never() -> bool:
    """Say that this site is not about to end."""
    return False


@dataclass(frozen=True, slots=True)
class Deps:
    """The composition of one site. `services` holds what single domains need (keys, signers), by name.

    `ending` says whether the site was told to stop: event streams end then, browsers come back to another one.
    """

    settings: Settings
    engine: Engine
    storage: Storage
    templates: Environment
    find_actor: FindActor
    clock: Callable[[], datetime]
    services: dict[str, Any]
    ending: Callable[[], bool] = never
