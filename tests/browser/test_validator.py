"""A validator and a lead: close a lot, score blind by keyboard, compare, jump to the moment, overturn, read the lot."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from app.actor import Role
from app.db.engine import reading
from app.evidence.states import EvidenceKind
from app.validation.models import ItemState, Validation
from tests.browser.conftest import SignIn, axe_violations, scrolls_sideways, until
from tests.browser.stage import Recording, Stage
from tests.validation.stories import NO_PROBATION

pytestmark = pytest.mark.browser
Recordings = Callable[[EvidenceKind], Recording]
SOON = 10_000


@pytest.fixture
def judged(stage: Stage, recording: Recordings) -> Stage:
    """A lot with four decisions that are not closed yet."""
    stage.plan(**NO_PROBATION)
    for level in (2, 2, 3, 2):
        stage.judged(recording(EvidenceKind.AUDIO), level)
    return stage


def score_blind(page: Page, levels: str) -> None:
    """Score every criterion with a note-free level and a moment, by keys, and lock."""
    expect(page.locator(".w").first).to_be_visible(timeout=SOON)
    for _ in range(4):
        page.keyboard.press("y")
    for level in levels:
        page.keyboard.press(level)
        page.keyboard.press("l")
        page.keyboard.press("e")
        page.keyboard.press("]")
    expect(page.locator(".top [data-saved]")).to_have_attribute("data-state", "saved", timeout=SOON)
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-compare][data-ready]")).to_be_visible(timeout=SOON)


def test_a_lead_closes_a_lot_knowing_what_it_does(judged: Stage, sign_in: SignIn):
    page = sign_in(judged.lead)
    page.goto("/lots")
    page.get_by_role("link", name="Nadia Kamel").click()
    expect(page.locator("main")).to_contain_text("Nothing is drawn before this lot closes")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Close now").click()
    dialog = page.locator("#close")
    expect(dialog).to_contain_text("can’t be undone")
    expect(dialog).to_contain_text("at least 3 are drawn")
    assert axe_violations(page) == []
    dialog.get_by_role("button", name="Close and draw").click()
    expect(page.locator("main")).to_contain_text("0 of 3 re-scored")
    expect(page.locator("main")).to_contain_text("drawn at random")
    assert axe_violations(page) == []


def test_a_validator_scores_blind_then_overturns(judged: Stage, sign_in: SignIn):
    judged.close(judged.lot())
    page = sign_in(judged.validator)
    page.goto("/validations")
    assert axe_violations(page) == []
    page.keyboard.press("n")
    page.wait_for_url("**/validations/*-*")
    assert "Asks two questions before any detail." not in page.content()
    score_blind(page, "133333")
    expect(page.locator("main")).to_contain_text("the outcome is not the same")
    expect(page.locator("tr.diff").first).to_contain_text("apart")
    assert axe_violations(page) == []
    page.locator("tr.diff [data-moment]").first.click()
    until(page, "document.querySelector('[data-media]').currentTime >= 1")
    decide = page.locator("[data-act=decide]")
    page.keyboard.press("o")
    expect(page.locator("[data-final-say]")).to_contain_text("The outcome changes", timeout=SOON)
    expect(decide).to_have_attribute("aria-disabled", "true")
    page.locator("[data-reason]").fill("No identity check is heard before the address is given.")
    expect(decide).to_have_attribute("aria-disabled", "false")
    page.locator("#final-ID").select_option("2")
    expect(page.locator("[data-final-say]")).to_contain_text("That changes nothing", timeout=SOON)
    expect(decide).to_have_attribute("aria-disabled", "true")
    page.locator("#final-ID").select_option("0")
    expect(decide).to_have_attribute("aria-disabled", "false", timeout=SOON)
    assert axe_violations(page) == []
    first = page.url
    decide.click()
    page.wait_for_url(lambda url: "/validations/" in url and url != first)
    with reading(judged.engine) as session:
        decided = session.exec(select(Validation).where(Validation.state == ItemState.OVERTURNED)).one()
    assert decided.reason == "No identity check is heard before the address is given."
    assert decided.final["outcome"] == "not-yet-competent"


def test_upholding_needs_no_reason_and_advice_does(judged: Stage, sign_in: SignIn):
    judged.close(judged.lot())
    page = sign_in(judged.validator)
    page.goto("/validations")
    page.keyboard.press("n")
    score_blind(page, "333333")
    decide = page.locator("[data-act=decide]")
    page.keyboard.press("u")
    expect(decide).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("r")
    expect(decide).to_have_attribute("aria-disabled", "true")
    expect(page.locator("[data-reason]")).to_be_focused()
    page.keyboard.type("Listen again from 0:09.")
    expect(decide).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/validations/*-*")
    expect(page.locator("[data-toast]")).to_contain_text("Decided")
    with reading(judged.engine) as session:
        states = set(session.exec(select(Validation.state)).all())
    assert ItemState.RETURNED_WITH_ADVICE in states


@pytest.mark.parametrize(("width", "looks"), [(1440, ("light", "en")), (390, ("dark", "ar")), (320, ("light", "ar"))])
def test_pages_pass_axe(judged: Stage, sign_in: SignIn, width: int, looks: tuple[str, str]):
    scheme, language = looks
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "locale": language}
    judged.close(judged.lot())
    lead = sign_in(judged.lead, **options)
    for path in ("/lots", f"/lots/{judged.lot().id}"):
        lead.goto(path)
        assert axe_violations(lead) == []
        assert not scrolls_sideways(lead)
    page = sign_in(judged.validator, **options)
    page.goto("/validations")
    assert axe_violations(page) == []
    page.locator("[data-act=next]").click()
    page.wait_for_url("**/validations/*-*")
    expect(page.locator(".w").first).to_be_visible(timeout=SOON)
    assert axe_violations(page) == []
    assert not scrolls_sideways(page)
    score_blind(page, "234333")
    assert axe_violations(page) == []
    assert not scrolls_sideways(page)
    page.keyboard.press("o")
    assert axe_violations(page) == []


def test_only_one_of_two_validators_gets_an_item(judged: Stage, sign_in: SignIn):
    judged.close(judged.lot())
    other = judged.person(Role.VALIDATOR, "Omar Fathy")
    pages = [sign_in(judged.validator), sign_in(other)]
    for page in pages:
        page.goto("/validations")
        page.keyboard.press("n")
        page.wait_for_url("**/validations/*-*")
    assert pages[0].locator(".place bdi").first.inner_text() != pages[1].locator(".place bdi").first.inner_text()
