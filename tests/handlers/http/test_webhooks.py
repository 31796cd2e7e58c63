"""The platforms' doors over HTTP with a real engine behind them: what each is answered, counted and left with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import ANY

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels.wechat.mini import MiniProgram, MiniSettings
from bot.channels.wechat.official import OfficialAccount, OfficialSettings
from bot.channels.wechat.push import Push, PushSender
from bot.conversation.context import Context
from bot.conversation.engine import Engine
from bot.conversation.routing import Route, always
from bot.message import Incoming, Kind, Reply
from bot.metrics import Metrics
from bot.store.database import Database
from bot.store.ids import new_id
from handlers.http import webhooks
from handlers.http.keys import ALIPAY, CLOCK, ENGINE, METRICS, MINI, OFFICIAL, TYPING
from handlers.http.typing_indicator import TypingIndicator
from tests.channels.alipay import door as alipay
from tests.conversation.world import make_engine
from tests.fakes.clock import FakeClock

APP_ID, TOKEN, KEY = "wx0000000000000001", "a-token", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
SENDER = PushSender(APP_ID, TOKEN, KEY, format="json")
OFFICIAL_PATH, MINI_PATH, ALIPAY_PATH = (
    "/webhooks/wechat/official",
    "/webhooks/wechat/mini",
    "/webhooks/alipay",
)
TEXT_PLAIN = "text/plain; charset=utf-8"


class Conversation:
    """Adds a household for every message that it takes; `gate` holds it up."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.taken: list[Incoming] = []

    async def take(self, message: Incoming, ctx: Context) -> Reply:
        self.taken.append(message)
        self.begun.set()
        await self.gate.wait()
        ctx.work.insert("households", id=new_id(), created_at=ctx.now)
        return Reply.of("an answer")

    @property
    def routes(self) -> Sequence[Route]:
        return (Route("take", always, self.take),)


