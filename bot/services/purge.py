"""Deletes what is past its time, a few hundred rows to a transaction, and proves nothing: that is `purge_check`.

Which rows, says config/retention.yaml alone. Doing it twice is doing it once, and it may be cut off anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from bot.services.kept_while import CONDITIONS, ENDS, marked
from bot.services.retention import Kept, Retention, stored_columns
from bot.store import models
from bot.store.database import Database, Row, Session
from bot.store.ids import new_id

ABANDONED = "abandoned"  # among the counts: residents whose deletion was ordered
CAUSE = "purge"
BATCH = 500
# A day is over everywhere twelve hours after it is over in Greenwich.
_LATEST_ZONE = timedelta(hours=12)
# Rows that mean something together go in one transaction: of a resident's facts one may end another.
_TOGETHER = "facts"
# What belongs to an account alone goes with it.
OF_ACCOUNTS = (
    "account_residents",
    "dialogues",
    "sessions",
    "subscriptions",
    "subscription_entries",
    "form_tokens",
)

# Nobody speaks for them, nothing was said or learned since, and nothing waits for its end.
_IS_ABANDONED = (
    "t.erased_at IS NULL AND t.created_at < :limit AND (t.declared_at IS NULL OR t.declared_at < :limit)"
    " AND (t.last_punch_in IS NULL OR t.last_punch_in < :limit_day)"
    " AND NOT EXISTS (SELECT 1 FROM account_residents l WHERE l.resident_id = t.resident_id)"
    " AND NOT EXISTS (SELECT 1 FROM guardianships g WHERE g.resident_id = t.resident_id"
    " AND g.state IN ('asked', 'active'))"
    " AND NOT EXISTS (SELECT 1 FROM guardianships g WHERE g.guardian_id = t.resident_id"
    " AND g.state IN ('asked', 'active'))"
    " AND NOT EXISTS (SELECT 1 FROM facts f WHERE f.resident_id = t.resident_id AND f.known_at >= :limit)"
    " AND NOT EXISTS (SELECT 1 FROM health_codes c WHERE c.resident_id = t.resident_id AND c.next_change_at > :now"
    " AND c.assessment LIKE '%\"findings\":[{%')"
    " AND NOT EXISTS (SELECT 1 FROM follow_ups u WHERE u.resident_id = t.resident_id AND u.state = 'open')"
    " AND NOT EXISTS (SELECT 1 FROM link_requests q WHERE q.resident_id = t.resident_id AND q.state = 'asked'"
    " AND q.expires_at > :now)"
    " AND NOT EXISTS (SELECT 1 FROM deletion_requests d WHERE d.resident_id = t.resident_id AND d.state = 'asked')"
)

Keep = Callable[[Session, int, Mapping[str, int]], Awaitable[None]]
"""Writes, in the transaction of what was done, how many tables are through and what was deleted."""


async def _keep_nothing(session: Session, cursor: int, counts: Mapping[str, int]) -> None:
    """A purge by hand has nothing to go on from: it begins anew."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When the purge happens: in business time and in real time."""

    now: datetime
    wire: datetime

    def values(self, keep_days: int, *, by_real_time: bool = False) -> dict[str, datetime | date]:
        """What the names in the conditions stand for, for a table that is kept so many days."""
        base, days = self.wire if by_real_time else self.now, timedelta(days=keep_days)
        return {
            "now": self.now,
            "wire": self.wire,
            "limit": base - days,
            "limit_day": (base - _LATEST_ZONE).date() - days,
        }


@dataclass(frozen=True, slots=True)
class Question:
    """A condition over a row `t`, with its parameters."""

    sql: str
    params: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """How much of one table is past its time: what goes, and what is held back and by what."""

    table: str
    rows: int
    held_back: int
    oldest: datetime | date | None


def past_its_days(kept: Kept, moment: Moment) -> Question | None:
    """A row is past its days, or its end has come, whatever may still hold it back; None if that is never so."""
    if kept.keep_days is None:
        gone = ENDS[kept.until].gone
        return None if gone is None else _question(gone, moment.values(0))
    kinds = stored_columns()[kept.table]
    older = []
    for column in kept.counted_from:
        limit = ":limit_day" if kinds[column] == "DateField" else ":limit"
        older.append(f"(t.{column} IS NULL OR t.{column} < {limit})")
    some = " OR ".join(f"t.{column} IS NOT NULL" for column in kept.counted_from)
    sql = f"{' AND '.join(older)} AND ({some})"
    return _question(sql, moment.values(kept.keep_days, by_real_time=kept.by_real_time))


def held_back(kept: Kept, moment: Moment) -> Question | None:
    """Something keeps a row beyond its days; None if nothing may."""
    if not kept.kept_while:
        return None
    sql = " OR ".join(CONDITIONS[name].sql for name in kept.kept_while)
    return _question(sql, moment.values(kept.keep_days or 0, by_real_time=kept.by_real_time))


