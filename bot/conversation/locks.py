"""Two messages about one person never interleave in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterable
from contextlib import asynccontextmanager


class KeyedLocks:
    """A lock for every key that somebody holds; nothing is kept for the others."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: Hashable) -> AsyncIterator[None]:
        """Hold the lock of that key; waiters come in the order in which they asked."""
        await self._acquire(key)
        try:
            yield
        finally:
            self._release(key)

    @asynccontextmanager
    async def hold_all(self, keys: Iterable[int]) -> AsyncIterator[bool]:
        """Hold several in order, which can't deadlock; yields whether somebody had to be waited for."""
        held: list[int] = []
        waited = False
        try:
            for key in sorted(set(keys)):
                waited |= await self._acquire(key)
                held.append(key)
            yield waited
        finally:
            for key in held:
                self._release(key)

    async def _acquire(self, key: Hashable) -> bool:
        lock, users = self._locks.get(key) or (asyncio.Lock(), 0)
        self._locks[key] = (lock, users + 1)
        waited = lock.locked()
        try:
            await lock.acquire()
        except BaseException:
            self._forget(key)
            raise
        return waited

    def _release(self, key: Hashable) -> None:
        self._locks[key][0].release()
        self._forget(key)

    def _forget(self, key: Hashable) -> None:
        lock, users = self._locks[key]
        if users == 1:
            del self._locks[key]
        else:
            self._locks[key] = (lock, users - 1)
