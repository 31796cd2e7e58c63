"""Ids and receipts: nothing to guess, mistakes of one character noticed, written rows in the order of time."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.store.ids import is_receipt, new_id, receipt, row_id
from tests.fakes.clock import MORNING

DAY = date(2020, 2, 20)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_random_ids_fit_a_signed_column_and_differ() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(0 < each < 2**62 for each in ids)


def test_row_ids_are_in_the_order_of_time_and_differ_within_a_moment() -> None:
    ids = [row_id(MORNING) for _ in range(5000)]
    ids += [row_id(MORNING + timedelta(seconds=1)), row_id(MORNING)]
    assert ids == sorted(set(ids))
    assert all(0 < each < 2**62 for each in ids)


def test_receipt_shows_its_day_and_is_recognised() -> None:
    number = receipt("P", DAY)
    assert number.startswith("P200220-")
    assert is_receipt(number)
    assert is_receipt(f" {number.lower()} ")


@given(place=st.integers(0, 7), wrong=st.sampled_from(ALPHABET))
def test_one_wrong_character_of_a_receipt_is_noticed(place: int, wrong: str) -> None:
    prefix, body, check = receipt("P", DAY).split("-")
    if body[place] == wrong:
        return
    assert not is_receipt(f"{prefix}-{body[:place]}{wrong}{body[place + 1 :]}-{check}")


def test_what_has_not_the_form_of_a_receipt_is_none() -> None:
    for text in ("", "P200220", "P200220-ABC-12", "P200220-ABCDEFGI-12", "36.5"):
        assert not is_receipt(text)
