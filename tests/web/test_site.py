"""What every answer has in common."""

import pytest
from starlette.testclient import TestClient


def test_pages_carry_a_strict_policy_and_nothing_inline(client: TestClient):
    answer = client.get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_foreign_host_is_refused(client: TestClient):
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/healthz", headers={"Host": "127.0.0.1:9999"}).status_code == 200


def test_unknown_addresses_are_a_page_or_a_problem(client: TestClient):
    assert "Nothing here" in client.get("/nowhere").text
    problem = client.get("/api/v1/nowhere")
    assert (problem.status_code, problem.json()["code"]) == (404, "not-found")


def test_readiness_says_what_is_missing(client: TestClient):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["storage", "worker"]


def test_arabic_pages_run_from_right_to_left(client: TestClient):
    client.get("/language/ar?next=/sign-in")
    assert '<html lang="ar" dir="rtl"' in client.get("/sign-in").text


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=other"])
def test_a_form_that_can_not_be_read_is_a_bad_request(client: TestClient, kind: str):
    body = b"--wrong\r\nContent-Disposition: form-data\r\n\r\nx\r\n"
    answer = client.post("/api/v1/verify", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (400, "not-a-form")


@pytest.mark.parametrize("levels", [50, 300, 900])
def test_what_is_nested_without_end_is_refused(client: TestClient, levels: int):
    body = '{"url": ' + '{"a": [' * (levels // 2) + "]}" * (levels // 2) + "}"
    answer = client.post("/api/v1/verify", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "too-deep")
