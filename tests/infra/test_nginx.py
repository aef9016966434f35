"""A real nginx with `infra/nginx/assay.conf` in front of two real sites and a real storage."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from sqlmodel import select

from app.accounts.people import NewPerson, add_organisation, add_person
from app.accounts.sign_in import make_token
from app.actor import Role
from app.db.clock import system_clock
from app.db.engine import make_engine, writing
from app.evidence.models import Evidence
from app.evidence.states import EvidenceState, SubmissionState
from app.ports import free_ports
from app.schema.migrate import migrate
from app.settings import Settings
from app.storage import embedded
from app.storage.client import Storage
from app.storage.embedded import wait_for
from tests.cli.running import Shell
from tests.factories import a_submission

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
CONF = Path(__file__).parents[2] / "infra" / "nginx" / "assay.conf"
SITE, MEDIA = "assay.example.org", "media.example.org"
LIFE = timedelta(minutes=5)


@dataclass
class Front:
    """The proxy, what is behind it, and a stranger's way in."""

    port: int
    sites: dict[int, subprocess.Popen[bytes]]
    settings: Settings
    logs: list[Path]

    def ask(self, method: str, path: str, *, name: str = SITE, **more: Any) -> urllib3.BaseHTTPResponse:
        headers = {"Host": f"{name}:{self.port}", **more.pop("headers", {})}
        authority = self.settings.data_dir / ("media.crt" if name == MEDIA else "site.crt")
        host = name if name == MEDIA else SITE
        pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1", self.port, ca_certs=str(authority), assert_hostname=host, server_hostname=host, timeout=20
        )
        return pool.request(method, path, headers=headers, retries=False, redirect=False, **more)

    def callers(self) -> set[str]:
        lines = [line for log in self.logs for line in log.read_text().splitlines() if '"route"' in line]
        return {json.loads(line)["client"] for line in lines if "healthz" not in line}


def configuration(folder: Path, *, ports: list[int], https: int, storage: str) -> Path:
    """Write the example with our addresses, and around it what nginx's own package brings."""
    (http,) = free_ports(1)
    text = CONF.read_text()
    for old, new in (
        ("site-1:8000", f"127.0.0.1:{ports[0]}"),
        ("site-2:8000", f"127.0.0.1:{ports[1]}"),
        ("storage:8333", storage),
        ("8443", str(https)),
        ("8080", str(http)),
        ("/etc/nginx/tls", str(folder)),
        ("/dev/stdout", str(folder / "access.log")),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "assay.conf").write_text(text)
    temporary = "".join(
        f"{kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\npid {folder / 'pid'};\nerror_log {folder / 'error.log'};\nevents {{}}\n"
        f"http {{\n{temporary}include {folder / 'assay.conf'};\n}}\n"
    )
    return folder / "nginx.conf"


def certificates(folder: Path) -> None:
    for name, host in (("site", SITE), ("media", MEDIA)):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", "-subj", f"/CN={host}"]
        files += ["-addext", f"subjectAltName=DNS:{host}"]
        subprocess.run([*command, *files], check=True, capture_output=True)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, storage_server: embedded.Started) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    https, *ports = free_ports(3)
    server = storage_server.server
    settings = Settings(
        data_dir=folder,
        base_url=f"https://{SITE}:{https}",
        s3_endpoint_url=server.endpoint_url,
        s3_public_url=f"https://{MEDIA}:{https}",
        s3_access_key=server.access_key,
        s3_secret_key=server.secret_key,
    )
    engine = make_engine(settings.database)
    migrate(engine)
    engine.dispose()
    certificates(folder)
    inner = server.endpoint_url.removeprefix("http://").replace("localhost", "127.0.0.1")
    conf = configuration(folder, ports=ports, https=https, storage=inner)
    assert NGINX is not None
    subprocess.run([NGINX, "-t", "-q", "-c", conf], check=True, capture_output=True)
    names = ("base_url", "s3_endpoint_url", "s3_public_url", "s3_access_key", "s3_secret_key")
    env = {f"ASSAY_{name.upper()}": getattr(settings, name) for name in names} | {"ASSAY_LOG_FORMAT": "json"}
    shells = [_shell(folder, str(port)) for port in ports]
    sites = {
        port: shell.start("serve", "--port", str(port), ASSAY_DATA_DIR=str(folder), **env)
        for port, shell in zip(ports, shells, strict=True)
    }
    started = Front(https, sites, settings, [shell.said for shell in shells])
    with subprocess.Popen([NGINX, "-c", conf], stderr=subprocess.DEVNULL) as nginx:
        try:
            assert wait_for(lambda: all("startup complete" in log.read_text() for log in started.logs), 60)
            assert wait_for((folder / "pid").exists, 20)
            yield started
        finally:
            nginx.send_signal(signal.SIGQUIT)
            for site in sites.values():
                site.terminate()
                site.wait(timeout=30)


