"""The document, the file and the routes are one thing."""

from __future__ import annotations

import json
import re

from handlers.http.api.calls import PREFIX
from handlers.http.api.openapi import FILE, document, problems_of, rendered
from handlers.http.api.operations import OPERATIONS
from handlers.http.api.problems import STATUS
from tests.handlers.http.api.front import Front


def test_committed_document_is_what_the_code_says() -> None:
    assert FILE.read_text(encoding="utf-8") == rendered(), "run `python -m handlers.http.api.openapi`"


async def test_served_document_is_the_committed_one(front: Front) -> None:
    answer = await front.get("/openapi.json")
    assert answer.status == 200
    assert answer.body == json.loads(FILE.read_text(encoding="utf-8"))


async def test_routes_are_those_of_the_document(front: Front) -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in front.service.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith(f"{PREFIX}/")
    }
    documented = {
        (method.upper(), path) for path, methods in document()["paths"].items() for method in methods
    }
    assert routes - documented == {("GET", f"{PREFIX}/openapi.json")}
    assert documented <= routes


def test_every_reference_leads_somewhere() -> None:
    made = document()
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(made)):
        found = made
        for part in reference.split("/"):
            found = found[part]


def test_every_post_demands_a_key_and_every_call_but_the_login_a_session() -> None:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            demanded = [each["name"] for each in operation["parameters"] if each.get("required")]
            assert ("Idempotency-Key" in demanded) == (method == "post"), path
            assert bool(operation["security"]) == (operation["operationId"] != "open_session")


def test_every_problem_of_an_operation_is_in_the_table() -> None:
    for operation in OPERATIONS:
        assert set(problems_of(operation)) <= STATUS.keys()
