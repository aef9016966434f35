"""Pages for everybody and the candidate's: no axe-core violation and no sideways scrolling, in all their clothes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from sqlalchemy import Engine
from sqlmodel import Session, select

from app.accounts.models import Organisation, Person
from app.actor import Role
from app.db.engine import writing
from app.evidence.models import Submission
from app.evidence.states import Outcome, SubmissionState
from tests.browser.candidate.conftest import Newcomer
from tests.browser.conftest import axe_violations, scrolls_sideways
from tests.factories import a_person, a_result, a_submission

pytestmark = pytest.mark.browser
PUBLIC = ("/sign-in", "/rubrics", "/rubrics/teller-service-call", "/nothing-here")
NARROW, WIDE = 320, 1280
CLOTHES = (("en", "light", WIDE), ("en", "dark", NARROW), ("ar", "dark", WIDE), ("ar", "light", NARROW))


def problems(page: Page, path: str) -> Iterator[str]:
    """Look at a page in both languages, light and dark, on a small phone and a screen."""
    base = page.url.split("/", 3)
    address = f"{base[0]}//{base[2]}"
    for language, theme, width in (
        ("en", "light", WIDE),
        ("en", "dark", NARROW),
        ("ar", "dark", WIDE),
        ("ar", "light", NARROW),
    ):
        choices = {"assay_language": language, "assay_theme": theme}
        page.context.add_cookies([{"name": name, "value": value, "url": address} for name, value in choices.items()])
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path)
        where = f"{path} {language} {theme} {width}"
        page.evaluate("() => document.querySelectorAll('main details').forEach((each) => (each.open = true))")
        yield from (f"{where}: {found}" for found in axe_violations(page))
        if scrolls_sideways(page):
            yield f"{where}: scrolls sideways"


def test_public_pages_are_accessible(browser_page: Page):
    browser_page.goto("/sign-in")
    assert [found for path in PUBLIC for found in problems(browser_page, path)] == []


def test_pages_of_a_candidate_are_accessible(as_new: Newcomer, database: Engine):
    page = as_new("candidate", name="Accessible Candidate")
    with writing(database) as session:
        paths = ["/", "/submissions", "/submissions/new", *(f"/submissions/{each}" for each in cases(session))]
    assert [found for path in paths for found in problems(page, path)] == []


def cases(session: Session) -> list[object]:
    """Make a draft, something that waits, and both results; return their ids."""
    candidate = session.exec(select(Person).where(Person.name == "Accessible Candidate")).one()
    institute = session.exec(select(Organisation).where(Organisation.code == "institute")).one()
    assessor = a_person(session, institute, Role.ASSESSOR)
    states = (SubmissionState.DRAFT, SubmissionState.READY)
    made: list[Submission] = [a_submission(session, institute, candidate=candidate, state=each) for each in states]
    for outcome, level in ((Outcome.COMPETENT, 2), (Outcome.NOT_YET_COMPETENT, 1)):
        submission = a_submission(session, institute, candidate=candidate)
        a_result(session, submission, assessor=assessor, outcome=outcome, level=level)
        made.append(submission)
    return [each.id for each in made]


def test_start_pages_of_all_roles_are_accessible(as_new: Newcomer):
    page = as_new(*(role.value for role in Role), name="Everything At Once")
    assert [found for path in ("/", "/identity") for found in problems(page, path)] == []
