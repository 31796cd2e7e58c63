"""Many people on a platform with messages that wait for them: who is to get what, and what really came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bot.clock import Clock
from bot.notices.outbox import notify
from bot.store import indexes
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.sealing import KeyRing
from bot.store.work import Work
from bot.store.writer import Outcome, Writer
from tests.fakes.wechat_api import App

CUSTOM = "/cgi-bin/message/custom/send"
SUBSCRIBE = "/cgi-bin/message/subscribe/send"
TOKENS = "/cgi-bin/stable_token"


class Crowd:
    """People who have just written to one app, which therefore may write to them, and what is queued for them."""

    def __init__(
        self, database: Database, keys: KeyRing, clock: Clock, app: App, channel: str = "wechat_mini"
    ) -> None:
        self.app = app
        self.accounts: dict[str, int] = {}
        self._database = database
        self._keys = keys
        self._clock = clock
        self._channel = channel

    async def join(self, *openids: str, **changes: Any) -> None:
        """They wrote a moment ago, and have agreed long since; `changes` are columns of their accounts."""
        work = Work(now=self._clock.now())
        wire = self._clock.wire()
        for openid in openids:
            account_id = self.accounts[openid] = new_id()
            indexed = indexes.account(self._channel, openid)
            row = {
                "id": account_id, "person_id": account_id, "channel": self._channel, "consent": "given",
                "external_index": self._keys.index(indexed.kind, indexed.value),
                "external_sealed": self._keys.seal("accounts.external", openid),
                "created_at": work.now, "window_until": wire + timedelta(hours=48), "window_left": 5,
            }  # fmt: skip
            work.insert("accounts", **row | changes)
            self.app.happened(openid, "message", at=wire)
        await self._commit(work)

    async def agree(self, openid: str, kind: str, template_id: str, count: int = 1) -> None:
        """They agreed to that many notices of a kind, which the platform and the ledger both know."""
        work = Work(now=self._clock.now())
        work.insert(
            "subscriptions", id=new_id(), account_id=self.accounts[openid], kind=kind, standing="once",
            balance=count, updated_at=work.now,
        )  # fmt: skip
        await self._commit(work)
        self.app.accept(openid, template_id, count)

    async def queue(self, texts: Mapping[str, Iterable[str]], *, due: float = 0, **more: Any) -> None:
        """Answers for each of them, one after the other; they may first go in `due` seconds."""
        work = Work(now=self._clock.now())
        for openid, each in texts.items():
            for text in each:
                self._notify(work, openid, "answer", {"text": text}, text, due, **more)
        await self._commit(work)

    async def colour_changed(self, openid: str, *, to: str = "red", urgent: bool = True, **more: Any) -> None:
        """A code has changed, which nobody asked about."""
        work = Work(now=self._clock.now())
        params = {"changes": [["wuhan", "green", "decided", to, "decided"]]}
        key = f"{to} {work.now.isoformat()}"
        self._notify(work, openid, "colour_changed", params, key, 0, urgent=urgent, **more)
        await self._commit(work)

    def _notify(
        self, work: Work, openid: str, kind: str, params: dict[str, Any], key: str, due: float, **more: Any
    ) -> None:
        account_id = self.accounts[openid]
        notify(
            work, self._keys, resident_id=0, person_id=account_id, account_id=account_id, kind=kind,
            params=params, dedup_key=f"crowd:{key}", not_before=work.now + timedelta(seconds=due), **more,
        )  # fmt: skip

    async def _commit(self, work: Work) -> None:
        writer = Writer(self._database)
        assert await writer.commit(work) == Outcome.COMMITTED
        await writer.close()


def three_each(*openids: str) -> dict[str, list[str]]:
    """Three different texts for each of them."""
    return {openid: [f"{openid} {place}" for place in ("first", "second", "third")] for openid in openids}


def names(count: int) -> list[str]:
    return [f"o_{number:04d}" for number in range(count)]


async def standing(database: Database) -> Counter[tuple[str, str]]:
    """How many notices there are of each state and reason."""
    rows = await database.fetch("SELECT state, reason FROM notices")
    return Counter((row[0], row[1]) for row in rows)
