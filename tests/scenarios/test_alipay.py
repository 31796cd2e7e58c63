"""Alipay, from the gateway's check to the phone: answers, notifications, templates, faults and logins."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bot.store.ids import new_id
from tests.alipay_phones import TEMPLATE, AlipayPhones, alipay_phones
from tests.crowd import Crowd, standing
from tests.fakes.alipay_notifier import Delivery
from tests.fakes.wechat_api import App
from tests.handlers.http.api.front import Front

LI = "2088000000000001"
SEND, TEMPLATES, LOGIN = (
    "alipay.open.public.message.custom.send",
    "alipay.open.app.mini.templatemessage.send",
    "alipay.system.oauth.token",
)
AGREED = ("你好", "同意")


async def agreed(they: AlipayPhones, user: str = LI) -> None:
    """Somebody who follows, wrote, and agreed."""
    await they.follow(user)
    await they.drain()
    for text in AGREED:
        await they.say(user, text)


async def red(they: AlipayPhones, user: str = LI) -> None:
    """A code of theirs turns red, which is queued and not sent yet."""
    keys = they.service.tools.world.keys
    crowd = Crowd(they.service.database, keys, they.clock, App("unused", "unused"), "alipay")
    ((crowd.accounts[user],),) = await they.service.rows("SELECT id FROM accounts")
    await crowd.colour_changed(user)


async def states(they: AlipayPhones) -> list[tuple[str, str, str]]:
    rows = await they.service.rows(
        "SELECT state, way, reason FROM notices WHERE kind <> 'answer' ORDER BY created_at, id"
    )
    return [(row[0], row[1], row[2]) for row in rows]


@pytest.mark.parametrize("charset", ["GBK", "UTF-8"])
async def test_check_of_the_gateway_is_answered_with_our_key_and_switches_it_on(
    database_url: str, tmp_path: Path, charset: str
) -> None:
    async with alipay_phones(database_url, tmp_path, charset=charset) as they:
        status, body = await they.post(they.notifier.check())
        assert status == 200
        told = they.notifier.read(body)
        assert told.success
        assert told.public_key


async def test_text_in_gbk_is_acknowledged_signed_and_answered_through_the_api(
    database_url: str, tmp_path: Path
) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        await they.follow(LI)
        await they.drain()
        greeted = len(they.texts(LI))
        (answer,) = await they.say(LI, "同意")
        assert "申报" in answer
        assert greeted == 1
        assert await they.service.rows("SELECT consent FROM accounts") == [("given",)]


async def test_message_that_is_delivered_again_is_answered_once(database_url: str, tmp_path: Path) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        await agreed(they)
        assert len(await they.say(LI, "帮助", message_id="m-1")) == 1
        assert await they.say(LI, "帮助", message_id="m-1") == []


async def test_notification_that_comes_twice_is_taken_once(database_url: str, tmp_path: Path) -> None:
    waited: list[timedelta] = []

    async def wait(pause: timedelta) -> None:
        waited.append(pause)

    async with alipay_phones(database_url, tmp_path, charset="UTF-8") as they:
        push = they.notifier.notification(
            "alipay.open.auth.userauth.cancelled", {"user_id": LI}, notify_id="n-1"
        )
        for _ in range(2):
            delivery = await they.notifier.deliver(they.post, push, wait)
            assert delivery == Delivery(1, 200, b"success", accepted=True)
        assert waited == []
        await they.drain()
        assert they.gateway.sent == []


async def test_template_goes_against_a_form_and_uses_it_up(database_url: str, tmp_path: Path) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        await agreed(they)
        front = await they.log_in(LI)
        form_id = they.gateway.apis.submit_form(LI)
        kept = await front.post("/subscriptions", {"form_id": form_id})
        assert kept.status in (200, 201), kept.body
        they.pass_time(hours=49)  # the chat's window is over
        await red(they)
        await they.drain()
        (came,) = [each for each in they.gateway.sent if each.template_id]
        assert (came.to, came.template_id, came.form_id) == (LI, TEMPLATE, form_id)
        assert "红" in came.values["keyword2"]
        assert await they.service.rows("SELECT count(*) FROM form_tokens") == [(0,)]
        they.pass_time(minutes=1)
        await red(they)
        await they.drain()
        assert they.gateway.calls.count(TEMPLATES) == 1
        assert await states(they) == [("sent", "template", ""), ("queued", "", "window_closed")]


async def test_form_that_the_platform_refuses_is_dropped_and_not_tried_again(
    database_url: str, tmp_path: Path
) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        await agreed(they)
        ((account_id,),) = await they.service.rows("SELECT id FROM accounts")
        sealed = they.service.tools.world.keys.seal("form_tokens.form", "form-of-nobody")
        await they.service.database.execute(
            "INSERT INTO form_tokens (id, account_id, form_sealed, expires_at) VALUES (?, ?, ?, ?)",
            (new_id(), account_id, sealed, they.clock.wire() + timedelta(days=7)),
        )
        they.pass_time(hours=49)
        await red(they)
        for _ in range(3):
            await they.drain()
            they.pass_time(hours=1)
        assert they.gateway.calls.count(TEMPLATES) == 1
        assert await they.service.rows("SELECT count(*) FROM form_tokens") == [(0,)]
        assert [state for state, _, _ in await states(they)] == ["queued"]
        assert "变化" in "".join(await they.say(LI, "我的码"))


@pytest.mark.parametrize("fault", ["html", "down"])
async def test_gateway_that_is_broken_or_away_loses_nothing_and_sends_nothing_twice(
    database_url: str, tmp_path: Path, fault: str
) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        await agreed(they)
        before = len(they.texts(LI))
        if fault == "html":
            they.gateway.answer_html(502)
        else:
            await they.gateway.down()
        assert await they.say(LI, "帮助") == []  # acknowledged all the same
        for _ in range(10):
            await they.drain()
            they.pass_time(minutes=1)
        reasons = await they.service.rows("SELECT DISTINCT reason FROM notices WHERE state = 'queued'")
        assert reasons == [("http_502" if fault == "html" else "connect",)]
        they.gateway.heal()
        if fault == "down":
            await they.gateway.up()
        for _ in range(15):
            await they.drain()
            they.pass_time(minutes=1)
        assert len(they.texts(LI)) == before + 1
        assert {state for state, _ in await standing(they.service.database)} == {"sent"}


async def test_answer_that_does_not_come_is_unknown_and_never_repeated(
    database_url: str, tmp_path: Path
) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        await agreed(they)
        they.gateway.drop_after_write(times=1)
        assert len(await they.say(LI, "帮助")) == 1  # it did arrive
        before = list(they.texts(LI))
        for _ in range(3):
            they.pass_time(hours=5)
            await they.drain()
        assert they.texts(LI) == before
        assert (await standing(they.service.database))["unknown", "disconnected"] == 1


async def test_whoever_no_longer_follows_is_tried_once_and_told_with_the_next_answer(
    database_url: str, tmp_path: Path
) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        await agreed(they)
        they.gateway.apis.unfollow(LI)
        await red(they)
        calls = Counter(they.gateway.calls)[SEND]
        for _ in range(3):
            await they.drain()
            they.pass_time(hours=1)
        assert Counter(they.gateway.calls)[SEND] == calls + 1
        assert [(state, reason) for state, _, reason in await states(they)] == [("queued", "unfollowed")]
        await they.follow(LI)
        await they.drain()
        assert "变化" in "".join(they.texts(LI)[-2:])


async def test_login_with_the_platforms_code_opens_the_front_end_of_the_same_person(
    database_url: str, tmp_path: Path
) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        await agreed(they)
        front = await they.log_in(LI)
        me = await front.get("/me")
        assert me.status == 200
        assert await they.service.rows("SELECT count(*) FROM accounts") == [(1,)]
        assert they.gateway.calls.count(LOGIN) == 1
        code = they.gateway.apis.authorize(LI)
        assert (await front.post("/sessions", {"platform": "alipay", "code": code})).status == 201
        refused = await front.post("/sessions", {"platform": "alipay", "code": code + "x"})
        assert refused.status == 401


async def test_login_while_the_gateway_is_away_is_answered_with_try_again(
    database_url: str, tmp_path: Path
) -> None:
    async with alipay_phones(database_url, tmp_path) as they:
        code = they.gateway.apis.authorize(LI)
        await they.gateway.down()
        answer = await Front(they.service).post("/sessions", {"platform": "alipay", "code": code})
        assert answer.status == 503
