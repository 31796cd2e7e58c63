"""The town of a fresh checkout: people with a fortnight behind them, made once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.app import create_app
from bot.clock import resident_day
from bot.services.certificates import check_certificate
from bot.town import DAYS, certificate, seed_town, townspeople
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


@pytest.mark.parametrize("day", [date(2020, 2, 20), date(2020, 3, 1), date(2024, 2, 29), date(2021, 1, 5)])
def test_townspeople_have_certificates_and_days_that_fit_any_day(day: date) -> None:
    for order, person in enumerate(townspeople(day), start=1):
        number = certificate(person.division, person.born, order)
        assert check_certificate("id_card", number, today=day).birth is not None
    trip = townspeople(day)[1].stays
    assert trip.endswith("在温州")
