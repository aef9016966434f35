"""How connections to PostgreSQL are made: time limits, a watch for dead peers, a pool of a known size."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlmodel import create_engine

DRIVER = "postgresql+psycopg"
OLDEST = 15
# A peer that is gone without a word (pulled cable, dropped packets) is noticed after 30 s of silence and three probes.
KEEPALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
SENT_BUT_UNANSWERED_MS = 30_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may ask of a database server. Times in seconds, 0 = no limit; `name` is what the server shows.

    `pool` is the most connections of the process: a site has 40 threads, whose units last milliseconds. Statements have
    no limit unless the process says so: migrations and looks at the whole audit trail may take long.
    """

    name: str = "assay"
    pool: int = 20
    pool_wait: int = 10
    connect: int = 5
    statement: int = 0
    lock: int = 10
    idle_in_unit: int = 60


def is_postgres(url: URL) -> bool:
    """Say whether an address is one of PostgreSQL, whatever driver it names."""
    return url.get_backend_name() in {"postgresql", "postgres"}


def server_engine(url: URL, limits: Limits) -> Engine:
    """Return the engine of a database server. What the address itself says about connecting wins."""
    ours = {
        "application_name": limits.name,
        "connect_timeout": limits.connect,
        "tcp_user_timeout": SENT_BUT_UNANSWERED_MS,
        **KEEPALIVE,
    }
    arguments: dict[str, Any] = {name: value for name, value in ours.items() if name not in url.query}
    arguments["options"] = " ".join([_options(limits), str(url.query.get("options", ""))]).strip()
    return create_engine(
        url.set(drivername=DRIVER),
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=limits.pool,
        max_overflow=0,
        pool_timeout=limits.pool_wait,
        pool_use_lifo=True,
        hide_parameters=True,  # errors are logged, and what is stored is of people
        connect_args=arguments,
    )


def _options(limits: Limits) -> str:
    times = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle_in_unit,
    }
    return " ".join(f"-c {name}={seconds}s" for name, seconds in times.items())
