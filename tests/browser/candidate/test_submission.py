"""A candidate sends real evidence through the page: interrupted, offline, written, recorded."""

import hashlib
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from app.demo.recordings import SAMPLES
from tests.browser.candidate.conftest import Newcomer
from tests.browser.conftest import axe_violations
from tests.journeys.mortal import descendants
from tests.journeys.recordings import ffmpeg
from tests.journeys.running import Running, wait_for

pytestmark = pytest.mark.browser
SAMPLE = SAMPLES / "en-librivox-1.flac"
SLOW_BYTES = 3 * 1024**2
LONG = 120_000
SCRIPT = re.compile(r"/dist/submission\.js")
PARTS = 4


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of more than two minutes in four parts of 8 MiB."""
    target = tmp_path_factory.mktemp("recordings") / "call-22-november.wav"
    ffmpeg(
        *("-stream_loop", "-1", "-i", str(SAMPLE), "-t", "150", "-ar", "48000", "-ac", "2", "-af", "atempo=0.98"),
        str(target),
    )
    return target


def begin(page: Page, rubric: str) -> None:
    page.goto("/submissions")
    page.get_by_role("link", name="Start a new one").click()
    page.get_by_text(rubric, exact=True).click()
    page.get_by_role("radio", name="English").check()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(rubric)


def consent(page: Page) -> None:
    page.get_by_label("This is my own work").check()
    page.get_by_label("Nobody else can be seen or heard").check()
    for box in page.locator("[data-purpose]").all():
        box.check()


def network(page: Page) -> Callable[..., None]:
    """Return a function that makes the connection of a tab slow (bytes a second up, -1 = as it is) or takes it away."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def set_to(upload: int = -1, *, offline: bool = False) -> None:
        speeds = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
        session.send("Network.emulateNetworkConditions", {"offline": offline, **speeds})

    return set_to


def percent_at_least(page: Page, least: int) -> None:
    page.wait_for_function(
        "(least) => [...document.querySelectorAll('[data-bar]')].some((bar) => bar.value >= least)", arg=least
    )


def arrived(page: Page) -> int | None:
    """Return how many parts the storage holds, once it holds some; progress in the browser runs ahead of that."""
    evidence = page.locator("[data-evidence]").get_attribute("data-evidence")
    answer = page.request.get(f"/api/v1/evidence/{evidence}/parts")
    return len(answer.json()["parts"]) or None


def test_an_upload_goes_on_after_a_reload_and_is_sent(as_new: Newcomer, call: Path):
    page = as_new("candidate")
    begin(page, "Customer service call: card not received")
    connection = network(page)
    connection(SLOW_BYTES)
    page.locator("[data-pick]").set_input_files(call)
    held = wait_for(lambda: arrived(page), seconds=60, what="the first parts")
    sent: list[Request] = []
    page.reload()
    page.on("request", lambda request: sent.append(request) if request.method == "PUT" else None)
    connection()
    row = page.locator("[data-evidence]")
    expect(row).not_to_have_attribute("data-state", "uploading", timeout=LONG)
    assert 1 <= len(sent) <= PARTS - held, "only what had not arrived is sent"
    consent(page)
    page.get_by_role("button", name="Send for assessment").click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=LONG)
    page.get_by_text("Fingerprints and signature").click()
    expect(page.locator("#receipt")).to_contain_text(hashlib.sha256(call.read_bytes()).hexdigest())
    expect(page.get_by_text("Waiting for an assessor").first).to_be_visible(timeout=LONG)


