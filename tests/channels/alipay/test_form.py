"""The form's bytes: its charset, its names, and what two readers could differ on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.alipay.form import BODY_LIMIT, MOST_FIELDS, read_form
from bot.errors import Refused, TooLarge
from tests.channels.alipay.door import encode


def refused(body: bytes) -> str:
    with pytest.raises(Refused) as error:
        read_form(body)
    return error.value.reason


def reason_of_reading(body: bytes) -> str:
    """Why a form or one of its values can't be read, "" if all can."""
    try:
        form = read_form(body)
        for name in form.raw:
            form.text(name)
    except Refused as error:
        return error.reason
    return ""


@pytest.mark.parametrize(
    ("named", "charset", "answered"),
    [
        ("GBK", "gbk", "GBK"),
        ("gb2312", "gb2312", "GB2312"),
        ("GB18030", "gb18030", "GB18030"),
        ("UTF-8", "utf-8", "UTF-8"),
        ("utf-8", "utf-8", "UTF-8"),
    ],
)
def test_named_charset_is_read_and_answered(named: str, charset: str, answered: str) -> None:
    form = read_form(encode({"charset": named, "biz_content": "今天36.5度 + 咳嗽"}, charset))
    assert form.text("biz_content") == "今天36.5度 + 咳嗽"
    assert form.charset.name == answered


def test_gateway_forms_without_a_charset_are_read_as_gbk() -> None:
    assert read_form(encode({"service": "s", "biz_content": "中"}, "gbk")).text("biz_content") == "中"


def test_notifications_without_a_charset_are_read_as_utf8() -> None:
    assert read_form(encode({"msg_method": "m", "biz_content": "中"}, "utf-8")).text("biz_content") == "中"


@pytest.mark.parametrize(
    "charset", ["latin-1", "utf-7", "utf-16", "idna", "rot13", "../utf-8", "utf8mb4", "中"]
)
def test_charset_that_is_not_on_the_list_is_refused(charset: str) -> None:
    assert refused(encode({"charset": charset, "biz_content": "a"}, "utf-8")) == "wrong_charset"


def test_bytes_that_are_not_in_the_named_charset_are_refused() -> None:
    form = read_form(b"charset=utf-8&biz_content=%D6%D0")
    with pytest.raises(Refused, match="wrong_charset"):
        form.text("biz_content")
    assert form.raw["biz_content"] == b"\xd6\xd0"


def test_value_that_is_not_there_is_empty() -> None:
    assert read_form(b"a=").text("b") == ""
    assert read_form(b"a=").text("a") == ""


@pytest.mark.parametrize("body", [b"a=1&a=1", b"a=1&%61=2", b"charset=gbk&charset=utf-8"])
def test_name_that_is_there_twice_is_refused(body: bytes) -> None:
    assert refused(body) == "duplicate_field"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a",
        b"=1",
        b"a=1&",
        b"&",
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=\xd6\xd0",
        b"a=1\n",
        b"a b=1",
        b"a+b=1",
        b"%00=1",
    ],
)
def test_whatever_is_no_form_is_refused(body: bytes) -> None:
    assert refused(body) == "malformed_form"


def test_form_at_the_limits_is_read_and_beyond_them_refused() -> None:
    assert len(read_form(b"&".join(b"a%d=" % number for number in range(MOST_FIELDS))).raw) == MOST_FIELDS
    assert refused(b"&".join(b"a%d=" % number for number in range(MOST_FIELDS + 1))) == "too_many_fields"
    assert len(read_form(b"a=" + b"x" * (BODY_LIMIT - 2)).text("a")) == BODY_LIMIT - 2
    with pytest.raises(TooLarge):
        read_form(b"a=" + b"x" * (BODY_LIMIT - 1))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20).filter(lambda name: name != "charset")


@given(st.dictionaries(NAMES, TEXTS, max_size=10), st.sampled_from(["utf-8", "gb18030"]))
def test_what_was_written_is_what_is_read(parameters: dict[str, str], charset: str) -> None:
    form = read_form(encode({"charset": charset, **parameters}, charset))
    assert {name: form.text(name) for name in parameters} == parameters


@given(st.binary(max_size=200) | st.from_regex(rb"[a-c%=&+0-9]{1,40}", fullmatch=True))
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    assert reason_of_reading(body) in {"", "malformed_form", "duplicate_field", "wrong_charset"}