def to_go(kept: Kept, moment: Moment) -> Question | None:
    """A row is to be deleted; None if none of that table ever is by time."""
    past, held = past_its_days(kept, moment), held_back(kept, moment)
    if past is None or held is None:
        return past
    # what isn't known holds nothing back
    return Question(f"({past.sql}) AND ({held.sql}) IS NOT TRUE", (*past.params, *held.params))


def is_abandoned(retention: Retention, moment: Moment) -> Question:
    """A resident `t` is abandoned."""
    return _question(_IS_ABANDONED, moment.values(retention.abandoned.keep_days))


def _question(sql: str, values: Mapping[str, Any]) -> Question:
    text, names = marked(sql)
    return Question(text, tuple(values[name] for name in names))


@cache
def key_of(table: str, dialect: str) -> tuple[tuple[str, str], ...]:
    """The columns by which a table is walked, with their kinds: the primary key, on PostgreSQL and for rows that
    go together by resident first."""
    meta = next(m for m in (getattr(models, name)._meta for name in models.__all__) if m.db_table == table)
    key = next(column for column, each in meta.fields_map.items() if each.pk)
    kind = "text" if type(meta.fields_map[key]).__name__ == "CharField" else "bigint"
    by_resident = "resident_id" in meta.fields_map and key != "resident_id"
    if by_resident and (dialect == "postgresql" or table == _TOGETHER):
        return (("resident_id", "bigint"), (key, kind))
    return ((key, kind),)


