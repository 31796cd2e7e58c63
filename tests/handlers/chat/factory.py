"""A resident at a phone: says things and reads answers, turn by turn, over a real database and real files."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.channels.plain_text import render_text
from bot.conversation.context import Context
from bot.conversation.forms import Form, continue_form
from bot.conversation.routing import Route, always, intends, kinds
from bot.conversation.turn import Tools, Turn, message_key, take_turn
from bot.conversation.understanding.understood import Intent
from bot.errors import NotLoaded
from bot.message import Incoming, Kind, Reply, Spot
from bot.notices.reachability import Reachability
from bot.services.real_name import Claim, Verdict
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database
from bot.store.loader import Loader, Request
from bot.store.writer import Outcome, Writer
from handlers.chat.declare import FORM, change_declaration, start_declaration, wants_change
from handlers.chat.identity import verify_identity, wants_verification
from handlers.chat.welcome import ask_consent, greet, leave, without_consent
from tests.conversation.world import keys, places, rulebooks, schemes, texts
from tests.fakes.clock import FakeClock

HOME = Path(__file__).resolve().parents[3]
CHANNEL = "simulator"


class FakeRegister:
    """A real-name service that says what it is told to, and remembers what it was asked."""

    name = "register"

    def __init__(self, verdict: Verdict = Verdict.MATCH) -> None:
        self.verdict = verdict
        self.asked: list[Claim] = []

    async def verify(self, claim: Claim) -> Verdict:
        self.asked.append(claim)
        return self.verdict


async def answer_aside(message: Incoming, ctx: Context) -> Reply:
    """Stands for every conversation that isn't under test."""
    return Reply.of("[aside]")


ROUTES = (
    Route("leave", kinds(Kind.UNFOLLOW), leave),
    Route("consent", without_consent, ask_consent),
    Route("greet", kinds(Kind.FOLLOW), greet),
    Route("verify", wants_verification, verify_identity),
    Route("change", wants_change, change_declaration),
    Route("form", lambda message, ctx: bool(ctx.talk.form), continue_form),
    Route("declare", intends(Intent.DECLARE), start_declaration),
    Route("fallback", always, answer_aside),
)


def make_world(register: FakeRegister | None = None) -> World:
    """The shipped schemes and rule books, a register, and no risk levels."""
    return World(keys=keys(), schemes=schemes(), rulebooks=rulebooks(), real_name=register or FakeRegister())


class Phone:
    """One account on one channel. Every message is loaded, answered and committed like a real one."""

    def __init__(
        self,
        database: Database,
        *,
        user: str = "li",
        world: World | None = None,
        clock: FakeClock | None = None,
        routes: Sequence[Route] = ROUTES,
        forms: Sequence[Form] = (FORM,),
    ) -> None:
        self.database, self.user = database, user
        self.clock = clock or FakeClock()
        self.world = world or make_world()
        self.tools = Tools(
            clock=self.clock,
            world=self.world,
            texts=texts(),
            places=places(),
            database=database,
            routes=routes,
            forms={form.name: form for form in forms},
            reachability=Reachability(database, self.clock, {}),
        )
        self.last: Turn | None = None

    @property
    def ctx(self) -> Context:
        """The context of the last message, after it."""
        assert self.last is not None
        return self.last.ctx

    async def send(self, text: str = "", kind: Kind = Kind.TEXT, spot: Spot | None = None) -> str:
        """What is answered to one message, as it is read; empty if nothing is."""
        incoming = Incoming(
            channel=CHANNEL,
            account=self.user,
            key=secrets.token_hex(8),
            kind=kind,
            received_at=self.clock.now(),
            text=text,
            spot=spot,
        )
        key = message_key(incoming)
        indexed = indexes.account(CHANNEL, self.user)
        found_under = keys().indexes(indexed.kind, indexed.value)
        for whole in (False, True):
            request = Request(key, CHANNEL, found_under, self.clock.now(), whole)
            snapshot = await Loader(self.database).load(request)
            with suppress(NotLoaded):
                self.last = await take_turn(self.tools, incoming, snapshot, key=key)
                break
        assert self.last is not None
        assert await Writer(self.database).commit(self.last.work) == Outcome.COMMITTED
        return render_text(self.last.reply) if self.last.reply is not None else ""

    async def say(self, *lines: str) -> str:
        """Say several things; the answer to the last."""
        answer = ""
        for line in lines:
            answer = await self.send(line)
        return answer

    async def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.database.fetch(sql, params)]

    def wait(self, **how_long: float) -> None:
        self.clock.advance(timedelta(**how_long))


# made-up people; the numbers have the right form and check character
LI = {"name": "李小梅", "certificate": "420106199003074527", "phone": "13900000001"}
CHILD = {"name": "李小宝", "certificate": "420102201203050014", "phone": "没有"}

AGREE = ("你好", "同意")
PERSON = (LI["name"], "1", LI["certificate"], LI["phone"])
HOME_LINES = ("武汉江岸区", "百步亭社区 12号楼 301")
DAYS = ("没有", "没有")
HEALTH = ("没有", "没有", "没有", "没有")
FIRST = (*AGREE, "申报", *PERSON, *HOME_LINES, *DAYS, *HEALTH, "推荐")
"""Everything up to the review."""


def certificate(first: str) -> str:
    """A made-up ID card number: seventeen digits and their check character."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(first, weights, strict=True))
    return first + "10X98765432"[total % 11]
