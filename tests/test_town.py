"""The town of a fresh checkout: people with a fortnight behind them, made once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.app import create_app
from bot.clock import resident_day
from bot.services.certificates import check_certificate
from bot.town import DAYS, certificate, seed_town, townspeople
from handlers.http.keys import DISPATCHER
from tests.fakes.clock import FakeClock
from tests.service import Service, make_settings


@asynccontextmanager
async def town(database_url: str, clock: FakeClock) -> AsyncIterator[Service]:
    app = create_app(make_settings(database_url), clock=clock)
    app.cleanup_ctx.append(seed_town)
    async with TestClient(TestServer(app)) as client:
        yield Service(client, clock)


async def test_town_has_people_of_several_colours_and_thirteen_days_and_is_made_once(
    database_url: str,
) -> None:
    clock = FakeClock()
    today = resident_day(clock.now())
    people = townspeople(today)
    reports = sum(person.report(days_ago) is not None for person in people for days_ago in range(1, DAYS + 1))
    async with town(database_url, clock) as service:
        first = await service.stored()
    assert len(first["residents"]) == len(first["accounts"]) == len(people)
    assert {row["identity"] for row in first["residents"]} == {"verified"}
    assert {"green", "red"} <= {row["colour"] for row in first["health_codes"]}
    assert [row["scheme"] for row in first["health_codes"] if row["state"] == "pending"] == ["hangzhou"]
    assert len(first["punch_ins"]) == reports == DAYS * len(people) - 4
    assert len({row["day"] for row in first["punch_ins"]}) == DAYS
    assert today not in {row["day"] for row in first["punch_ins"]}
    async with town(database_url, clock) as service:
        again = await service.stored()
    assert {table: len(rows) for table, rows in again.items()} == {
        table: len(rows) for table, rows in first.items()
    }


async def test_townspeople_are_met_where_they_stopped_and_can_report_today(database_url: str) -> None:
    async with town(database_url, FakeClock()) as service:
        phone = {"user": "李小梅", "text": "36.5"}
        answered = await service.client.post("/simulator/messages", json=phone)
        (first, *_) = (await answered.json())["replies"]
        assert "打卡已保存" in first["text"]
        assert first["text"].count("🟢") == 6


async def test_newcomer_sees_a_pending_code_its_question_and_what_an_answer_does(database_url: str) -> None:
    async with town(database_url, FakeClock()) as service:
        await service.app[DISPATCHER].drain()
        unasked = await service.client.get("/simulator/messages", params={"user": "周敏"})
        notices = [
            each["text"] for each in (await unasked.json())["messages"] if each["notice"] == "asked_first"
        ]
        assert len(notices) == 1
        assert "杭州健康码先变为 🟡 黄码（待确认）" in notices[0]

        async def say(text: str) -> list[dict[str, Any]]:
            phone = {"user": "周敏", "text": text}
            answered = await service.client.post("/simulator/messages", json=phone)
            replies: list[dict[str, Any]] = (await answered.json())["replies"]
            return replies

        card, question, *_ = await say("为什么")
        assert "🟡 黄码（待确认）" in card["text"]
        assert "去过湖北省黄冈市黄梅县吗？" in question["text"]
        choices = {each["label"]: each["value"] for each in question["choices"]}
        assert list(choices) == ["去过", "没去过", "记不清了"]
        (noted,) = await say(choices["没去过"])
        assert "先保持 🟡 黄码（待确认）" in noted["text"]
        (confirmed,) = await say("去过")
        assert "🟡 黄码（待确认） → 🔴 红码" in confirmed["text"]


@pytest.mark.parametrize("day", [date(2020, 2, 20), date(2020, 3, 1), date(2024, 2, 29), date(2021, 1, 5)])
def test_townspeople_have_certificates_and_days_that_fit_any_day(day: date) -> None:
    for order, person in enumerate(townspeople(day), start=1):
        number = certificate(person.division, person.born, order)
        assert check_certificate("id_card", number, today=day).birth is not None
    trip = townspeople(day)[1].stays
    assert trip.endswith("在温州")
