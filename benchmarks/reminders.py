"""Reminders of a whole city at one minute: chosen and written by the job in its parts, on SQLite and PostgreSQL.

The yardstick is one INSERT ... SELECT of the same rows into a table of the same shape with the same indexes, right
after. Each database is measured in a process of its own. The run is then repeated by a process that is killed on the
way and another that goes on. Punch-ins are answered by the real engine in the process of the job, alone and beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog
from pydantic import SecretStr

from benchmarks import seed as people
from benchmarks.population_seed import fresh_postgresql
from benchmarks.reminders_seed import due_of, fill
from benchmarks.rig import ROOT, account_name, machine
from bot.app import create_app, make_keys, make_world
from bot.clock import Clock
from bot.message import Incoming, Kind
from bot.services.rescore_keeper import fingerprints
from bot.services.stamps import set_stamps
from bot.store.database import Database, Session
from bot.store.migrate import migrate
from bot.store.sealing import KeyRing
from bot.store.work import Work
from bot.store.writer import grouped
from config.settings import Settings
from handlers.http.keys import DATABASE, ENGINE, TOOLS
from scheduler.job import JobTools
from scheduler.parts import cut
from scheduler.reminders import JOB
from scheduler.runs import Runs

SERVER = os.environ.get("YIMA_TEST_DATABASE_URL", "") or "postgresql://postgres@127.0.0.1:5432/test"
TIMES = 6.0
MEMORY_MB = 300
SLOT = datetime(2030, 3, 20, 0, tzinfo=UTC)  # 08:00 in Shanghai
_PROBES = 400  # residents who punch in through the engine, alone, and as many beside the job
_EVERY = 0.02  # seconds between two of their messages
_KILL = -9
# with a condition: SQLite would copy an equal table index by index, without inserting a row
_YARDSTICK = "INSERT INTO yardstick SELECT * FROM notices WHERE id > 0"


class WrongResult(Exception):
    """What was written isn't what had to be; the message says how."""


@dataclass(slots=True)
class Measured:
    """Seconds of each round, and what else is to hold. Memory in MB (2^20), latencies in milliseconds."""

    written: int = 0
    ours: list[float] = field(default_factory=list)
    yardstick: list[float] = field(default_factory=list)
    quarter_mb: float = 0.0
    peak_mb: float = 0.0
    alone_p50: float = 0.0
    alone_p99: float = 0.0
    beside_p50: float = 0.0
    beside_p99: float = 0.0
    beside: int = 0
    killed_at: int = 0


class JumpedClock(Clock):
    """Business time goes on from the slot of the benchmark; real time, by which leases end, may jump as well."""

    def __init__(self, jump: timedelta = timedelta(0)) -> None:
        super().__init__(SLOT - super().wire())
        self._jump = jump

    def wire(self) -> datetime:
        """Real time, moved by the jump."""
        return super().wire() + self._jump


class Stage:
    """The service in this process as far as punch-ins and the job need it, without a dispatcher: what becomes of
    the reminders is measured elsewhere."""

    def __init__(self, url: str, keys: Sequence[str], jump: timedelta = timedelta(0)) -> None:
        data, index = keys
        settings = Settings(
            _env_file=None, database_url=url, seed="none", data_keys=SecretStr(data), index_keys=SecretStr(index)
        )  # fmt: skip
        self.clock = JumpedClock(jump)
        self.app = create_app(settings, clock=self.clock, doors=False, jobs=())
        self.database = self.app[DATABASE]
        self.tools = JobTools(
            database=self.database, clock=self.clock, world=self.app[TOOLS].world, rescorer=None,  # type: ignore[arg-type]  # the job needs none
            reachability=self.app[TOOLS].reachability, metrics=None, wake=lambda: None, home=ROOT,  # type: ignore[arg-type]  # nor these
        )  # fmt: skip
        self.runs = Runs(self.database, self.clock, owner=f"bench-{os.getpid()}", ends=lambda: False)

    async def __aenter__(self) -> Stage:
        self._stack = AsyncExitStack()
        await self.database.open()
        self._stack.push_async_callback(self.database.close)
        await self.app[ENGINE].open()
        self._stack.push_async_callback(self.app[ENGINE].close)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def begin(self) -> None:
        """Claim the slot and cut it, as the scheduler does."""
        parts = await cut(self.database, JOB.shard)
        claim = await self.runs.claim(JOB.id, SLOT, SLOT - timedelta(minutes=15), parts)
        if claim is None:
            raise WrongResult("the slot could not be claimed")
        if claim.run is not None:
            await self.runs.release(claim.run)

    async def work(self, measured: Measured | None = None) -> None:
        """Take part after part until none is left."""
        taken = 0
        while (run := await self.runs.take([JOB.id])) is not None:
            await JOB.run(self.tools, run)
            await self.runs.finish(run, "done")
            taken += 1
            if measured is not None and taken <= 5:
                measured.quarter_mb = _peak_mb()

    async def punch_in(self, number: int) -> float:
        """One resident reports; the milliseconds until the answer."""
        message = Incoming(
            people.CHANNEL, account_name(number), f"bench-{number}", Kind.TEXT, self.clock.now(),
            text="体温36度5 没有症状",
        )  # fmt: skip
        begun = time.perf_counter()
        reply = await self.app[ENGINE].receive(message)
        taken = (time.perf_counter() - begun) * 1000
        if reply is None or "回执" not in str(reply):
            raise WrongResult("a punch-in had no receipt")
        return taken

    async def punch_ins(self, first: int, count: int, until: asyncio.Event | None = None) -> list[float]:
        """One after the other at an even pace, whether or not the one before is answered."""
        loop, sent = asyncio.get_running_loop(), []
        begun = loop.time()
        for place in range(count):
            if until is not None and until.is_set():
                break
            late = begun + place * _EVERY - loop.time()
            await asyncio.sleep(max(0.0, late))
            sent.append(asyncio.create_task(self.punch_in(first + place), name="punch-in"))
        return list(await asyncio.gather(*sent))


