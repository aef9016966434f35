"""A candidate records in the browser with a fake camera and microphone: pause, reload, no network, the longest time."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.candidate.conftest import DEMO, Newcomer
from tests.browser.candidate.test_submission import LONG, arrived, begin, network
from tests.browser.conftest import axe_violations, scrolls_sideways, until
from tests.journeys.running import Running, wait_for

pytestmark = pytest.mark.browser
SHORT = "Short talk"
LONGEST_S = 5
STORED_BYTES = """async () => {
  const db = await new Promise((done) => (indexedDB.open("assay-recordings").onsuccess = (e) => done(e.target.result)));
  const chunks = db.transaction("chunks").objectStore("chunks").getAll();
  await new Promise((done) => (chunks.onsuccess = done));
  db.close();
  return chunks.result.reduce((sum, each) => sum + each.bytes.size, 0);
}"""

# A take that was used when the page was closed, before anything of it had arrived: twelve chunks of one MiB.
USED_TAKE = """async (submission) => {
  const there = async () => (await indexedDB.databases()).some((each) => each.name === "assay-recordings");
  while (!(await there())) await new Promise(requestAnimationFrame);
  const db = await new Promise((done) => (indexedDB.open("assay-recordings").onsuccess = (e) => done(e.target.result)));
  const work = db.transaction(["takes", "chunks"], "readwrite");
  const take = crypto.randomUUID();
  work.objectStore("takes").put({
    id: take, submission, source: "video", kind: "video", name: "recording.webm", phrase: null,
    type: "video/webm;codecs=vp9,opus", state: "used", elapsed_ms: 4000, begun_at: 1, evidence: null, part_size: null,
  });
  for (let n = 0; n < 12; n += 1) {
    work.objectStore("chunks").add({ take, bytes: new Blob([new Uint8Array(1024 ** 2).fill(n)]) });
  }
  await new Promise((done) => (work.oncomplete = done));
  db.close();
}"""
UNTIL_IT_WAITS = """async (behind) => {
  const waiting = ({ pending }) => pending.filter(({ name }) => name.startsWith("assay-take:")).length;
  while (waiting(await navigator.locks.query()) <= behind) {
    if (performance.now() > 60_000) throw new Error("this tab does not wait for its turn");
    await new Promise(requestAnimationFrame);
  }
}"""
ALL_BUT_ONE = re.compile("partNumber=[23]&")
PARTS = 3  # 5 MiB, 5 MiB and the rest


@pytest.fixture(scope="module", autouse=True)
def short_talk(here: Running, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A rubric that takes one recording of 2 to 5 seconds, with a phrase."""
    content = json.loads(DEMO.read_text())
    rubric = next(each for each in content["rubrics"] if each["id"] == "presentation-skills")
    rubric |= {"id": "short-talk", "version": "1.0.0", "supersedes": None, "title": {"en": SHORT, "ar": "حديث قصير"}}
    rubric["evidence"] |= {"kinds": ["video", "audio"], "items_max": 1, "min_seconds": 2, "max_seconds": LONGEST_S}
    path = Path(tmp_path_factory.mktemp("rubric")) / "short.json"
    path.write_text(json.dumps(content | {"rubrics": [rubric]}))
    here.assay("framework", "import", str(path), "--org", "institute")


def phase(page: Page, name: str) -> None:
    expect(page.locator(".rec")).to_have_attribute("data-phase", name, timeout=LONG)


def elapsed_at_least(page: Page, seconds: int) -> None:
    until(page, f"document.querySelector('[data-time]').textContent >= '0:0{seconds}'")


def open_recorder(page: Page, *, source: str | None = None) -> None:
    begin(page, SHORT)
    page.get_by_role("link", name="Record now").click()
    phase(page, "check")
    if source:
        page.get_by_role("button", name=source).click()
        expect(page.get_by_role("button", name=source)).to_have_attribute("aria-pressed", "true")
    # the beep of the fake microphone is sometimes amplified to the limit
    expect(page.locator("[data-check=sound]")).to_contain_text(re.compile("We hear you well|Very loud"))


def told(page: Page, *states: str) -> Any:
    """Wait for the evidence on the page of the submission, and return what the API says of it."""
    row = page.locator("[data-evidence]")
    expect(row).to_have_attribute("data-state", re.compile("|".join(states)), timeout=LONG)
    return page.request.get(f"/api/v1/evidence/{row.get_attribute('data-evidence')}").json()


