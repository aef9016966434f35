"""Each request has an id, one line in the log and its place in the counts; nothing of it says who or what."""

import logging

import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from app import logs
from app.web.observed import client_of


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("assay_requests_total", labels) or 0.0


def test_a_sane_id_is_kept_and_another_one_is_replaced(client: TestClient):
    assert client.get("/healthz", headers={"X-Request-Id": "trace-0123456789"}).headers["x-request-id"] == (
        "trace-0123456789"
    )
    for odd in ("short", "x" * 65, "line break in it"):
        made = client.get("/healthz", headers={"X-Request-Id": odd}).headers["x-request-id"]
        assert made != odd
        assert len(made) == 16


def test_the_line_names_the_route_and_nothing_that_came_with_it(client: TestClient, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logs.REQUESTS):
        client.get("/sign-in/very-secret?next=/also-secret", headers={"X-Request-Id": "0123456789"})
        client.get("/nowhere/very-secret")
    (known, unknown) = [record for record in caplog.records if record.name == logs.REQUESTS]
    assert known.getMessage() == "GET /sign-in/{secret} 200"
    assert unknown.getMessage() == "GET none 404"
    assert "secret" not in str(getattr(known, logs.OURS)).replace("{secret}", "")


def test_requests_are_counted_by_their_route_and_odd_methods_together(client: TestClient):
    labels = {"method": "GET", "route": "/sign-in/{secret}", "status": "200"}
    odd = {"method": "other", "route": "none", "status": "405"}
    before, before_odd = counted(**labels), counted(**odd)
    client.get("/sign-in/one")
    client.get("/sign-in/two")
    client.request("BREW", "/sign-in/one")
    assert counted(**labels) - before == 2
    assert counted(**odd) - before_odd == 1


@pytest.mark.parametrize(
    ("host", "addresses", "kept"),
    [
        ("203.0.113.7", "full", "203.0.113.7"),
        ("203.0.113.7", "network", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "network", "2001:db8:1::/48"),
        ("203.0.113.7", "none", None),
        ("testclient", "network", None),
    ],
)
def test_addresses_are_kept_as_far_as_the_setting_says(host: str, addresses: str, kept: str | None):
    assert client_of({"client": (host, 1)}, addresses) == kept
