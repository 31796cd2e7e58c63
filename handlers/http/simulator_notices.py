"""What came to the simulator's phones by itself, in the order in which it was sent, to be read again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.channels.simulator import CHANNEL
from bot.conversation.told import notice_text
from bot.conversation.turn import Tools
from bot.errors import NoWords
from bot.store import indexes
from bot.store.database import Row, instant

_log = structlog.get_logger("simulator")
_AT_ONCE = 100
_SENT = "FROM notices WHERE account_id = ? AND channel = ? AND state = 'sent' AND platform_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Unasked:
    """What came to one account by itself; `after` is the cursor with which the next look begins."""

    messages: tuple[dict[str, Any], ...]
    after: int


class PhoneNotices:
    """The notices of simulator accounts. A cursor is the place of the last one read in the order of sending."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def read(self, user: str, after: int) -> Unasked:
        """Everything that was sent to that user behind the cursor, oldest first.

        A cursor from another, younger database begins at the start, as it would hide everything.
        """
        account = await self._account(user)
        if account is None:
            return Unasked((), 0)
        account_id, language = account
        since = after if after <= await self._newest(account_id) else 0
        rows = await self._tools.database.fetch(
            f"SELECT id, kind, params_sealed, sent_at, priority, platform_id {_SENT} AND platform_id > ?"
            " ORDER BY platform_id LIMIT ?",
            [account_id, CHANNEL, f"{since:020d}", _AT_ONCE],
        )
        return Unasked(self._messages(rows, language), int(rows[-1][5]) if rows else since)

    async def _account(self, user: str) -> tuple[int, str] | None:
        database = self._tools.database
        indexed = indexes.account(CHANNEL, user)
        found_under = self._tools.world.keys.indexes(indexed.kind, indexed.value)
        rows = await database.fetch(
            "SELECT id, language FROM accounts WHERE channel = ?"  # noqa: S608 - a column, no value
            f" AND {database.among('external_index', 'text')}",
            [CHANNEL, database.listed(found_under)],
        )
        return (rows[0][0], rows[0][1]) if rows else None

    async def _newest(self, account_id: int) -> int:
        rows = await self._tools.database.fetch(
            f"SELECT MAX(platform_id) {_SENT}",
            [account_id, CHANNEL],
        )
        return int(rows[0][0] or 0)

    def _messages(self, rows: Sequence[Row], language: str) -> tuple[dict[str, Any], ...]:
        messages = (self._message(row, language) for row in rows)
        return tuple(message for message in messages if message is not None)

    def _message(self, row: Row, language: str) -> dict[str, Any] | None:
        tools = self._tools
        try:
            text = notice_text(
                tools.world, tools.texts, language, kind=row[1], params_sealed=row[2], urgent=row[4] > 0
            )
        except NoWords as error:  # sealed under a key that is gone since: what comes behind it is shown
            _log.warning("notice has no text", action="notice_read_fail", notice=row[0], error=str(error))
            return None
        at = instant(row[3]).isoformat()
        return {"id": str(row[0]), "kind": "text", "text": text, "choices": [], "notice": row[1], "at": at}
