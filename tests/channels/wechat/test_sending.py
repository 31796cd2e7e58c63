"""Which way is which call, on either channel."""

from __future__ import annotations

import pytest

from bot.channels.names import MINI, OFFICIAL
from bot.channels.outbound import FilledTemplate, Outbound, Outgoing, SendFailed, Sent, Trouble, Way, Words
from bot.channels.wechat.api import CUSTOM, SUBSCRIBE, TEMPLATE
from bot.channels.wechat.sending import WeChatOutbound
from tests.channels.wechat.api_rig import APP_ID, OK, OPENID, Rig

WORDS = Words("你的码变了")
FILLED = FilledTemplate("T1", {"thing1": "x"}, page="pages/codes", language="en")


def outbound(rig: Rig, channel: str) -> WeChatOutbound:
    for path in (CUSTOM, SUBSCRIBE, TEMPLATE):
        rig.script(path, OK)
    return WeChatOutbound(channel, rig.api(), page_state="developer", page_of="wx2")


@pytest.mark.parametrize(
    ("channel", "way", "outgoing", "path"),
    [
        (OFFICIAL, Way.CUSTOMER_SERVICE, WORDS, CUSTOM),
        (OFFICIAL, Way.TEMPLATE, FILLED, TEMPLATE),
        (MINI, Way.CUSTOMER_SERVICE, WORDS, CUSTOM),
        (MINI, Way.SUBSCRIPTION, FILLED, SUBSCRIBE),
    ],
)
async def test_each_way_is_its_own_call(
    rig: Rig, channel: str, way: Way, outgoing: Outgoing, path: str
) -> None:
    sending: Outbound = outbound(rig, channel)
    assert way in sending.ways
    assert await sending.send(way, OPENID, outgoing, key="n-1") == Sent()
    assert [call.path for call in rig.platform.calls][1:] == [path]


@pytest.mark.parametrize(
    ("channel", "way", "outgoing"),
    [
        (OFFICIAL, Way.SUBSCRIPTION, FILLED),
        (MINI, Way.TEMPLATE, FILLED),
        (MINI, Way.SIMULATOR, WORDS),
        (MINI, Way.SUBSCRIPTION, WORDS),
        (OFFICIAL, Way.CUSTOMER_SERVICE, FILLED),
        (OFFICIAL, Way.TEMPLATE, WORDS),
    ],
)
async def test_way_that_is_not_offered_is_refused(
    rig: Rig, channel: str, way: Way, outgoing: Outgoing
) -> None:
    with pytest.raises(SendFailed) as caught:
        await outbound(rig, channel).send(way, OPENID, outgoing, key="n-1")
    assert (caught.value.trouble, caught.value.reason) == (Trouble.CONTENT, "way_not_offered")
    assert rig.platform.calls == []


async def test_template_repeats_its_key_and_nothing_is_left_to_a_later_try(rig: Rig) -> None:
    official, mini = outbound(rig, OFFICIAL), outbound(rig, MINI)
    for _ in range(2):
        await official.send(Way.TEMPLATE, OPENID, FILLED, key="n-1")
    assert [call.body["client_msg_id"] for call in rig.platform.asked(TEMPLATE)] == ["n-1"] * 2
    assert (official.idempotent, mini.idempotent) == (frozenset(), frozenset())


@pytest.mark.parametrize(("language", "lang"), [("zh", "zh_CN"), ("en", "en_US"), ("de", "zh_CN")])
async def test_subscription_is_in_the_persons_language(rig: Rig, language: str, lang: str) -> None:
    filled = FilledTemplate("T1", {"thing1": "x"}, page="pages/codes", language=language)
    await outbound(rig, MINI).send(Way.SUBSCRIPTION, OPENID, filled, key="n-1")
    body = rig.platform.asked(SUBSCRIBE)[0].body
    assert (body["lang"], body["miniprogram_state"], body["page"]) == (lang, "developer", "pages/codes")


async def test_app_is_named_as_in_the_shared_state(rig: Rig) -> None:
    assert outbound(rig, MINI).app == f"wechat_mini:{APP_ID}"
