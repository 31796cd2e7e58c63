"""What becomes of a message: taken, refused with what is learnt from it, or unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.channels.alipay.sending import AlipayOutbound
from bot.channels.http import CallFailed
from bot.channels.outbound import (
    Effect,
    FilledTemplate,
    Outbound,
    Outgoing,
    SendFailed,
    Sent,
    Trouble,
    Way,
    Words,
)
from bot.store.database import Database
from tests.channels.alipay.door import APP_ID, OTHERS, USER
from tests.channels.alipay.platform import TAKEN, Said, ScriptedPlatform, api_of, refusal, rests_of
from tests.fakes.clock import FakeClock

WORDS = Words("您好")
FILLED = FilledTemplate("T1", {"keyword1": "绿码"}, page="pages/i", form="F1")
OVER = refusal("40004", "MSG_SD_OVER_TIME")


def outbound(
    platform: ScriptedPlatform, database: Database, clock: FakeClock | None = None, owner: str = "test"
) -> AlipayOutbound:
    clock = clock or FakeClock()
    return AlipayOutbound(api_of(platform, clock), rests_of(database, clock, owner))


async def send(sender: Outbound, outgoing: Outgoing = WORDS) -> Sent:
    way = Way.CUSTOMER_SERVICE if isinstance(outgoing, Words) else Way.TEMPLATE
    return await sender.send(way, USER, outgoing, key="n1")


async def failure(sender: Outbound, outgoing: Outgoing = WORDS) -> SendFailed:
    with pytest.raises(SendFailed) as failed:
        await send(sender, outgoing)
    return failed.value


def summary(failed: SendFailed) -> tuple[Trouble, str, Effect]:
    return failed.trouble, failed.reason, failed.effect


async def test_outbound_says_who_it_is_and_what_it_can(database: Database) -> None:
    sender: Outbound = outbound(ScriptedPlatform(), database)
    assert (sender.channel, sender.app) == ("alipay", f"alipay:{APP_ID}")
    assert sender.ways == {Way.CUSTOMER_SERVICE, Way.TEMPLATE}
    assert not sender.idempotent


async def test_text_and_template_are_taken(database: Database) -> None:
    platform = ScriptedPlatform()
    sender = outbound(platform, database)
    assert await send(sender) == Sent()
    assert await send(sender, FILLED) == Sent()
    assert [call.content.get("form_id") for call in platform.calls] == [None, "F1"]


async def test_text_goes_through_the_window_of_an_event_where_the_chat_is_over(database: Database) -> None:
    platform = ScriptedPlatform(OVER)
    assert await send(outbound(platform, database)) == Sent()
    assert [call.content.get("chat") for call in platform.calls] == ["1", None]


async def test_text_without_any_open_window_is_refused(database: Database) -> None:
    platform = ScriptedPlatform(OVER, OVER)
    failed = await failure(outbound(platform, database))
    assert summary(failed) == (Trouble.RECIPIENT, "alipay_MSG_SD_OVER_TIME", Effect.WINDOW_CLOSED)
    assert len(platform.calls) == 2


@pytest.mark.parametrize(
    ("outgoing", "said", "expected"),
    [
        (WORDS, refusal("40004", "PUB.MSG_SD_NOFOLLOW"), (Trouble.RECIPIENT, "alipay_PUB.MSG_SD_NOFOLLOW", Effect.UNFOLLOWED)),
        (FILLED, refusal("40004", "FORM_ID_OVER_TIME"), (Trouble.RECIPIENT, "alipay_FORM_ID_OVER_TIME", Effect.FORM_USED_UP)),
        (FILLED, refusal("40004", "USER_KEYWORD_LENGTH_ERROR"), (Trouble.CONTENT, "alipay_USER_KEYWORD_LENGTH_ERROR", Effect.NONE)),
        (WORDS, refusal("20000", "isp.unknow-error"), (Trouble.UNKNOWN, "alipay_isp.unknow-error", Effect.NONE)),
        (WORDS, replace(TAKEN, key=OTHERS), (Trouble.UNKNOWN, "alipay_unverified", Effect.NONE)),
        (WORDS, replace(TAKEN, key=None), (Trouble.UNKNOWN, "alipay_unverified", Effect.NONE)),
        (WORDS, b"", (Trouble.UNKNOWN, "alipay_unreadable", Effect.NONE)),
        (WORDS, b"<html>Bad Gateway</html>", (Trouble.RETRY, "alipay_html", Effect.NONE)),
        (WORDS, CallFailed("connect", written=False), (Trouble.RETRY, "connect", Effect.NONE)),
        (WORDS, CallFailed("timeout", written=True), (Trouble.UNKNOWN, "timeout", Effect.NONE)),
        (WORDS, CallFailed("http_502", written=True, status=502), (Trouble.RETRY, "http_502", Effect.NONE)),
        (WORDS, CallFailed("http_403", written=True, status=403), (Trouble.RETRY, "http_403", Effect.NONE)),
        (WORDS, CallFailed("http_504", written=True, status=504), (Trouble.UNKNOWN, "http_504", Effect.NONE)),
        (WORDS, CallFailed("too_large", written=True, status=200), (Trouble.UNKNOWN, "too_large", Effect.NONE)),
    ],
)  # fmt: skip
async def test_failure_of_one_message_stops_no_other(
    database: Database, outgoing: Outgoing, said: Any, expected: tuple[Trouble, str, Effect]
) -> None:
    sender = outbound(ScriptedPlatform(said), database)
    failed = await failure(sender, outgoing)
    assert summary(failed) == expected
    assert failed.retry_after is None
    assert await send(sender, outgoing) == Sent()


async def test_wrongly_set_up_app_rests_longer_each_time_in_every_process(database: Database) -> None:
    clock, wrong = (
        FakeClock(),
        Said({"code": "40002", "sub_code": "isv.invalid-signature"}, "error_response", None),
    )
    platform = ScriptedPlatform(wrong, wrong)
    one, two = outbound(platform, database, clock), outbound(platform, database, clock, "another")
    first = await failure(one)
    assert summary(first) == (Trouble.PERMISSION, "alipay_invalid-signature", Effect.NONE)
    assert first.retry_after == 60
    clock.advance(timedelta(seconds=20))
    resting = await failure(two, FILLED)
    assert (resting.trouble, resting.reason, resting.retry_after) == (
        Trouble.PERMISSION,
        "alipay_invalid-signature",
        40,
    )
    assert len(platform.calls) == 1
    clock.advance(timedelta(seconds=40))
    assert (await failure(two)).retry_after == 120
    clock.advance(timedelta(seconds=120))
    assert await send(one) == Sent()


async def test_success_makes_the_next_break_a_short_one(database: Database) -> None:
    clock, wrong = FakeClock(), refusal("40003", "isv.missing-signature-config")
    platform = ScriptedPlatform(wrong, TAKEN, wrong)
    sender = outbound(platform, database, clock)
    await failure(sender)
    clock.advance(timedelta(seconds=60))
    await send(sender)
    assert (await failure(sender)).retry_after == 60


async def test_limit_of_calls_pauses_the_app_for_a_minute(database: Database) -> None:
    clock = FakeClock()
    platform = ScriptedPlatform(refusal("40005", "isv.app-call-limited"))
    sender = outbound(platform, database, clock)
    limited = await failure(sender)
    assert (limited.trouble, limited.reason, limited.retry_after) == (
        Trouble.QUOTA,
        "alipay_app-call-limited",
        60,
    )
    clock.advance(timedelta(seconds=59))
    resting = await failure(sender, FILLED)
    assert (resting.trouble, resting.retry_after) == (Trouble.QUOTA, 1)
    clock.advance(timedelta(seconds=1))
    assert await send(sender) == Sent()


@pytest.mark.parametrize(
    ("code", "sub_code", "trouble", "seconds"),
    [
        ("40005", "isv.method-call-limited", Trouble.QUOTA, 60),
        ("40006", "isv.insufficient-isv-permissions", Trouble.PERMISSION, 600),
    ],
)
async def test_refused_interface_rests_alone(
    database: Database, code: str, sub_code: str, trouble: Trouble, seconds: int
) -> None:
    clock = FakeClock()
    platform = ScriptedPlatform(refusal(code, sub_code))
    sender = outbound(platform, database, clock)
    first = await failure(sender)
    assert await send(sender, FILLED) == Sent()
    again = await failure(sender)
    for failed in (first, again):
        assert (failed.trouble, failed.retry_after) == (trouble, seconds)
    assert len(platform.calls) == 2
    clock.advance(timedelta(seconds=seconds))
    assert await send(sender) == Sent()


async def test_refused_template_rests_alone(database: Database) -> None:
    clock = FakeClock()
    platform = ScriptedPlatform(refusal("40004", "USER_TEMPLATE_ILLEGAL"))
    sender = outbound(platform, database, clock)
    for _ in range(2):
        assert (await failure(sender, FILLED)).reason == "alipay_USER_TEMPLATE_ILLEGAL"
    assert await send(sender, replace(FILLED, template_id="T2")) == Sent()
    assert await send(sender) == Sent()
    clock.advance(timedelta(seconds=600))
    assert await send(sender, FILLED) == Sent()


async def test_template_without_a_form_is_never_sent(database: Database) -> None:
    platform = ScriptedPlatform()
    failed = await failure(outbound(platform, database), replace(FILLED, form=""))
    assert summary(failed) == (Trouble.RECIPIENT, "no_form", Effect.FORM_USED_UP)
    assert platform.calls == []


@pytest.mark.parametrize(
    ("way", "outgoing"),
    [
        (Way.SUBSCRIPTION, FILLED),
        (Way.CUSTOMER_SERVICE, FILLED),
        (Way.TEMPLATE, WORDS),
        (Way.SIMULATOR, WORDS),
    ],
)
async def test_way_that_does_not_fit_the_message_is_refused(
    database: Database, way: Way, outgoing: Outgoing
) -> None:
    platform = ScriptedPlatform()
    with pytest.raises(SendFailed, match="way_not_offered") as failed:
        await outbound(platform, database).send(way, USER, outgoing, key="n1")
    assert failed.value.trouble is Trouble.CONTENT
    assert platform.calls == []


async def test_failures_name_nobody(database: Database) -> None:
    failed = await failure(outbound(ScriptedPlatform(refusal("40004", "小明 2088")), database))
    assert str(failed) == "content: alipay_40004"


async def test_closing_the_outbound_lets_go_of_the_connections(database: Database) -> None:
    platform = ScriptedPlatform()
    await outbound(platform, database).close()
    assert platform.closed
