"""One sending process of the benchmark: the dispatcher with the real client, or the yardstick, a bare aiohttp client.

`python -m benchmarks.notices_sender CONFIG`: says that it is ready, begins when standard input ends, and writes its
figures as a line of JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvloop

from benchmarks.notices_fake import APP_ID, SECRET
from benchmarks.notices_seed import openid, states
from benchmarks.notices_words import CHANNEL, TEMPLATE, make_composer
from bot.channels.http import HttpCaller
from bot.channels.outbound import Way
from bot.channels.wechat.api import WeChatApi
from bot.channels.wechat.sending import WeChatOutbound
from bot.channels.wechat.tokens import TokenManager
from bot.clock import Clock
from bot.metrics import Metrics
from bot.notices.dispatcher import Dispatcher
from bot.notices.reachability import Offer, Reachability
from bot.services.colour_notices import KIND
from bot.store.database import Database
from bot.store.platform_states import PlatformStates
from bot.store.sealing import KeyRing

SAMPLE_SECONDS = 0.5


class Memory:
    """The resident memory of this process, sampled."""

    def __init__(self) -> None:
        self.samples: list[float] = []

    async def watch(self) -> None:
        while True:
            self.samples.append(_memory_mb("VmRSS"))
            await asyncio.sleep(SAMPLE_SECONDS)


def _memory_mb(what: str) -> float:
    """`VmRSS` now, or `VmHWM` at its peak; what getrusage calls the peak includes that of who started us."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{what}:"))


async def dispatch(config: Mapping[str, Any]) -> None:
    """Send until nothing is queued any more."""
    keys, clock, database = KeyRing(*config["keys"]), Clock(), Database(config["url"])
    owner, base = secrets.token_hex(16), config["base"]
    caller = HttpCaller(connections=config["at_once"])
    shared = PlatformStates(database, keys, clock, owner=owner).of(f"{CHANNEL}:{APP_ID}")
    tokens = TokenManager(caller, shared, base=base, app_id=APP_ID, secret=SECRET)
    api = WeChatApi(caller, tokens, base=base, app_id=APP_ID, secret=SECRET, clock=clock)
    outbound = WeChatOutbound(CHANNEL, api)
    offer = Offer(
        CHANNEL, outbound.app, frozenset({Way.CUSTOMER_SERVICE, Way.SUBSCRIPTION}), frozenset({KIND})
    )
    dispatcher = Dispatcher(
        database, keys, clock,
        reachability=Reachability(database, clock, {CHANNEL: offer}), composer=make_composer(keys),
        outbounds={CHANNEL: outbound}, metrics=Metrics(), owner=owner, at_once=config["at_once"],
        pace={CHANNEL: 100_000.0},
    )  # fmt: skip
    await database.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        stack.push_async_callback(outbound.close)
        await tokens.token()
        await _ready()
        begun, cpu = time.time(), time.process_time()
        await dispatcher.open()
        # one that waits for a person whom another process is sending to comes back for it
        await dispatcher.drain()
        while (left := await states(database)).keys() & {"queued", "sending"}:
            if not left.get("sending") and time.time() > begun + config["seconds"]:
                raise AssertionError(f"nothing goes any more: {left}")
            await asyncio.sleep(0.05)
            await dispatcher.drain()
        await dispatcher.close()
        _say(begun=begun, ended=time.time(), cpu_seconds=time.process_time() - cpu)


async def post_bare(config: Mapping[str, Any]) -> None:
    """The same bodies with the same concurrency and nothing else."""
    persons, processes = config["persons"], config["processes"]
    mine = (place for place in range(config["count"]) if place % persons % processes == config["place"])
    bodies = [_body(place, persons, config["words"]) for place in mine]
    connector = aiohttp.TCPConnector(limit=config["at_once"])
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        asked = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
        async with session.post(f"{config['base']}/cgi-bin/stable_token", json=asked) as response:
            token = (await response.json(content_type=None))["access_token"]
        url = f"{config['base']}/cgi-bin/message/subscribe/send?access_token={token}"
        waiting = iter(bodies)

        async def post() -> None:
            headers = {"Content-Type": "application/json"}
            for body in waiting:
                async with session.post(url, data=body, headers=headers) as response:
                    answer = orjson.loads(await response.read())
                    if answer["errcode"]:
                        raise AssertionError(f"refused: {answer['errcode']}")

        await _ready()
        begun, cpu = time.time(), time.process_time()
        await asyncio.gather(*(post() for _ in range(config["at_once"])))
        _say(begun=begun, ended=time.time(), cpu_seconds=time.process_time() - cpu)


def _body(place: int, persons: int, words: Sequence[Mapping[str, str]]) -> bytes:
    data = {name: {"value": value} for name, value in words[place // persons].items()}
    body = {
        "touser": openid(place % persons + 1), "template_id": TEMPLATE, "miniprogram_state": "formal",
        "lang": "zh_CN", "data": data, "page": "pages/codes/index",
    }  # fmt: skip
    return orjson.dumps(body)


memory = Memory()


async def _ready() -> None:
    gc.collect()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def _say(**figures: float) -> None:
    memory.samples.append(_memory_mb("VmRSS"))
    quarter = memory.samples[len(memory.samples) // 4]
    print(
        json.dumps(
            {**figures, "peak_mb": _memory_mb("VmHWM"), "quarter_mb": quarter, "end_mb": memory.samples[-1]}
        ),
        flush=True,
    )


async def run(config: Mapping[str, Any]) -> None:
    """Send with the dispatcher, or barely, and watch the memory."""
    watching = asyncio.create_task(memory.watch(), name="memory")
    try:
        await (post_bare(config) if config["bare"] else dispatch(config))
    finally:
        watching.cancel()


if __name__ == "__main__":
    uvloop.run(run(json.loads(sys.argv[1])))
