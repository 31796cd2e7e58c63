"""The whole population: from stored rows to written changes, on SQLite and on PostgreSQL, beside two yardsticks.

(a) is one polars filter for each rule and one group-by on the same columns, decoded before; (b) is the one-by-one
engine in pure Python on a sample, extrapolated. (a) is taken in turns with the scoring, chunk by chunk,
so that a busy machine hits both alike. Each database is measured in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg
import structlog

from benchmarks.columns_seed import AT, decoded, risk_map, yardstick
from benchmarks.columns_seed import measure as measure_in_turns
from benchmarks.population_seed import SCHEME, fill, fresh_postgresql
from bot.clock import Clock
from bot.core.assess import assess
from bot.core.columnar.columns import Columns
from bot.core.columnar.plan import Judged
from bot.core.rules import BookHistory
from bot.services.borders import load_borders
from bot.services.columnar_rescore import ColumnarJudge
from bot.services.population import Population, Scope, Verdict
from bot.services.real_name import NoRealNameService
from bot.services.rescore import stored_form
from bot.services.rescorer import RescoreCounts, Rescorer
from bot.services.risk_watch import RiskWatch
from bot.services.rulebooks import load_rulebooks
from bot.services.schemes import load_schemes
from bot.services.world import World
from bot.store.database import Database
from bot.store.frames import Frames, Range
from bot.store.loader import Loader
from bot.store.migrate import migrate
from bot.store.sealing import KeyRing
from bot.store.writer import Writer

CONFIG = Path(__file__).resolve().parent.parent / "config"
SERVER = os.environ.get("YIMA_TEST_DATABASE_URL", "") or "postgresql://postgres@127.0.0.1:5432/test"
SAMPLE = 4_000
MEMORY_MB = 2_048
TIMES_A, TIMES_B = 4.0, 10.0


@dataclass(slots=True)
class Measured:
    """Seconds of each part of a run, and what it came to."""

    residents: int = 0
    whole: float = 0.0
    reading: float = 0.0
    scoring: float = 0.0
    comparing: float = 0.0
    writing: float = 0.0
    written: int = 0
    changes: int = 0
    disagreements: int = 0
    looked_at: int = 0
    peak_mb: float = 0.0
    again_whole: float = 0.0
    again_written: int = 0
    scoring_beside: float = 0.0
    yardstick_a: float = 0.0
    yardstick_b: float = 0.0


class FixedClock(Clock):
    """The instant that the population is made for."""

    def wire(self) -> datetime:
        """That instant."""
        return AT


class Seeded(RiskWatch):
    """The levels are those of the seed, whatever the database has."""

    async def look(self) -> None:
        """Nothing to look for."""


@dataclass
class TimedJudge(ColumnarJudge):
    """The judge with a stop-watch in it."""

    world: World
    url: str
    beside: bool = False
    taken: Measured = field(default_factory=Measured)

    def __post_init__(self) -> None:
        super().__init__(self.world, self.url)

    async def differing(self, scope: Scope, after: int, up_to: int, now: datetime) -> Verdict:
        begun = time.perf_counter()
        before = self.taken.reading + self.taken.scoring
        verdict = await super().differing(scope, after, up_to, now)
        self.taken.comparing += (
            time.perf_counter() - begun - (self.taken.reading + self.taken.scoring - before)
        )
        self.taken.looked_at += len(verdict.different | verdict.look)
        return verdict

    def read(self, scope: Scope, of: Range, now: datetime) -> Frames:
        begun = time.perf_counter()
        frames = super().read(scope, of, now)
        self.taken.reading += time.perf_counter() - begun
        return frames

    def score(self, columns: Columns, scheme: str, now: datetime) -> Judged:
        begun = time.perf_counter()
        judged = super().score(columns, scheme, now)
        self.taken.scoring += time.perf_counter() - begun
        if self.beside:
            self._measure_beside(columns, scheme, now)
        return judged

    def _measure_beside(self, columns: Columns, scheme: str, now: datetime) -> None:
        """The scoring and yardstick (a) of the same chunk in turns, the best of each."""
        book, ready = history_of(self.world).versions[0], decoded(columns.facts, self.world.risk)
        ours, theirs = measure_in_turns(
            [lambda: ColumnarJudge.score(self, columns, scheme, now), lambda: yardstick(book, ready)], 3
        )
        self.taken.scoring_beside += ours[0]
        self.taken.yardstick_a += theirs[0]


class TimedRescorer(Rescorer):
    """The rescorer with a stop-watch in it."""

    seconds = 0.0

    async def rescore_many(self, *arguments: object, **named: object) -> RescoreCounts:
        begun = time.perf_counter()
        counts = await super().rescore_many(*arguments, **named)  # type: ignore[arg-type]  # handed through
        self.seconds += time.perf_counter() - begun
        return counts


def make_world() -> World:
    """The shipped books and schemes, with the levels of the seed."""
    books = load_rulebooks(CONFIG / "rulebooks", load_borders(CONFIG / "divisions"))
    keys = KeyRing(KeyRing.generate(), KeyRing.generate())
    world = World(keys, load_schemes(CONFIG / "schemes"), books, NoRealNameService())
    world.risk = risk_map()
    return world


def history_of(world: World) -> BookHistory:
    """The versions that judge."""
    history = world.books(SCHEME)
    assert history is not None
    return history


async def measure(url: str) -> Measured:
    """One run from stored rows to written changes, one more, and the yardsticks on the same rows."""
    world, database = make_world(), Database(url)
    await database.open()
    loader, writer = Loader(database), Writer(database, group=128)
    try:
        first = await _run(world, database, TimedRescorer(world, database, loader, writer))
        first.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        second = await _run(world, database, TimedRescorer(world, database, loader, writer))
        first.again_whole, first.again_written = second.whole, second.written
        third = await _run(world, database, TimedRescorer(world, database, loader, writer), beside=True)
        first.scoring_beside, first.yardstick_a = third.scoring_beside, third.yardstick_a
        first.yardstick_b = await _yardstick_b(world, loader, first.residents)
        return first
    finally:
        await writer.close()
        await loader.close()
        await database.close()


async def _run(
    world: World, database: Database, rescorer: TimedRescorer, *, beside: bool = False
) -> Measured:
    judge = TimedJudge(world, database.url, beside)
    runs = Population(world, database, rescorer, FixedClock(), judge=judge)
    runs._levels = Seeded(world, database, FixedClock())
    scope = Scope((SCHEME,), SCHEME)
    begun = time.perf_counter()
    run = await runs.go_on(await runs.begin(scope, fresh=True))
    taken = judge.taken
    taken.whole, taken.writing = time.perf_counter() - begun, rescorer.seconds
    taken.residents, taken.written = run.counts["residents"], run.counts["written"]
    taken.changes, taken.disagreements = run.counts["changes"], run.counts["disagreements"]
    return taken


async def _yardstick_b(world: World, loader: Loader, residents: int) -> float:
    """The one-by-one engine on a sample spread over everybody, as if all were scored so."""
    size = min(SAMPLE, residents)
    ids = range(1, residents + 1, max(residents // size, 1))
    people = [one.person() for one in await loader.residents(list(ids)[:size], AT)]
    history = history_of(world)
    begun = time.perf_counter()
    for person in people:
        stored_form(assess(person, history, world.risk, AT, scheme=SCHEME))
    return (time.perf_counter() - begun) * residents / len(people)


def render(measured: dict[str, Measured]) -> str:
    """The table, with what must hold."""
    lines = []
    for name, one in measured.items():
        rate = one.residents / one.whole
        to_a, to_b = one.scoring_beside / one.yardstick_a, one.yardstick_b / one.scoring_beside
        parts = f"reading {one.reading:.1f}, scoring {one.scoring:.1f}, comparing {one.comparing:.1f}, writing {one.writing:.1f}"
        lines += [
            f"{name}: {one.residents:,} residents in {one.whole:.1f} s ({rate:,.0f}/s): {parts} s",
            f"  {one.looked_at:,} looked at one by one, {one.written:,} written, {one.changes:,} codes changed,"
            f" {one.disagreements:,} disagreements; again: {one.again_whole:.1f} s, {one.again_written:,} written",
            f"  scoring {one.scoring_beside:.2f} s / (a) filters and group-by {one.yardstick_a:.2f} s: {to_a:.2f}, must <= {TIMES_A:.0f}: {_kept(to_a <= TIMES_A)}",
            f"  (b) one by one {one.yardstick_b:.1f} s / scoring: {to_b:.1f}, must >= {TIMES_B:.0f}: {_kept(to_b >= TIMES_B)}",
            f"  peak memory {one.peak_mb:,.0f} MB, must <= {MEMORY_MB:,}: {_kept(one.peak_mb <= MEMORY_MB)}",
        ]
    return "\n".join(lines)


def _kept(holds: bool) -> str:
    return "kept" if holds else "NOT KEPT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Seed and measure both databases; 1 where a run had no result, or a second run wrote something."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.population", description=__doc__)
    parser.add_argument("--residents", type=int, default=300_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.measure:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        print(json.dumps(asdict(asyncio.run(measure(parsed.measure)))))
        return 0
    measured = asyncio.run(_all(parsed.residents, parsed.databases.split(",")))
    print(render(measured))
    wrong = [one for one in measured.values() if one.again_written or one.disagreements]
    return int(bool(wrong) or not measured)


async def _all(residents: int, databases: Sequence[str]) -> dict[str, Measured]:
    measured = {}
    if "sqlite" in databases:
        with tempfile.TemporaryDirectory() as folder:
            measured["sqlite"] = await _one(f"sqlite://{folder}/yima.db", residents)
    if "postgresql" in databases:
        try:
            async with fresh_postgresql(SERVER) as url:
                measured["postgresql"] = await _one(url, residents)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            print(f"postgresql: not measured ({type(error).__name__})")
    return measured


async def _one(url: str, residents: int) -> Measured:
    await migrate(url)
    begun = time.perf_counter()
    await asyncio.to_thread(fill, url, residents, history_of(make_world()))
    print(f"{url.split(':')[0]}: seeded in {time.perf_counter() - begun:.0f} s", flush=True)
    command = [sys.executable, "-m", "benchmarks.population", "--measure", url]
    done = await asyncio.to_thread(
        subprocess.run, command, check=True, stdout=subprocess.PIPE, text=True, cwd=CONFIG.parent
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    sys.exit(main())
