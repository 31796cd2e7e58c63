"""Keeps stored colours true to risk levels and rule books: notices that they changed, and drains the queue.

Nobody is scored from the queue before this process has the levels and books with which the entry was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b

import structlog

from bot.clock import Clock
from bot.core.rules import BookHistory, RuleBooks
from bot.services import rescore_queue
from bot.services.rescorer import RescoreCounts, Rescorer
from bot.services.risk_watch import STAMP, RiskWatch
from bot.services.stamps import read_stamps, set_stamps
from bot.services.world import World
from bot.store.database import Database, Session

_LOOK_AGAIN = 2.0  # seconds; another process writes the stamps, so nothing can wake us
_AT_ONCE = 500
_log = structlog.get_logger("rescore")


class RescoreKeeper:
    """Owned by the application: `open()` after the database, `close()` before it."""

    def __init__(self, world: World, database: Database, rescorer: Rescorer, clock: Clock) -> None:
        self._world = world
        self._database = database
        self._rescorer = rescorer
        self._clock = clock
        self._levels = RiskWatch(world, database, clock)
        self._books: RuleBooks | None = None
        self._prints: Mapping[str, str] = {}
        self._looking = asyncio.Lock()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read the levels anew, queue whoever new rule books touch, and begin to drain."""
        await self._refresh()
        self._task = asyncio.create_task(self._keep_looking(), name="rescore-keeper")

    async def close(self) -> None:
        """Finish what was taken, and leave the rest in the queue."""
        self._stop.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def look(self) -> RescoreCounts:
        """Everything that is due now: fresh levels and books first, then the queue until nothing is left.

        Whoever calls it while it looks by itself waits: afterwards nothing is left that either took."""
        async with self._looking:
            return await self._look()

    async def _look(self) -> RescoreCounts:
        total = RescoreCounts()
        while not self._stop.is_set():
            ours = await self._refresh()
            now, wire = self._clock.now(), self._clock.wire()
            if not ours:
                return total
            entries = await rescore_queue.take(self._database, _AT_ONCE, now=now, wire=wire)
            if not entries:
                return total
            # an entry that came in just now was committed together with its stamp: look at that once more
            if not await self._refresh():
                await rescore_queue.give_back(self._database, entries)
                return total
            total.add(
                await rescore_queue.work_off(self._rescorer, self._database, entries, now=now, wire=wire)
            )
        return total

    async def _keep_looking(self) -> None:
        while not self._stop.is_set():
            try:
                counts = await self.look()
                if counts.residents:
                    _log.info(
                        "queue drained", action="rescore_queue_drain", residents=counts.residents,
                        written=counts.written, changes=counts.changes, failed=counts.failed,
                    )  # fmt: skip
            except Exception as error:  # noqa: BLE001 - a background task: logged, and tried again
                _log.warning("drain failed", action="rescore_queue_fail", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _LOOK_AGAIN)

    async def _refresh(self) -> bool:
        """Bring levels and books up to date; False if another process has put other rule books into force."""
        if self._books is not self._world.rulebooks:
            await self._enter_books()
        stamps = await read_stamps(self._database)
        await self._levels.refresh(stamps.get(STAMP))
        return all(stamps.get(name) == value for name, value in self._prints.items())

    async def _enter_books(self) -> None:
        """Queue the holders of every code whose rule books are others than those that were in force last."""
        books = self._world.rulebooks
        prints = fingerprints(self._world)
        stamps = await read_stamps(self._database)
        changed = {name: value for name, value in prints.items() if stamps.get(name) != value}
        schemes = [
            scheme.id for scheme in self._world.schemes if scheme.local and _name(scheme.id) in changed
        ]
        if changed:
            now = self._clock.now()

            async def body(session: Session) -> int:
                await set_stamps(session, changed)
                return await rescore_queue.touched_by_books(
                    session, schemes, cause="rule_book", queued_at=now
                )

            touched = await self._database.transaction(body)
            _log.info("rule books changed", action="books_enter", schemes=len(schemes), touched=touched)
        self._books, self._prints = books, prints


def fingerprints(world: World) -> dict[str, str]:
    """What judges each scheme, by the name of its stamp."""
    return {_name(scheme.id): fingerprint(world.books(scheme.id)) for scheme in world.schemes if scheme.local}


def _name(scheme_id: str) -> str:
    return f"books:{scheme_id}"


def fingerprint(history: BookHistory | None) -> str:
    """The same for the same versions with the same validity; a published version never changes."""
    versions = () if history is None else history.versions
    text = "\n".join(
        f"{book.scheme} {book.version} {book.valid_from.isoformat()} {book.valid_to and book.valid_to.isoformat()}"
        for book in versions
    )
    return blake2b(text.encode(), digest_size=16).hexdigest()