class Purge:
    """One purge at one moment. `stopping` is asked between batches; `keep` is called in each one's transaction."""

    def __init__(
        self,
        database: Database,
        retention: Retention,
        moment: Moment,
        *,
        keep: Keep = _keep_nothing,
        stopping: Callable[[], bool] = bool,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._retention = retention
        self._moment = moment
        self._keep = keep
        self._stopping = stopping
        self._batch = batch

    async def run(self, cursor: int = 0) -> Counter[str]:
        """Delete what is past its time in every table after the first `cursor` ones; how many rows of each."""
        deleted: Counter[str] = Counter()
        for number, kept in enumerate(self._retention):
            if number >= cursor:
                deleted[kept.table] += await self.table(kept, number)
        deleted[ABANDONED] += await self._order_deletions(len(self._retention))
        return +deleted

    async def table(self, kept: Kept, number: int = 0) -> int:
        """Delete what is past its time in one table."""
        going = to_go(kept, self._moment)
        if going is None:
            return 0
        deleted = 0
        async for rows in self._pages(kept.table, going):
            deleted += await self._database.transaction(self._deletion(kept.table, going, rows, number))
        return deleted

    async def due(self, kept: Kept) -> Due:
        """How much of that table would go now, and how much more is past its days and held back."""
        past, going = past_its_days(kept, self._moment), to_go(kept, self._moment)
        if past is None or going is None:
            return Due(kept.table, 0, 0, None)
        column = kept.counted_from[0] if kept.counted_from else "NULL"
        whole = await self._counted(kept.table, past)
        sql = f"SELECT COUNT(*), MIN({column}) FROM {kept.table} t WHERE {going.sql}"  # noqa: S608 - our own names
        (rows, oldest), *_ = await self._database.fetch(sql, list(going.params))
        if isinstance(oldest, str):
            oldest = datetime.fromisoformat(oldest)
        return Due(kept.table, rows, whole - rows, oldest)

    async def abandoned(self) -> int:
        """How many residents would be deleted because nobody speaks for them any more."""
        return await self._counted("residents", is_abandoned(self._retention, self._moment))

    async def _counted(self, table: str, question: Question) -> int:
        sql = f"SELECT COUNT(*) FROM {table} t WHERE {question.sql}"  # noqa: S608 - our own names
        count: int = (await self._database.fetch(sql, list(question.params)))[0][0]
        return count

    async def _pages(self, table: str, going: Question) -> Any:
        """The keys of the rows that are to go, a batch at a time, read outside of any transaction."""
        names = [name for name, _ in key_of(table, self._database.dialect)]
        listed, order = ", ".join(f"t.{name}" for name in names), ", ".join(f"t.{name}" for name in names)
        after: Row = ()
        while not self._stopping():
            beyond = f"({listed}) > ({', '.join('?' for _ in names)}) AND " if after else ""
            rows = await self._database.fetch(
                f"SELECT {listed} FROM {table} t WHERE {beyond}{going.sql} ORDER BY {order} LIMIT {self._batch}",  # noqa: S608 - our own names
                [*after, *going.params],
            )
            if not rows:
                return
            yield rows
            if len(rows) < self._batch:
                return
            after = tuple(rows[-1])

    def _deletion(
        self, table: str, going: Question, rows: Sequence[Row], number: int
    ) -> Callable[[Session], Awaitable[int]]:
        """Delete these rows where they are still to go: something may have begun to hold one back meanwhile."""
        if table == _TOGETHER:
            return self._deletion_of_facts(going, sorted({row[0] for row in rows}), number)
        key = key_of(table, self._database.dialect)
        among = " AND ".join(self._database.among(f"t.{name}", kind) for name, kind in key)
        wanted = [self._database.listed(each) for each in zip(*rows, strict=True)]

        async def body(session: Session) -> int:
            count = await session.execute(
                f"DELETE FROM {table} AS t WHERE {among} AND {going.sql}",  # noqa: S608 - our own names
                [*wanted, *going.params],
            )
            if table == "accounts":
                await self._forget_accounts(session, wanted[0])
            await self._keep(session, number, {table: count})
            return count

        return body

    async def _forget_accounts(self, session: Session, listed: Any) -> None:
        """What belonged to those of these accounts that are gone."""
        for each in OF_ACCOUNTS:
            await session.execute(
                f"DELETE FROM {each} AS t WHERE {self._database.among('t.account_id')}"  # noqa: S608 - our own names
                " AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = t.account_id)",
                [listed],
            )

    def _deletion_of_facts(
        self, going: Question, residents: Sequence[int], number: int
    ) -> Callable[[Session], Awaitable[int]]:
        """Everything of these residents that is to go, at once; whose standing facts went is scored anew, so that
        a colour never rests on what isn't there."""
        database, listed = self._database, self._database.listed(residents)

        async def body(session: Session) -> int:
            if database.dialect == "postgresql":
                await session.fetch(
                    f"SELECT 1 FROM residents WHERE {database.among('resident_id')} ORDER BY resident_id FOR UPDATE",  # noqa: S608 - our own names
                    [listed],
                )
            rows = await session.fetch(
                f"DELETE FROM facts AS t WHERE {database.among('t.resident_id')} AND {going.sql}"  # noqa: S608 - our own names
                " RETURNING resident_id, withdrawn_at",
                [listed, *going.params],
            )
            await self._score_anew(session, {row[0] for row in rows if row[1] is None})
            await self._keep(session, number, {"facts": len(rows)})
            return len(rows)

        return body

    async def _score_anew(self, session: Session, residents: Iterable[int]) -> None:
        database, listed = self._database, self._database.listed(sorted(residents))
        await session.execute(
            f"UPDATE residents SET input_version = input_version + 1 WHERE {database.among('resident_id')}",  # noqa: S608 - our own names
            [listed],
        )
        await session.execute(
            "INSERT INTO rescore_queue (resident_id, cause, queued_at, ticket)"  # noqa: S608 - our own names
            f" SELECT DISTINCT resident_id, {_as_text(database)}, {_as_instant(database)}, {_as_number(database)}"
            f" FROM health_codes WHERE {database.among('resident_id')} ORDER BY resident_id"
            " ON CONFLICT (resident_id) DO UPDATE SET cause = excluded.cause, queued_at = excluded.queued_at,"
            " ticket = excluded.ticket, attempts = 0, lease_until = NULL",
            [CAUSE, self._moment.now, new_id(), listed],
        )

    async def _order_deletions(self, number: int) -> int:
        """Ask for the deletion of residents for whom nobody speaks any more, in the way that residents ask for it."""
        gone = is_abandoned(self._retention, self._moment)
        ordered = 0
        async for rows in self._pages("residents", gone):
            ordered += await self._database.transaction(self._orders(gone, rows, number))
        return ordered

    def _orders(
        self, gone: Question, rows: Sequence[Row], number: int
    ) -> Callable[[Session], Awaitable[int]]:
        now = self._moment.now
        identity, instant = _as_number(self._database), _as_instant(self._database)

        async def body(session: Session) -> int:
            count = 0
            for (resident_id,) in rows:
                count += await session.execute(
                    "INSERT INTO deletion_requests (id, resident_id, person_id, state, asked_at, due_at)"  # noqa: S608 - our own names
                    f" SELECT {identity}, t.resident_id, {identity}, 'asked', {instant}, {instant}"
                    f" FROM residents t WHERE t.resident_id = ? AND {gone.sql}",
                    # a person whom nobody is: no account has it
                    [new_id(), new_id(), now, now, resident_id, *gone.params],
                )
            await self._keep(session, number, {ABANDONED: count})
            return count

        return body


def _as_number(database: Database) -> str:
    return "?" if database.dialect == "sqlite" else "?::bigint"


def _as_instant(database: Database) -> str:
    return "?" if database.dialect == "sqlite" else "?::timestamptz"


def _as_text(database: Database) -> str:
    return "?" if database.dialect == "sqlite" else "?::text"
