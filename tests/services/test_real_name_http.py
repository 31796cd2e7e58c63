"""The real-name service over HTTP: what is sent, what is understood, and that an outage is never a verdict."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.services.real_name import Claim, Verdict
from bot.services.real_name_http import HttpRealNameService

CLAIM = Claim("id_card", "420106199003074527", "李小梅", "13900000001")


async def ask(answer: web.Response, seen: list[Any] | None = None) -> Verdict:
    """Verify against a service that gives that answer."""

    async def serve(request: web.Request) -> web.Response:
        if seen is not None:
            seen.append(await request.json())
        return answer

    app = web.Application()
    app.router.add_post("/verify", serve)
    async with TestServer(app) as server:
        return await HttpRealNameService(str(server.make_url("/verify"))).verify(CLAIM)


@pytest.mark.parametrize(("said", "verdict"), [("match", Verdict.MATCH), ("mismatch", Verdict.MISMATCH)])
async def test_two_answers_are_verdicts(said: str, verdict: Verdict) -> None:
    assert await ask(web.json_response({"verdict": said})) == verdict


async def test_claim_is_sent_as_documented() -> None:
    seen: list[Any] = []
    await ask(web.json_response({"verdict": "match"}), seen)
    assert seen == [
        {
            "certificate_kind": "id_card",
            "certificate_number": "420106199003074527",
            "name": "李小梅",
            "phone": "13900000001",
        }
    ]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (500, "{}"),
        (404, "{}"),
        (302, "{}"),
        (200, "not json"),
        (200, "[]"),
        (200, "{}"),
        (200, '{"verdict": "maybe"}'),
    ],
)
async def test_everything_else_is_an_outage(status: int, text: str) -> None:
    headers = {"Location": "/elsewhere"} if status == 302 else {}
    assert await ask(web.Response(status=status, text=text, headers=headers)) == Verdict.UNAVAILABLE


async def test_unreachable_service_is_an_outage() -> None:
    async with TestServer(web.Application()) as server:
        url = str(server.make_url("/verify"))
    assert await HttpRealNameService(url, seconds=2).verify(CLAIM) == Verdict.UNAVAILABLE


async def test_neither_claim_nor_url_is_shown_by_a_repr() -> None:
    assert "李小梅" not in repr(CLAIM)
    assert "4201" not in repr(CLAIM)
