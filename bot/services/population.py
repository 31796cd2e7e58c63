"""Scores everybody who holds a code, in chunks of residents; a run that was killed goes on where it was.

Who is looked at one by one is scored and written by the same functions as after a message. With the extra `[batch]`
a columnar plan first finds who may differ, and only these are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

from bot.clock import Clock
from bot.core.facts import DIVISION, last_inside
from bot.errors import BadRequest, NotFound
from bot.services.rescore_keeper import fingerprint
from bot.services.rescorer import RescoreCounts, Rescorer
from bot.services.risk_watch import RiskWatch
from bot.services.world import World
from bot.store.database import Database, instant
from bot.store.ids import new_id

ALL = "all"
CAUSE = "population"
_ONE_BY_ONE = 1_000
_COLUMNS = (
    "id, at, cursor_id, residents, written, changes, gone, failed, disagreements"  # of a run that goes on
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose codes: a scheme's or all, everywhere or of those who live in a division."""

    schemes: tuple[str, ...]
    name: str
    division: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a chunk of columns says: who differs, who else has to be looked at, and how many were judged."""

    different: frozenset[int]
    look: frozenset[int]
    judged: int


class Judge(Protocol):
    """Finds in one go who of a chunk may differ."""

    chunk: int

    async def differing(self, scope: Scope, after: int, up_to: int, now: datetime) -> Verdict:
        """The verdict on the residents with `after` < id <= `up_to`."""


@dataclass(slots=True)
class Run:
    """One run, as it is stored."""

    id: int
    scope: Scope
    versions: str
    at: datetime
    cursor: int = 0
    state: str = "running"
    resumed: bool = False
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("residents", "written", "changes", "gone", "failed", "disagreements"), 0
        )
    )


def scope_of(world: World, scheme: str | None, division: str = "") -> Scope:
    """The scope of these options; NotFound for a scheme that isn't decided here, BadRequest for no division."""
    if division and not DIVISION.fullmatch(division):
        raise BadRequest("a division is a code of 2, 4, 6, 9 or 12 digits")
    local = tuple(one.id for one in world.schemes if one.local)
    if scheme is None:
        return Scope(local, ALL, division)
    if scheme not in local:
        raise NotFound(f"no scheme that is decided here: {scheme!r}")
    return Scope((scheme,), scheme, division)


class Population:
    """Runs over everybody. `judge` None: all of them one by one."""

    def __init__(
        self, world: World, database: Database, rescorer: Rescorer, clock: Clock, *, judge: Judge | None
    ) -> None:
        self._world = world
        self._database = database
        self._rescorer = rescorer
        self._clock = clock
        self._judge = judge
        self._levels = RiskWatch(world, database, clock)

    async def holders(self, scope: Scope, after: int = 0) -> int:
        """How many residents of the scope come after that id."""
        sql, params = self._of_scope("SELECT COUNT(DISTINCT h.resident_id)", scope, after)
        count: int = (await self._database.fetch(sql, params))[0][0]
        return count

    async def begin(self, scope: Scope, *, fresh: bool = False) -> Run:
        """The run of this scope that has not ended yet, by the same rule books; else, or `fresh`, a new one."""
        versions = _versions(self._world, scope)
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM rescore_runs WHERE scheme = ? AND division = ? AND state = 'running'"  # noqa: S608 - our own names
            " AND versions = ? ORDER BY updated_at DESC LIMIT 1",
            [scope.name, scope.division, versions],
        )
        if rows and not fresh:
            row = rows[0]
            run = Run(row[0], scope, versions, instant(row[1]), cursor=row[2], resumed=True)
            run.counts.update(zip(run.counts, row[3:], strict=True))
            return run
        run = Run(new_id(), scope, versions, self._clock.now())
        await self._database.execute(
            "UPDATE rescore_runs SET state = 'left' WHERE scheme = ? AND division = ? AND state = 'running'",
            [scope.name, scope.division],
        )
        await self._database.execute(
            "INSERT INTO rescore_runs (id, scheme, division, versions, at, state, updated_at)"
            " VALUES (?, ?, ?, ?, ?, 'running', ?)",
            [run.id, scope.name, scope.division, versions, run.at, run.at],
        )
        return run

    async def go_on(self, run: Run, tell: Callable[[int], None] = lambda _done: None) -> Run:
        """Score everybody who comes after the run's cursor; `tell` hears of each chunk's size."""
        size = _ONE_BY_ONE if self._judge is None else self._judge.chunk
        await self._levels.look()
        while ids := await self.chunk(run.scope, run.cursor, size):
            await self._score(run, ids)
            await self._levels.look()  # before the cursor: whom new levels touch is queued before it is left
            run.cursor = ids[-1]
            await self._save(run)
            tell(len(ids))
        run.state = "done"
        await self._save(run)
        return run

    async def chunk(self, scope: Scope, after: int, size: int) -> list[int]:
        """The next ids of the scope after that one."""
        sql, params = self._of_scope("SELECT DISTINCT h.resident_id", scope, after)
        rows = await self._database.fetch(f"{sql} ORDER BY h.resident_id LIMIT ?", [*params, size])
        return [row[0] for row in rows]

    def _of_scope(self, select: str, scope: Scope, after: int) -> tuple[str, list[object]]:
        living, inside = "", []
        if scope.division:
            living = (
                " JOIN residents r ON r.resident_id = h.resident_id AND r.division >= ? AND r.division <= ?"
            )
            inside = [scope.division, last_inside(scope.division)]
        sql = f"{select} FROM health_codes h{living} WHERE h.resident_id > ? AND {self._database.among('h.scheme', 'text')}"
        return sql, [*inside, after, self._database.listed(scope.schemes)]

    async def _score(self, run: Run, ids: Sequence[int]) -> None:
        now = self._clock.now()  # not the run's: what became known since then counts
        look: Sequence[int] = ids
        verdict = None
        if self._judge is not None:
            verdict = await self._judge.differing(run.scope, run.cursor, ids[-1], now)
            look = sorted(verdict.different | verdict.look)
        counts = await self._rescorer.rescore_many(look, cause=CAUSE, now=now, schemes=run.scope.schemes)
        counts = replace(counts, residents=len(ids))
        for name in ("residents", "written", "changes", "gone", "failed"):
            run.counts[name] += getattr(counts, name)
        if verdict is not None:
            run.counts["disagreements"] += _disagreements(verdict, counts)

    async def _save(self, run: Run) -> None:
        sets = ", ".join(f"{name} = ?" for name in run.counts)
        await self._database.execute(
            f"UPDATE rescore_runs SET state = ?, cursor_id = ?, updated_at = ?, {sets} WHERE id = ?",  # noqa: S608 - our own names
            [run.state, run.cursor, self._clock.now(), *run.counts.values(), run.id],
        )


def _disagreements(verdict: Verdict, counts: RescoreCounts) -> int:
    """Of how many the plan said that they differ, and the one-by-one engine that they don't."""
    same = verdict.different - verdict.look - set(counts.differing) - set(counts.failures)
    return max(len(same) - counts.gone, 0)


def _versions(world: World, scope: Scope) -> str:
    prints = "".join(f"{scheme}={fingerprint(world.books(scheme))}\n" for scheme in scope.schemes)
    return blake2b(prints.encode(), digest_size=16).hexdigest()
