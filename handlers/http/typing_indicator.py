"""Shows somebody who waits that their message is being worked on; never at the cost of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog

_log = structlog.get_logger("typing")
_AFTER_SECONDS = 0.5


class TypingIndicator:
    """Calls `show` with the account for every message that takes longer than `after_seconds`; owns those calls."""

    def __init__(
        self, show: Callable[[str], Awaitable[None]], *, after_seconds: float = _AFTER_SECONDS
    ) -> None:
        self._show = show
        self._after_seconds = after_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @contextmanager
    def while_busy(self, account: str) -> Iterator[None]:
        """Around the work on one message of that account."""
        timer = asyncio.get_running_loop().call_later(self._after_seconds, self._begin, account)
        try:
            yield
        finally:
            timer.cancel()

    async def close(self) -> None:
        """End what is being shown; nothing is begun afterwards."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, account: str) -> None:
        if self._closed:
            return
        task = asyncio.create_task(self._try(account), name="typing")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try(self, account: str) -> None:
        try:
            await self._show(account)
        except Exception as error:  # noqa: BLE001 - a background task: the message is answered without it
            _log.warning("typing not shown", action="typing_fail", error=type(error).__name__)
