"""Sealing: what opens, what never opens, and what a look-up value is."""

from __future__ import annotations

import hmac
import pickle
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Misconfigured, Unsealable
from bot.store.sealing import KeyRing

OLD, NEW, INDEX, OLD_INDEX = (
    f"{name}:{b64encode(bytes([n]) * 32).decode()}" for n, name in enumerate("abcd", 1)
)


def ring(data: str = NEW, index: str = INDEX) -> KeyRing:
    return KeyRing(data, index)


KEYS = ring()


@given(st.text(), st.text(min_size=1))
def test_every_text_opens_again_in_its_context(text: str, context: str) -> None:
    assert KEYS.open(context, KEYS.seal(context, text)) == text


@given(st.binary())
def test_every_bytes_open_again(content: bytes) -> None:
    assert KEYS.open_bytes("t.c", KEYS.seal("t.c", content)) == content


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists))
def test_every_json_value_opens_again(value: object) -> None:
    assert KEYS.open_json("t.c", KEYS.seal_json("t.c", value)) == value


def test_equal_texts_are_sealed_to_different_blobs() -> None:
    assert KEYS.seal("t.c", "13800138000") != KEYS.seal("t.c", "13800138000")


def test_a_blob_has_version_key_id_nonce_and_tag() -> None:
    blob = KEYS.seal("t.c", b"12345")
    assert blob.startswith(b"\x01\x01b")
    assert blob.startswith(KEYS.current_head)
    assert len(blob) == 3 + 12 + 5 + 16


def test_a_blob_moved_to_another_column_never_opens() -> None:
    blob = KEYS.seal("residents.name", "王芳")
    with pytest.raises(Unsealable, match=r"^residents\.phone: damaged"):
        KEYS.open("residents.phone", blob)


@given(st.data())
def test_a_blob_with_one_wrong_bit_never_opens(data: st.DataObject) -> None:
    blob = bytearray(KEYS.seal("t.c", "体温36.5"))
    position = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[position // 8] ^= 1 << position % 8
    with pytest.raises(Unsealable):
        KEYS.open("t.c", bytes(blob))


@given(st.binary(max_size=80))
def test_random_bytes_never_open_and_raise_one_error(blob: bytes) -> None:
    with pytest.raises(Unsealable):
        KEYS.open("t.c", blob)


def test_a_blob_cut_short_anywhere_never_opens() -> None:
    blob = KEYS.seal("t.c", "text")
    for length in range(len(blob)):
        with pytest.raises(Unsealable):
            KEYS.open("t.c", blob[:length])


def test_an_old_key_behind_the_current_one_still_opens() -> None:
    blob = ring(OLD).seal("t.c", "before")
    both = ring(f"{NEW},{OLD}")
    assert both.open("t.c", blob) == "before"
    assert both.key_of(blob) == "a"
    assert both.key_of(both.seal("t.c", "after")) == "b"


def test_a_key_that_was_taken_out_opens_nothing_and_is_named_by_variable() -> None:
    with pytest.raises(Unsealable, match="not in YIMA_DATA_KEYS"):
        ring(NEW).open("t.c", ring(OLD).seal("t.c", "before"))


def test_the_same_key_id_with_another_key_opens_nothing() -> None:
    other = f"b:{b64encode(b'z' * 32).decode()}"
    with pytest.raises(Unsealable):
        ring(other).open("t.c", KEYS.seal("t.c", "text"))


def test_sealed_bytes_that_are_no_text_are_refused_as_text() -> None:
    with pytest.raises(Unsealable, match="not text"):
        KEYS.open("t.c", KEYS.seal("t.c", b"\xff\xfe"))


def test_sealed_text_that_is_no_json_is_refused_as_json() -> None:
    with pytest.raises(Unsealable, match="not JSON"):
        KEYS.open_json("t.c", KEYS.seal("t.c", "王芳"))


def test_an_index_is_the_hmac_of_kind_and_value() -> None:
    digest = hmac.new(bytes([3]) * 32, b"phone\x0013800138000", "sha256").hexdigest()
    assert KEYS.index("phone", "13800138000") == f"c:{digest[:32]}"


def test_an_index_differs_by_kind_value_and_key() -> None:
    made = {
        KEYS.index("a", "b"),
        KEYS.index("a", "c"),
        KEYS.index("b", "b"),
        ring(index=OLD_INDEX).index("a", "b"),
    }
    assert len(made) == 4


def test_a_kind_and_a_value_never_run_into_each_other() -> None:
    assert KEYS.index("ab", "c") != KEYS.index("a", "bc")


def test_look_ups_cover_every_index_key_with_the_current_one_first() -> None:
    both = ring(index=f"{INDEX},{OLD_INDEX}")
    assert both.indexes("phone", "1") == (
        ring().index("phone", "1"),
        ring(index=OLD_INDEX).index("phone", "1"),
    )
    assert both.index("phone", "1") == both.indexes("phone", "1")[0]
    assert both.current_index_head == "c:"
    assert both.has_index_key_of("d:00")
    assert not ring().has_index_key_of("d:00")


def test_generated_keys_are_different_and_work() -> None:
    one, two = KeyRing.generate(), KeyRing.generate()
    assert one != two
    keys = KeyRing(one, two)
    assert keys.open("t.c", keys.seal("t.c", "x")) == "x"


def test_keys_in_the_alphabet_for_addresses_are_taken_too() -> None:
    secret = b"\xfb\xff" * 16
    blob = ring(f"a:{urlsafe_b64encode(secret).decode()}").seal("t.c", "x")
    assert ring(f"a:{b64encode(secret).decode()}").open("t.c", blob) == "x"


def test_a_key_ring_hides_its_keys_and_is_not_pickled() -> None:
    shown = repr(KEYS) + str(KEYS)
    assert NEW.split(":")[1] not in shown
    assert "b" in shown
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(KEYS)


SHORT = b64encode(b"x" * 31).decode()
SECRET = "VERYSECRETVALUE!"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "is empty"),
        (" , ", "is empty"),
        (SECRET, "every key is id:base64"),
        (f"TOOLONGID:{SHORT}", "every key is id:base64"),
        (f"A:{SHORT}", "every key is id:base64"),
        (f":{SHORT}", "every key is id:base64"),
        (f"a:{SECRET}", "is not base64"),
        (f"a:{SHORT}", "has to have 32 bytes"),
        ("a:", "has to have 32 bytes"),
        (f"{OLD},{OLD}", "two keys with the same id"),
        (f"{OLD},x{OLD}", "the same key under two ids"),
    ],
)
def test_wrong_keys_are_refused_with_the_variable_and_never_the_value(data: str, reason: str) -> None:
    for refused, variable in (((data, INDEX), "YIMA_DATA_KEYS"), ((NEW, data), "YIMA_INDEX_KEYS")):
        with pytest.raises(Misconfigured, match=f"{variable}.*{reason}") as caught:
            KeyRing(*refused)
        assert SECRET not in str(caught.value)
        assert SHORT not in str(caught.value)
        assert caught.value.__cause__ is None


def test_one_key_for_sealing_and_for_look_ups_is_refused() -> None:
    with pytest.raises(Misconfigured, match="must not share a key"):
        KeyRing(NEW, NEW)