async def measure(url: str, keys: Sequence[str], rounds: int) -> Measured:
    """All rounds of ours and the yardstick, then once more beside punch-ins."""
    measured = Measured()
    async with Stage(url, keys) as stage:
        for _ in range(rounds):
            await _clear(stage.database)
            await stage.begin()
            begun = time.perf_counter()
            await stage.work(measured)
            measured.ours.append(time.perf_counter() - begun)
            measured.peak_mb = _peak_mb()
            measured.written = await _count(stage.database)
            measured.yardstick.append(await _yardstick(url))
        await _clear(stage.database)
        alone = await stage.punch_ins(1, _PROBES)
        await stage.begin()
        over = asyncio.Event()
        beside = asyncio.create_task(stage.punch_ins(_PROBES + 1, _PROBES, over), name="punch-ins")
        await stage.work()
        over.set()
        latencies = await beside
    measured.alone_p50, measured.alone_p99 = _percentiles(alone)
    measured.beside_p50, measured.beside_p99 = _percentiles(latencies)
    measured.beside = len(latencies)
    return measured


async def _resumed(url: str, keys: Sequence[str], expected: int) -> int:
    """A process is killed on the way and another goes on; how many reminders there were at the kill."""
    database = Database(url)
    await database.open()
    try:
        await _clear(database)
        command = _command("--killed", url, keys)
        with subprocess.Popen(command, cwd=ROOT) as process:  # noqa: ASYNC220 - nothing else runs here
            while await _count(database) < expected // 3 and process.poll() is None:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
            process.kill()
            if process.wait() != _KILL:
                raise WrongResult("the run was over before it could be killed")
        at_kill = await _count(database)
    finally:
        await database.close()
    async with Stage(url, keys, jump=timedelta(minutes=2)) as stage:
        await stage.work()
        after = await _count(stage.database)
        rows = await stage.database.fetch("SELECT COUNT(DISTINCT person_id) FROM notices")
        if after != rows[0][0]:
            raise WrongResult("somebody was reminded twice")
    if not 0 < at_kill < after:
        raise WrongResult(f"{at_kill} of {after} were written at the kill")
    return at_kill


async def _yardstick(url: str) -> float:
    """Seconds for one statement with the same rows, in a table like ours."""
    if url.startswith("sqlite"):
        database = Database(url)
        await database.open()
        try:
            rows = await database.fetch(
                "SELECT sql FROM sqlite_master WHERE tbl_name = 'notices' AND sql IS NOT NULL"
            )
            for row in rows:
                await database.execute(row[0].replace('"notices"', '"yardstick"').replace('"idx_', '"yard_'))
            begun = time.perf_counter()
            await database.execute(_YARDSTICK)
            taken = time.perf_counter() - begun
            await database.execute("DROP TABLE yardstick")
        finally:
            await database.close()
        return taken
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE yardstick (LIKE notices INCLUDING ALL)")
        begun = time.perf_counter()
        await connection.execute(_YARDSTICK)
        taken = time.perf_counter() - begun
        await connection.execute("DROP TABLE yardstick")
    finally:
        await connection.close()
    return taken


async def _clear(database: Database) -> None:
    """As before the run."""
    if database.dialect == "sqlite":
        for table in ("notices", "job_runs", "job_shards"):
            await database.execute(f"DELETE FROM {table}")
    else:
        await database.execute("TRUNCATE notices, job_runs, job_shards")


async def _count(database: Database) -> int:
    found: int = (await database.fetch("SELECT COUNT(*) FROM notices"))[0][0]
    return found


