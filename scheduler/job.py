"""What a job is: one row of the table in `scheduler/table.py`, and what its function gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from apscheduler.triggers.base import BaseTrigger

from bot.clock import Clock
from bot.metrics import Metrics
from bot.notices.reachability import Reachability
from bot.services.rescorer import Rescorer
from bot.services.world import World
from bot.store.database import Database, Session


@dataclass(frozen=True, slots=True)
class JobTools:
    """What jobs use. `wake` tells the dispatcher that notices were queued outside of the writer; `home` is the
    checkout, where `config/` is."""

    database: Database
    clock: Clock
    world: World
    rescorer: Rescorer
    reachability: Reachability
    metrics: Metrics
    wake: Callable[[], None]
    home: Path


class Run(Protocol):
    """One slot of one job, or one part of it, that this process has claimed.

    `slot` is when it was due, which is the "now" of everything it does, and `since` the slot before it that ran: what
    fell due after `since` and until `slot`, included, is this run's. Both are business time, in UTC. A job in parts does
    the residents with `cursor_id < resident_id <= to_id`, in the order of ids; another job may ignore these three.
    """

    job: str
    slot: datetime
    since: datetime
    from_id: int
    to_id: int
    cursor_id: int

    async def keep(self, session: Session, cursor_id: int | None = None, **counts: int) -> None:
        """Write how far it has come, in the transaction of what was done, and add to what it came to.

        LeaseLost if another process has taken this part over: the transaction must not be committed.
        """

    def count(self, **counts: int) -> None:
        """Add to what it came to, written when it ends."""

    @property
    def stopping(self) -> bool:
        """Whether the service is being stopped: return at the next place from which another process can go on."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `trigger` gives its slots in business time (UTC); a slot that is later than `grace` is skipped.

    `run` is safe to repeat and to cut off anywhere: what it did is known from the rows that it wrote. `shard` is how
    many residents a part has (0: the job isn't cut).

    `due(tools, after)` says when there is something to do next, so that slots without work cost one short read and
    leave no row: the first instant later than `after` at which something falls due, an earlier one if something was
    left over, None if nothing is in sight. `after` is the slot up to which everything was done or nothing was due.
    One that raises counts as due.
    """

    id: str
    trigger: BaseTrigger
    run: Callable[[JobTools, Run], Awaitable[None]]
    grace: timedelta
    shard: int = 0
    due: Callable[[JobTools, datetime], Awaitable[datetime | None]] | None = None
