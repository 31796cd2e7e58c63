"""Every kind of push becomes the same `Incoming` on every delivery."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message

from bot.channels.names import MINI
from bot.channels.wechat.envelope import read_fields
from bot.channels.wechat.messages import LONGEST_PAGE, Received, read_message
from bot.channels.wechat.push import to_xml
from bot.errors import Refused
from bot.message import Incoming, Kind, Media, Spot

RECEIVED_AT = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
HEADS = {"ToUserName": "gh_1", "FromUserName": "o_resident", "CreateTime": "1582160400"}
OPENID = "o_resident"


def read(**fields: str) -> Received:
    return read_message(HEADS | fields, received_at=RECEIVED_AT)


def incoming(**fields: str) -> Incoming:
    read_one = read(**fields).incoming
    assert read_one is not None
    return read_one


def read_or_reason(fields: dict[str, str]) -> Received | str:
    try:
        return read_message(fields, received_at=RECEIVED_AT)
    except Refused as refused:
        return refused.reason


def test_text_keeps_what_was_typed_with_its_blanks() -> None:
    assert incoming(MsgType="text", Content=" 36.5 \n没有症状", MsgId="1") == Incoming(
        channel="wechat_official",
        account=OPENID,
        key="m:1",
        kind=Kind.TEXT,
        received_at=RECEIVED_AT,
        text=" 36.5 \n没有症状",
        sent_at=datetime(2020, 2, 20, 1, 0, tzinfo=UTC),
    )


def test_text_without_content_is_an_empty_text() -> None:
    assert incoming(MsgType="text", Content="", MsgId="1").text == ""
    assert incoming(MsgType="text", MsgId="1").text == ""


def test_click_in_a_message_menu_comes_with_its_item() -> None:
    assert incoming(MsgType="text", Content="是", MsgId="1", bizmsgmenuid="yes").event_key == "yes"


def test_voice_with_recognition_is_what_was_said() -> None:
    voice = incoming(MsgType="voice", MediaId="M", Format="amr", Recognition="三十六度五。", MsgId="1")
    assert (voice.kind, voice.text, voice.media) == (Kind.VOICE, "三十六度五。", Media("M", form="amr"))


@pytest.mark.parametrize("fields", [{}, {"Recognition": ""}])
def test_voice_without_recognition_has_no_text(fields: dict[str, str]) -> None:
    voice = incoming(MsgType="voice", MediaId="M", Format="speex", MsgId="1", **fields)
    assert (voice.kind, voice.text) == (Kind.VOICE, "")


def test_image_stays_at_the_platform() -> None:
    image = incoming(MsgType="image", PicUrl="https://x.invalid/p", MediaId="M", MsgId="1")
    assert (image.kind, image.media) == (Kind.IMAGE, Media("M", url="https://x.invalid/p"))


def test_location_keeps_its_degrees_as_text() -> None:
    place = incoming(
        MsgType="location", Location_X="30.592850", Location_Y="-114.3055", Label="武汉", MsgId="1"
    )
    assert (place.kind, place.spot) == (Kind.LOCATION, Spot("30.592850", "-114.3055", "武汉"))


@pytest.mark.parametrize("latitude", ["", "north", "1e5", "nan", "1234", "３０"])
def test_location_without_degrees_is_malformed(latitude: str) -> None:
    with pytest.raises(Refused, match="malformed_xml"):
        read(MsgType="location", Location_X=latitude, Location_Y="1", MsgId="1")


@pytest.mark.parametrize(
    ("event", "event_key", "kind", "expected"),
    [
        ("subscribe", "", Kind.FOLLOW, ""),
        ("subscribe", "qrscene_gate-7", Kind.FOLLOW, "gate-7"),
        ("unsubscribe", "", Kind.UNFOLLOW, ""),
        ("CLICK", "punch_in", Kind.MENU, "punch_in"),
        ("SCAN", "gate-7", Kind.SCAN, "gate-7"),
        ("VIEW", "https://x.invalid/", Kind.VIEW, "https://x.invalid/"),
    ],
)
def test_each_event_becomes_its_kind(event: str, event_key: str, kind: Kind, expected: str) -> None:
    for spelled in (event, event.upper(), event.lower()):
        received = read(MsgType="event", Event=spelled, EventKey=event_key)
        assert received.kind == kind.value
        assert received.incoming is not None
        assert (received.incoming.kind, received.incoming.event_key) == (kind, expected)


def test_shared_page_is_named_by_its_path_and_says_nothing() -> None:
    page = incoming(MsgType="miniprogrampage", Title="今日打卡", PagePath="pages/punch-in?day=1", MsgId="1")
    assert (page.kind, page.event_key, page.text, page.key) == (Kind.PAGE, "pages/punch-in?day=1", "", "m:1")


def test_opened_chat_tells_from_where() -> None:
    entered = incoming(MsgType="event", Event="user_enter_tempsession", SessionFrom="codes")
    assert (entered.kind, entered.event_key) == (Kind.ENTER, "codes")


@pytest.mark.parametrize(
    "fields", [{"MsgType": "miniprogrampage"}, {"MsgType": "event", "Event": "user_enter_tempsession"}]
)
def test_page_and_opened_chat_need_no_further_fields(fields: dict[str, str]) -> None:
    assert incoming(**fields).event_key == ""


def test_absurdly_long_origin_of_a_chat_is_cut() -> None:
    entered = incoming(MsgType="event", Event="user_enter_tempsession", SessionFrom="x" * 10_000)
    assert len(entered.event_key) == LONGEST_PAGE


def test_message_of_the_mini_program_carries_its_channel() -> None:
    fields = HEADS | {"MsgType": "text", "Content": "36.5", "MsgId": "1"}
    read_one = read_message(fields, received_at=RECEIVED_AT, channel=MINI).incoming
    assert read_one is not None
    assert (read_one.channel, read_one.key) == ("wechat_mini", "m:1")


def test_follow_without_an_event_key_has_no_scene() -> None:
    assert incoming(MsgType="event", Event="subscribe").event_key == ""


@pytest.mark.parametrize("message_type", ["video", "shortvideo", "link", "file"])
def test_message_without_an_answer_is_named_for_the_counter(message_type: str) -> None:
    assert read(MsgType=message_type, MsgId="1") == Received(None, message_type, OPENID, "gh_1")


@pytest.mark.parametrize(
    "event",
    [
        "LOCATION",
        "TEMPLATESENDJOBFINISH",
        "subscribe_msg_popup_event",
        "subscribe_msg_sent_event",
        "wxa_media_check",
    ],
)
def test_event_without_an_answer_is_named_for_the_counter(event: str) -> None:
    assert read(MsgType="event", Event=event).kind == f"event_{event.lower()}"


def test_invented_names_never_reach_the_counter() -> None:
    assert read(MsgType="hologram", MsgId="1").kind == "other"
    assert read(MsgType="event", Event="debug_demo").kind == "event_other"


def test_message_id_that_is_no_number_stays_opaque() -> None:
    key = "49d72d67a8f1_1555684067"
    assert incoming(MsgType="text", Content="1", MsgId=key).key == f"m:{key}"


def test_message_id_of_any_length_makes_a_short_key() -> None:
    first = incoming(MsgType="text", Content="1", MsgId="9" * 10_000).key
    assert first == incoming(MsgType="text", Content="1", MsgId="9" * 10_000).key
    assert first != incoming(MsgType="text", Content="1", MsgId="9" * 10_001).key
    assert len(first) < 64


def test_redelivered_event_has_the_same_key() -> None:
    first, second = (incoming(MsgType="event", Event="CLICK", EventKey="a") for _ in range(2))
    assert first.key == second.key


@pytest.mark.parametrize(
    "other",
    [
        {"EventKey": "b"},
        {"SessionFrom": "b"},
        {"Event": "VIEW"},
        {"CreateTime": "1582160401"},
        {"FromUserName": "o_other"},
    ],
)
def test_two_events_of_one_second_are_told_apart(other: dict[str, str]) -> None:
    event = HEADS | {"MsgType": "event", "Event": "CLICK", "EventKey": "a"}
    first, second = (
        read_message(fields, received_at=RECEIVED_AT).incoming for fields in (event, event | other)
    )
    assert first is not None
    assert second is not None
    assert first.key != second.key


def test_key_of_an_event_hides_the_account() -> None:
    key = incoming(MsgType="event", Event="CLICK", EventKey="a").key
    assert key.startswith("e:")
    assert OPENID not in key


def test_messages_without_an_id_are_told_apart_by_what_they_say() -> None:
    first, again, other = (incoming(MsgType="text", Content=said).key for said in ("36.5", "36.5", "37.9"))
    assert first == again != other


@pytest.mark.parametrize("field", ["ToUserName", "FromUserName", "CreateTime", "MsgType"])
def test_message_without_a_heading_is_malformed(field: str) -> None:
    fields = HEADS | {"MsgType": "text", "Content": "1", "MsgId": "1"}
    for broken in ({**fields, field: ""}, {name: value for name, value in fields.items() if name != field}):
        with pytest.raises(Refused, match="malformed_xml"):
            read_message(broken, received_at=RECEIVED_AT)


@pytest.mark.parametrize("create_time", ["now", "-5", "1.5", "９", "9" * 30])
def test_create_time_that_is_no_number_is_malformed(create_time: str) -> None:
    with pytest.raises(Refused, match="malformed_xml"):
        read(MsgType="text", Content="1", MsgId="1", CreateTime=create_time)


def test_event_without_a_name_is_malformed() -> None:
    with pytest.raises(Refused, match="malformed_xml"):
        read(MsgType="event")


def test_account_of_absurd_length_is_malformed() -> None:
    with pytest.raises(Refused, match="malformed_xml"):
        read(MsgType="text", Content="1", MsgId="1", FromUserName="o" * 129)


@given(
    content=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")),
    message_id=st.integers(1, 2**63),
)
def test_wechatpy_reads_the_same_text_but_for_outer_blanks(content: str, message_id: int) -> None:
    fields = HEADS | {"MsgType": "text", "Content": content, "MsgId": str(message_id)}
    oracle = parse_message(to_xml(fields))
    received = read_message(read_fields(to_xml(fields).encode()), received_at=RECEIVED_AT).incoming
    assert received is not None
    assert received.text.strip() == (oracle.content or "")
    assert received.key == f"m:{oracle.id}"
    assert (received.account, received.sent_at) == (oracle.source, oracle.create_time)


@given(
    st.dictionaries(
        st.sampled_from(
            ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "EventKey", "MsgId"]
        ),
        st.sampled_from(["text", "event", "voice", "location", "CLICK", "subscribe", "1582160400"])
        | st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_arbitrary_fields_are_read_or_refused(fields: dict[str, str]) -> None:
    outcome = read_or_reason(fields)
    assert outcome == "malformed_xml" or isinstance(outcome, Received)
