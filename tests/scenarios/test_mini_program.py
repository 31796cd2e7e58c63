"""The mini-program's chat, from the push to the phone: answers through the API, notices by themselves, and why not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.core.facts import FactKind
from bot.message import Kind
from bot.services.facts import record
from bot.store.snapshot import Resident
from bot.store.work import Work
from handlers.http.keys import RESCORER
from tests.fakes.clock import FakeClock
from tests.phones import Phones, phones

LI = "o_mini_li"
DECLARED = (
    "你好", "同意", "申报", "李小梅", "420106199003074527", "13900000001", "武汉市武昌区", "和平路1号3栋2单元501",
    *("没有",) * 6, "湖北健康码 武汉健康码", "提交",
)  # fmt: skip


async def resident_of(they: Phones) -> int:
    (row,) = await they.service.rows("SELECT resident_id FROM residents")
    return int(row[0])


async def become_red(they: Phones) -> None:
    """Something from outside turns a code red: a fever that a hospital reported."""

    def had_a_fever(work: Work, resident: Resident) -> None:
        record(
            work, resident, kind=FactKind.SYMPTOM, start=they.clock.now().date(), source="hospital",
            reference=f"visit:{they.clock.now().isoformat()}", details={"code": "fever"},
        )  # fmt: skip

    await they.service.app[RESCORER].apply(
        await resident_of(they), had_a_fever, cause="test", now=they.clock.now()
    )
    await they.drain()


async def states(they: Phones) -> list[tuple[str, str, str, str]]:
    return [
        (kind, state, way, reason)
        for kind, state, way, reason in await they.service.rows(
            "SELECT kind, state, way, reason FROM notices WHERE kind <> 'answer' ORDER BY created_at, id"
        )
    ]


async def test_answer_comes_through_the_api_and_the_push_gets_success(database_url: str) -> None:
    async with phones(database_url) as they:
        (consent,) = await they.say(LI, "你好")
        assert "同意" in consent
        assert they.api.calls["/cgi-bin/stable_token"] == 1


async def test_push_that_is_delivered_again_sends_nothing_more(database_url: str) -> None:
    async with phones(database_url) as they:
        await they.say(LI, "你好", msg_id="m-1")
        assert await they.say(LI, "你好", msg_id="m-1") == []
        assert len(they.api.sent) == 1


async def test_whoever_enters_the_chat_is_greeted_within_its_two_sends(database_url: str) -> None:
    async with phones(database_url) as they:
        they.app.happened(LI, "enter", at=they.clock.wire())
        assert await they.deliver(they.sender.enter(LI, at=they.clock.wire())) == (200, b"success")
        await they.drain()
        assert len(they.texts(LI)) == 1


async def test_colour_that_gets_worse_arrives_by_subscription_when_the_window_is_over(
    database_url: str,
) -> None:
    async with phones(database_url) as they:
        await they.talk(LI, *DECLARED)
        await they.accept(LI, "colour_changed", count=2)
        they.pass_time(hours=49)
        await become_red(they)
        (told,) = they.subscribed(LI)
        assert told["thing2"].endswith("红码")
        assert "发热" not in str(told)
        assert "李" not in str(told)
        rows = await they.service.rows("SELECT kind, balance FROM subscriptions")
        assert rows == [("colour_changed", 1)]


async def test_reminder_that_is_nearly_the_last_is_told_with_the_next_answer(database_url: str) -> None:
    async with phones(database_url) as they:
        await they.talk(LI, *DECLARED)
        await they.accept(LI, "colour_changed", count=2)
        they.pass_time(hours=49)
        await become_red(they)
        answer = "\n".join(await they.say(LI, "我的码"))
        assert "还能主动提醒您 1 次" in answer


async def test_nothing_is_sent_to_whom_nothing_may_be_sent_and_the_next_answer_tells_it(
    database_url: str,
) -> None:
    async with phones(database_url) as they:
        await they.talk(LI, *DECLARED)
        they.pass_time(hours=49)
        await become_red(they)
        assert they.subscribed(LI) == []
        (kind, state, way, reason) = (await states(they))[-1]
        assert (kind, state, way) == ("colour_changed", "queued", "")
        assert reason in {"not_subscribed", "window_closed"}
        answer = "\n".join(await they.say(LI, "我的码"))
        assert "有变化" in answer
        assert (await states(they))[-1][1:3] == ("sent", "customer_service")


async def test_notice_that_can_not_be_read_silences_nobody(database_url: str) -> None:
    async with phones(database_url) as they:
        await they.talk(LI, *DECLARED)
        they.pass_time(hours=49)
        await become_red(they)
        await they.service.database.execute(
            "UPDATE notices SET params_sealed = ? WHERE state = 'queued'", [b"x"]
        )
        for _ in range(2):
            assert "湖北健康码" in "\n".join(await they.say(LI, "我的码"))


async def test_consent_that_comes_later_lets_the_waiting_notice_go(database_url: str) -> None:
    async with phones(database_url) as they:
        await they.talk(LI, *DECLARED)
        they.pass_time(hours=49)
        await become_red(they)
        assert they.subscribed(LI) == []
        await they.accept(LI, "colour_changed")
        assert len(they.subscribed(LI)) == 1


async def test_worse_colour_arrives_in_the_night_and_says_why_it_does(database_url: str) -> None:
    night = FakeClock(datetime(2020, 2, 20, 16, 30, tzinfo=UTC))  # half past midnight in Shanghai
    async with phones(database_url, clock=night) as they:
        await they.talk(LI, *DECLARED)
        await become_red(they)
        assert they.texts(LI)[-1].endswith("不分早晚都会马上发给您。")


async def test_better_colour_waits_for_the_morning(database_url: str) -> None:
    evening = FakeClock(datetime(2020, 2, 20, 13, 55, tzinfo=UTC))  # 21:55 in Shanghai
    async with phones(database_url, clock=evening) as they:
        await they.talk(LI, *DECLARED)
        await become_red(they)
        before = len(they.texts(LI))
        await they.service.app[RESCORER].apply(
            await resident_of(they), lambda work, each: each.facts.clear(), cause="test", now=they.clock.now()
        )
        they.pass_time(minutes=30)
        await they.drain()
        assert len(they.texts(LI)) == before
        assert (await states(they))[-1][3] == "quiet_hours"
        they.pass_time(hours=9)
        await they.drain()
        assert "红码 →" in they.texts(LI)[-1]


async def test_refused_subscription_is_believed_and_not_tried_again(database_url: str) -> None:
    async with phones(database_url) as they:
        await they.talk(LI, *DECLARED)
        await they.accept(LI, "colour_changed", count=2)
        they.app.person(LI).subscriptions.clear()  # spent by somebody else, or refused in the settings
        they.pass_time(hours=49)
        await become_red(they)
        calls = they.api.calls["/cgi-bin/message/subscribe/send"]
        they.pass_time(hours=1)
        await they.drain()
        assert they.api.calls["/cgi-bin/message/subscribe/send"] == calls == 1
        assert await they.service.rows("SELECT balance FROM subscriptions") == [(0,)]
        assert (await states(they))[-1][1] == "queued"


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.PAGE])
async def test_what_is_not_text_is_answered_kindly_too(database_url: str, kind: Kind) -> None:
    async with phones(database_url) as they:
        await they.talk(LI, "你好", "同意")
        they.app.happened(LI, "message", at=they.clock.wire())
        before = len(they.texts(LI))
        push = (
            they.sender.image(LI, "https://img.invalid/1", at=they.clock.wire())
            if kind is Kind.IMAGE
            else they.sender.page(LI, "pages/help/index", at=they.clock.wire())
        )
        assert await they.deliver(push) == (200, b"success")
        await they.drain()
        assert len(they.texts(LI)) == before + 1


async def test_dispatcher_takes_the_wake_of_a_commit(database_url: str) -> None:
    """No drain: the answer goes out by itself as soon as it is committed."""
    async with phones(database_url) as they:
        they.app.happened(LI, "message", at=they.clock.wire())
        push = they.sender.text(LI, "你好", at=they.clock.wire())
        assert await they.deliver(push) == (200, b"success")
        await they.api.until(lambda: bool(they.texts(LI)))
