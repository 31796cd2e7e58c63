"""Which version judges when."""

from datetime import UTC, date, datetime

import pytest

from bot.core.rulebook import BookHistory, RuleBooks
from bot.core.rules import version_key
from tests.core.people import book, midnight

FIRST = book(head="valid_to: 2020-03-01\n", version="1.9")
SECOND = book(version="1.10", valid_from="2020-02-20")
LATER = book(version="2.0", valid_from="2020-06-01")


def test_the_highest_valid_version_is_in_force() -> None:
    books = RuleBooks([FIRST, SECOND])
    assert books.in_force("town", midnight(date(2020, 2, 19))) is FIRST
    assert books.in_force("town", midnight(date(2020, 2, 20))) is SECOND
    assert books.in_force("town", datetime(2019, 12, 31, 15, 59, tzinfo=UTC)) is None
    assert books.in_force("city", midnight(date(2020, 2, 20))) is None
    assert len(books) == 2


def test_version_numbers_are_compared_as_numbers() -> None:
    assert version_key("1.10") > version_key("1.9")


def test_the_end_of_validity_is_outside() -> None:
    assert FIRST.at(midnight(date(2020, 3, 1))) is None
    assert FIRST.at(midnight(date(2020, 2, 29))) is FIRST


def test_a_fact_from_before_the_first_version_is_judged_by_the_first() -> None:
    history = BookHistory("town", [LATER, FIRST])
    assert history.judging(datetime(2019, 1, 1, tzinfo=UTC)) is FIRST
    assert history.judging(midnight(date(2020, 2, 1))) is FIRST
    assert history.judging(midnight(date(2020, 4, 1))) is LATER
    ended = BookHistory("town", [FIRST])
    assert ended.judging(midnight(date(2020, 4, 1))) is FIRST


def test_the_next_change_of_version_is_known() -> None:
    history = BookHistory("town", [FIRST, SECOND])
    assert history.next_change(midnight(date(2020, 2, 1))) == midnight(date(2020, 2, 20))
    assert history.next_change(midnight(date(2020, 2, 20))) == midnight(date(2020, 3, 1))
    assert history.next_change(midnight(date(2020, 3, 1))) is None


def test_the_same_version_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"two rule books town 1\.0"):
        RuleBooks([book(), book(version="1.00")])
    with pytest.raises(ValueError, match="another scheme"):
        BookHistory("city", [FIRST])