def test_a_recording_with_a_pause_goes_on_offline_and_arrives_whole(as_new: Newcomer):
    page = as_new("candidate")
    open_recorder(page)
    assert axe_violations(page) == []
    phrase = page.locator(".phrase.on-check [data-phrase-text]").text_content()
    page.get_by_role("button", name="Start recording").click()
    phase(page, "rec")
    expect(page.locator(".phrase.on-rec [data-phrase-text]")).to_be_visible()
    connection = network(page)
    connection(offline=True)
    elapsed_at_least(page, 2)
    page.get_by_role("button", name="Pause").click()
    phase(page, "paused")
    began = page.evaluate("performance.now()")
    until(page, f"performance.now() > {began} + 2000")  # time itself is what passes here
    page.get_by_role("button", name="Go on recording").click()
    elapsed_at_least(page, 3)
    page.locator("[data-act=stop]:visible").click()
    phase(page, "review")
    shown_ms = 1000 * int(page.locator(".on-review [data-limit-text]").inner_text()[3])
    page.get_by_role("button", name="Use this take").click()
    expect(page.locator("[data-review-kept] [data-sent]")).to_have_text("offline: sent later")
    connection()
    page.wait_for_url("**/submissions/*")
    made = told(page, "ready")
    assert shown_ms - 300 <= made["duration_ms"] <= shown_ms + 1_700, "without the pause"
    assert made["media_type"].startswith("video/webm;codecs=")
    assert made["phrase"]["text"] == phrase


def test_a_reload_and_the_longest_time_lose_nothing_and_one_take_is_chosen(as_new: Newcomer):
    page = as_new("candidate")
    page.set_viewport_size({"width": 390, "height": 844})
    open_recorder(page, source="Voice only")
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Start recording").click()
    phase(page, "rec")
    elapsed_at_least(page, 2)
    stored = page.evaluate(STORED_BYTES)
    page.reload()
    phase(page, "review")
    expect(page.locator("[data-review-said]")).to_contain_text("Found on this device: recorded until 0:0")
    page.get_by_role("button", name="Retake").click()
    phase(page, "check")
    page.get_by_role("button", name="Voice only").click()
    page.get_by_role("button", name="Start recording").click()
    phase(page, "rec")
    phase(page, "review")
    expect(page.locator("[data-voice]")).to_contain_text("It stops by itself at 0:05")
    expect(page.locator("[data-review-said]")).to_contain_text("That is the longest the rubric takes: 0:05.")
    expect(page.locator("[data-takes] button")).to_have_count(2)
    page.get_by_role("button", name="Throw it away").click()
    expect(page.get_by_role("button", name="Throw it away for good?")).to_be_focused()
    page.locator("[data-takes] button").first.click()  # thought better of it
    expect(page.get_by_role("button", name="Throw it away", exact=True)).to_be_visible()
    page.get_by_role("button", name="Use this take").click()
    made = told(page, "processing", "ready")
    assert made["size_bytes"] >= stored > 0, "every second that was kept has arrived"
    assert made["media_type"].startswith("audio/webm")
    wait_for(lambda: page.evaluate(STORED_BYTES) == 0 or None, seconds=10, what="nothing to be left on the device")


def test_a_take_goes_on_in_the_next_tab_from_the_parts_that_the_storage_holds(as_new: Newcomer):
    page = as_new("candidate")
    begin(page, SHORT)
    page.evaluate(USED_TAKE, page.url.rsplit("/", 1)[-1])
    others: list[Route] = []

    def hold(route: Route) -> None:
        others.append(route)

    page.route(ALL_BUT_ONE, hold)  # a part that fails takes those beside it with it: the first must be there before
    page.reload()
    expect(page.locator("[data-evidence]")).to_have_attribute("data-state", "uploading")
    held = wait_for(lambda: arrived(page), seconds=60, what="the first part")
    # Refused by the browser itself: what waits for an answer of ours goes on when its tab closes.
    block(page, "*partNumber=2&*", "*partNumber=3&*")
    for route in others:
        route.abort()
    page.unroute(ALL_BUT_ONE)
    sent: list[Request] = []
    next_tab, last_tab = (another_tab(page, sent, behind=number) for number in range(2))
    assert sent == [], "one tab at a time"
    page.close()
    row = next_tab.locator("[data-evidence]")
    expect(row).to_have_attribute("data-state", "rejected", timeout=LONG)
    assert (held, len(sent)) == (1, PARTS - 1), "only what had not arrived is sent"
    made = next_tab.request.get(f"/api/v1/evidence/{row.get_attribute('data-evidence')}").json()
    assert (made["size_bytes"], made["reason"]["code"]) == (12 * 1024**2, "not-media"), "whole, and no film"
    expect(last_tab.locator("[data-evidence]")).to_have_attribute("data-state", "rejected", timeout=LONG)


def block(page: Page, *addresses: str) -> None:
    """Let a page reach none of these addresses from now on."""
    browser = page.context.new_cdp_session(page)
    browser.send("Network.enable")
    browser.send("Network.setBlockedURLs", {"urls": list(addresses)})


def another_tab(page: Page, sent: list[Request], *, behind: int) -> Page:
    """Open the same page once more, and return when it waits for its turn to send; parts that it sends are noted."""
    tab = page.context.new_page()
    tab.on("request", lambda request: sent.append(request) if request.method == "PUT" else None)
    tab.goto(page.url)
    tab.evaluate(UNTIL_IT_WAITS, behind)
    return tab
