"""The embedded object storage: one SeaweedFS server of one data folder, started, found again and stopped.

`DATA_DIR/storage/` holds: `data/` (the objects), `s3.json` (keys, 0600), `server.json` (pid, ports and keys
of the running server, 0600) and `lock`. The server itself inherits the open lock, so that it is held exactly
as long as a server runs, whoever started it. Durable against the death of any process (200 of 200
acknowledged objects survived `kill -9`), not against power loss; any local user may read volumes by their
port: for production use a real S3.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app import leash
from app.errors import Unavailable
from app.ports import all_free, free_ports
from app.settings import Settings
from app.storage import weed
from app.storage.bucket import cors_rules

READY_SECONDS = 90.0
STOP_SECONDS = 3.0  # its own shutdown takes 15-25 s and saves nothing
LEFTOVER_SECONDS = 10.0
LOCK_SECONDS = 2.0
TRIES = 5
POLL_SECONDS = 0.1
PROBE_KEY = "health/ready"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. Browsers reach it by another host name than the site's: no cookie gets there."""

    pid: int
    ports: list[int]
    access_key: str
    secret_key: str
    bucket: str
    region: str
    origin: str

    @property
    def endpoint_url(self) -> str:
        """The address for our own processes."""
        return f"http://127.0.0.1:{self.ports[weed.S3_PORT]}"

    @property
    def public_url(self) -> str:
        """The address for browsers."""
        return f"http://localhost:{self.ports[weed.S3_PORT]}"


@dataclass(frozen=True, slots=True)
class Started:
    """A server that this process started; `process` is its child."""

    process: subprocess.Popen[bytes]
    server: Server
    folder: Path


def find(data_dir: Path) -> Server | None:
    """Return the running server of this data folder, or None. Anybody with the same data folder finds it."""
    folder = _folder(data_dir)
    if not (folder / "server.json").exists() or not _locked(folder):
        return None
    return Server(**json.loads((folder / "server.json").read_text()))


def located(settings: Settings) -> Settings:
    """Return settings that name a storage: the one that is set, else the running server of the data folder.

    Raises Unavailable when neither is there.
    """
    if settings.s3_endpoint_url:
        return settings
    server = find(settings.data_dir)
    if server is None:
        raise Unavailable(
            f"No storage runs for the data folder {settings.data_dir}. Start one with `assay up`, "
            "or set ASSAY_S3_ENDPOINT_URL to an S3 service."
        )
    return settings.model_copy(update=addresses(server))


def addresses(server: Server) -> dict[str, str]:
    """Return the settings under which our own processes and browsers use this server."""
    return {
        "s3_endpoint_url": server.endpoint_url,
        "s3_public_url": server.public_url,
        "s3_bucket": server.bucket,
        "s3_region": server.region,
        "s3_access_key": server.access_key,
        "s3_secret_key": server.secret_key,
        "s3_addressing": "path",
        "s3_encryption": "",
    }


def start(
    data_dir: Path,
    *,
    origin: str,
    bucket: str = "assay",
    region: str = "us-east-1",
    log: Path | None = None,
    give_up: Callable[[], bool] = lambda: False,
) -> Started:
    """Start the server and return when a PUT has succeeded. `origin` is the site's, for the bucket's CORS.

    A server left over from a killed process is stopped first. Ports are those of the last run where they are
    free, so that signed addresses stay valid. Start it from a thread that lives on (see `app.leash`); while
    waiting, `give_up` is asked now and then. Raises Unavailable.
    """
    folder = _folder(data_dir)
    (folder / "data").mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    stop_leftover(data_dir)
    keys, ports = weed.keep_keys(folder), _last_ports(folder)
    weed.remove_sockets(ports)
    for _ in range(TRIES):
        if not all_free(ports):
            ports = free_ports(len(weed.LISTENERS))
        process = _spawn(folder, ports=ports, origin=origin, log=log or folder / "server.log")
        server = Server(process.pid, ports, keys.access_key, keys.secret_key, bucket, region, origin)
        started = Started(process, server, folder)
        if _became_ready(started, give_up):
            return started
        stop(started)
        if give_up():
            break
        ports = free_ports(len(weed.LISTENERS))
    raise Unavailable(f"The embedded storage server did not start. Its log says why: {log or folder / 'server.log'}")


