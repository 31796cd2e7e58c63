"""A run of a job for tests of what the job does: kept in memory, and as large as all residents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.metrics import Metrics
from bot.notices.reachability import Reachability
from bot.store.database import Session
from scheduler.job import JobTools
from tests.conversation.world import HOME
from tests.fakes.clock import FakeClock
from tests.services.stored import Stores


@dataclass
class FakeRun:
    """The run of one slot; `stops_after` notes of how far it has come it is asked to stop."""

    slot: datetime
    since: datetime
    job: str = "test"
    from_id: int = 1
    to_id: int = 2**63 - 1
    cursor_id: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    stops_after: int = 1_000_000
    kept: int = 0

    async def keep(self, session: Session, cursor_id: int | None = None, **counts: int) -> None:
        self.kept += 1
        self.cursor_id = self.cursor_id if cursor_id is None else cursor_id
        self.counts.update(counts)

    def count(self, **counts: int) -> None:
        self.counts.update(counts)

    @property
    def stopping(self) -> bool:
        return self.kept >= self.stops_after


def run_at(slot: datetime, since: datetime | None = None) -> FakeRun:
    """A run of that slot, which is the next one after `since` (default: a quarter of an hour before)."""
    return FakeRun(slot, since or slot - timedelta(minutes=15))


def tools_of(stores: Stores, at: datetime, woken: list[int] | None = None) -> JobTools:
    """What a job uses, over that database, at that time; `woken` gets an entry for every wake."""
    clock = FakeClock(at)
    return JobTools(
        database=stores.database,
        clock=clock,
        world=stores.world,
        rescorer=stores.rescorer,
        reachability=Reachability(stores.database, clock, {}),
        metrics=Metrics(),
        wake=lambda: (woken if woken is not None else []).append(1),
        home=HOME,
    )
