"""Delivers waiting notices to the simulator's phones, each once, and lets a page read them again in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from jinja2 import TemplateError

from bot.channels.simulator import CHANNEL
from bot.conversation.told import notice_text
from bot.conversation.turn import Tools
from bot.errors import YimaError
from bot.store import indexes
from bot.store.database import Database, Row, Session, instant, instant_or_none

_log = structlog.get_logger("simulator")
_AT_ONCE = 100
_TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Unasked:
    """What came to one account by itself; `after` is the cursor with which the next look begins."""

    messages: tuple[dict[str, Any], ...]
    after: int


class PhoneNotices:
    """The notices of simulator accounts. A cursor is the `sent_at` of the last one read, in microseconds:
    every notice of an account gets a later one than the account's last, so that none is passed over."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._delivering = asyncio.Lock()

    async def read(self, user: str, after: int) -> Unasked:
        """Deliver what is due to that user, then everything delivered behind the cursor, oldest first.

        A cursor from another, younger database begins at the start, as it would hide everything.
        """
        account = await self._account(user)
        if account is None:
            return Unasked((), 0)
        account_id, language, following = account
        if following:
            await self._deliver(account_id, language)
        since = after if after <= await self._newest(account_id) else 0
        rows = await self._tools.database.fetch(
            "SELECT id, kind, params_sealed, sent_at FROM notices WHERE account_id = ? AND channel = ?"
            " AND state = 'sent' AND sent_at > ? ORDER BY sent_at LIMIT ?",
            [account_id, CHANNEL, _EPOCH + since * _TICK, _AT_ONCE],
        )
        messages = [self._message(row, language) for row in rows]
        return Unasked(
            tuple(message for message in messages if message is not None),
            _microseconds(instant(rows[-1][3])) if rows else since,
        )

    async def _account(self, user: str) -> tuple[int, str, bool] | None:
        database = self._tools.database
        indexed = indexes.account(CHANNEL, user)
        found_under = self._tools.world.keys.indexes(indexed.kind, indexed.value)
        rows = await database.fetch(
            "SELECT id, language, following FROM accounts WHERE channel = ?"  # noqa: S608 - a column, no value
            f" AND {database.among('external_index', 'text')}",
            [CHANNEL, database.listed(found_under)],
        )
        return (rows[0][0], rows[0][1], bool(rows[0][2])) if rows else None

    async def _newest(self, account_id: int) -> int:
        at = await _last_sent(self._tools.database, account_id)
        return 0 if at is None else _microseconds(at)

    async def _deliver(self, account_id: int, language: str) -> None:
        async with self._delivering:
            now = self._tools.clock.now()
            due = await self._due(account_id, now)
            if due:
                readable = [row for row in due if self._text(row, language) is not None]
                unreadable = [row for row in due if row not in readable]
                await self._mark(account_id, now, readable, unreadable)

    async def _due(self, account_id: int, now: datetime) -> Sequence[Row]:
        return await self._tools.database.fetch(
            "SELECT id, kind, params_sealed, resident_id FROM notices WHERE account_id = ? AND state = 'queued'"
            " AND not_before <= ? AND expires_at > ? ORDER BY not_before, created_at, id LIMIT ?",
            [account_id, now, now, _AT_ONCE],
        )

    async def _mark(
        self, account_id: int, now: datetime, readable: Sequence[Row], unreadable: Sequence[Row]
    ) -> None:
        async def body(session: Session) -> None:
            # a write first: it holds off another process that looks at the same account
            await session.execute("UPDATE accounts SET language = language WHERE id = ?", [account_id])
            last = await _last_sent(session, account_id)
            at = now if last is None or last < now else last + _TICK
            for row in readable:
                marked = await session.execute(
                    "UPDATE notices SET state = 'sent', sent_at = ?, channel = ?, attempts = attempts + 1"
                    " WHERE resident_id = ? AND id = ? AND state = 'queued'",
                    [at, CHANNEL, row[3], row[0]],
                )
                at += _TICK * marked
            for row in unreadable:
                await session.execute(
                    "UPDATE notices SET state = 'failed', reason = 'no_text', channel = ?"
                    " WHERE resident_id = ? AND id = ? AND state = 'queued'",
                    [CHANNEL, row[3], row[0]],
                )

        await self._tools.database.transaction(body)

    def _message(self, row: Row, language: str) -> dict[str, Any] | None:
        text = self._text(row, language)
        if text is None:
            return None
        at = instant(row[3]).isoformat()
        return {"id": str(row[0]), "kind": "text", "text": text, "choices": [], "notice": row[1], "at": at}

    def _text(self, row: Row, language: str) -> str | None:
        """The words of a notice, None if it has none: it must not keep back those behind it."""
        try:
            return notice_text(
                self._tools.world, self._tools.texts, language, kind=row[1], params_sealed=row[2]
            )
        except (YimaError, TemplateError, KeyError, TypeError, ValueError) as error:
            _log.warning(
                "notice has no text", action="notice_read_fail", notice=row[0], error=type(error).__name__
            )
            return None


async def _last_sent(reader: Database | Session, account_id: int) -> datetime | None:
    rows = await reader.fetch(
        "SELECT MAX(sent_at) FROM notices WHERE account_id = ? AND channel = ?", [account_id, CHANNEL]
    )
    return instant_or_none(rows[0][0])


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _TICK
