"""The population benchmark measures what it says, on a population of a few hundred."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks import population
from benchmarks.population import Measured, render
from benchmarks.population_seed import fill
from bot.store.database import Database
from bot.store.migrate import migrate

GOOD = Measured(
    residents=1_000_000, whole=50.0, reading=20.0, scoring=5.0, comparing=1.0, writing=20.0, written=10_000,
    peak_mb=900.0, scoring_beside=5.0, yardstick_a=1.5, yardstick_b=90.0,
)  # fmt: skip


async def test_seed_is_read_scored_and_written_once(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/yima.db"
    await migrate(url)
    fill(url, 400, population.history_of(population.make_world()))
    measured = await population.measure(url)
    assert (measured.residents, measured.disagreements, measured.again_written) == (400, 0, 0)
    assert 0 < measured.written <= measured.looked_at < 200
    assert min(measured.reading, measured.scoring, measured.yardstick_a, measured.yardstick_b) > 0
    database = Database(url)
    await database.open()
    try:
        counts = [
            (await database.fetch(f"SELECT COUNT(*) FROM {table}"))[0][0]
            for table in ("residents", "health_codes", "facts", "punch_ins")
        ]
    finally:
        await database.close()
    assert counts == [400, 400, 2_000, 5_600]


def test_table_says_that_the_promises_are_kept() -> None:
    said = render({"sqlite": GOOD})
    assert "1,000,000 residents in 50.0 s (20,000/s)" in said
    assert "NOT KEPT" not in said
    assert said.count("kept") == 3


@pytest.mark.parametrize(
    ("name", "value"), [("yardstick_a", 1.0), ("yardstick_b", 40.0), ("peak_mb", 2_100.0)]
)
def test_table_says_which_promise_is_not_kept(name: str, value: float) -> None:
    worse = dataclasses.replace(GOOD)
    setattr(worse, name, value)
    said = render({"sqlite": worse})
    assert said.count("NOT KEPT") == 1
