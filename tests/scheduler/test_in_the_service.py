"""The scheduler inside the whole service: what operators see, and a clock moved at its door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from bot.app import SCHEDULER, create_app
from handlers.http.keys import CLOCK, DATABASE
from scheduler.job import Job
from scheduler.table import JOBS
from tests.fakes.clock import MORNING, FakeClock
from tests.scheduler.desk import QUARTER, Diary, job
from tests.service import Service, make_settings, running


@asynccontextmanager
async def served(database_url: str, jobs: Sequence[Job]) -> AsyncIterator[Service]:
    clock = FakeClock()
    app = create_app(make_settings(database_url), clock=clock, jobs=jobs)
    async with TestClient(TestServer(app)) as client:
        yield Service(client, clock)


async def test_readiness_shows_every_job_of_the_table(database_url: str) -> None:
    async with running(database_url) as service:
        ready = await service.client.get("/readyz")
        jobs = (await ready.json())["jobs"]
    assert ready.status == 200
    assert list(jobs) == [each.id for each in JOBS]
    assert all(
        set(each) == {"slot", "state", "next", "failed", "lag_seconds"} and each["failed"] == 0
        for each in jobs.values()
    )


async def test_failing_job_keeps_nobody_out(database_url: str) -> None:
    bad, good = Diary(fails=10_000), Diary()
    async with served(database_url, [job(bad.write, "bad"), job(good.write, "good")]) as service:
        moved = await service.client.post("/simulator/clock", json={"forward": {"minutes": 35}})
        assert moved.status == 200
        ready = await service.client.get("/readyz")
        jobs = (await ready.json())["jobs"]
        assert (ready.status, jobs["bad"]["state"], jobs["bad"]["failed"]) == (200, "failed", 2)
        assert (jobs["good"]["state"], jobs["good"]["failed"]) == ("done", 0)
        assert await service.metric('yima_job_runs_total{job="bad",outcome="failed"}') == 2
        assert await service.metric('yima_job_runs_total{job="good",outcome="done"}') == 2
    assert good.slots == [MORNING + QUARTER, MORNING + 2 * QUARTER]


async def test_production_has_no_door_that_moves_the_clock(database_url: str) -> None:
    async with running(database_url) as service:
        assert (await service.client.post("/simulator/clock", json={"forward": {"days": 1}})).status == 200
    changes: dict[str, Any] = {
        "env": "production",
        "pass_keys": "k1:" + "A" * 43 + "=",
        "public_url": "https://yima.example",
    }
    async with running(database_url, **changes) as service:
        refused = await service.client.post("/simulator/clock", json={"forward": {"days": 1}})
        assert (refused.status, service.app[CLOCK].offset) == (404, timedelta(0))


async def test_process_without_doors_runs_the_jobs(database_url: str) -> None:
    diary, clock = Diary(), FakeClock()
    app = create_app(make_settings(database_url), clock=clock, doors=False, jobs=[job(diary.write)])
    async with TestClient(TestServer(app)) as client:
        clock.advance(QUARTER)
        await app[SCHEDULER].catch_up()
        assert (await client.get("/readyz")).status == 404
        rows = await app[DATABASE].fetch("SELECT state FROM job_runs ORDER BY slot DESC LIMIT 1")
    assert [row[0] for row in rows] == ["done"]
    assert diary.slots == [MORNING + QUARTER]