def test_an_upload_survives_a_closed_tab_and_a_killed_storage(as_new: Newcomer, call: Path, here: Running):
    page = as_new("candidate")
    begin(page, "Customer service call: card not received")
    connection = network(page)
    connection(SLOW_BYTES)
    page.locator("[data-pick]").set_input_files(call)
    held = wait_for(lambda: arrived(page), seconds=60, what="the first parts")
    again = page.context.new_page()
    page.close()
    sent: list[Request] = []
    again.on("request", lambda request: sent.append(request) if request.method == "PUT" else None)
    connection = network(again)
    connection(SLOW_BYTES)
    again.goto(page.url)
    row = again.locator("[data-evidence]")
    expect(again.locator("[data-percent]")).to_contain_text("%")
    first = kill_storage(here)
    expect(again.locator("[data-percent]")).to_have_text("Trying again")
    connection()
    wait_for(lambda: storage_of(here) - first or None, seconds=30, what="another storage")
    expect(row).not_to_have_attribute("data-state", "uploading", timeout=LONG)
    done = [each for each in sent if each.response() and each.response().ok]
    assert len(done) <= PARTS - held, "only what had not arrived is sent"


def storage_of(here: Running) -> set[int]:
    """Return the processes of the storage."""
    assert here.process is not None
    return {pid for pid in descendants(here.process.pid) if b"weed" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def kill_storage(here: Running) -> set[int]:
    pids = storage_of(here)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


def test_a_file_that_is_gone_is_known_when_it_is_chosen_again(as_new: Newcomer, call: Path, tmp_path: Path):
    page = as_new("candidate")
    begin(page, "Customer service call: card not received")
    connection = network(page)
    connection(SLOW_BYTES)
    page.locator("[data-pick]").set_input_files(call)
    held = wait_for(lambda: arrived(page), seconds=60, what="the first parts")
    address = page.url
    page.goto("/submissions")
    page.evaluate("() => new Promise((done) => (indexedDB.deleteDatabase('assay-uploads').onsuccess = done))")
    page.goto(address)  # not "back": that may bring the page as it was, with the file in its memory
    expect(page.locator("[data-percent]")).to_have_text("File needed")
    other = tmp_path / call.name
    other.write_bytes(call.read_bytes()[:-1] + b"?")
    choose_again(page, other)
    expect(page.get_by_text("That is another file.")).to_be_visible()
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "PUT" else None)
    connection()
    stale = make_first_stale(page)
    choose_again(page, call)
    expect(page.locator("[data-evidence]")).not_to_have_attribute("data-state", "uploading", timeout=LONG)
    assert 403 in stale, "an address that is too old is refused, and another one is asked for"
    done = [each for each in sent if each.response() and each.response().ok]
    assert len(done) <= PARTS - held


def choose_again(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose the file again").click()
    chooser.value.set_files(file)


def make_first_stale(page: Page) -> list[int]:
    """Let the first part go to an address whose time is over; returns what the storage says to the parts."""
    said: list[int] = []

    def old(route: Route) -> None:
        route.continue_(url=re.sub(r"X-Amz-Date=\d{4}", "X-Amz-Date=2020", route.request.url))

    page.route("**/*X-Amz-Signature*", old, times=1)
    page.on("response", lambda answer: said.append(answer.status) if answer.request.method == "PUT" else None)
    return said


def test_an_upload_survives_a_lost_connection_and_a_pause(as_new: Newcomer, call: Path):
    page = as_new("candidate")
    begin(page, "Customer service call: card not received")
    connection = network(page)
    connection(SLOW_BYTES)
    page.locator("[data-pick]").set_input_files(call)
    percent_at_least(page, 10)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-percent]")).to_have_text("Paused")
    page.reload()
    expect(page.locator("[data-percent]")).to_have_text("Paused")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-percent]")).to_contain_text("%")
    connection(offline=True)
    expect(page.locator("[data-percent]")).to_have_text("Offline")
    statuses = answer_with(page, "**/*X-Amz-Signature*", 507, 500)
    completing = answer_with(page, "**/complete", 503)
    connection()
    expect(page.locator("[data-said]")).to_contain_text("The storage can't take it just now")
    expect(page.locator("[data-evidence]")).not_to_have_attribute("data-state", "uploading", timeout=LONG)
    assert statuses == completing == [], "each was met, and it went on by itself"


def answer_with(page: Page, address: str, *statuses: int) -> list[int]:
    """Let what is sent to an address be answered so, one after the other, and then as usual; returns what is left."""
    left = list(statuses)

    def answer(route: Route) -> None:
        if route.request.method == "OPTIONS" or not left:
            route.continue_()
        else:
            route.fulfill(status=left.pop(0), headers={"Access-Control-Allow-Origin": "*"})

    page.route(address, answer)
    return left


