"""Nested fields of a message, and what is no message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.alipay.markup import DEEPEST, read_fields
from bot.errors import Refused


def refused(xml: str) -> str:
    with pytest.raises(Refused) as error:
        read_fields(xml)
    return error.value.reason


def reason_of_reading(xml: str) -> str:
    try:
        read_fields(xml)
    except Refused as error:
        return error.reason
    return ""


def test_nested_fields_are_named_by_their_path() -> None:
    xml = "<XML><A>1</A><Text> <Content><![CDATA[ 36.5 ]]></Content> </Text><Image><MediaId/></Image></XML>"
    assert read_fields(xml) == {"A": "1", "Text/Content": " 36.5 ", "Image/MediaId": ""}


def test_declared_encoding_of_decoded_text_does_not_matter() -> None:
    assert read_fields('<?xml version="1.0" encoding="GBK"?><XML><A>中文</A></XML>') == {"A": "中文"}


def test_names_of_the_root_differ_in_case_only() -> None:
    assert read_fields("<xml><A>1</A></xml>") == {"A": "1"}
    assert refused("<html><A>1</A></html>") == "malformed_xml"


def test_control_characters_are_dropped_and_typed_markup_stays() -> None:
    xml = '<XML><A>\x08<![CDATA[<!DOCTYPE a><!ENTITY b "c">&lt;]]>\x1b&amp;</A></XML>'
    assert read_fields(xml) == {"A": '<!DOCTYPE a><!ENTITY b "c">&lt;&'}


BOMB = '<!DOCTYPE XML [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><XML><A>&b;</A></XML>'
FILE = '<!DOCTYPE XML [<!ENTITY a SYSTEM "file:///etc/passwd">]><XML><A>&a;</A></XML>'


@pytest.mark.parametrize("xml", [BOMB, FILE, "<!DOCTYPE XML><XML/>", '<!DOCTYPE XML SYSTEM "a.dtd"><XML/>'])
def test_every_document_type_and_entity_is_refused(xml: str) -> None:
    assert refused(xml) == "doctype"


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "text",
        "<XML>",
        "<XML></xml>",
        "<XML/><XML/>",
        "<XML>&a;</XML>",
        "<XML><A>1</A><A>2</A></XML>",
        "<XML><T><A/></T><T><B/></T></XML>",
        "<XML><T><A/><A/></T></XML>",
        "<XML>&#xD800;</XML>",
        '{"MsgType":"text"}',
    ],
)
def test_malformed_and_ambiguous_markup_is_refused(xml: str) -> None:
    assert refused(xml) == "malformed_xml"


def test_markup_at_the_greatest_depth_is_read_and_below_it_refused() -> None:
    assert len(read_fields("<XML>" + "<a>" * (DEEPEST - 1) + "</a>" * (DEEPEST - 1) + "</XML>")) == 1
    assert refused("<XML>" + "<a>" * DEEPEST + "</a>" * DEEPEST + "</XML>") == "malformed_xml"


@given(st.text(max_size=100) | st.from_regex(r"<XML>[<>/!\[\]A-Z&;#x0-9 ]{0,40}</XML>", fullmatch=True))
def test_arbitrary_text_is_read_or_refused(xml: str) -> None:
    assert reason_of_reading(xml) in {"", "malformed_xml", "doctype"}
