"""Keeps the risk levels of a process those of the database, whoever publishes them."""

from __future__ import annotations

import structlog

from bot.clock import Clock
from bot.services.rescore_queue import touched_by_levels
from bot.services.risk import CAUSE, STAMP, Levels, load_levels
from bot.services.stamps import read_stamps
from bot.services.world import World
from bot.store.database import Database, Session

__all__ = ["STAMP", "RiskWatch"]

_log = structlog.get_logger("rescore")


class RiskWatch:
    """Whoever scores asks it before; the first time it reads all levels."""

    def __init__(self, world: World, database: Database, clock: Clock) -> None:
        self._world = world
        self._database = database
        self._clock = clock
        self._levels: Levels | None = None
        self._stamp: str | None = None

    async def look(self) -> None:
        """Take over the levels of the database if they have changed."""
        await self.refresh((await read_stamps(self._database)).get(STAMP))

    async def refresh(self, stamp: str | None) -> None:
        """The same, for a stamp that was just read.

        Whom the changed levels touch is queued once more: until now this process may have scored one of them
        with the old levels, after another process had scored them with the new.
        """
        if self._levels is not None and stamp == self._stamp:
            return
        before, levels = self._levels, await load_levels(self._database)
        self._world.risk = levels.risk
        if before is not None:
            await self._queue(levels, before)
        # last: if anything above fails, all of it is done again
        self._levels, self._stamp = levels, stamp

    async def _queue(self, levels: Levels, before: Levels) -> None:
        changed, queued_at = levels.differing(before), self._clock.now()

        async def body(session: Session) -> int:
            return await touched_by_levels(session, changed, cause=CAUSE, queued_at=queued_at)

        touched = await self._database.transaction(body)
        _log.info("risk levels changed", action="risk_reload", levels=len(changed), touched=touched)
