"""The mini-program's front end, as far as the API sees it: logs in, agrees, declares, with a new key for each call."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from tests.service import Service

BASE = "/api/v1"
TODAY = "2020-02-20"
DECLARATION: dict[str, Any] = {
    "name": "李小梅",
    "certificate": {"kind": "id_card", "number": "420106199003074527"},
    "phone": "13900000001",
    "division": "420106",
    "address": "和平路1号3栋2单元501",
    "stays": [],
    "journeys": [],
    "case_contact": "no",
    "risk_contact": "no",
    "symptoms": [],
    "diseases": [],
    "schemes": ["hubei", "wuhan"],
}
"""A whole declaration of somebody made up, at home all the time."""

_keys = itertools.count(1)


def new_key() -> str:
    """An Idempotency-Key that no call had before."""
    return f"key-{next(_keys):08}"


@dataclass
class Answer:
    """Status, body (None: no content) and headers."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        """The kind of problem."""
        return str(self.body["type"]).removeprefix("urn:yima:problem:")

    @property
    def wrong(self) -> dict[str, str]:
        """Reason by field."""
        return {each["field"]: each["reason"] for each in self.body["errors"]}


class Front:
    """One person with the front end open."""

    def __init__(self, service: Service, user: str = "li", *, token: str = "") -> None:
        self.service = service
        self.user = user
        self.token = token

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """One call; a POST gets a new key unless one is given (empty: none at all)."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if method == "POST" and key != "":
            sent["Idempotency-Key"] = key or new_key()
        content: dict[str, Any] = {} if body is None else {"json": body}
        response = await self.service.client.request(method, f"{BASE}{path}", headers=sent, **content)
        text = await response.text()
        shown = await response.json(content_type=None) if text else None
        return Answer(response.status, shown, dict(response.headers))

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Any, *, key: str | None = None, **headers: str) -> Answer:
        return await self.call("POST", path, body, key=key, **headers)

    async def log_in(self) -> Front:
        """Log in as the user of a simulated phone."""
        answer = await self.post("/sessions", {"platform": "simulator", "code": self.user})
        assert answer.status == 201, answer.body
        self.token = answer.body["token"]
        return self

    async def agreed(self) -> Front:
        """Logged in and agreed."""
        await self.log_in()
        answer = await self.post("/consent", {"agree": True})
        assert answer.status == 200, answer.body
        return self

    async def declared(self, **changes: Any) -> Front:
        """Logged in, agreed and declared; `changes` replace parts of the declaration."""
        await self.agreed()
        answer = await self.post("/declarations", {**DECLARATION, **changes})
        assert answer.status == 201, answer.body
        return self
