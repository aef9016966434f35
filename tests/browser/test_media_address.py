"""The signed address of a recording runs out while it plays and when somebody jumps: it goes on where it was."""

import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine
from sqlmodel import select

from app.accounts.models import Person
from app.db.engine import writing
from app.evidence.models import Submission
from app.evidence.states import EvidenceKind
from app.settings import Settings
from tests.browser.conftest import SignIn, serving, until
from tests.browser.stage import Recording, Stage
from tests.journeys.balancer import Balancer
from tests.validation.stories import NO_PROBATION
from workers.media.binaries import find_binaries

pytestmark = pytest.mark.browser
LIFE_SECONDS = 5
LENGTH_SECONDS = 120
MEDIA = "document.querySelector('video')"
LIFE_OVER = f"performance.now() > window.began + {LIFE_SECONDS * 1000 + 500}"


@pytest.fixture
def line(settings: Settings) -> Iterator[Balancer]:
    """The line between browsers and the storage."""
    storage = urlsplit(settings.s3_endpoint_url)
    line = Balancer([(str(storage.hostname), int(storage.port or 0))])
    yield line
    line.close()


@pytest.fixture
def site(settings: Settings, line: Balancer, site_port: int, engine: Engine) -> Iterator[str]:
    """A site whose recordings have addresses that open them for five seconds, by that line."""
    short = {"media_address_seconds": LIFE_SECONDS, "s3_public_url": f"http://{line.host}:{line.port}"}
    with serving(settings.model_copy(update=short), site_port) as address:
        yield address


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Two minutes of noise, 3 Mbit/s: more than a browser reads ahead, so that a jump needs a request of its own."""
    folder = tmp_path_factory.mktemp("long")
    ffmpeg, short, media = find_binaries(cache=folder).ffmpeg, folder / "short.mp4", folder / "long.mp4"
    picture = ["-f", "lavfi", "-i", "nullsrc=s=320x180:r=10,geq=random(1)*255:128:128", "-t", "6"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "3M", "-g", "10", "-pix_fmt", "yuv420p"]
    subprocess.run([ffmpeg, "-v", "error", *picture, *codec, str(short)], check=True)  # our own arguments
    loop = ["-stream_loop", str(LENGTH_SECONDS // 6 - 1), "-i", str(short), "-c", "copy", "-movflags", "+faststart"]
    subprocess.run([ffmpeg, "-v", "error", *loop, str(media)], check=True)
    words = {"language": "en", "model": "test", "segments": [], "silences": []}
    peaks = {"duration_ms": LENGTH_SECONDS * 1000, "bucket_ms": 1000, "peaks": [10] * LENGTH_SECONDS}
    return Recording(media, EvidenceKind.VIDEO, LENGTH_SECONDS * 1000, words, peaks)


def begin(page: Page) -> None:
    """Wait until the recording is there; from now on its address is older than its life after five seconds."""
    until(page, f"{MEDIA}?.readyState >= 2")
    page.evaluate(f"() => {{ window.began = performance.now(); {MEDIA}.muted = true; }}")


def plays_from(page: Page, seconds: float) -> None:
    until(page, f"!{MEDIA}.seeking && {MEDIA}.readyState >= 3 && {MEDIA}.currentTime > {seconds} + 0.5")
    found = page.evaluate(f"[{MEDIA}.paused, {MEDIA}.error, {MEDIA}.currentTime < {seconds} + 20]")
    assert found == [False, None, True]


def test_a_workstation_plays_on_when_the_connection_breaks(
    stage: Stage, long: Recording, sign_in: SignIn, line: Balancer
):
    stage.submission(long)
    page = sign_in(stage.assessor)
    page.goto("/queue")
    page.keyboard.press("n")
    page.wait_for_url("**/claims/*")
    begin(page)
    for _ in range(3):
        page.keyboard.press("Shift+Period")  # twice as fast: what was read ahead is soon over
    page.keyboard.press("k")
    until(page, LIFE_OVER)
    line.cut()
    until(page, f"{MEDIA}.readyState < 3")
    plays_from(page, float(page.evaluate(f"{MEDIA}.currentTime")))
    assert page.evaluate(f"{MEDIA}.playbackRate") == 2
    expect(page.locator("[data-lost]")).to_be_hidden()


def test_a_validator_jumps_after_the_address_has_run_out(stage: Stage, long: Recording, sign_in: SignIn):
    stage.plan(**NO_PROBATION)
    for _ in range(2):
        stage.judged(long, 2)
    stage.close(stage.lot())
    page = sign_in(stage.validator)
    page.goto("/validations")
    page.keyboard.press("n")
    page.wait_for_url("**/validations/*-*")
    begin(page)
    until(page, LIFE_OVER)
    for _ in range(4):
        page.keyboard.press("Shift+L")
    until(page, f"!{MEDIA}.seeking && {MEDIA}.readyState >= 3 && {MEDIA}.currentTime >= 60")
    assert page.evaluate(f"{MEDIA}.paused"), "what was not playing stays so"
    page.keyboard.press("k")
    plays_from(page, 60)


def test_a_candidate_sees_the_moment_after_the_address_has_run_out(stage: Stage, long: Recording, sign_in: SignIn):
    submission_id = stage.submission(long)
    with writing(stage.engine) as session:
        wanted = select(Person).join(Submission).where(Submission.id == submission_id)
        candidate = session.exec(wanted).one()
    page = sign_in(candidate)
    page.goto(f"/submissions/{submission_id}")
    page.get_by_role("link", name="Play").click()
    begin(page)
    plays_from(page, 0)
    until(page, LIFE_OVER)
    page.evaluate(f"() => {{ {MEDIA}.playbackRate = 1.5; {MEDIA}.currentTime = 90; }}")  # the browser's own controls
    plays_from(page, 90)
    assert page.evaluate(f"{MEDIA}.playbackRate") == 1.5
