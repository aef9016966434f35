"""An S3 server as somebody else runs it: a process of its own, three identities, and the policies of `infra/s3`.

`admin` may do all; `site` and `worker` have the rights of infra/s3/policy-site.json and policy-worker.json, word by
word; `nobody` has keys and no rights. It can encrypt at rest.
"""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from app import leash
from app.ports import free_ports
from app.settings import Settings
from app.storage import weed
from app.storage.connection import connect
from app.supervisor.plan import import_path

READY_SECONDS = 60.0
REGION = "eu-central-1"
POLICIES = Path(__file__).parent.parent / "infra" / "s3"


@dataclass(frozen=True)
class Outside:
    """The running server."""

    port: int

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, identity: str, **more: Any) -> dict[str, Any]:
        """Return the settings of a process with this identity."""
        keys = {"s3_access_key": f"AK{identity.upper()}", "s3_secret_key": f"secret of {identity}"}
        return {"s3_endpoint_url": self.endpoint_url, "s3_region": REGION, **keys, **more}

    def client(self, identity: str) -> Any:
        return connect(Settings(**self.settings(identity)), self.endpoint_url)


@contextmanager
def running(folder: Path) -> Iterator[Outside]:
    """Run a server for the length of a block."""
    (folder / "data").mkdir()
    (folder / "s3.json").write_text(json.dumps(_identities()))
    ports = free_ports(len(weed.LISTENERS))
    command = weed.command(folder, ports=ports, origin="https://nobody.example")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            leash.leashed(command),
            env={**weed.environment(), "PYTHONPATH": import_path(), "WEED_S3_SSE_KEY": secrets.token_hex(16)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        outside = Outside(ports[weed.S3_PORT])
        _wait(outside, process)
        yield outside
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        weed.remove_sockets(ports)


def _identities() -> dict[str, Any]:
    def one(name: str, **rights: Any) -> dict[str, Any]:
        key = {"accessKey": f"AK{name.upper()}", "secretKey": f"secret of {name}"}
        return {"name": name, "credentials": [key], **rights}

    return {
        "identities": [
            one("admin", actions=["Admin", "Read", "Write", "List", "Tagging"]),
            one("site", actions=[], policyNames=["site"]),
            one("worker", actions=[], policyNames=["worker"]),
            one("nobody", actions=[]),
        ],
        "policies": [
            {"name": name, "content": (POLICIES / f"policy-{name}.json").read_text()} for name in ("site", "worker")
        ],
    }


def _wait(outside: Outside, process: subprocess.Popen[bytes]) -> None:
    """Wait until an object can be stored: an open port is not enough."""
    client, until = outside.client("admin"), time.monotonic() + READY_SECONDS
    while True:
        try:
            client.create_bucket(Bucket="elsewhere")
            client.put_object(Bucket="elsewhere", Key="secret", Body=b"not yours")
        except (ClientError, BotoCoreError):
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.1)
        else:
            return
