"""Schemathesis against a running service: whatever fits the document or doesn't, the answer is one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import positive_data_acceptance

from handlers.http.api.openapi import FILE
from tests.browser.service import Service
from tests.handlers.http.api.front import BASE, DECLARATION, new_key

SCHEMA = schemathesis.openapi.from_path(str(FILE))
PAGED = {"list_history", "list_notices"}
RULED = {"open_session", "declare", "punch_in", "set_quiet_hours", "subscribe", *PAGED}
"""What fits the document may still break a rule of these: another day, an unknown division, a made-up cursor."""
ENDING = {"answer_consent", "close_session"}
"""After these the session may do nothing more, so that each of their calls gets one of its own."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service in a process of its own answers, without a limit on calls."""
    folder = tmp_path_factory.mktemp("schemathesis")
    (folder / ".env").write_text(
        "YIMA_API_CALLS_PER_MINUTE=100000\nYIMA_LOG_LEVEL=WARNING\n", encoding="utf-8"
    )
    service = Service(folder)
    try:
        service.wait_until_ready()
        yield service.address
    finally:
        service.stop()


@pytest.fixture(scope="module")
def log_in(address: str) -> Callable[[str], str]:
    """The session of somebody who has agreed and declared."""

    def post(path: str, body: Any, token: str) -> Any:
        headers = {"Idempotency-Key": new_key(), **({"Authorization": f"Bearer {token}"} if token else {})}
        response = requests.post(f"{address}{BASE}{path}", json=body, headers=headers, timeout=30)
        assert response.ok, response.text
        return response.json()

    def enter(user: str) -> str:
        token: str = post("/sessions", {"platform": "simulator", "code": user}, "")["token"]
        post("/consent", {"agree": True}, token)
        post("/declarations", DECLARATION, token)
        return token

    return enter


@pytest.fixture(scope="module")
def session(log_in: Callable[[str], str]) -> str:
    return log_in("whoever tests")


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_document_says(
    case: schemathesis.Case[Any], address: str, log_in: Callable[[str], str], session: str
) -> None:
    operation = case.operation.definition.raw["operationId"]
    token = log_in(new_key()) if operation in ENDING else session
    excluded: list[CheckFunction] = [positive_data_acceptance] if operation in RULED else []
    case.call_and_validate(
        base_url=address,
        headers={"Authorization": f"Bearer {token}"},
        excluded_checks=excluded,
    )
