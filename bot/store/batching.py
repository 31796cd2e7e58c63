"""Many callers, one trip: what waits while a batch runs goes together into the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Groups concurrent submissions for `run`, which returns one result or exception per item, in order.

    There is no waiting for company but one turn of the loop: a batch is whatever came in meanwhile.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Awaitable[list[Result | Exception]]],
        *,
        name: str,
        limit: int = 128,
        workers: int = 1,
    ) -> None:
        self._run = run
        self._name = name
        self._limit = limit
        self._workers = workers
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._draining = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._draining < self._workers:
            self._draining += 1
            task = asyncio.create_task(self._drain(), name=self._name)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def close(self) -> None:
        """Wait until everything that was submitted has its result."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # whatever is ready in this turn of the loop comes along
                batch = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
                await self._serve(batch)
        finally:
            # at once: whoever is woken by the last result and submits again must see that nobody drains
            self._draining -= 1

    async def _serve(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to every caller of the batch, who log it
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