def stop(started: Started) -> None:
    """Stop the server: SIGTERM, then SIGKILL, which loses nothing. Its record keeps the ports."""
    started.process.terminate()
    try:
        started.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()
    weed.remove_sockets(started.server.ports)


def stop_leftover(data_dir: Path) -> bool:
    """Kill a server of this data folder whose starter is gone. True if there was one. Raises Unavailable."""
    folder = _folder(data_dir)
    if not folder.exists() or not _locked(folder):
        return False
    record = folder / "server.json"
    pid = json.loads(record.read_text())["pid"] if record.exists() else 0
    if pid and _runs_here(pid, folder):
        os.killpg(pid, signal.SIGKILL)
    if not wait_for(lambda: not _locked(folder), LEFTOVER_SECONDS):
        raise Unavailable(
            f"Another process uses the storage in {folder}. Stop it, or choose another folder with --data."
        )
    return True


def client(server: Server, *, endpoint_url: str = "") -> Any:
    """Return an S3 client with the rights of the server's own identity."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url or server.endpoint_url,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"max_attempts": 0},
            connect_timeout=2,
            read_timeout=10,
            proxies={},
        ),
    )


def allow_origin(s3: Any, *, bucket: str, origin: str) -> None:
    """Let pages of this origin, and no other, send and fetch objects by signed addresses."""
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors_rules([origin])})


def _folder(data_dir: Path) -> Path:
    return data_dir.absolute() / "storage"


def _open_lock(folder: Path) -> IO[bytes]:
    return os.fdopen(os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _locked(folder: Path) -> bool:
    with _open_lock(folder) as lock:
        return not _taken(lock)


def _taken(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_ports(folder: Path) -> list[int]:
    record = folder / "server.json"
    if record.exists():
        return [int(port) for port in json.loads(record.read_text())["ports"]]
    return free_ports(len(weed.LISTENERS))


def _spawn(folder: Path, *, ports: list[int], origin: str, log: Path) -> subprocess.Popen[bytes]:
    """Start the server in its own session (Ctrl+C is for its supervisor), holding the lock, leashed to us."""
    with _open_lock(folder) as lock, log.open("ab") as output:
        if not wait_for(lambda: _taken(lock), LOCK_SECONDS):  # `find` holds it for a moment
            raise Unavailable(f"Another storage server has just been started in {folder}.")
        return subprocess.Popen(
            leash.leashed(weed.command(folder, ports=ports, origin=origin)),
            env=weed.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(lock.fileno(),),
            start_new_session=True,
        )


def _became_ready(started: Started, give_up: Callable[[], bool]) -> bool:
    """Wait for a successful PUT (an open port is not enough); False if the server ended (a port taken)."""
    s3, server = client(started.server), started.server

    def ended_or_ready() -> bool:
        return started.process.poll() is not None or give_up() or _prepare(s3, server)

    if not wait_for(ended_or_ready, READY_SECONDS) or started.process.poll() is not None or give_up():
        return False
    facts = {name: getattr(server, name) for name in Server.__slots__}
    weed.write_private(started.folder / "server.json", json.dumps(facts))
    return True


def _prepare(s3: Any, server: Server) -> bool:
    try:
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
            s3.create_bucket(Bucket=server.bucket)
        s3.put_object(Bucket=server.bucket, Key=PROBE_KEY, Body=b"ready")
        allow_origin(s3, bucket=server.bucket, origin=server.origin)
    except (ClientError, BotoCoreError):
        return False
    return True


def _runs_here(pid: int, folder: Path) -> bool:
    """Say whether this process is a storage server of this folder: no stranger's process is killed."""
    if sys.platform == "linux":
        path = Path(f"/proc/{pid}/cmdline")
        listed = path.read_text().replace("\0", " ") if path.exists() else ""
    else:
        command = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return f"-dir={folder / 'data'} " in listed


def wait_for(ready: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again until it is so; False when it is not so in time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if ready():
            return True
        time.sleep(POLL_SECONDS)
    return ready()
