"""Encrypted punch-ins a second: the service between the least program and a peer, on the same machine.

Each message comes from another resident, once a round, so every one is the first punch-in of that
resident's day; every round of the service begins from the same seeded database.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.floor import Floor
from benchmarks.load import LoadError
from benchmarks.peer import Peer
from benchmarks.product import Product
from benchmarks.report import Measured, compare, render
from benchmarks.rig import Load, Target, Unavailable, WrongAnswer, machine, measure, workspace
from benchmarks.server import PROC, ServerError

NAMES = ("floor", "product", "peer")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.punch_in", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="the longest timed part of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--residents", type=int, default=10_000, help="and so messages a round, at most")
    parser.add_argument("--targets", default=",".join(NAMES), help="a selection, separated by commas")
    parser.add_argument("--json", type=Path, help="write all figures into this file")
    parsed = parser.parse_args(arguments)
    parsed.targets = parsed.targets.split(",")
    if unknown := set(parsed.targets) - set(NAMES):
        parser.error(f"unknown targets: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if min(parsed.seconds, parsed.rounds, parsed.connections, parsed.residents) <= 0:
        parser.error("seconds, rounds, connections and residents must be more than nothing")
    return parsed


def _targets(names: Sequence[str], residents: int, folder: Path) -> list[Target]:
    """Those that can take part, prepared; the service must, a peer need not."""
    known: dict[str, Target] = {"floor": Floor(), "product": Product(residents), "peer": Peer()}
    ready = []
    for name in NAMES:
        if name not in names:
            continue
        print(f"preparing {name}", file=sys.stderr, flush=True)
        try:
            known[name].prepare(folder)
        except Unavailable as reason:
            print(f"without {name}: {reason}", flush=True)
        else:
            ready.append(known[name])
    return ready


def run(arguments: argparse.Namespace) -> dict[str, Measured]:
    """All rounds of all targets, taking turns."""
    load = Load(arguments.residents, arguments.seconds, arguments.connections)
    measured: dict[str, Measured] = {}
    with workspace() as folder:
        targets = _targets(arguments.targets, load.messages + load.warm_up, folder)
        for number in range(1, arguments.rounds + 1):
            for target in targets:
                own = folder / f"{target.name}-{number}"
                own.mkdir()
                figures = measure(target, load, own)
                measured.setdefault(target.name, []).append(figures)
                line = f"round {number} {target.name}: {figures.throughput:.0f} a second"
                print(line, file=sys.stderr, flush=True)
    return measured


def _as_json(place: str, arguments: argparse.Namespace, measured: dict[str, Measured]) -> str:
    return json.dumps(
        {
            "benchmark": "punch_in",
            "machine": place,
            "residents": arguments.residents,
            "connections": arguments.connections,
            "seconds": arguments.seconds,
            "rounds": {name: [asdict(figures) for figures in rounds] for name, rounds in measured.items()},
            "ratios": [asdict(line) for line in compare(measured)],
        },
        indent=2,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, and write the figures where asked; 1 when a figure could not be had."""
    options = _parse(arguments)
    if not PROC.is_dir():
        print("CPU and memory are read from /proc, which this system does not have")
        return 1
    # A plain SIGTERM would leave the servers behind; as an exit it passes through every `with`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        measured = run(options)
    except (ServerError, LoadError, WrongAnswer) as error:
        print(f"no result: {error}")
        return 1
    place = machine(len(os.sched_getaffinity(0)))
    print(f"{place}; {options.connections} connections, each message of another resident and its first today")
    print(render(measured))
    if options.json:
        options.json.write_text(_as_json(place, options, measured) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
