"""Elsewhere two runs of one job that overlapped, or two workers, sent every reminder twice."""

from __future__ import annotations

import asyncio

from tests.crowd import names, standing, three_each
from tests.fakes.clock import FakeClock
from tests.phones import Phones, platform, served

FAST = {"sends_per_second": 10_000}


async def drained_together(*all_of_them: Phones) -> None:
    """What one process holds the other passes over; both are asked again until nothing is left."""
    for _ in range(50):
        await asyncio.gather(*(they.drain() for they in all_of_them))
        if {state for state, _ in await standing(all_of_them[0].service.database)} == {"sent"}:
            return
    raise AssertionError(await standing(all_of_them[0].service.database))


async def test_two_processes_that_send_at_once_reach_everybody_once_and_in_order(
    postgres_database_url: str,
) -> None:
    clock, texts = FakeClock(), three_each(*names(40))
    async with (
        platform(clock, latency=0.005) as api,
        served(postgres_database_url, api, clock, mini=FAST, sends_at_once=16) as one,
        served(postgres_database_url, api, clock, mini=FAST, sends_at_once=16) as other,
    ):
        crowd = one.crowd()
        await crowd.join(*texts)
        await crowd.queue(texts)
        await drained_together(one, other)
        assert {openid: one.texts(openid) for openid in texts} == texts
        assert len(api.sent) == 120
        assert await one.service.rows("SELECT DISTINCT attempts FROM notices") == [(1,)]


async def test_drains_that_overlap_in_one_process_reach_everybody_once(database_url: str) -> None:
    clock, texts = FakeClock(), three_each(*names(20))
    async with platform(clock) as api, served(database_url, api, clock, mini=FAST) as they:
        crowd = they.crowd()
        await crowd.join(*texts)
        await crowd.queue(texts)
        await asyncio.gather(*(they.drain() for _ in range(5)))
        assert {openid: they.texts(openid) for openid in texts} == texts
        assert len(api.sent) == 60
