"""Notices a second: a full queue, sent over the real client to the fake platform, beside a bare client.

SQLite is sent from by one process, PostgreSQL by two. The fake answers in 20 ms from a process of its own, and says
what arrived twice or in the wrong order. The yardstick posts the same bodies with the same concurrency from as
many processes, right before. Everything is on loopback, with an end to its time and its count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg

from benchmarks.notices_seed import Queue, seed, states
from benchmarks.notices_words import words_of
from benchmarks.population_seed import fresh_postgresql
from benchmarks.rig import ROOT, machine, workspace
from bot.store.database import Database
from bot.store.sealing import KeyRing

SERVER = os.environ.get("YIMA_TEST_DATABASE_URL", "") or "postgresql://postgres@127.0.0.1:5432/test"
LATENCY = 0.02
MEMORY_MB = 200
GROWS_MB = 20
GOALS: Mapping[str, tuple[int, int]] = {"sqlite": (1, 1_500), "postgresql": (2, 2_500)}
"""How many processes send, and how many notices a second they are to reach together."""


class WrongResult(Exception):
    """What arrived isn't what was queued; the message says how."""


class Child:
    """A process of the benchmark: it says one line when it is ready and one of JSON when it is over."""

    def __init__(self, module: str, config: Mapping[str, Any], seconds: float) -> None:
        self._seconds = seconds
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(config)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.first = self._process.stdout.readline()
        if not self.first:
            self._process.wait(10)
            raise WrongResult(f"{module} ended with {self._process.returncode}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdin = None

    def figures(self) -> dict[str, Any]:
        """What it measured, once it is over."""
        said, _ = self._process.communicate(timeout=self._seconds)
        if self._process.returncode:
            raise WrongResult(f"a sender ended with {self._process.returncode}")
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: notices a second, CPU in microseconds a notice, memory of the largest process in MB (10^6)."""

    rate: float
    sender_cpu_us: float
    fake_cpu_us: float
    peak_mb: float
    grown_mb: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent, from how many processes, how many at a time in each, and how long that may take."""

    queue: Queue
    processes: int
    at_once: int
    seconds: float


def send(plan: Plan, common: Mapping[str, Any]) -> Figures:
    """Send everything, and check at the fake that it came once and in order."""
    queue = plan.queue
    words = words_of(KeyRing(KeyRing.generate(), KeyRing.generate()), queue.each)
    fake = {"persons": queue.persons, "words": words, "latency": LATENCY}
    with ExitStack() as stack:
        api = stack.enter_context(Child("benchmarks.notices_fake", fake, plan.seconds))
        base = f"http://127.0.0.1:{json.loads(api.first)['port']}"
        configs = [
            {
                **common, "base": base, "at_once": plan.at_once, "count": queue.count, "persons": queue.persons,
                "place": place, "processes": plan.processes, "seconds": plan.seconds / 2, "words": words,
            }
            for place in range(plan.processes)
        ]  # fmt: skip
        senders = [
            stack.enter_context(Child("benchmarks.notices_sender", config, plan.seconds))
            for config in configs
        ]
        for sender in senders:
            sender.go()
        found = [sender.figures() for sender in senders]
        api.go()
        seen = api.figures()
    _check(seen, queue.count)
    seconds = max(each["ended"] for each in found) - min(each["begun"] for each in found)
    return Figures(
        rate=queue.count / seconds,
        sender_cpu_us=sum(each["cpu_seconds"] for each in found) / queue.count * 1e6,
        fake_cpu_us=seen["cpu_seconds"] / queue.count * 1e6,
        peak_mb=max(each["peak_mb"] for each in found),
        grown_mb=max(each["end_mb"] - each["quarter_mb"] for each in found),
    )


def _check(seen: Mapping[str, Any], count: int) -> None:
    if seen["arrived"] != count or seen["twice"] or seen["inverted"]:
        raise WrongResult(
            f"{seen['arrived']} of {count} arrived, {seen['twice']} twice, {seen['inverted']} out of order"
        )


def measure(url: str, plan: Plan) -> tuple[Figures, Figures]:
    """The bare client and the dispatcher, one right after the other."""
    keys = [KeyRing.generate(), KeyRing.generate()]
    begun = time.perf_counter()
    asyncio.run(seed(url, KeyRing(*keys), plan.queue))
    print(f"  queued in {time.perf_counter() - begun:.0f} s", flush=True)
    bare = send(plan, {"bare": True})
    ours = send(plan, {"bare": False, "url": url, "keys": keys})
    asyncio.run(_check_states(url, plan.queue.count))
    return bare, ours


async def _check_states(url: str, count: int) -> None:
    database = Database(url)
    await database.open()
    try:
        found = await states(database)
    finally:
        await database.close()
    if found != {"sent": count}:
        raise WrongResult(f"the database has {found}")


def run(arguments: argparse.Namespace) -> dict[str, list[tuple[Figures, Figures]]]:
    """All rounds of each database."""
    queue = Queue(arguments.count, min(arguments.persons, arguments.count))
    measured: dict[str, list[tuple[Figures, Figures]]] = {}
    for _ in range(arguments.rounds):
        for name in arguments.databases:
            plan = Plan(queue, GOALS[name][0], arguments.at_once, arguments.seconds)
            print(f"{name}: {queue.count:,} notices for {queue.persons:,} persons", flush=True)
            try:
                measured.setdefault(name, []).append(_on(name, plan))
            except (OSError, TimeoutError, asyncpg.PostgresError) as error:
                print(f"  not measured ({type(error).__name__})")
    return {name: rounds for name, rounds in measured.items() if rounds}


def _on(name: str, plan: Plan) -> tuple[Figures, Figures]:
    if name == "sqlite":
        with workspace() as folder:
            return measure(f"sqlite://{folder}/yima.db", plan)
    return asyncio.run(_on_postgresql(plan))


async def _on_postgresql(plan: Plan) -> tuple[Figures, Figures]:
    async with fresh_postgresql(SERVER) as url:
        return await asyncio.to_thread(measure, url, plan)


def render(measured: Mapping[str, Sequence[tuple[Figures, Figures]]]) -> str:
    """The medians, the ratio to the yardstick, and what must hold."""
    lines = []
    for name, rounds in measured.items():
        processes, goal = GOALS[name]
        rate = statistics.median(ours.rate for _, ours in rounds)
        ratios = sorted(ours.rate / bare.rate for bare, ours in rounds)
        bare, ours = rounds[len(rounds) // 2]
        peak, grown = max(each.peak_mb for _, each in rounds), max(each.grown_mb for _, each in rounds)
        lines += [
            f"{name}, {processes} sending: {rate:,.0f} notices a second, goal {goal:,}: {_kept(rate >= goal)};"
            f" none twice, none out of order",
            f"  bare client {statistics.median(each.rate for each, _ in rounds):,.0f} a second;"
            f" ours/bare {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})",
            f"  CPU a notice: ours {ours.sender_cpu_us:.0f} us (fake {ours.fake_cpu_us:.0f}),"
            f" bare client {bare.sender_cpu_us:.0f} us (fake {bare.fake_cpu_us:.0f})",
            f"  peak memory {peak:.0f} MB, must < {MEMORY_MB}: {_kept(peak < MEMORY_MB)};"
            f" grown by {grown:.0f} MB since the first quarter, must < {GROWS_MB}: {_kept(grown < GROWS_MB)}",
        ]
    return "\n".join(lines)


def _kept(holds: bool) -> str:
    return "kept" if holds else "NOT KEPT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print; 1 where something was lost, doubled or out of order, or nothing was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notices", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="notices in the queue")
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--at-once", type=int, default=128, help="sends under way in each process")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=600, help="the longest that one sending may take")
    parser.add_argument("--databases", default="sqlite,postgresql", help="a selection, separated by commas")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parsed = parser.parse_args(arguments)
    parsed.databases = parsed.databases.split(",")
    if unknown := set(parsed.databases) - GOALS.keys():
        parser.error(f"unknown databases: {', '.join(sorted(unknown))}")
    if min(parsed.count, parsed.persons, parsed.at_once, parsed.rounds) <= 0:
        parser.error("count, persons, at-once and rounds must be more than nothing")
    try:
        measured = run(parsed)
    except (WrongResult, subprocess.TimeoutExpired) as error:
        print(f"no result: {error}")
        return 1
    print(render(measured))
    print(machine(os.cpu_count() or 1))
    if parsed.json:
        parsed.json.write_text(json.dumps(_plain(measured), indent=1))
    return int(not measured)


def _plain(measured: Mapping[str, Sequence[tuple[Figures, Figures]]]) -> dict[str, Any]:
    names = Figures.__slots__
    return {
        name: [
            {
                who: {field: getattr(each, field) for field in names}
                for who, each in zip(("bare", "ours"), pair, strict=True)
            }
            for pair in rounds
        ]
        for name, rounds in measured.items()
    }


if __name__ == "__main__":
    sys.exit(main())
