"""The examples in `infra` and the README name every setting, and fit together."""

import json
import re
import stat
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import PREFIX, Settings, load_settings
from infra import make_secrets

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text())
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}


def named(path: str) -> set[str]:
    return set(re.findall(r"\bASSAY_[A-Z0-9_]+", (ROOT / path).read_text()))


def services() -> list[tuple[str, dict[str, Any]]]:
    return sorted(COMPOSE["services"].items())


def test_the_example_lists_every_setting_and_no_other():
    text = (ROOT / "infra" / "env.example").read_text()
    assert set(re.findall(r"^#?(ASSAY_[A-Z0-9_]+)=", text, re.MULTILINE)) == SETTINGS


def test_the_readme_lists_every_setting_but_the_one_that_demo_sets():
    assert SETTINGS - named("README.md") <= {"ASSAY_DEMO"}


@pytest.mark.parametrize(
    "path", ["infra/compose.yaml", "infra/Containerfile", "infra/systemd/assay-site.service", "infra/docs/scaling.md"]
)
def test_deployment_files_name_real_settings(path: str):
    assert named(path) <= SETTINGS | {"ASSAY_TEST_DATABASE_URL"}


def test_the_example_is_read_as_settings(monkeypatch: pytest.MonkeyPatch):
    for line in (ROOT / "infra" / "env.example").read_text().splitlines():
        if line.startswith("ASSAY_"):
            monkeypatch.setenv(*line.split("=", 1))
    assert load_settings().public


def test_secrets_are_made_once_and_read_as_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "secrets"
    make_secrets.main(folder)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    make_secrets.main(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(first) == {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    monkeypatch.setenv("ASSAY_SECRETS_DIR", str(folder))
    settings = load_settings()
    assert settings.database_url == first["assay_database_url"]
    assert settings.metrics_token == first["assay_metrics_token"]
    identities = {each["name"]: each for each in json.loads(first["s3.json"])["identities"]}
    assert identities["site"]["credentials"][0]["accessKey"] == first["site_s3_access_key"]
    assert identities["worker"]["actions"] == []


def test_every_container_is_confined_and_looked_after():
    for name, service in services():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("user", "unprivileged" if "unprivileged" in service["image"] else "root") != "root", name
        assert "healthcheck" in service or name == "init", name
        for secret in service.get("secrets", []):
            assert (secret if isinstance(secret, str) else secret["source"]) in COMPOSE["secrets"], name


def test_workers_of_the_example_serve_every_queue():
    commands = [service["command"] for name, service in services() if name.startswith("worker-")]
    assert {command[command.index("--queues") + 1] for command in commands} == {"media", "speech", "quick"}


def test_only_settings_that_are_files_or_public_stand_in_the_open():
    for name, service in services():
        plain = service.get("environment", {})
        assert not [each for each in plain if re.search(r"SECRET_KEY|TOKEN|PASSWORD$|DATABASE_URL", each)], name


def test_no_other_container_can_have_the_address_that_sites_believe():
    (pool,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    trusted = ip_address(COMPOSE["services"]["nginx"]["networks"]["inside"]["ipv4_address"])
    assert trusted in ip_network(pool["subnet"])
    assert trusted not in ip_network(pool["ip_range"])
    sites = [service for name, service in services() if name.startswith("site-")]
    assert {site["environment"]["ASSAY_TRUSTED_PROXIES"] for site in sites} == {str(trusted)}


def test_a_worker_of_two_queues_is_told_both():
    unit = (ROOT / "infra" / "systemd" / "assay-worker@.service").read_text()
    assert "--queues %I " in unit  # %i would be media\\x2cquick: a comma can't stand in the name of a unit


def test_a_worker_may_write_where_speech_models_are_kept():
    unit = (ROOT / "infra" / "systemd" / "assay-worker@.service").read_text()
    assert {"CacheDirectory=assay", "Environment=ASSAY_MODEL_DIR=%C/assay/models"} <= set(unit.splitlines())
