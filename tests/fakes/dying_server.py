"""The real service in a process that kills itself at a named point, as a power cut would.

Run as `python -m tests.fakes.dying_server POINT` with the usual settings in the environment. Points:
never, before_commit, after_commit, after_promise.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.app import create_app
from bot.conversation import engine, pending
from bot.conversation.pending import PendingMessages
from bot.conversation.turn import take_turn
from bot.store.writer import Writer
from config.settings import read_settings

SHORT_LEASE = timedelta(seconds=1)
SLOWER_THAN_THE_DEADLINE = 1.5


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    """Put the death where it belongs."""
    pending.LEASE = SHORT_LEASE
    engine._LOOK_FOR_LEASES = 0.2
    if point in ("before_commit", "after_commit"):
        _arm_commit(point)
    elif point == "after_promise":
        _arm_promise()


def _arm_commit(point: str) -> None:
    transact = Writer._transact

    async def dying(self: Writer, works: Any) -> Any:
        if point == "before_commit":
            die()
        outcomes = await transact(self, works)
        die()
        return outcomes

    Writer._transact = dying  # type: ignore[method-assign]  # the test's power cut


def _arm_promise() -> None:
    keep = PendingMessages.keep

    async def slow_turn(*arguments: Any, **named: Any) -> Any:
        await asyncio.sleep(SLOWER_THAN_THE_DEADLINE)
        return await take_turn(*arguments, **named)

    async def keep_and_die(self: PendingMessages, *arguments: Any) -> bool:
        kept = await keep(self, *arguments)
        asyncio.get_running_loop().call_later(0.2, die)  # after "on it" has been sent
        return kept

    setattr(engine, "take_turn", slow_turn)  # noqa: B010 - the test's slow handler
    setattr(PendingMessages, "keep", keep_and_die)  # noqa: B010 - the test's power cut


def main() -> None:
    settings = read_settings()
    arm(sys.argv[1])
    web.run_app(create_app(settings), host=settings.host, port=settings.port, print=None)


if __name__ == "__main__":
    main()
