"""Two messages about one person never interleave in this process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Iterable


class KeyedLocks:
    """A lock for every key that somebody holds; nothing is kept for the others.

    Waiters come in the order in which they asked. `acquire` and `release` belong together in a try/finally.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def acquire(self, key: Hashable) -> bool:
        """Hold the lock of that key; returns whether somebody had to be waited for."""
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = deque()
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(key)  # it was our turn already: the next one's now
            else:
                waiting.remove(turn)
            raise
        return True

    def release(self, key: Hashable) -> None:
        """Let the next one have it."""
        waiting = self._waiting[key]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]

    async def acquire_all(self, keys: Iterable[Hashable]) -> bool:
        """Hold several, asked for in the given order, which must be the same everywhere; returns whether
        somebody had to be waited for."""
        held: list[Hashable] = []
        waited = False
        try:
            for key in keys:
                waited |= await self.acquire(key)
                held.append(key)
        except BaseException:
            self.release_all(held)
            raise
        return waited

    def release_all(self, keys: Iterable[Hashable]) -> None:
        for key in keys:
            self.release(key)
