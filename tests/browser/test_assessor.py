"""An assessor scores by keyboard: queue, player, transcript, gates, levels, moments, comment, send, the next one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select, update

from app.assessments.models import Assessment
from app.db.engine import reading, writing
from app.evidence.states import EvidenceKind
from app.evidence.texts import Part
from app.review.models import Claim
from tests.browser.conftest import SignIn, axe_violations, scrolls_sideways, until
from tests.browser.stage import Recording, Stage

pytestmark = pytest.mark.browser
Recordings = Callable[[EvidenceKind], Recording]
SOON = 10_000
# Each width, theme and language, and each pair of them at least once.
LOOKS = [
    (1440, "light", "en"),
    (390, "dark", "ar"),
    (320, "light", "ar"),
    (320, "dark", "en"),
    (1440, "dark", "ar"),
    (390, "light", "en"),
]


def hours_ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


def saved(page: Page) -> None:
    expect(page.locator(".top [data-saved]")).to_have_attribute("data-state", "saved", timeout=SOON)


def now_ms(page: Page) -> float:
    return float(page.evaluate("document.querySelector('[data-media]').currentTime * 1000"))


@pytest.fixture
def workstation(stage: Stage, recording: Recordings, sign_in: SignIn) -> Page:
    """The workstation of a recorded call, opened from the queue; another submission waits behind it."""
    stage.submission(recording(EvidenceKind.AUDIO), ready_at=hours_ago(30))
    stage.submission(recording(EvidenceKind.VIDEO), ready_at=hours_ago(2))
    page = sign_in(stage.assessor)
    page.goto("/queue")
    page.keyboard.press("n")
    page.wait_for_url("**/claims/*")
    expect(page.locator(".w").first).to_be_visible(timeout=SOON)
    return page


def test_the_queue_is_walked_by_keys(stage: Stage, recording: Recordings, sign_in: SignIn):
    stage.submission(recording(EvidenceKind.AUDIO), ready_at=hours_ago(200))
    stage.submission(recording(EvidenceKind.AUDIO), ready_at=hours_ago(2))
    page = sign_in(stage.assessor)
    page.goto("/queue")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr[aria-selected=true]")).to_have_count(1)
    reference = page.locator("tr[aria-selected=true] bdi").first.inner_text()
    page.keyboard.press("/")
    page.keyboard.type("jk")
    assert page.locator("#s").input_value() == "jk"
    page.locator("#s").fill("")
    page.locator("tr[aria-selected=true] [data-open]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/claims/*")
    expect(page.locator(".place")).to_contain_text(reference)


def test_scoring_by_keyboard_alone(stage: Stage, workstation: Page):
    page = workstation
    first = page.url
    assert page.locator("form.scroll").evaluate("pane => pane.scrollWidth <= pane.clientWidth"), "no sideways bar"
    page.keyboard.press("3")
    expect(page.locator("[name=level-ID]:checked")).to_have_count(0)
    for _ in range(4):
        page.keyboard.press("y")
    expect(page.locator("[data-levels]")).to_be_enabled()
    for number in range(6):
        page.keyboard.press("4" if number == 0 else "3")
        page.keyboard.press("l")
        page.keyboard.press("e")
        page.keyboard.press("]")
    expect(page.locator("[data-count]")).to_have_text("6 of 6 scored")
    page.keyboard.press("c")
    page.keyboard.type("Clear and calm here. jk123")
    page.keyboard.press("Enter")
    expect(page.locator(".cmt p")).to_have_text("Clear and calm here. jk123")
    saved(page)
    expect(page.locator("[data-outcome]")).to_contain_text("Outcome: competent")
    expect(page.locator("[data-outcome]")).to_contain_text("Sending can’t be undone")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(f"/claims/(?!{first.rsplit('/', 1)[1]})"))
    expect(page.locator("[data-toast]")).to_contain_text("The next submission is open")
    with reading(stage.engine) as session:
        locked = session.exec(select(Assessment)).one()
    assert locked.outcome == "competent"
    assert {score["criterion"]: score["level"] for score in locked.scores}["ID"] == 3
    assert all(score["moments"] for score in locked.scores)
    assert locked.comments[0]["text"] == "Clear and calm here. jk123"


def correct_words(page: Page) -> None:
    """Correct a word by keys, find it, put it back; correct another by mouse, which is marked after a reload."""
    unsure = page.locator("[data-unsure]")
    count = unsure.inner_text()
    page.keyboard.press("u")
    page.keyboard.press("w")
    expect(page.locator("[data-heard]")).to_have_text("Heard as “sie”")
    page.keyboard.type("Sie selbst")
    page.keyboard.press("Enter")
    expect(page.locator(".w.fixed")).to_have_text("Sie selbst")
    expect(page.locator(".w.fixed")).to_have_attribute("title", "Corrected; the program heard “sie”")
    expect(unsure).not_to_have_text(count)
    page.keyboard.press("w")
    page.get_by_role("button", name="Put back what was heard").click()
    expect(page.locator(".w.fixed")).to_have_count(0)
    expect(unsure).to_have_text(count)
    page.locator(".w", has_text="nouns").dblclick()
    page.locator("#fix").fill("pronouns")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".w.fixed")).to_have_text("pronouns")
    page.reload()
    expect(page.locator(".w.fixed")).to_have_text("pronouns", timeout=SOON)
    page.keyboard.press("/")
    page.keyboard.type("pronouns")
    expect(page.locator("[data-found]")).to_have_text("1 of 1")
    page.keyboard.press("Escape")


def test_words_follow_the_recording_and_seek(workstation: Page):
    page = workstation
    page.locator(".w", has_text="nouns").click()
    expect(page.locator(".w.on")).to_have_text("nouns")
    page.keyboard.press(".")
    expect(page.locator(".w.on")).to_have_text("alongside")
    page.keyboard.press("u")
    expect(page.locator(".w.on")).to_have_text("sie")
    page.keyboard.press("/")
    page.keyboard.type("amiable wo")
    expect(page.locator("[data-found]")).to_have_text("1 of 1")
    expect(page.locator(".w.on")).to_have_text("amiable")
    page.keyboard.press("Escape")
    correct_words(page)
    before = now_ms(page)
    page.keyboard.press("k")
    page.wait_for_function(
        "before => document.querySelector('[data-media]').currentTime * 1000 > before + 600", arg=before
    )
    words_lit = page.evaluate(
        """() => new Promise(done => { const media = document.querySelector('[data-media]'); let worst = 0, seen = 0;
        let last = document.querySelector('.w.on');
        const look = () => { const on = document.querySelector('.w.on');
          if (on !== last) { last = on; seen += 1; }
          if (seen >= 3 || media.ended) return done(seen); requestAnimationFrame(look); };
        look(); })"""
    )
    assert words_lit >= 3
    page.keyboard.press("k")
    assert page.evaluate("document.querySelector('[data-media]').paused")


def test_the_phrase_stands_with_the_questions_and_leads_to_where_it_is_said(
    stage: Stage, recording: Recordings, sign_in: SignIn
):
    made = recording(EvidenceKind.VIDEO)
    said = made.transcript["segments"][1]["words"][2:6]
    words = [word["text"].strip(".,") for word in said]
    submission = stage.submission(made, code="presentation-skills")
    stage.phrase(submission, " ".join([words[0], "misheard", *words[2:]]))
    page = sign_in(stage.assessor)
    page.goto("/queue")
    page.keyboard.press("n")
    page.wait_for_url("**/claims/*")
    expect(page.locator(".vbody [data-phrase]")).to_contain_text("Drawn for this recording")
    page.get_by_role("button", name="Said at").click()
    until(page, f"document.querySelector('[data-media]').currentTime * 1000 >= {said[0]['start_ms']}")
    assert now_ms(page) < said[1]["start_ms"] + 1000
    assert axe_violations(page) == []
    for _ in range(4):
        page.keyboard.press("y")
    expect(page.locator("[data-gates]")).not_to_have_attribute("open", "")
    expect(page.locator("[data-gates] summary").get_by_text("misheard")).to_be_visible()


def test_typing_a_comment_pauses_and_enter_goes_on(workstation: Page):
    page = workstation
    page.keyboard.press("k")
    until(page, "document.querySelector('[data-media]').currentTime > 1.5")
    page.keyboard.press("c")
    page.keyboard.type("a")
    until(page, "document.querySelector('[data-media]').paused")
    at = now_ms(page)
    page.keyboard.type("nd here")
    page.keyboard.press("Enter")
    until(page, "!document.querySelector('[data-media]').paused")
    saved(page)
    start = page.evaluate("fetch(location.pathname.replace('/claims', '/api/v1/claims')).then(a => a.json())")
    assert abs(start["draft"]["comments"][0]["start_ms"] - (at - 1000)) < 150


def test_an_arabic_keyboard_layout_scores_too(workstation: Page):
    page = workstation
    for _ in range(4):
        page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'غ', code: 'KeyY', bubbles: true}))")
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: '٣', code: 'Digit3', bubbles: true}))")
    expect(page.locator("[name=level-ID]:checked")).to_have_value("2")


def test_single_keys_can_be_switched_off(workstation: Page):
    page = workstation
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("y")
    page.locator("[data-single-keys]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("y")
    expect(page.locator("[data-gates-tag]")).to_have_text("0 of 4")


def test_offline_keeps_the_draft_on_this_device_and_saves_it_later(stage: Stage, workstation: Page):
    page = workstation
    page.keyboard.press("y")
    saved(page)
    page.context.set_offline(True)
    page.locator("#message").fill("Written in a tunnel")
    expect(page.locator(".top [data-saved]")).to_have_attribute("data-state", "offline", timeout=SOON)
    page.context.set_offline(False)
    saved(page)
    with reading(stage.engine) as session:
        assert session.exec(select(Claim)).one().draft["message"] == "Written in a tunnel"


def test_a_page_that_is_closed_offline_finds_its_draft_again(stage: Stage, workstation: Page):
    page = workstation
    page.route("**/draft", lambda route: route.abort())
    page.locator("#message").fill("Nearly lost")
    expect(page.locator(".top [data-saved]")).to_have_attribute("data-state", "offline", timeout=SOON)
    page.reload()
    expect(page.locator("#message")).to_have_value("Nearly lost", timeout=SOON)
    page.unroute("**/draft")
    saved(page)


def test_two_windows_lose_neither_draft(workstation: Page):
    page = workstation
    other = page.context.new_page()
    other.faults = []
    other.goto(page.url)
    expect(other.locator(".w").first).to_be_visible(timeout=SOON)
    other.locator("#message").fill("From the other window")
    saved(other)
    page.locator("#message").fill("From this window")
    dialog = page.locator("#conflict")
    expect(dialog).to_be_visible(timeout=SOON)
    expect(dialog).to_contain_text("From the other window")
    expect(dialog).to_contain_text("From this window")
    assert axe_violations(page) == []
    dialog.get_by_role("button", name="Keep what is here").click()
    saved(page)
    kept = page.evaluate(
        """() => new Promise(done => { const open = indexedDB.open('assay-drafts');
        open.onsuccess = () => { const all = open.result.transaction('kept').objectStore('kept').getAll();
          all.onsuccess = () => done(all.result.map(each => each.draft.message)); }; })"""
    )
    assert kept == ["From the other window"]
    page.reload()
    expect(page.locator("#message")).to_have_value("From this window")


def test_asking_for_more_needs_a_message(stage: Stage, workstation: Page):
    page = workstation
    for _ in range(3):
        page.keyboard.press("y")
    page.get_by_role("button", name="Ask for more").click()
    expect(page.locator("#message")).to_be_focused()
    saved(page)
    expect(page.locator("[data-outcome]")).to_contain_text("Goes back to the candidate")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-missing]")).to_be_visible(timeout=SOON)
    page.locator("#message").fill("Please add the end of the call.")
    page.keyboard.press("Control+Enter")
    page.wait_for_load_state()
    expect(page.locator("[data-toast]")).to_contain_text("Sent", timeout=SOON)
    with reading(stage.engine) as session:
        assert session.exec(select(Assessment)).one().outcome == "returned"


def test_a_text_is_quoted_as_a_moment(stage: Stage, recording: Recordings, sign_in: SignIn):
    made = stage.submission(recording(EvidenceKind.VIDEO), code="credit-analysis-walkthrough")
    stage.text(made, "First line 😀.\nThe rate follows the corridor, so the instalment can rise.")
    page = sign_in(stage.assessor)
    page.goto("/queue")
    page.keyboard.press("n")
    page.wait_for_url("**/claims/*")
    page.locator("[data-evidence]").nth(1).click()
    expect(page.locator("[data-text]")).to_contain_text("corridor")
    assert axe_violations(page) == []
    for _ in range(4):
        page.keyboard.press("y")
    page.keyboard.press("3")
    page.evaluate(
        """() => { const node = document.querySelector('[data-text] span').firstChild;
        const at = node.data.indexOf('The rate');
        getSelection().setBaseAndExtent(node, at, node, at + 8); }"""
    )
    page.keyboard.press("e")
    expect(page.locator(".crit.open .mo .ts")).to_have_text("“The rate”")
    saved(page)
    page.reload()
    expect(page.locator(".crit.open .mo .ts, .crit .mo .ts").first).to_have_text("“The rate”", timeout=SOON)


def test_a_document_is_read_as_text_and_its_original_saved(stage: Stage, recording: Recordings, sign_in: SignIn):
    made = stage.submission(recording(EvidenceKind.VIDEO), code="credit-analysis-walkthrough")
    stage.document(made, [Part("My report 😀", "heading", 1), Part("The rate follows"), Part("Item\t12", "table-row")])
    page = sign_in(stage.assessor)
    page.goto("/queue")
    page.keyboard.press("n")
    page.wait_for_url("**/claims/*")
    expect(page.locator(".evw")).to_contain_text(["Not scanned for viruses"])
    original = page.get_by_role("link", name="Save the original of evidence 2")
    expect(original).to_be_hidden()
    page.locator("[data-evidence]").nth(1).click()
    expect(page.locator("[data-text]")).to_contain_text("The rate follows")
    expect(page.locator("[data-text] .p-heading")).to_have_text("My report 😀")
    assert (
        page.locator("[data-text]").evaluate("box => box.textContent") == "My report 😀\n\nThe rate follows\n\nItem\t12"
    )
    assert axe_violations(page) == []
    with page.expect_download() as saving:
        original.click()
    assert saving.value.suggested_filename == "Evidence 2.docx"
    assert saving.value.path().read_bytes() == b"the original"
    expect(page.locator("[data-text]")).to_contain_text("The rate follows")  # the page is still there
    for _ in range(4):
        page.keyboard.press("y")
    page.evaluate(
        """() => { const node = document.querySelectorAll('[data-text] span')[1].firstChild;
        getSelection().setBaseAndExtent(node, 4, node, 8); }"""
    )
    page.keyboard.press("e")
    expect(page.locator(".crit.open .mo .ts")).to_have_text("“rate”")
    assert page.evaluate("[...CSS.highlights.get('linked')].map(each => each.toString())") == ["rate"]


def test_a_lease_that_was_over_gives_the_evidence_back_when_it_is_kept(stage: Stage, workstation: Page):
    page = workstation
    with writing(stage.engine) as session:
        session.connection().execute(update(Claim).values(expires_at=hours_ago(1)))
    page.reload()
    expect(page.locator("[data-lease-over]")).to_be_visible()
    expect(page.locator(".w")).to_have_count(0)
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator(".w").first).to_be_visible(timeout=SOON)


@pytest.mark.parametrize(("width", "scheme", "language"), LOOKS)
def test_pages_pass_axe(stage: Stage, recording: Recordings, sign_in: SignIn, width: int, scheme: str, language: str):
    stage.submission(recording(EvidenceKind.VIDEO), attempt=2, ready_at=hours_ago(150))
    stage.submission(recording(EvidenceKind.AUDIO), ready_at=hours_ago(2))
    page = sign_in(
        stage.assessor,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",
    )
    page.goto("/queue")
    assert axe_violations(page) == []
    assert not scrolls_sideways(page)
    page.locator("[data-open]").first.click()
    page.wait_for_url("**/claims/*")
    expect(page.locator(".w").first).to_be_visible(timeout=SOON)
    assert axe_violations(page) == []
    for _ in range(4):
        page.keyboard.press("y")
    page.keyboard.press("3")
    page.keyboard.press("e")
    saved_state = page.locator("[data-saved][data-state=saved]").first
    expect(saved_state).to_be_attached(timeout=SOON)
    assert axe_violations(page) == []
    assert not scrolls_sideways(page)
    page.keyboard.press("?")
    assert axe_violations(page) == []


def test_a_lost_recording_comes_back_at_its_place(workstation: Page):
    page = workstation
    page.locator(".w", has_text="nouns").click()
    place = now_ms(page)
    page.reload()
    page.route("**/playable?*", lambda route: route.fulfill(status=403))
    page.reload()
    expect(page.locator("[data-lost]")).to_be_visible(timeout=30_000)
    page.unroute("**/playable?*")
    page.locator("[data-lost] button").click()
    expect(page.locator("[data-lost]")).to_be_hidden(timeout=SOON)
    expect(page.locator(".w.on")).to_have_text("nouns", timeout=SOON)
    assert abs(now_ms(page) - place) < 50
