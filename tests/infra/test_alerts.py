"""The alerts watch what Assay really exports."""

import re
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Engine

from app import meters
from app.health.figures import Figures
from tests.conftest import NOW

ALERTS = Path(__file__).parents[2] / "infra" / "prometheus" / "alerts.yml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
PARTS = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("",), "gauge": ("",)}


@pytest.fixture
def exported(engine: Engine) -> set[str]:
    text = meters.exposition([Figures(engine, workers=list, now=NOW)]).decode()
    kinds = re.findall(r"^# TYPE (assay_\w+) (\w+)$", text, re.MULTILINE)
    return {name + end for name, kind in kinds for end in PARTS[kind]}


def test_every_metric_of_an_alert_is_exported(exported: set[str]):
    named = {name for rule in RULES for name in re.findall(r"\bassay_\w+", rule["expr"])}
    assert len(named) > 8
    assert named <= exported


def test_every_alert_says_what_is_wrong():
    assert all(rule["annotations"]["summary"] for rule in RULES)
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
