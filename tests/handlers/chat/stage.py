"""A conversation on a table: shipped schemes, rule books and texts, a resident in memory, and what was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.channels.plain_text import picked, render_text
from bot.conversation.context import Context
from bot.conversation.dialogue import Talk
from bot.conversation.forms import Form, continue_form
from bot.conversation.routing import Handler, Route, always, respond
from bot.core.model import Detail, Fact, Identity, RiskMap
from bot.message import Choice, Incoming, Kind, Reply
from bot.notices.reachability import Reachability
from bot.services.codes import hold
from bot.services.policy import Policies, Policy
from bot.services.real_name import NoRealNameService
from bot.services.rescore import rescore
from bot.services.world import World
from bot.store.database import Database, Row
from bot.store.ids import new_id
from bot.store.snapshot import Account, PunchIn, Resident
from bot.store.work import Work, Write
from tests.conversation.world import keys, places, rulebooks, schemes, texts
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).resolve().parents[3]
NOON = datetime(2020, 3, 20, 4, tzinfo=UTC)  # 12:00 in Shanghai
TODAY = date(2020, 3, 20)
SIX = ("hubei", "wuhan", "national", "community", "guangdong", "guangzhou")


def world(risk: RiskMap | None = None) -> World:
    return World(
        keys=keys(),
        schemes=schemes(),
        rulebooks=rulebooks(),
        real_name=NoRealNameService(),
        risk=risk or RiskMap(),
        policies=Policies(Policy(full_report_every=0)),
    )


def resident(
    *, codes: tuple[str, ...] = SIX, verified: bool = True, at: datetime = NOON, **changes: Any
) -> Resident:
    """A declared resident who holds these codes, scored yesterday."""
    one = Resident(
        resident_id=new_id(),
        identity=Identity.VERIFIED if verified else Identity.CLAIMED,
        certificate_kind="id_card",
        name_sealed=None,
        birth_sealed=None,
        division="420102",
        zone="Asia/Shanghai",
        declared_at=at - timedelta(days=30),
        last_punch_in=at.date() - timedelta(days=1),
        input_version=7,
    )
    for name, value in changes.items():
        setattr(one, name, value)
    if one.last_punch_in is not None:
        one.punch_ins[one.last_punch_in] = report(one.last_punch_in)
    yesterday = Work(now=at - timedelta(days=1))
    for scheme in codes:
        hold(world(), yesterday, one, scheme)
    rescore(world(), yesterday, one, cause="test")
    return one


def report(day: date, tenths: int | None = 366, *symptoms: str, no_change: bool = False) -> PunchIn:
    normal = not symptoms and (tenths is None or tenths < 373)
    return PunchIn(new_id(), day, 1, "P200101-00000000-00", tenths, symptoms, no_change, normal)


def fact(
    kind: str, start: date, *, source: str = "worker", division: str | None = None, **details: Detail
) -> Fact:
    known = datetime(start.year, start.month, start.day, 1, tzinfo=UTC)
    number = new_id()
    return Fact(number, kind, start, None, division, source, f"test:{number}", None, known, None, details)


class NoRows(Database):
    """A database in which nothing has ever been stored."""

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]:
        return []


class Stage:
    """One account that says one thing after the other; `ctx` is the last message's."""

    ctx: Context
    reply: Reply | None

    def __init__(
        self,
        who: Resident | None = None,
        *,
        at: datetime = NOON,
        language: str = "zh",
        risk: RiskMap | None = None,
        forms: Mapping[str, Form] | None = None,
        database: Database | None = None,
    ) -> None:
        self.who = who
        self.at = at
        self.account = Account(11, "simulator", "k:1", language=language, consent="given")
        self.talk = Talk()
        self.world = world(risk)
        self.forms = dict(forms or {})
        self.database = database or NoRows("sqlite://:memory:")
        self.choices: tuple[Choice, ...] = ()

    def hear(self, text: str = "", **more: Any) -> Context:
        """The context of one message, as the engine makes it."""
        incoming = Incoming(
            "simulator", "user", str(new_id()), more.pop("kind", Kind.TEXT), self.at, text, **more
        )
        self.ctx = Context(
            message=incoming,
            now=self.at,
            account=self.account,
            talk=self.talk,
            work=Work(now=self.at),
            world=self.world,
            texts=texts(),
            places=places(),
            database=self.database,
            forms=self.forms,
            reachability=Reachability(self.database, FakeClock(self.at), {}),
            resident=self.who,
            residents=[self.who] if self.who else [],
            choice=picked(self.talk.choices, text) if text else None,
        )
        return self.ctx

    async def say(self, text: str, handler: Handler | None = None, **more: Any) -> str:
        """What is answered, as plain text: by the form under way, else by that handler."""
        ctx = self.hear(text, **more)
        routes = (
            [Route("form", lambda message, ctx: bool(ctx.talk.form), continue_form)] if self.forms else []
        )
        routes.append(Route("handler", always, handler or _silent))
        _, self.reply = await respond(ctx.message, ctx, routes)
        ctx.work.check()
        self.talk.offer(self.reply)
        return "" if self.reply is None else render_text(self.reply)

    def writes(self, table: str) -> list[Write]:
        return [write for write in self.ctx.work.writes if write.table == table]


async def _silent(message: Incoming, ctx: Context) -> Reply | None:
    return None
