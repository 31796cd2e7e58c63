"""Changes residents outside of a conversation: load, change, score, tell everybody concerned, commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

import structlog

from bot.core.model import State
from bot.errors import Conflict, NotFound
from bot.services.asking import ask_at_once
from bot.services.colour_notices import guardians_in, notify_changes, speakers_of, unsent_of
from bot.services.rescore import Change, rescore
from bot.services.residents import tell_age
from bot.services.world import World
from bot.store.database import Database
from bot.store.loader import Loader
from bot.store.snapshot import Resident
from bot.store.work import Work
from bot.store.writer import Outcome, Writer

Body = Callable[[Work, Resident], None]

_ATTEMPTS = 8
_BATCH = 100
_AT_ONCE = 20  # people scored between two turns of the loop, so that messages are not kept waiting
_log = structlog.get_logger("rescore")


@dataclass(slots=True)
class RescoreCounts:
    """What a run over many residents came to: how many were looked at, for how many something was written, how many
    codes changed, who is no resident (any more), and for whom it failed. `differing` are those written, by id."""

    residents: int = 0
    written: int = 0
    changes: int = 0
    gone: int = 0
    failures: list[int] = field(default_factory=list)
    differing: list[int] = field(default_factory=list)

    def add(self, other: RescoreCounts) -> None:
        """Count what another run came to as well."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def failed(self) -> int:
        """For how many it failed; they were logged one by one."""
        return len(self.failures)


@dataclass(frozen=True, slots=True)
class _Occasion:
    """Why and when somebody is scored, and which codes of theirs; None: all."""

    cause: str
    now: datetime
    schemes: Collection[str] | None = None


class Rescorer:
    """Everything that changes a resident outside of a conversation goes through it."""

    def __init__(self, world: World, database: Database, loader: Loader, writer: Writer) -> None:
        self._world = world
        self._database = database
        self._loader = loader
        self._writer = writer

    async def apply(
        self, resident_id: int, body: Body | None, *, cause: str, now: datetime
    ) -> tuple[Change, ...]:
        """Run `body` on the resident as stored, score, notify everybody concerned, commit; returns the changes.

        `body` records on the unit of work and may run again on fresh data. NotFound if there is no such
        resident, Conflict if others were quicker every time.
        """
        work = await self._apply(resident_id, body, _Occasion(cause, now))
        return tuple(change for _, change in work.changes)

    async def rescore_many(
        self,
        resident_ids: Sequence[int],
        *,
        cause: str,
        now: datetime,
        schemes: Collection[str] | None = None,
    ) -> RescoreCounts:
        """Score these residents anew, in batches; what does not differ is not written, one failure stops nobody.

        `schemes`: only these codes of theirs.
        """
        counts, occasion = RescoreCounts(), _Occasion(cause, now, schemes)
        for start in range(0, len(resident_ids), _BATCH):
            batch = list(dict.fromkeys(resident_ids[start : start + _BATCH]))
            counts.residents += len(batch)
            try:
                again = await self._batch(batch, counts, occasion)
            except Exception as error:  # noqa: BLE001 - each is tried alone, and only the bad one fails
                _log.warning("batch failed", action="rescore_split", error=type(error).__name__)
                again = batch
            for resident_id in again:
                await self._alone(resident_id, counts, occasion)
        return counts

    async def _apply(self, resident_id: int, body: Body | None, occasion: _Occasion) -> Work:
        for _ in range(_ATTEMPTS):
            residents = await self._load([resident_id], occasion.now)
            if not residents:
                raise NotFound(f"no resident {resident_id}")
            work = self._work_on(residents[0], body, occasion)
            await self._notify([(residents[0], work)])
            if not work.writes or await self._writer.commit(work) == Outcome.COMMITTED:
                return work
        raise Conflict

    async def _batch(self, batch: list[int], counts: RescoreCounts, occasion: _Occasion) -> list[int]:
        """Score a batch together; returns who has to be looked at alone. Counts only what was committed."""
        residents = await self._load(batch, occasion.now)
        works: list[tuple[Resident, Work]] = []
        for number, resident in enumerate(residents, start=1):
            work = self._work_on(resident, None, occasion)
            if work.writes:
                works.append((resident, work))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        await self._notify(works)
        outcomes = await asyncio.gather(
            *(self._writer.commit(work) for _, work in works), return_exceptions=True
        )
        again = []
        for (resident, work), outcome in zip(works, outcomes, strict=True):
            if outcome == Outcome.COMMITTED:
                _count(counts, resident.resident_id, work)
            else:
                again.append(resident.resident_id)
        counts.gone += len(batch) - len(residents)
        return again

    async def _alone(self, resident_id: int, counts: RescoreCounts, occasion: _Occasion) -> None:
        try:
            work = await self._apply(resident_id, None, occasion)
        except NotFound:
            counts.gone += 1
        except Exception as error:  # noqa: BLE001 - one resident's failure never stops the others
            counts.failures.append(resident_id)
            _log.warning(
                "resident failed", action="rescore_fail", resident_id=resident_id, error=type(error).__name__
            )
        else:
            _count(counts, resident_id, work)

    async def _load(self, resident_ids: Sequence[int], now: datetime) -> list[Resident]:
        residents = await self._loader.residents(resident_ids, now)
        for resident in residents:
            tell_age(self._world.keys, resident, now)
        return residents

    def _work_on(self, resident: Resident, body: Body | None, occasion: _Occasion) -> Work:
        """Change and score; a new colour moves the input version on, so that of two processes only one records
        and tells it. A fact that came in since the occasion counts: what is stored is known."""
        work = Work(now=max([occasion.now, *(fact.known_at for fact in resident.facts)]))
        if body is not None:
            body(work, resident)
        if occasion.schemes is not None:
            resident.codes = {name: code for name, code in resident.codes.items() if name in occasion.schemes}
        if rescore(self._world, work, resident, cause=occasion.cause):
            work.touch(resident.resident_id, resident.input_version)
        return work

    async def _notify(self, works: Sequence[tuple[Resident, Work]]) -> None:
        """Tell everybody concerned what changed. Where a code waits for an answer, the question says so by itself."""
        changed = [(resident, work) for resident, work in works if work.changes]
        if not changed:
            return
        resident_ids = [resident.resident_id for resident, _ in changed]
        speakers = await speakers_of(self._database, resident_ids)
        unsent = await unsent_of(self._database, self._world.keys, resident_ids)
        for resident, work in changed:
            person_ids = speakers.get(resident.resident_id, {})
            changes = [change for _, change in work.changes]
            asked: set[str] = set()
            if any(change.new_state == State.PENDING for change in changes):
                questions = ask_at_once(self._world, work, resident, person_ids)
                asked = {scheme for question in questions for scheme in question.schemes}
            notify_changes(
                self._world,
                work,
                resident_id=resident.resident_id,
                changes=changes,
                person_ids=person_ids,
                guardians=guardians_in(person_ids),
                unsent=unsent.get(resident.resident_id, ()),
                told_otherwise=asked,
            )


def _count(counts: RescoreCounts, resident_id: int, work: Work) -> None:
    if work.writes:
        counts.written += 1
        counts.differing.append(resident_id)
    counts.changes += len(work.changes)