def test_a_file_that_is_no_recording_is_refused_with_a_sentence(as_new: Newcomer, tmp_path: Path):
    page = as_new("candidate")
    begin(page, "Customer service call: card not received")
    false = tmp_path / "call.mp3"
    false.write_bytes(b"%PDF-1.7 this is no sound" * 2000)
    sheet = tmp_path / "sheet.xlsx"
    sheet.write_bytes(b"PK")
    page.locator("[data-pick]").set_input_files([sheet, false])
    expect(page.locator("[data-message]")).to_contain_text(
        "is not a kind of file that this rubric takes. It takes: Audio"
    )
    expect(page.locator("[data-evidence]")).to_have_attribute("data-state", "rejected", timeout=LONG)
    expect(page.locator("[data-checks]")).to_contain_text("was not accepted")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    expect(page.locator("[data-checks]")).to_contain_text("1 more wanted")


def test_a_text_is_kept_on_the_device_until_it_is_added(as_new: Newcomer):
    page = as_new("candidate")
    begin(page, "Credit analysis walkthrough: small company loan")
    field = page.get_by_label("Write a text")
    scripts: list[Route] = []

    def hold(route: Route) -> None:
        scripts.append(route)

    page.route(SCRIPT, hold)
    with page.expect_request(SCRIPT):
        page.reload(wait_until="commit")
    field.fill("word " * 620)  # before the script of the page has come, as on a slow line
    scripts[0].continue_()
    page.unroute(SCRIPT)
    expect(page.locator("[data-words]")).to_contain_text("620 words")
    page.reload()
    expect(page.get_by_label("Write a text")).to_have_value("word " * 620)
    page.route(page.url, after_the_text_was_saved)
    page.get_by_label("Write a text").fill("word " * 619)
    page.reload()
    page.unroute(page.url)
    expect(page.get_by_label("Write a text")).to_have_value("word " * 619)
    page.reload()
    page.get_by_label("Write a text").fill("word " * 620)
    for box in page.locator("[data-send] [required]").all():
        box.check()
    page.get_by_role("button", name="Send for assessment").click()
    expect(page.locator("[data-wrong]")).to_have_text("This text is not added yet. Add it or clear it first.")
    page.get_by_role("button", name="Add this text").click()
    expect(page.locator("[data-evidence]")).to_contain_text("620 words")
    expect(page.get_by_label("Write a text")).to_have_value("")
    expect(page.locator("[data-checks]")).to_contain_text("Evidence 1 has 620 words")
    page.get_by_role("button", name="Read").click()
    expect(page.get_by_role("region", name="Evidence 1")).to_contain_text("word word")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Edit").click()
    field = page.get_by_label("Evidence 1, written anew")
    expect(field).to_be_focused()
    consent(page)
    page.get_by_role("button", name="Send for assessment").click()
    expect(page.locator("[data-wrong]")).to_have_text("This text is not added yet. Add it or clear it first.")
    field.fill("word " * 1501)
    page.get_by_role("button", name="Put it in place of Evidence 1").click()
    expect(page.locator("[data-wrong]")).to_contain_text("the rubric takes up to 1500")
    page.get_by_role("button", name="Leave it as it was").click()
    page.get_by_role("button", name="Send for assessment").click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=LONG)


def after_the_text_was_saved(route: Route) -> None:
    """Hand out a page that the site wrote before the last words reached it, after they did."""
    old = route.fetch()
    saved = route.request.frame.page.wait_for_event("response", lambda answer: answer.url.endswith("/text-draft"))
    saved.finished()
    route.fulfill(response=old)


def test_the_page_works_by_keyboard(as_new: Newcomer):
    page = as_new("candidate")
    page.goto("/submissions/new")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.locator("input[name=rubric_id]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("name", "language")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Presentation to a mixed audience")
    page.locator(".pickfile input").focus()
    expect(page.locator(".pickfile")).to_have_css("outline-style", "solid")
