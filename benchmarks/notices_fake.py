"""The fake platform in a process of its own, which counts what each person got, how often, and in which order.

`python -m benchmarks.notices_fake CONFIG`: writes its port as a line of JSON, then its report when standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.notices_seed import openid
from benchmarks.notices_words import TEMPLATE
from tests.fakes.wechat_api import App, FakeWeChatApi

APP_ID, SECRET = "wx0fedcba987654321", "bench-secret"


class Turns:
    """Which of a person's notices a message is, by its words."""

    def __init__(self, words: Sequence[Mapping[str, str]]) -> None:
        self._turns = {tuple(sorted(fields.items())): turn for turn, fields in enumerate(words)}

    def __call__(self, body: Mapping[str, Any]) -> Hashable:
        return self._turns[tuple(sorted((name, field["value"]) for name, field in body["data"].items()))]


def make_app(persons: int, words: Sequence[Mapping[str, str]]) -> App:
    """A mini-program with so many people who agreed to so many messages."""
    app = App(APP_ID, SECRET, "mini")
    app.add_template(TEMPLATE, *words[0])
    for number in range(1, persons + 1):
        app.accept(openid(number), TEMPLATE, len(words))
    return app


def report(api: FakeWeChatApi) -> dict[str, Any]:
    """What arrived: how much, twice, and after a later one of the same person."""
    got: dict[str, list[int]] = defaultdict(list)
    for person, number in api.digests:
        got[person].append(int(str(number)))
    twice = sum(len(numbers) - len(set(numbers)) for numbers in got.values())
    inverted = sum(earlier > later for numbers in got.values() for earlier, later in pairwise(numbers))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "arrived": len(api.digests),
        "twice": twice,
        "inverted": inverted,
        "calls": api.calls.total(),
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }


async def serve(config: Mapping[str, Any]) -> None:
    """Answer until standard input ends."""
    app = make_app(config["persons"], config["words"])
    async with FakeWeChatApi(
        app, latency=config["latency"], record=False, digest=Turns(config["words"])
    ) as api:
        print(json.dumps({"port": api.port}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        print(json.dumps(report(api)), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
