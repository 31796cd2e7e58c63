"""Schemathesis against a running service: whatever fits the document or doesn't, the answer is one of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import positive_data_acceptance

from handlers.http.api.openapi import FILE
from tests.handlers.http.api.front import BASE, DECLARATION, new_key
from tests.service import DATA_KEYS, INDEX_KEYS

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = schemathesis.openapi.from_path(str(FILE))
PAGED = {"list_history", "list_notices"}
RULED = {"open_session", "declare", "punch_in", "set_quiet_hours", "subscribe", *PAGED}
"""What fits the document may still break a rule of these: another day, an unknown division, a made-up cursor."""
ENDING = {"answer_consent", "close_session"}
"""After these the session may do nothing more, so that each of their calls gets one of its own."""
_START_SECONDS = 50


@dataclass
class Running:
    """A service in a process of its own."""

    address: str

    def token(self, user: str) -> str:
        """A session of somebody who has agreed and declared."""
        body = {"platform": "simulator", "code": user}
        token: str = self._post("/sessions", body, "")["token"]
        self._post("/consent", {"agree": True}, token)
        self._post("/declarations", DECLARATION, token)
        return token

    def _post(self, path: str, body: Any, token: str) -> dict[str, str]:
        headers = {"Idempotency-Key": new_key(), **({"Authorization": f"Bearer {token}"} if token else {})}
        response = requests.post(f"{self.address}{BASE}{path}", json=body, headers=headers, timeout=30)
        assert response.ok, response.text
        answer: dict[str, str] = response.json()
        return answer


@pytest.fixture(scope="module")
def running_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A development service with a database of its own, and calls without a limit."""
    folder = tmp_path_factory.mktemp("schemathesis")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "YIMA_ENV": "development",
        "YIMA_SEED": "none",
        "YIMA_PORT": str(port),
        "YIMA_DATABASE_URL": f"sqlite://{folder / 'yima.db'}",
        "YIMA_DATA_KEYS": DATA_KEYS,
        "YIMA_INDEX_KEYS": INDEX_KEYS,
        "YIMA_API_CALLS_PER_MINUTE": "100000",
        "YIMA_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "bot", "serve"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}", process)
        yield Running(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(f"{address}/readyz", timeout=2).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")


@pytest.fixture(scope="module")
def session(running_service: Running) -> str:
    return running_service.token("whoever tests")


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
    case: schemathesis.Case[Any], running_service: Running, session: str
) -> None:
    operation = case.operation.definition.raw["operationId"]
    token = running_service.token(new_key()) if operation in ENDING else session
    excluded: list[CheckFunction] = [positive_data_acceptance] if operation in RULED else []
    case.call_and_validate(
        base_url=running_service.address,
        headers={"Authorization": f"Bearer {token}"},
        excluded_checks=excluded,
    )
