"""One part of a run that this process holds: what a job's function is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from bot.clock import Clock
from bot.errors import LeaseLost
from bot.store.database import Session

LEASE = timedelta(minutes=1)  # real time; renewed three times as often
# `attempts` counts the takings, so that a process which lost its lease to itself notices that, too
FENCE = " WHERE id = ? AND owner = ? AND attempts = ? AND state = 'running'"
FAILURES = "failures"  # among the counts: how often it has raised so far


@dataclass(slots=True)
class ClaimedRun:
    """The contract is `scheduler.job.Run`."""

    job: str
    slot: datetime
    since: datetime
    from_id: int
    to_id: int
    cursor_id: int
    run_id: int
    shard_id: int
    owner: str
    attempts: int
    clock: Clock
    failures: int = 0
    ends: Callable[[], bool] = bool
    lost: bool = False
    let_go: bool = False
    noted: Counter[str] = field(default_factory=Counter)
    worked: bool = False

    @property
    def fence(self) -> tuple[int, str, int]:
        """The parameters of FENCE."""
        return self.shard_id, self.owner, self.attempts

    async def keep(self, session: Session, cursor_id: int | None = None, **counts: int) -> None:
        """See Run.keep. The row is held until the transaction ends: nobody takes the part over in between."""
        rows = await session.fetch(
            "UPDATE job_shards SET lease_until = ?, cursor_id = COALESCE(?, cursor_id)"  # noqa: S608 - our own text
            f"{FENCE} RETURNING counts",
            [self.clock.wire() + LEASE, cursor_id, *self.fence],
        )
        if not rows:
            self.lost = True
            raise LeaseLost
        if any(counts.values()):
            self.worked = True
            await session.execute(
                "UPDATE job_shards SET counts = ? WHERE id = ?", [added(rows[0][0], counts), self.shard_id]
            )
        if cursor_id is not None:
            self.cursor_id = cursor_id

    def count(self, **counts: int) -> None:
        """See Run.count."""
        self.noted.update(counts)
        self.worked = self.worked or any(counts.values())

    @property
    def stopping(self) -> bool:
        """See Run.stopping; whoever was told so and returns has not finished."""
        if self.lost or self.ends():
            self.let_go = True
        return self.let_go


def added(stored: str, more: dict[str, int] | Counter[str]) -> str:
    """The counts of a row, with others added."""
    total = Counter(orjson.loads(stored))
    total.update(more)
    return orjson.dumps(total, option=orjson.OPT_SORT_KEYS).decode()
