"""The JSON reader: the same texts as from XML, and a refusal for everything that could be read in two ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wechat.envelope import MOST_ITEMS
from bot.channels.wechat.json_fields import DEEPEST, JsonFields, encrypted_member, read_json
from bot.errors import Refused

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def read_or_reason(body: bytes) -> JsonFields | str:
    try:
        return read_json(body)
    except Refused as refused:
        return refused.reason


def malformed(body: bytes) -> bool:
    with pytest.raises(Refused, match="malformed_json"):
        read_json(body)
    return True


def test_texts_and_numbers_become_the_texts_that_were_sent() -> None:
    body = '{"A": " 好 ", "N": 18446744073709551616000001, "M": -1.50, "E": ""}'.encode()
    assert read_json(body).texts == {"A": " 好 ", "N": "18446744073709551616000001", "M": "-1.50", "E": ""}


def test_what_is_neither_text_nor_number_is_left_out() -> None:
    body = b'{"A": null, "B": true, "C": {"D": "1"}, "E": ["1"], "F": "1"}'
    assert read_json(body).texts == {"F": "1"}


def test_one_object_and_an_array_of_one_are_the_same_list() -> None:
    item = '{"TemplateId": "T1", "PopupScene": 0}'
    one, array = (read_json(f'{{"List": {value}}}'.encode()) for value in (item, f"[{item}]"))
    assert one == array
    assert one.items == [{"TemplateId": "T1", "PopupScene": "0"}]


@given(
    st.lists(
        st.dictionaries(st.text(st.characters(categories=["L"])), st.text(st.characters(categories=["L"]))),
        min_size=1,
        max_size=1,
    )
)
def test_any_object_and_an_array_of_it_are_the_same_list(items: list[dict[str, str]]) -> None:
    one, array = (read_json(json.dumps({"List": value}).encode()) for value in (items[0], items))
    assert one == array
    assert one.items == items


def test_object_without_a_list_has_no_items() -> None:
    assert read_json(b'{"A": "1"}').items == []
    assert read_json(b'{"A": "1", "List": null}').items == []
    assert read_json(b'{"List": []}').items == []


@pytest.mark.parametrize("value", ['"T1"', "1", "true", '["T1"]', '[{"A": "1"}, 2]', "[[]]"])
def test_list_of_anything_but_objects_is_malformed(value: str) -> None:
    assert malformed(f'{{"List": {value}}}'.encode())


def test_list_of_too_many_is_malformed() -> None:
    assert len(read_json(json.dumps({"List": [{}] * MOST_ITEMS}).encode()).items) == MOST_ITEMS
    assert malformed(json.dumps({"List": [{}] * (MOST_ITEMS + 1)}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"A": "1", "A": "1"}',
        b'{"A": "1", "A": null}',
        b'{"List": {"A": 1, "A": 2}}',
        b'{"X": {"A": 1, "A": 1}}',
    ],
)
def test_key_that_is_there_twice_is_malformed_at_any_depth(body: bytes) -> None:
    assert malformed(body)


def test_nesting_is_read_to_its_limit_and_refused_beyond() -> None:
    def nested(depth: int) -> bytes:
        return b'{"A":' * depth + b"1" + b"}" * depth

    assert read_json(nested(DEEPEST)).texts == {}
    assert malformed(nested(DEEPEST + 1))
    assert malformed(b"[" * 30_000)
    assert malformed(b'{"A":' * 10_000)


def test_brackets_that_somebody_typed_are_only_a_text() -> None:
    typed = "[{" * 5_000 + '\\"' + "[" * 100
    assert read_json(json.dumps({"Content": typed}).encode()).texts == {"Content": typed}


@pytest.mark.parametrize("character", ["\\u0000", "\\u0008", "\\ud83d", "\\uffff", "\x00", "\x1f"])
def test_characters_that_no_text_may_hold_are_dropped(character: str) -> None:
    assert read_json(f'{{"C": "a{character}b"}}'.encode()).texts == {"C": "ab"}


def test_line_breaks_and_pairs_of_surrogates_stay() -> None:
    assert read_json(b'{"C": "a\\n\\ud83d\\ude37"}').texts == {"C": "a\n😷"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"success",
        b"{",
        b"[]",
        b'"text"',
        b"17",
        b"null",
        b"{} {}",
        b'{"A": NaN}',
        b'{"A": -Infinity}',
        b"{'A': 1}",
        b'{"A": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"A": "1"}'.encode("utf-16"),
        b"<xml/>",
    ],
)
def test_anything_but_one_utf8_object_is_malformed(body: bytes) -> None:
    assert malformed(body)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('"AAAA"', "AAAA"),
        ("17", "17"),
        ("null", None),
        ("true", None),
        ('{"A": "1"}', None),
        ('["AAAA"]', None),
    ],
)
def test_ciphertext_is_a_text_or_is_not_there(value: str, found: str | None) -> None:
    assert encrypted_member(f'{{"Encrypt": {value}}}'.encode()) == found


@given(ANY)
def test_any_json_is_read_into_texts_or_refused(value: Any) -> None:
    read = read_or_reason(json.dumps(value).encode())
    if isinstance(read, JsonFields):
        texts = [text for item in (read.texts, *read.items) for text in item.values()]
        assert "".join(texts).encode().decode() == "".join(texts)
    else:
        assert read == "malformed_json"


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    read = read_or_reason(body)
    assert isinstance(read, JsonFields) or read == "malformed_json"
