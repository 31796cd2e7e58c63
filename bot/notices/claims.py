"""Claims notices for sending, so that no two processes share one and no two of one person are under way.

On SQLite a claim is one write transaction. On PostgreSQL other processes claim at the same time: rows that they
hold are skipped, each person is locked for the length of the transaction, and the claiming statement, which sees
what was committed before the lock was got, checks once more that the notice is its person's first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.notices.conditions import REMINDER
from bot.notices.due import DueReports
from bot.notices.kinds import KINDS
from bot.notices.reachability import Channel, Question, Reachability, Unreachable
from bot.store.database import Database, Row, Session, instant

LEASE = timedelta(minutes=3)  # longer than any send takes, its token and its second try included
TOO_OLD = "too_old"
NO_WORDS = "no_words"
_URGENT, _NORMAL = 1, 0
_AT_LEAST = timedelta(minutes=1)  # a notice that could not go is not asked about again sooner
_LOOK_AGAIN = timedelta(seconds=5)  # at what was passed over because its app had no room

_COLUMNS = (
    "n.id, n.resident_id, n.person_id, n.account_id, n.kind, n.params_sealed, n.priority, n.created_at,"
    " n.expires_at, n.attempts, n.failures, n.way, n.reason, n.try_at"
)
_FIRST = (
    # `way` stays with a notice that is being retried; one that waits for its app's pause has none
    " NOT EXISTS (SELECT 1 FROM notices s WHERE s.person_id = n.person_id AND s.state = 'sending')"
    " AND NOT EXISTS (SELECT 1 FROM notices o WHERE o.person_id = n.person_id AND o.state = 'queued'"
    " AND (o.try_at <= ? OR o.failures > 0 AND o.way <> '') AND o.expires_at > ?"
    # + 0: only the few notices of the person are looked at, not all that are more urgent
    " AND (o.priority + 0 > n.priority OR o.priority + 0 = n.priority"
    " AND (o.created_at < n.created_at OR o.created_at = n.created_at AND o.id < n.id)))"
)
_QUEUED = " WHERE resident_id = ? AND id = ? AND state = 'queued' AND attempts = ?"
_TAKE = (
    "UPDATE notices SET state = 'sending', owner = ?, lease_until = ?, attempts = attempts + 1, way = ?,"  # noqa: S608 - our own text
    f" channel = ?, account_id = ?{_QUEUED}"
)
_TAKE_CHECKED = (
    "UPDATE notices n SET state = 'sending', owner = ?, lease_until = ?, attempts = n.attempts + 1, way = c.way,"  # noqa: S608 - as above
    " channel = c.channel, account_id = c.account_id"
    " FROM unnest(?::bigint[], ?::bigint[], ?::smallint[], ?::text[], ?::text[], ?::bigint[])"
    " AS c(resident_id, id, attempts, way, channel, account_id)"
    " WHERE n.resident_id = c.resident_id AND n.id = c.id AND n.state = 'queued' AND n.attempts = c.attempts"
    f" AND{_FIRST} RETURNING n.resident_id, n.id"
)
# what could not be reached has not failed: whatever opens a way finds it, and it holds nobody back
_DEFER = f"UPDATE notices SET try_at = ?, reason = ?, failures = 0, way = '', channel = ''{_QUEUED}"  # noqa: S608 - as above
_END = f"UPDATE notices SET state = ?, reason = ?{_QUEUED}"  # noqa: S608 - as above
_LOCK = "SELECT p FROM unnest(?::bigint[]) AS p WHERE pg_try_advisory_xact_lock(hashint8extended(p, 4))"


@dataclass(frozen=True, slots=True)
class Claimed:
    """One notice that this process may send now. `attempts` counts this claim; `last_way` and
    `last_reason` are of the send over `account_id` before, if there was one and it is being tried again."""

    id: int
    resident_id: int
    person_id: int
    account_id: int
    kind: str
    params_sealed: bytes = field(repr=False)
    priority: int
    created_at: datetime
    expires_at: datetime
    attempts: int
    failures: int
    last_way: str = ""
    last_reason: str = ""

    @property
    def key(self) -> str:
        """The same for the same notice, whenever it is sent: what a platform may drop a second one by."""
        return f"{self.id:x}"


@dataclass(slots=True)
class Room:
    """How many may be claimed now: over all, and over each channel."""

    total: int
    channels: dict[str, int]

    def take(self, channel: str) -> bool:
        """Whether there was room for one more there; then there is less."""
        if self.total <= 0 or self.channels.get(channel, 0) <= 0:
            return False
        self.total -= 1
        self.channels[channel] -= 1
        return True


@dataclass(slots=True)
class Taken:
    """What one look came to. `needless`: reminders of what has been done meanwhile, and why. `more`: another look may find more now. `next_at`: when something falls due next."""

    claimed: list[tuple[Claimed, Channel]] = field(default_factory=list)
    expired: list[Claimed] = field(default_factory=list)
    needless: list[tuple[Claimed, str]] = field(default_factory=list)
    wordless: list[Claimed] = field(default_factory=list)
    deferred: int = 0
    more: bool = False
    next_at: datetime | None = None


@dataclass(slots=True)
class _Page:
    """Candidates of one priority, the first of each person, in the order in which they fell due."""

    priority: int
    rows: Sequence[Row]
    full: bool
    beyond: bool


class Claims:
    """The claims of one owner. `passed` remembers how far it has looked past notices whose app has no room, so
    that a long queue of one app doesn't stand before those of the others."""

    def __init__(
        self, database: Database, reachability: Reachability, *, owner: str, due: DueReports | None = None
    ) -> None:
        self._database = database
        self._reachability = reachability
        self._due = due
        self._owner = owner
        self._postgresql = database.dialect != "sqlite"
        self._passed: dict[int, tuple[Any, int]] = {}
        self._passed_at: datetime | None = None
        self.closed: set[str] = set()

    def look_from_the_beginning(self) -> None:
        """Forget what was passed over."""
        self._passed.clear()
        self.closed.clear()
        self._passed_at = None

    async def take(self, session: Session, room: Room, *, now: datetime, wire: datetime) -> Taken:
        """Claim what is due and can be reached, as far as there is room; put off or end what can't go."""
        taken = Taken()
        pages = await self._pages(session, room, now, wire)
        candidates = self._candidates(taken, pages, now)
        if self._postgresql and candidates:
            candidates = await self._lock(session, candidates)
        candidates = await self._still_due(session, taken, candidates, now)
        answers = await self._ask(session, candidates, now)
        put_off: list[tuple[Claimed, Unreachable]] = []
        wanted: list[tuple[Claimed, Channel]] = []
        skipped: set[str] = set()
        for notice, answer in zip(candidates, answers, strict=True):
            if isinstance(answer, Unreachable):
                put_off.append((notice, answer))
            elif room.take(answer.channel):
                wanted.append((notice, answer))
            else:
                skipped.add(answer.channel)
        self._pass_over(pages, skipped, wire)
        taken.claimed = await self._claim(session, wanted, now=now, wire=wire)
        await self._settle(session, taken, put_off, now)
        taken.deferred = len(put_off)
        unblocked = bool(put_off or taken.expired or taken.needless or taken.wordless)
        taken.more = unblocked or (any(page.full for page in pages) and bool(taken.claimed or skipped))
        return taken

    async def next_due(self, session: Session, now: datetime) -> datetime | None:
        """When the next notice falls due; on PostgreSQL that of one that is due and held by somebody, too."""
        since = "" if self._postgresql else " AND try_at > ?"
        found = []
        for priority in (_URGENT, _NORMAL):
            rows = await session.fetch(
                f"SELECT MIN(try_at) FROM notices WHERE state = 'queued' AND priority = ?{since}",  # noqa: S608
                [priority] if self._postgresql else [priority, now],
            )
            if rows[0][0] is not None:
                found.append(instant(rows[0][0]))
        return min(found, default=None)

    async def _pages(self, session: Session, room: Room, now: datetime, wire: datetime) -> list[_Page]:
        if not self.closed:
            return await self._read(session, room.total, now, beyond=False)
        pages: list[_Page] = []
        reopened = sum(max(0, room.channels.get(name, 0)) for name in self.closed)
        if reopened:
            pages += await self._read(session, min(reopened, room.total), now, beyond=False)
            if not any(page.full for page in pages):
                self.look_from_the_beginning()  # that was all that is due
                return pages
        left = room.total - sum(len(page.rows) for page in pages)
        if left > 0 and any(count > 0 for name, count in room.channels.items() if name not in self.closed):
            beyond = await self._read(session, left, now, beyond=True)
            if not any(page.full for page in beyond) and wire >= (self._passed_at or wire) + _LOOK_AGAIN:
                self.look_from_the_beginning()
            pages += beyond
        return pages

    async def _read(self, session: Session, limit: int, now: datetime, *, beyond: bool) -> list[_Page]:
        pages: list[_Page] = []
        for priority in (_URGENT, _NORMAL):
            after = self._passed.get(priority) if beyond else None
            rows = await self._page(session, priority, after, limit, now)
            pages.append(_Page(priority, rows, len(rows) == limit, beyond))
            limit -= len(rows)
            if limit <= 0:
                break
        return pages

    async def _page(
        self, session: Session, priority: int, after: tuple[Any, int] | None, limit: int, now: datetime
    ) -> Sequence[Row]:
        further = " AND (n.try_at, n.id) > (?, ?)" if after is not None else ""
        skip = " FOR UPDATE OF n SKIP LOCKED" if self._postgresql else ""
        return await session.fetch(
            f"SELECT {_COLUMNS} FROM notices n WHERE n.state = 'queued' AND n.priority = ? AND n.try_at <= ?"  # noqa: S608
            f"{further} AND{_FIRST} ORDER BY n.try_at, n.id LIMIT ?{skip}",
            [priority, now, *(after or ()), now, now, limit],
        )

    def _candidates(self, taken: Taken, pages: Sequence[_Page], now: datetime) -> list[Claimed]:
        """One notice of each person; those without a future are ended."""
        persons: set[int] = set()
        found: list[Claimed] = []
        for page in pages:
            for row in page.rows:
                notice = _notice(row)
                if notice.person_id in persons:
                    continue
                if notice.expires_at <= now:
                    taken.expired.append(notice)
                elif notice.kind not in KINDS:
                    taken.wordless.append(notice)
                else:
                    persons.add(notice.person_id)
                    found.append(notice)
        return found

    async def _lock(self, session: Session, notices: list[Claimed]) -> list[Claimed]:
        """Those whose person nobody else is claiming for; the lock ends with the transaction."""
        rows = await session.fetch(_LOCK, [sorted(notice.person_id for notice in notices)])
        ours = {row[0] for row in rows}
        return [notice for notice in notices if notice.person_id in ours]

    async def _still_due(
        self, session: Session, taken: Taken, notices: list[Claimed], now: datetime
    ) -> list[Claimed]:
        """Without the reminders to persons who have nothing to report any more, whoever reported."""
        asked = {notice.person_id for notice in notices if notice.kind == REMINDER}
        if self._due is None or not asked:
            return notices
        ended = await self._due.still(session, asked, now)
        kept: list[Claimed] = []
        for notice in notices:
            if notice.kind == REMINDER and notice.person_id in ended:
                taken.needless.append((notice, ended[notice.person_id]))
            else:
                kept.append(notice)
        return kept

    async def _ask(
        self, session: Session, notices: Sequence[Claimed], now: datetime
    ) -> list[Channel | Unreachable]:
        if not notices:
            return []
        questions = [
            Question(
                notice.person_id,
                notice.kind,
                notice.priority > 0,
                notice.account_id if KINDS[notice.kind].own_account else None,
            )
            for notice in notices
        ]
        return await self._reachability.reach_many(session, questions, now)

    def _pass_over(self, pages: Sequence[_Page], skipped: set[str], wire: datetime) -> None:
        """Go on behind what had no room, next time."""
        if not skipped and not self.closed:
            return
        first = not self.closed
        self.closed |= skipped
        self._passed_at = self._passed_at or wire
        for page in pages:
            if page.rows and (page.beyond or first):
                last = page.rows[-1]
                self._passed[page.priority] = (last[13], last[0])

    async def _claim(
        self, session: Session, wanted: list[tuple[Claimed, Channel]], *, now: datetime, wire: datetime
    ) -> list[tuple[Claimed, Channel]]:
        """Mark them as being sent; what is returned is ours alone once the transaction is committed."""
        if not wanted:
            return []
        until = wire + LEASE
        rows = [
            (notice.resident_id, notice.id, notice.attempts - 1, channel.way.value, channel.channel, channel.account_id)
            for notice, channel in wanted
        ]  # fmt: skip
        if not self._postgresql:
            changes = [(self._owner, until, *row[3:], *row[:3]) for row in rows]
            await session.execute_many([(_TAKE, changes)])
            return wanted
        columns = [list(column) for column in zip(*rows, strict=True)]
        won = {
            (row[0], row[1])
            for row in await session.fetch(_TAKE_CHECKED, [self._owner, until, *columns, now, now])
        }
        return [(notice, channel) for notice, channel in wanted if (notice.resident_id, notice.id) in won]

    async def _settle(
        self, session: Session, taken: Taken, put_off: Sequence[tuple[Claimed, Unreachable]], now: datetime
    ) -> None:
        soonest = now + _AT_LEAST
        statements: list[tuple[str, list[tuple[Any, ...]]]] = [
            (_DEFER, [(_later(why, soonest, now), why.reasons[0].reason, *_as_queued(n)) for n, why in put_off]),
            (_END, [("expired", TOO_OLD, *_as_queued(notice)) for notice in taken.expired]
            + [("expired", why, *_as_queued(notice)) for notice, why in taken.needless]
            + [("failed", NO_WORDS, *_as_queued(notice)) for notice in taken.wordless]),
        ]  # fmt: skip
        await session.execute_many([(sql, rows) for sql, rows in statements if rows])


def _later(why: Unreachable, soonest: datetime, now: datetime) -> datetime | None:
    """When to ask again; an answer that names the present would be asked for ever."""
    if why.again_at is None or why.again_at > now:
        return why.again_at
    return soonest


def _as_queued(notice: Claimed) -> tuple[int, int, int]:
    return notice.resident_id, notice.id, notice.attempts - 1


def _notice(row: Row) -> Claimed:
    return Claimed(
        id=row[0],
        resident_id=row[1],
        person_id=row[2],
        account_id=row[3],
        kind=row[4],
        params_sealed=row[5],
        priority=row[6],
        created_at=instant(row[7]),
        expires_at=instant(row[8]),
        attempts=row[9] + 1,
        failures=row[10],
        last_way=row[11],
        last_reason=row[12],
    )
