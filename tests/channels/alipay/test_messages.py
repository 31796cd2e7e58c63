"""Every kind of gateway message as the conversation sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.message import Incoming, Kind, Media
from tests.channels.alipay.door import (
    RECEIVED_AT,
    SENDER,
    USER,
    WIRE,
    event_xml,
    message_xml,
    milliseconds,
    opened,
    reason,
    text_xml,
)


def received(xml: str) -> Incoming:
    incoming = opened(SENDER.message(xml)).incoming
    assert incoming is not None
    return incoming


def test_text_arrives_with_everything_that_was_typed() -> None:
    incoming = received(text_xml(" 今天36.5度，<b>没有</b>症状 \n"))
    assert incoming == Incoming(
        channel="alipay",
        account=USER,
        key="m:m1",
        kind=Kind.TEXT,
        received_at=RECEIVED_AT,
        text=" 今天36.5度，<b>没有</b>症状 \n",
        sent_at=WIRE,
    )


def test_image_arrives_with_its_id_and_form() -> None:
    inside = "<Image><MediaId><![CDATA[M_1]]></MediaId><Format>jpg</Format></Image>"
    incoming = received(message_xml("image", inside, MsgId="m2"))
    assert (incoming.kind, incoming.media) == (Kind.IMAGE, Media("M_1", form="jpg"))


SCENE = '{"scene":{"sceneId":"gate-7"}}'


@pytest.mark.parametrize(
    ("event", "action", "kind", "event_key"),
    [
        ("follow", "", Kind.FOLLOW, ""),
        ("follow", SCENE, Kind.FOLLOW, "gate-7"),
        ("follow", "not json", Kind.FOLLOW, ""),
        ("FOLLOW", "", Kind.FOLLOW, ""),
        ("unfollow", "", Kind.UNFOLLOW, ""),
        ("enter", "", Kind.ENTER, ""),
        ("enter", SCENE, Kind.ENTER, "gate-7"),
        ("click", "punch_in", Kind.MENU, "punch_in"),
        ("click", SCENE, Kind.MENU, "gate-7"),
        ("click", '{"other":1}', Kind.MENU, '{"other":1}'),
        ("click", "{", Kind.MENU, "{"),
        ("click", '{"scene":{"sceneId":7}}', Kind.MENU, '{"scene":{"sceneId":7}}'),
        ("click", '{"scene":[]}', Kind.MENU, '{"scene":[]}'),
        ("follow", '{"scene":{"sceneId":"\\ud800"}}', Kind.FOLLOW, ""),
        ("follow", "[" * 1500, Kind.FOLLOW, ""),
        ("click", "x" * 3000, Kind.MENU, ""),
    ],
)
def test_events_arrive_with_what_they_point_at(event: str, action: str, kind: Kind, event_key: str) -> None:
    incoming = received(event_xml(event, action))
    assert (incoming.kind, incoming.event_key, incoming.text) == (kind, event_key, "")


def test_account_is_the_user_id_and_else_the_old_open_id() -> None:
    assert received(text_xml()).account == USER
    assert received(text_xml(FromAlipayUserId="")).account == "kPHNeOpenIdOfOldTimes"


@pytest.mark.parametrize("account", ["", "]]]]><![CDATA[>", "a b", "<a/>", "中", "x" * 129])
def test_sender_that_is_no_account_is_refused(account: str) -> None:
    body = SENDER.message(text_xml(FromAlipayUserId=account, FromUserId=account))
    assert reason(body) == "malformed_xml"


def test_events_without_an_id_are_told_apart_by_what_they_are() -> None:
    later = WIRE + timedelta(milliseconds=1)
    different = [
        event_xml("click", "a"),
        event_xml("click", "b"),
        event_xml("follow", "a"),
        event_xml("click", "a", CreateTime=milliseconds(later)),
        event_xml("click", "a", FromAlipayUserId="2088000000000002"),
    ]
    keys = [received(xml).key for xml in different]
    assert len(set(keys)) == len(different)
    assert keys[0] == received(event_xml("click", "a", UserInfo="{}")).key
    assert all(key.startswith("e:") and USER not in key for key in keys)


def test_id_too_long_to_be_stored_is_digested() -> None:
    keys = {received(text_xml(MsgId=f"{'x' * 64}{number}")).key for number in range(2)}
    assert len(keys) == 2
    assert all(len(key) == 34 for key in keys)


def test_time_of_the_platform_is_read_in_milliseconds() -> None:
    sent_at = WIRE + timedelta(milliseconds=123)
    assert received(text_xml(CreateTime=str(1582160400123))).sent_at == sent_at
    assert datetime(2020, 2, 20, 1, 0, tzinfo=UTC) == WIRE


@pytest.mark.parametrize(
    "at", ["", "yesterday", "-1", "1e12", "158216040000000", "１５８２１６０４０００００"]
)
def test_time_that_is_no_number_of_milliseconds_is_refused(at: str) -> None:
    assert reason(SENDER.message(text_xml(CreateTime=at))) == "bad_timestamp"


@pytest.mark.parametrize(
    ("xml", "kind"),
    [
        (message_xml("voice"), "other"),
        (message_xml("<made up>"), "other"),
        (event_xml("menu_2038"), "event_other"),
        (event_xml("verifygw"), "event_other"),
    ],
)
def test_kinds_without_an_answer_get_a_name_from_the_closed_list(xml: str, kind: str) -> None:
    found = opened(SENDER.message(xml))
    assert (found.incoming, found.kind, found.key) == (None, kind, "")


@pytest.mark.parametrize("xml", [message_xml(""), event_xml("")])
def test_messages_of_no_kind_are_refused(xml: str) -> None:
    assert reason(SENDER.message(xml)) == "malformed_xml"


def test_who_the_person_is_never_leaves_the_message() -> None:
    found = opened(SENDER.message(text_xml("悄悄话")))
    shown = repr(found)
    assert not any(personal in shown for personal in (USER, "小明", "159****", "悄悄话", "m:m1"))
