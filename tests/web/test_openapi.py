"""The OpenAPI document and the routes are one."""

from starlette.routing import Route
from starlette.testclient import TestClient

from app.main import all_routes


def test_every_api_route_is_in_the_document_and_nothing_else(client: TestClient):
    document = client.get("/api/openapi.json").json()
    listed = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    served = {
        (route.path.removeprefix("/api/v1"), method)
        for route in all_routes()
        if isinstance(route, Route) and route.path.startswith("/api/v1")
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert listed == served
    assert document["openapi"] == "3.1.0"


def test_bodies_are_described(client: TestClient):
    document = client.get("/api/openapi.json").json()
    body = document["paths"]["/queue/claims"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["$ref"].endswith("/ClaimForm")
    assert "ClaimForm" in document["components"]["schemas"]


def test_every_operation_says_what_it_does(client: TestClient):
    paths = client.get("/api/openapi.json").json()["paths"]
    silent = [(path, method) for path, item in paths.items() for method in item if not item[method]["summary"]]
    assert silent == []
