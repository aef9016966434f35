"""Anybody can recompute a decided lot from its export; any change to it is found."""

import copy
import json
from uuid import UUID

import pytest
from typer.testing import CliRunner

from app.cli.sample import sample
from app.db.engine import writing
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.validation import jobs
from app.validation.verify import verify_lot
from tests.conftest import NOW
from tests.validation.stories import GOOD, NO_PROBATION, PLAN


@pytest.fixture
def export(house, lead, validator):
    house.plan(**NO_PROBATION)
    house.decided(*[GOOD] * 9)
    lead.close()
    while validator.validate() is not None:
        pass
    house.run_jobs()
    return lead.lot()


def failed(lot):
    return [check.name for check in verify_lot(lot, secret=lot["secret"]) if not check.ok]


def test_a_decided_lot_verifies(export):
    assert export["state"] == "accepted"
    assert failed(export) == []


def with_changed(lot, change):
    changed = copy.deepcopy(lot)
    change(changed)
    return changed


def swap_sampled(lot):
    one = next(item for item in lot["items"] if item["sampled"])
    other = next(item for item in lot["items"] if not item["sampled"])
    for name in ("sampled", "reasons"):
        one[name], other[name] = other[name], one[name]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda lot: lot.update(secret="00" * 32), ["commitment", "draws"]),
        (lambda lot: lot["items"][0].update(draw=0.5), None),
        (lambda lot: lot["items"][0].update(attempt=2), ["keys"]),
        (lambda lot: lot.update(sample_size=4), ["sizes", "selection"]),
        (lambda lot: lot.update(accept=1, reject_at=2), ["sizes"]),
        (swap_sampled, ["selection"]),
        (lambda lot: lot["items"][0].update(mandatory=True), ["reasons"]),
        (lambda lot: lot["plan"].update(version=lot["plan"]["version"] + 1), ["draws"]),
    ],
)
def test_any_change_is_found(export, change, names):
    found = failed(with_changed(export, change))
    assert found == names if names else "draws" in found


def test_a_lot_with_a_withdrawn_item_still_verifies(house, lead, validator, engine):
    house.plan(**NO_PROBATION)
    house.decided(*[GOOD] * 9)
    lead.close()
    claim = validator.claim()
    with writing(engine) as session:
        session.get_one(Submission, UUID(claim["submission_id"])).state = SubmissionState.WITHDRAWN
    jobs.close_due(engine, now=NOW)
    while validator.validate() is not None:
        pass
    house.run_jobs()
    assert failed(lead.lot()) == []


def test_an_undecided_export_proves_nothing_yet(house, lead):
    house.decide(GOOD)
    assert failed(lead.close()) == ["secret"]


@pytest.fixture
def shell(settings, monkeypatch):
    """Run commands on the test's own database, which is found by the environment as for everybody."""
    monkeypatch.setenv("ASSAY_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("ASSAY_DATABASE_URL", settings.database_url)
    return lambda *arguments: CliRunner().invoke(sample, [str(each) for each in arguments])


def test_verify_from_the_shell(export, shell, tmp_path):
    file = tmp_path / "lot.json"
    file.write_text(json.dumps(export), "utf-8")
    assert shell("verify", export["id"]).exit_code == 0
    assert shell("verify", export["id"], "--file", file).exit_code == 0
    file.write_text(json.dumps(export | {"secret": "00" * 32}), "utf-8")
    answer = shell("verify", export["id"], "--file", file, "--json")
    assert (answer.exit_code, json.loads(answer.stdout)["ok"]) == (1, False)


def test_policy_set_from_the_shell(house, shell, tmp_path, lead):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(PLAN | NO_PROBATION), "utf-8")
    arguments = ["policy", "set", file, "--org", house.organisation.code, "--rubric", "teller-service-call", "--json"]
    assert json.loads(shell(*arguments).stdout) == {"id": "start-tomorrow", "version": 1}
    house.decided(GOOD)
    assert lead.close()["tier"] == "normal"


@pytest.mark.parametrize(
    ("content", "rubric", "says"),
    [
        ("{", "teller-service-call", "not JSON"),
        (json.dumps(PLAN | {"tiers": {}}), "teller-service-call", "not a sampling plan"),
        (json.dumps(PLAN), "no-such-rubric", "has no rubric"),
    ],
)
def test_a_plan_that_cannot_be_set_is_refused(house, shell, tmp_path, content, rubric, says):
    file = tmp_path / "plan.json"
    file.write_text(content, "utf-8")
    answer = shell("policy", "set", file, "--org", house.organisation.code, "--rubric", rubric)
    assert says in str(answer.exception)
