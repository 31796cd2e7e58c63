"""A platform that does as it is told, words without a template, and a desk that sends: for tests of the dispatcher."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from bot.channels.outbound import Outbound, Outgoing, SendFailed, Sent, Trouble, Way, Words
from bot.errors import NoWords
from bot.metrics import Metrics
from bot.notices.claims import Claimed
from bot.notices.dispatcher import Dispatcher
from bot.notices.outbox import CONTEXT
from bot.notices.reachability import Channel
from bot.store.database import Database
from bot.store.ids import row_id
from tests.conversation.world import keys
from tests.notices.persons import Persons

MANY = 500  # sends that a window allows, more than a test needs


@dataclass
class FakeOutbound:
    """Takes what it is given, unless something else is due: `script` by address, one after the other, then `always`."""

    channel: str = "wechat_official"
    idempotent: frozenset[Way] = frozenset()
    ways: frozenset[Way] = frozenset(Way)
    script: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    always: Exception | None = None
    gate: asyncio.Event | None = None
    turns: int = 0
    sent: list[tuple[str, str]] = field(default_factory=list)
    tried: list[tuple[str, str, Way]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.app = f"{self.channel}:app"

    async def send(self, way: Way, address: str, outgoing: Outgoing, *, key: str) -> Sent:
        assert isinstance(outgoing, Words)
        self.tried.append((address, outgoing.text, way))
        self.keys.append(key)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.news.set()
        try:
            await self._take_time()
        finally:
            self.under_way -= 1
            self.news.set()
        failed = self.script[address].pop(0) if self.script[address] else self.always
        if failed is not None:
            raise failed
        self.sent.append((address, outgoing.text))
        return Sent(f"p{len(self.sent)}")

    async def _take_time(self) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait; the condition is looked at again whenever a send begins or ends."""
        while not condition():
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 20)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Nothing is open."""


class FakeComposer:
    """Says the text of the parameters; there is none for "nothing"."""

    def compose(self, notice: Claimed, channel: Channel) -> Outgoing:
        text = keys().open_json(CONTEXT, notice.params_sealed)["text"]
        if text == "nothing":
            raise NoWords
        return Words(text)


def failed(trouble: Trouble, reason: str = "made_up", **more: Any) -> SendFailed:
    return SendFailed(trouble, reason, **more)


class Desk(Persons):
    """Persons with queued notices, and dispatchers that send them; closes all of these at the end."""

    def __init__(self, database: Database, **more: Any) -> None:
        super().__init__(database, **more)
        self.metrics = Metrics()
        self.outbound = FakeOutbound()
        self.outbounds: Mapping[str, Outbound] = {"wechat_official": self.outbound}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def dispatcher(
        self, owner: str = "one", *, at_once: int = 4, pace: Mapping[str, float] | None = None, **more: Any
    ) -> Dispatcher:
        """A dispatcher that isn't open yet; `more` are arguments of its own."""
        parts: dict[str, Any] = {
            "reachability": self.reachability, "composer": FakeComposer(), "outbounds": self.outbounds,
            "metrics": self.metrics, "owner": owner, "at_once": at_once, "pace": pace or {},
        }  # fmt: skip
        return Dispatcher(self.database, keys(), self.clock, **parts | more)

    async def opened(self, owner: str = "one", **more: Any) -> Dispatcher:
        """A dispatcher at work."""
        dispatcher = self.dispatcher(owner, **more)
        await dispatcher.open()
        self._stack.push_async_callback(dispatcher.close)
        return dispatcher

    async def somebody(self, name: str, channel: str = "wechat_official", **changes: Any) -> int:
        """A person in an open window with that address."""
        sealed = keys().seal("accounts.external", name)
        return await self.account(channel, external_sealed=sealed, **{"window_left": MANY} | changes)

    async def queue(self, person_id: int, text: str, **changes: Any) -> int:
        """Queue a notice that answers the person, so that neither night nor cap holds it back."""
        now = self.clock.now()
        created = changes.pop("created_at", now)
        row: dict[str, Any] = {
            "id": row_id(created), "state": "queued", "sent_at": None, "way": "", "kind": "result",
            "params_sealed": keys().seal_json(CONTEXT, {"text": text}), "created_at": created,
            "not_before": created, "try_at": created, "expires_at": now + timedelta(days=3),
        }  # fmt: skip
        await self.notice(person_id, **row | {"dedup_key": f"k:{row['id']}"} | changes)
        notice_id: int = row["id"]
        return notice_id

    async def queue_in_turn(self, person_id: int, texts: Iterable[str], **changes: Any) -> None:
        """Queue one after the other, each a second later than the one before."""
        begins = self.clock.now() - timedelta(minutes=1)
        for place, text in enumerate(texts):
            await self.queue(person_id, text, created_at=begins + timedelta(seconds=place), **changes)

    async def states(self) -> list[tuple[str, str]]:
        """State and reason of every notice, in the order in which they were caused."""
        return [
            (row[0], row[1])
            for row in await self.rows("SELECT state, reason FROM notices ORDER BY created_at, id")
        ]

    def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))


async def drained(dispatcher: Dispatcher) -> None:
    """Everything that can go now has gone."""
    await asyncio.wait_for(dispatcher.drain(), 20)