def _shell(folder: Path, name: str) -> Shell:
    (folder / name).mkdir()
    return Shell(folder / name)


def test_callers_are_known_by_their_address_whatever_they_say(front: Front):
    for _ in range(8):
        answer = front.ask("GET", "/sign-in", headers={"X-Forwarded-For": "203.0.113.7"})
        assert answer.status == 200
    assert front.callers() == {"127.0.0.0/24"}
    assert all("/sign-in" in log.read_text() for log in front.logs)  # both have answered


def test_the_headers_of_the_site_arrive_once(front: Front):
    headers = front.ask("GET", "/sign-in").headers
    for name in ("Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-Request-Id"):
        assert len(headers.getlist(name)) == 1, name
    assert f"connect-src 'self' https://{MEDIA}" in headers["Content-Security-Policy"]


def test_what_is_for_operators_stays_inside(front: Front):
    assert [front.ask("GET", path).status for path in ("/metrics", "/readyz", "/healthz")] == [404, 404, 200]
    assert front.ask("GET", "/", name="elsewhere.example.org").status == 400
    assert front.ask("POST", "/api/v1/verify", body=b"x" * 14_000_000).status == 413


def test_bytes_pass_by_to_the_storage_and_nothing_stored_can_act_as_a_page(front: Front):
    storage = Storage(front.settings)
    storage.prepare(origins=[front.settings.base_url])
    key, content = "e/through-nginx", os.urandom(6_000_000)
    upload = storage.create_upload(key, media_type="text/html")
    signed = storage.sign_part(key, upload_id=upload, number=1, size_bytes=len(content), life=LIFE)
    path = signed.url.removeprefix(front.settings.s3_public_url)
    put = front.ask("PUT", path, name=MEDIA, body=content, headers={"Origin": front.settings.base_url})
    assert put.status == 200, put.data
    storage.complete_upload(key, upload_id=upload, parts=storage.list_parts(key, upload_id=upload))
    got = front.ask("GET", storage.sign_get(key, life=LIFE).removeprefix(front.settings.s3_public_url), name=MEDIA)
    assert got.data == content
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert front.ask("DELETE", f"/{storage.bucket}/{key}", name=MEDIA).status == 403


def test_a_site_can_be_taken_out_under_load_and_event_streams_come_at_once(front: Front):
    path, token = a_stream(front)
    stream = front.ask("GET", path, headers={"Authorization": f"Bearer {token}"}, preload_content=False)
    assert stream.status == 200
    assert next(stream.stream(64)).startswith(b"retry: 2000")  # although nothing else follows
    port = next(iter(front.sites))
    front.sites[port].terminate()
    statuses = []
    while front.sites[port].poll() is None:
        statuses.append(front.ask("GET", "/sign-in").status)
    assert front.sites[port].returncode == 0
    assert set(statuses + [front.ask("GET", "/sign-in").status for _ in range(5)]) == {200}
    stream.close()


def a_stream(front: Front) -> tuple[str, str]:
    """Return the path of a submission's event stream on which nothing happens, and its candidate's token."""
    engine, now = make_engine(front.settings.database), system_clock()
    with writing(engine) as session:
        organisation = add_organisation(session, code="front", name="Front", now=now, country="EG")
        new = NewPerson(email="front@example.org", name="Front", roles=(Role.CANDIDATE,), rubrics=None)
        candidate = add_person(session, organisation_id=organisation.id, new=new, now=now)
        submission = a_submission(session, organisation, candidate=candidate, state=SubmissionState.DRAFT)
        evidence = session.exec(select(Evidence).where(Evidence.submission_id == submission.id)).one()
        evidence.state = EvidenceState.PROCESSING
        token = make_token(session, person=candidate, organisation_id=organisation.id, now=now)
        path = f"/api/v1/submissions/{submission.id}/events"
    engine.dispose()
    return path, token