class Typing:
    """To whom the platform showed that something is being typed."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.seen = asyncio.Event()
        self.held: asyncio.Event | None = None

    async def show(self, account: str) -> None:
        self.shown.append(account)
        self.seen.set()
        if self.held is not None:
            await self.held.wait()


class Doors:
    """Every door on a server of its own."""

    def __init__(
        self, database: Database, *, after_seconds: float = 3600, reply_seconds: float = 4.0
    ) -> None:
        self.database = database
        self.clock = FakeClock(alipay.WIRE)
        self.conversation, self.typing = Conversation(), Typing()
        self.app = web.Application(client_max_size=64 * 1024)
        self.app[CLOCK], self.app[METRICS] = self.clock, Metrics()
        self.app[ENGINE] = make_engine(
            database, self.conversation.routes, clock=self.clock, reply_seconds=reply_seconds
        )
        self.app[OFFICIAL] = OfficialAccount(OfficialSettings(APP_ID, TOKEN, KEY))
        self.app[MINI] = MiniProgram(MiniSettings(APP_ID, TOKEN, KEY))
        self.app[ALIPAY] = alipay.GATEWAY
        self.app[TYPING] = TypingIndicator(self.typing.show, after_seconds=after_seconds)
        self.client: TestClient[web.Request, web.Application] = TestClient(TestServer(self.app))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Doors]:
        engine: Engine = self.app[ENGINE]
        webhooks.add_routes(self.app)
        await engine.open()
        async with self.client:
            yield self
        await engine.close()

    async def push(self, push: Push, path: str = MINI_PATH) -> tuple[int, bytes, str]:
        async with self.client.post(path, params=list(push.query), data=push.body) as response:
            return response.status, await response.read(), response.headers.get("Content-Type", "")

    async def post(self, body: bytes) -> tuple[int, bytes, str]:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        async with self.client.post(ALIPAY_PATH, data=body, headers=form) as response:
            return response.status, await response.read(), response.headers.get("Content-Type", "")

    async def say(self, text: str, msg_id: str | None = None) -> tuple[int, bytes, str]:
        return await self.push(SENDER.text("o_li", text, at=self.clock.wire(), msg_id=msg_id))

    async def count(self, table: str) -> int:
        rows = await self.database.fetch(f"SELECT COUNT(*) FROM {table}", [])
        return int(rows[0][0])

    def metric(self, sample: str) -> float:
        lines = (line.rpartition(" ") for line in self.app[METRICS].text().decode().splitlines())
        return next((float(value) for name, _, value in lines if name == sample), 0.0)


@pytest.fixture
async def doors(database: Database) -> AsyncIterator[Doors]:
    async with Doors(database).open() as opened:
        yield opened


# the mini-program


async def test_message_of_the_mini_program_is_taken_with_success_and_no_words(doors: Doors) -> None:
    assert await doors.say("36.5") == (200, b"success", TEXT_PLAIN)
    assert [(one.channel, one.text) for one in doors.conversation.taken] == [("wechat_mini", "36.5")]
    assert (await doors.count("households"), await doors.count("inbox")) == (1, 1)


async def test_redelivered_message_is_taken_once_and_answered_with_success(doors: Doors) -> None:
    for _ in range(3):
        assert await doors.say("36.5", "17") == (200, b"success", TEXT_PLAIN)
    assert await doors.count("households") == 1


async def test_success_comes_after_the_message_is_stored(doors: Doors) -> None:
    doors.conversation.gate.clear()
    answer = asyncio.create_task(doors.say("36.5"), name="answer")
    await doors.conversation.begun.wait()
    assert not answer.done()
    doors.conversation.gate.set()
    assert (await answer)[0] == 200
    assert await doors.count("households") == 1


@pytest.mark.parametrize(
    ("push", "kind"),
    [
        (SENDER.page("o_li", "pages/codes", at=alipay.WIRE), Kind.PAGE),
        (SENDER.enter("o_li", at=alipay.WIRE), Kind.ENTER),
        (SENDER.consents("o_li", [("T1", "accept")], at=alipay.WIRE), Kind.SUBSCRIPTION),
        (SENDER.sent_reports("o_li", [("T1", "17", "0")], at=alipay.WIRE), Kind.DELIVERY),
        (SENDER.image("o_li", "https://example.invalid/", at=alipay.WIRE), Kind.IMAGE),
    ],
)
async def test_everything_that_the_mini_program_pushes_reaches_the_conversation(
    doors: Doors, push: Push, kind: Kind
) -> None:
    assert (await doors.push(push))[:2] == (200, b"success")
    assert [one.kind for one in doors.conversation.taken] == [kind]


async def test_unknown_push_is_taken_counted_and_leaves_nothing(doors: Doors) -> None:
    push = SENDER.event("o_li", "debug_demo", at=doors.clock.wire())
    assert (await doors.push(push))[:2] == (200, b"success")
    sample = 'yima_unknown_messages_total{channel="wechat_mini",kind="event_other"}'
    assert (doors.metric(sample), await doors.count("inbox")) == (1, 0)


async def test_handshake_of_the_mini_program_needs_its_signature(doors: Doors) -> None:
    query = list(SENDER.handshake("1234567890", at=doors.clock.wire()))
    shaken = await doors.client.get(MINI_PATH, params=query)
    assert (shaken.status, shaken.content_type, await shaken.text()) == (200, "text/plain", "1234567890")
    forged = [(name, "0" * 40 if name == "signature" else value) for name, value in query]
    refused = await doors.client.get(MINI_PATH, params=forged)
    assert (refused.status, await refused.read()) == (403, b"")


@pytest.mark.parametrize(
    ("reason", "status", "push"),
    [
        ("wrong_format", 403, PushSender(APP_ID, TOKEN, KEY).text("o_li", "1", at=alipay.WIRE)),
        (
            "wrong_mode",
            403,
            PushSender(APP_ID, TOKEN, mode="plain", format="json").text("o", "1", at=alipay.WIRE),
        ),
        ("malformed_json", 403, SENDER.seal_json("{", at=alipay.WIRE)),
        (
            "wrong_signature",
            403,
            PushSender(APP_ID, "other", KEY, format="json").text("o", "1", at=alipay.WIRE),
        ),
        ("body_too_large", 413, SENDER.text("o_li", "x" * 70_000, at=alipay.WIRE)),
    ],
)
async def test_refusal_at_the_mini_programs_door_is_counted_and_not_explained(
    doors: Doors, reason: str, status: int, push: Push
) -> None:
    assert (await doors.push(push))[:2] == (status, b"")
    assert doors.metric(f'yima_refusals_total{{door="wechat_mini",reason="{reason}"}}') == 1
    assert await doors.count("inbox") == 0


# the typing indicator


async def test_slow_message_shows_that_something_is_typed_and_is_answered_meanwhile(
    database: Database,
) -> None:
    async with Doors(database, after_seconds=0).open() as doors:
        doors.conversation.gate.clear()
        doors.typing.held = asyncio.Event()
        answer = asyncio.create_task(doors.say("36.5"), name="answer")
        await doors.typing.seen.wait()
        doors.conversation.gate.set()
        assert (await answer)[:2] == (200, b"success")
        assert doors.typing.shown == ["o_li"]
        assert any(task.get_name() == "typing" for task in asyncio.all_tasks())
    assert not any(task.get_name() == "typing" for task in asyncio.all_tasks())


async def test_report_shows_nobody_that_something_is_typed(database: Database) -> None:
    async with Doors(database, after_seconds=0).open() as doors:
        doors.conversation.gate.clear()
        push = SENDER.consents("o_li", [("T1", "accept")], at=doors.clock.wire())
        answer = asyncio.create_task(doors.push(push), name="answer")
        await doors.conversation.begun.wait()
        doors.conversation.gate.set()
        assert (await answer)[:2] == (200, b"success")
        assert doors.typing.shown == []


async def test_doors_do_without_a_typing_indicator(database: Database) -> None:
    doors = Doors(database)
    del doors.app[TYPING]
    async with doors.open():
        assert (await doors.say("36.5"))[:2] == (200, b"success")


# the official account


async def test_official_account_is_still_answered_passively(doors: Doors) -> None:
    sender = PushSender(APP_ID, TOKEN, KEY)
    push = sender.text("o_li", "36.5", at=doors.clock.wire())
    status, body, _ = await doors.push(push, OFFICIAL_PATH)
    answer = sender.answer(body)
    assert answer is not None
    assert (status, answer["Content"]) == (200, "an answer")


# Alipay


async def test_message_of_alipay_is_acknowledged_with_a_signature_once_it_is_stored(doors: Doors) -> None:
    for _ in range(2):
        status, body, shown_as = await doors.post(alipay.SENDER.message(alipay.text_xml("36.5")))
        assert (status, shown_as) == (200, "text/xml; charset=GBK")
        assert b"<MsgType><![CDATA[ack]]></MsgType>" in body
        assert b"<sign>" in body
    assert [(one.channel, one.text) for one in doors.conversation.taken] == [("alipay", "36.5")]
    assert await doors.count("households") == 1


async def test_check_of_the_gateway_is_answered_with_our_key(doors: Doors) -> None:
    status, body, _ = await doors.post(alipay.SENDER.check())
    assert status == 200
    assert b"<success>true</success>" in body
    assert await doors.count("inbox") == 0
    assert doors.metric('yima_messages_total{channel="alipay",kind="check",outcome="acknowledged"}') == 1


async def test_failed_check_is_told_so_with_a_signature_and_counted(doors: Doors) -> None:
    status, body, shown_as = await doors.post(alipay.SENDER.check("2021000000000009"))
    assert (status, shown_as) == (200, "text/xml; charset=GBK")
    assert b"<success>false</success>" in body
    assert doors.metric('yima_refusals_total{door="alipay",reason="wrong_app_id"}') == 1


async def test_notification_is_answered_with_the_one_word(doors: Doors) -> None:
    assert await doors.post(alipay.SENDER.notification()) == (200, b"success", ANY)
    assert await doors.post(alipay.SENDER.notification("alipay.something.new")) == (200, b"success", ANY)
    assert doors.metric('yima_unknown_messages_total{channel="alipay",kind="notification_other"}') == 1


async def test_forged_message_of_alipay_is_refused_without_a_word(doors: Doors) -> None:
    forged = alipay.Sender(key=alipay.OTHERS).message(alipay.text_xml("36.5"))
    assert (await doors.post(forged))[:2] == (403, b"")
    assert (await doors.post(b"x" * 70_000))[0] == 413
    assert await doors.count("inbox") == 0


# which doors there are


@pytest.mark.parametrize(
    ("missing", "path"), [(OFFICIAL, OFFICIAL_PATH), (MINI, MINI_PATH), (ALIPAY, ALIPAY_PATH)]
)
async def test_channel_that_is_not_set_up_has_no_door(
    database: Database, missing: web.AppKey[Any], path: str
) -> None:
    doors = Doors(database)
    del doors.app[missing]
    async with doors.open():
        assert (await doors.client.post(path, data=b"")).status == 404
        others = {OFFICIAL_PATH, MINI_PATH, ALIPAY_PATH} - {path}
        assert {(await doors.client.post(other, data=b"")).status for other in others} == {403}


async def test_alipay_has_no_handshake(doors: Doors) -> None:
    assert (await doors.client.get(ALIPAY_PATH)).status == 405
