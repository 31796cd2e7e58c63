"""The query, the flat XML reader and the envelope of an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto

from bot.channels.wechat.envelope import (
    MOST_ITEMS,
    cdata,
    check_fresh,
    read_fields,
    read_lists,
    read_query,
    seal_envelope,
)
from bot.errors import Refused
from tests.channels.wechat.vectors import AES_KEY, TOKEN, W4, W6, Outbound

WIRE = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
SECONDS = int(WIRE.timestamp())


def read_or_reason(xml: bytes, read: Callable[[bytes], object] = read_fields) -> object:
    try:
        return read(xml)
    except Refused as refused:
        return refused.reason


def test_query_becomes_a_table_of_its_parameters() -> None:
    assert read_query([("nonce", "1"), ("timestamp", "2")]) == {"nonce": "1", "timestamp": "2"}


@pytest.mark.parametrize("second", ["1", "2"])
def test_key_that_is_there_twice_is_refused(second: str) -> None:
    with pytest.raises(Refused, match="duplicate_query_key"):
        read_query([("nonce", "1"), ("nonce", second)])


@pytest.mark.parametrize("offset", [-600, 0, 600])
def test_timestamp_up_to_the_window_is_fresh(offset: int) -> None:
    check_fresh(str(SECONDS + offset), wire=WIRE, window_seconds=600)


@pytest.mark.parametrize("offset", [-601, 601, 86_400 * 365])
def test_timestamp_beyond_the_window_is_stale(offset: int) -> None:
    with pytest.raises(Refused, match="stale_timestamp"):
        check_fresh(str(SECONDS + offset), wire=WIRE, window_seconds=600)


def test_fraction_of_a_second_beyond_the_window_is_stale() -> None:
    with pytest.raises(Refused, match="stale_timestamp"):
        check_fresh(str(SECONDS), wire=WIRE + timedelta(seconds=600, microseconds=1), window_seconds=600)


@pytest.mark.parametrize("timestamp", ["", "-1", "+1", "1e9", "１５", "1_0", " 1", "9" * 12, "nan"])
def test_timestamp_that_is_no_number_of_seconds_is_refused(timestamp: str) -> None:
    with pytest.raises(Refused, match="bad_timestamp"):
        check_fresh(timestamp, wire=WIRE, window_seconds=600)


def test_texts_are_read_verbatim_with_their_blanks() -> None:
    assert read_fields(b"<xml><Content><![CDATA[  a\n b ]]></Content><E/></xml>") == {
        "Content": "  a\n b ",
        "E": "",
    }


def test_split_cdata_and_entities_become_one_text() -> None:
    xml = b"<xml><C><![CDATA[a]]]]><![CDATA[>b]]>&lt;&amp;&#20013;</C></xml>"
    assert read_fields(xml) == {"C": "a]]>b<&中"}


def test_nested_elements_leave_no_text_behind() -> None:
    xml = b"<xml><Info><Count>1</Count><List><item>2</item></List></Info><A>x<b>y</b>z</A></xml>"
    assert read_fields(xml) == {"Info": "", "A": "z"}


def test_control_characters_from_a_phone_are_dropped() -> None:
    assert read_fields(b"<xml><C><![CDATA[a\x00\x08\x1fb]]></C></xml>") == {"C": "ab"}


def test_doctype_that_somebody_typed_is_only_a_text() -> None:
    assert read_fields(b"<xml><C><![CDATA[<!DOCTYPE a><!ENTITY b>]]></C></xml>")["C"].startswith("<!DOCTYPE")


@pytest.mark.parametrize(
    "xml",
    [
        b"<!DOCTYPE xml><xml><C>1</C></xml>",
        b'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "b">]><xml><C>&a;</C></xml>',
        b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>',
        b'<!--x--><!DOCTYPE xml [<!ENTITY % a SYSTEM "http://127.0.0.1/">%a;]><xml/>',
    ],
)
def test_doctype_is_refused_wherever_it_may_stand(xml: bytes) -> None:
    with pytest.raises(Refused, match="doctype"):
        read_fields(xml)


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"success",
        b"<xml>",
        b"<xml><C></xml>",
        b"<xml/><xml/>",
        b"<html><C>1</C></html>",
        b"<xml><C>1</C><C>2</C></xml>",
        b"<xml><C>&a;</C></xml>",
        b"<xml><C>\xff\xfe</C></xml>",
        b"<xml><C>\xed\xa0\x80</C></xml>",
        "<xml><C>1</C></xml>".encode("utf-16"),
        '<?xml version="1.0" encoding="GBK"?><xml><C>中</C></xml>'.encode("gbk"),
        b'{"MsgType":"text"}',
    ],
)
def test_anything_but_flat_utf8_xml_is_malformed(xml: bytes) -> None:
    with pytest.raises(Refused, match="malformed_xml"):
        read_fields(xml)


LISTED = (
    b"<xml><Event>e</Event><SubscribeMsgPopupEvent><List><TemplateId><![CDATA[ T1 ]]></TemplateId><X><Y>1</Y></X></List>"
    b"<Other><TemplateId>T0</TemplateId></Other><List><TemplateId>T2</TemplateId></List></SubscribeMsgPopupEvent></xml>"
)


def test_every_nested_list_is_read_and_nothing_beside_it() -> None:
    assert read_lists(LISTED) == [{"TemplateId": " T1 ", "X": ""}, {"TemplateId": "T2"}]
    assert read_fields(LISTED) == {"Event": "e", "SubscribeMsgPopupEvent": ""}


def test_message_without_lists_has_none() -> None:
    assert read_lists(b"<xml><MsgType>text</MsgType><List><A>1</A></List></xml>") == []


@pytest.mark.parametrize(
    "xml",
    [
        b"<xml><E><List><T>1</T><T>2</T></List></E></xml>",
        b"<xml><E>" + b"<List/>" * (MOST_ITEMS + 1) + b"</E></xml>",
        b"<xml><E><List>",
        b"",
    ],
)
def test_lists_that_two_readers_could_read_differently_are_malformed(xml: bytes) -> None:
    with pytest.raises(Refused, match="malformed_xml"):
        read_lists(xml)


def test_lists_behind_a_doctype_are_refused() -> None:
    with pytest.raises(Refused, match="doctype"):
        read_lists(b"<!DOCTYPE xml><xml/>")


@given(st.binary(max_size=300))
def test_lists_of_arbitrary_bytes_are_read_or_refused(xml: bytes) -> None:
    outcome = read_or_reason(xml, read_lists)
    assert isinstance(outcome, list) or outcome in {"malformed_xml", "doctype"}


def test_deep_nesting_is_read_without_recursion() -> None:
    depth = 6_000
    assert read_fields(b"<xml>" + b"<a>" * depth + b"</a>" * depth + b"</xml>") == {"a": ""}


@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: f"<xml>{text}</xml>".encode("utf-8", "replace"))
)
def test_arbitrary_bytes_are_read_or_refused(xml: bytes) -> None:
    outcome = read_or_reason(xml)
    assert isinstance(outcome, dict) or outcome in {"malformed_xml", "doctype"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_stays_one_text_inside_cdata(text: str) -> None:
    fields = read_fields(f"<xml><C><![CDATA[{cdata(text)}]]></C></xml>".encode())
    kept = "".join(sign for sign in text if sign >= " " or sign in "\t\n\r")
    kept = kept.replace("\ufffe", "").replace("\uffff", "")
    assert fields == {"C": kept.replace("\r\n", "\n").replace("\r", "\n")}


def test_lone_surrogates_are_dropped_from_cdata() -> None:
    assert cdata("a\ud83db") == "ab"


@pytest.mark.parametrize("vector", [W4, W6], ids=["W4", "W6"])
def test_envelope_of_the_documented_answer_has_its_signature(vector: Outbound) -> None:
    envelope = seal_envelope(vector.encrypt, token=TOKEN, timestamp=vector.timestamp, nonce=vector.nonce)
    assert envelope.decode() == (
        f"<xml><Encrypt><![CDATA[{vector.encrypt}]]></Encrypt>"
        f"<MsgSignature><![CDATA[{vector.signature}]]></MsgSignature>"
        f"<TimeStamp>{vector.timestamp}</TimeStamp><Nonce><![CDATA[{vector.nonce}]]></Nonce></xml>"
    )


def test_wechatpy_opens_the_envelope_of_an_answer() -> None:
    envelope = seal_envelope(W6.encrypt, token=TOKEN, timestamp=W6.timestamp, nonce=W6.nonce)
    oracle = WeChatCrypto(TOKEN, AES_KEY, W6.app_id)
    opened = oracle.decrypt_message(envelope, W6.signature, W6.timestamp, W6.nonce)
    assert opened == W6.message.decode()
