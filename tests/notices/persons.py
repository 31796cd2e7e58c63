"""Persons with accounts in a database, reachable in every way until a test closes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.channels.outbound import Way
from bot.notices.reachability import Channel, Offer, Question, Reachability, Unreachable
from bot.store.database import Database
from bot.store.ids import new_id, row_id
from tests.conversation.world import keys
from tests.fakes.clock import FakeClock

NOON = datetime(2020, 3, 20, 4, tzinfo=UTC)  # 12:00 in Shanghai
MIDNIGHT = datetime(2020, 3, 20, 17, tzinfo=UTC)  # 01:00 of the 21st in Shanghai
TEMPLATES = frozenset({"colour_changed", "asked_first", "result", "not_done", "link_asked", "link_answered"})
OFFERED: Mapping[str, Offer] = {
    "wechat_official": Offer("wechat_official", "wechat_official:app", frozenset({Way.CUSTOMER_SERVICE, Way.TEMPLATE}), TEMPLATES),
    "wechat_mini": Offer("wechat_mini", "wechat_mini:app", frozenset({Way.CUSTOMER_SERVICE, Way.SUBSCRIPTION}), TEMPLATES),
    "alipay": Offer("alipay", "alipay:app", frozenset({Way.CUSTOMER_SERVICE, Way.TEMPLATE}), TEMPLATES),
    "simulator": Offer("simulator", "simulator:", frozenset({Way.SIMULATOR}), frozenset()),
}  # fmt: skip
SERVICE_ONLY: Mapping[str, Offer] = {
    name: Offer(name, f"{name}:app", frozenset({Way.CUSTOMER_SERVICE}), frozenset())
    for name in ("wechat_official", "wechat_mini", "alipay")
}


class Persons:
    """Adds persons and what belongs to them, and asks about them."""

    def __init__(
        self,
        database: Database,
        clock: FakeClock | None = None,
        offered: Mapping[str, Offer] = OFFERED,
    ) -> None:
        self.database = database
        self.clock = clock or FakeClock(NOON)
        self.reachability = Reachability(database, self.clock, offered)

    async def insert(self, table: str, **row: Any) -> None:
        marks = ", ".join("?" * len(row))
        await self.database.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
        )

    async def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.database.fetch(sql, params)]

    async def account(self, channel: str = "wechat_official", *, person_id: int = 0, **changes: Any) -> int:
        """A consenting, following account in an open window; its id is the person's unless one is given."""
        account_id = new_id()
        wire = self.clock.wire()
        row = {
            "id": account_id, "person_id": person_id or account_id, "channel": channel,
            "external_index": f"k:{account_id}", "external_sealed": keys().seal("accounts.external", "openid"),
            "consent": "given", "created_at": wire, "window_until": wire + timedelta(hours=40), "window_left": 5,
        }  # fmt: skip
        await self.insert("accounts", **row | changes)
        return account_id

    async def resident(self, account_id: int, relation: str = "self", **changes: Any) -> int:
        """A resident for whom that account speaks."""
        resident_id: int = changes.pop("resident_id", 0) or new_id()
        if not await self.rows("SELECT 1 FROM residents WHERE resident_id = ?", resident_id):
            row = {"resident_id": resident_id, "created_at": self.clock.wire()}
            await self.insert("residents", **row | changes)
        await self.insert(
            "account_residents", id=new_id(), account_id=account_id, resident_id=resident_id,
            relation=relation, since=self.clock.wire(),
        )  # fmt: skip
        return resident_id

    async def notice(self, person_id: int, **changes: Any) -> int:
        """A notice that was sent now, unasked and not urgent."""
        now = self.clock.now()
        notice_id = row_id(now)
        row = {
            "id": notice_id, "resident_id": 0, "account_id": person_id, "person_id": person_id,
            "kind": "colour_changed", "params_sealed": b"s", "state": "sent", "dedup_key": f"k:{notice_id}",
            "not_before": now, "try_at": now, "expires_at": now + timedelta(days=3), "created_at": now,
            "sent_at": now, "way": "customer_service",
        }  # fmt: skip
        await self.insert("notices", **row | changes)
        return notice_id

    async def subscription(self, account_id: int, balance: int = 3, **changes: Any) -> None:
        row = {
            "id": new_id(), "account_id": account_id, "kind": "colour_changed", "standing": "once",
            "balance": balance, "updated_at": self.clock.now(),
        }  # fmt: skip
        await self.insert("subscriptions", **row | changes)

    async def form(self, account_id: int, **lasts: float) -> int:
        token_id = new_id()
        until = self.clock.wire() + timedelta(**lasts or {"days": 7})
        await self.insert(
            "form_tokens", id=token_id, account_id=account_id, form_sealed=b"f", expires_at=until
        )
        return token_id

    async def platform(self, name: str, **until: datetime) -> None:
        await self.insert("platform_states", name=name, **until)

    async def ask(
        self, person_id: int, kind: str = "colour_changed", at: datetime | None = None, **more: Any
    ) -> Channel | Unreachable:
        """The answer to one question."""
        question = Question(person_id, kind, **more)
        return (await self.reachability.reach_many(self.database, [question], at or self.clock.now()))[0]

    async def reached(self, person_id: int, kind: str = "colour_changed", **more: Any) -> Channel:
        """The channel of somebody who can be reached."""
        answer = await self.ask(person_id, kind, **more)
        assert isinstance(answer, Channel), answer
        return answer

    async def closed(self, person_id: int, kind: str = "colour_changed", **more: Any) -> Unreachable:
        """Why somebody can't be reached."""
        answer = await self.ask(person_id, kind, **more)
        assert isinstance(answer, Unreachable), answer
        return answer

    async def reasons(self, person_id: int, kind: str = "colour_changed", **more: Any) -> set[str]:
        """The reason codes why somebody can't be reached; none if they can."""
        answer = await self.ask(person_id, kind, **more)
        return set() if isinstance(answer, Channel) else {each.reason for each in answer.reasons}