def _percentiles(latencies: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(latencies)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def seed(url: str, keys: Sequence[str], residents: int) -> None:
    """The city, and those who punch in, who are real to the last column."""
    await migrate(url)
    settings = Settings(
        _env_file=None, database_url=url, data_keys=SecretStr(keys[0]), index_keys=SecretStr(keys[1])
    )
    world = make_world(settings, make_keys(settings))
    await fill(url, residents, SLOT)
    database = Database(url)
    await database.open()
    try:
        levels, work = Work(now=SLOT), Work(now=SLOT - timedelta(days=1))
        people._risk_levels(levels, world, SLOT)
        for number in range(1, 2 * _PROBES + 1):
            people.resident(world, work, number, SLOT)

        async def write(session: Session) -> None:
            await session.execute_many(grouped(levels.writes))
            await session.execute_many(grouped(work.writes))
            await set_stamps(session, fingerprints(world))

        await database.transaction(write)
    finally:
        await database.close()


def _command(what: str, url: str, keys: Sequence[str], *more: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.reminders", what, json.dumps([url, *keys]), *more]


async def _one(url: str, residents: int, rounds: int) -> Measured:
    keys = (KeyRing.generate(), KeyRing.generate())
    begun = time.perf_counter()
    await seed(url, keys, residents)
    print(f"{url.split(':')[0]}: seeded in {time.perf_counter() - begun:.0f} s", flush=True)
    done = await asyncio.to_thread(
        subprocess.run, _command("--measure", url, keys, "--rounds", str(rounds)),
        check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    measured = Measured(**json.loads(done.stdout.splitlines()[-1]))
    expected = due_of(residents) + 2 * _PROBES
    if measured.written != expected:
        raise WrongResult(f"{measured.written} reminders instead of {expected}")
    measured.killed_at = await _resumed(url, keys, due_of(residents))
    return measured


async def _all(residents: int, databases: Sequence[str], rounds: int) -> dict[str, Measured]:
    measured = {}
    if "sqlite" in databases:
        with tempfile.TemporaryDirectory() as folder:
            measured["sqlite"] = await _one(f"sqlite://{folder}/yima.db", residents, rounds)
    if "postgresql" in databases:
        try:
            async with fresh_postgresql(SERVER) as url:
                measured["postgresql"] = await _one(url, residents, rounds)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            print(f"postgresql: not measured ({type(error).__name__})")
    return measured


def render(measured: dict[str, Measured]) -> str:
    """The table, with what must hold."""
    lines = []
    for name, one in measured.items():
        ratios = sorted(ours / yard for ours, yard in zip(one.ours, one.yardstick, strict=True))
        middle = statistics.median(ratios)
        ours, yard = statistics.median(one.ours), statistics.median(one.yardstick)
        lines += [
            f"{name}: {one.written:,} reminders in {ours:.1f} s ({one.written / ours:,.0f}/s), none twice;"
            f" killed at {one.killed_at:,} and finished by another process",
            f"  one INSERT ... SELECT {yard:.1f} s; ours/yardstick {middle:.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}),"
            f" must <= {TIMES:.0f}: {_kept(middle <= TIMES)}",
            f"  peak memory {one.peak_mb:.0f} MB ({one.quarter_mb:.0f} after the first parts),"
            f" must < {MEMORY_MB}: {_kept(one.peak_mb < MEMORY_MB)}",
            f"  punch-ins alone p50 {one.alone_p50:.1f} ms, p99 {one.alone_p99:.1f} ms; beside the job"
            f" p50 {one.beside_p50:.1f} ms, p99 {one.beside_p99:.1f} ms ({one.beside} of them)",
        ]
    return "\n".join(lines)


def _kept(holds: bool) -> str:
    return "kept" if holds else "NOT KEPT"


async def _killed(url: str, keys: Sequence[str]) -> None:
    async with Stage(url, keys) as stage:
        await stage.begin()
        await stage.work()


def main(arguments: Sequence[str] | None = None) -> int:
    """Seed and measure both databases; 1 where one had no result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reminders", description=__doc__)
    parser.add_argument("--residents", type=int, default=200_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--measure", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--killed", type=json.loads, help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if parsed.killed:
        asyncio.run(_killed(parsed.killed[0], parsed.killed[1:]))
        return 0
    if parsed.measure:
        found: Any = asyncio.run(measure(parsed.measure[0], parsed.measure[1:], parsed.rounds))
        print(json.dumps(asdict(found)))
        return 0
    if min(parsed.residents, parsed.rounds) <= 0:
        parser.error("residents and rounds must be more than nothing")
    try:
        measured = asyncio.run(_all(parsed.residents, parsed.databases.split(","), parsed.rounds))
    except (WrongResult, subprocess.CalledProcessError) as error:
        print(f"no result: {error}")
        return 1
    print(render(measured))
    print(machine(os.cpu_count() or 1))
    return int(not measured)


if __name__ == "__main__":
    sys.exit(main())
