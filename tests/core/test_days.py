"""Runs of punch-in days, and the resident's day at the edges of the calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.days import ONE_DAY, begins, by_day, completed, day_of
from bot.core.model import PunchInDay

ANCHOR = date(2020, 2, 20)


def reached(
    marks: str, wanted: int, *, consecutive: bool = True, hold_days: int = 0
) -> tuple[int | None, int]:
    """Marks of the days after the anchor (n normal, x not, . missed); the day number reached, and how many count."""
    days = {ANCHOR + (number + 1) * ONE_DAY: mark == "n" for number, mark in enumerate(marks) if mark != "."}
    day, have = completed(
        days, anchor=ANCHOR, until=ANCHOR + len(marks) * ONE_DAY, wanted=wanted, consecutive=consecutive,
        last=ANCHOR + hold_days * ONE_DAY,
    )  # fmt: skip
    return None if day is None else (day - ANCHOR).days, have


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("nn", (None, 2)),
        ("nnn", (3, 3)),
        ("nnnn", (3, 3)),
        ("nn.", (None, 2)),
        ("nn..", (None, 0)),
        ("nn.n", (None, 1)),
        ("nn.nnn", (6, 3)),
        ("nnxnn", (None, 2)),
        ("nnxnnn", (6, 3)),
        ("..nnn", (5, 3)),
        ("x", (None, 0)),
        ("", (None, 0)),
    ],
)
def test_consecutive_days_are_counted_after_the_anchor(marks: str, expected: tuple[int | None, int]) -> None:
    assert reached(marks, 3) == expected


@pytest.mark.parametrize(
    ("marks", "expected"), [("n.n", (None, 2)), ("n.n.n", (5, 3)), ("nxnxn", (5, 3)), ("nn", (None, 2))]
)
def test_days_in_all_need_not_be_consecutive(marks: str, expected: tuple[int | None, int]) -> None:
    assert reached(marks, 3, consecutive=False) == expected


def test_a_symptom_within_the_hold_breaks_even_a_complete_run() -> None:
    assert reached("nnnx", 3, hold_days=7) == (None, 0)
    assert reached("nnnxnnn", 3, hold_days=7) == (7, 3)
    assert reached("nnn.", 3, hold_days=7) == (3, 3)


def test_a_symptom_after_the_hold_does_not_bring_it_back() -> None:
    assert reached("nnnx", 3, hold_days=3) == (3, 3)


def test_the_anchor_day_is_never_a_normal_day() -> None:
    days = {ANCHOR: True, ANCHOR + ONE_DAY: True}
    assert completed(
        days, anchor=ANCHOR, until=ANCHOR + ONE_DAY, wanted=2, consecutive=True, last=ANCHOR
    ) == (None, 1)  # fmt: skip


def test_days_after_today_do_not_count() -> None:
    days = {ANCHOR + number * ONE_DAY: True for number in range(1, 5)}
    assert completed(
        days, anchor=ANCHOR, until=ANCHOR + 2 * ONE_DAY, wanted=3, consecutive=True, last=ANCHOR
    ) == (None, 2)  # fmt: skip


def test_one_report_that_is_not_normal_decides_its_day() -> None:
    day = PunchInDay(ANCHOR, True)
    assert by_day([day, PunchInDay(ANCHOR, False), day]) == {ANCHOR: False}
    assert by_day([day], [ANCHOR]) == {ANCHOR: False}


@settings(max_examples=60)
@given(st.text("nx.", max_size=40), st.integers(1, 15))
def test_a_run_is_found_where_the_marks_show_one(marks: str, wanted: int) -> None:
    found, _ = reached(marks, wanted)
    at = marks.find("n" * wanted)
    assert found == (None if at < 0 else at + wanted)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=40), st.randoms())
def test_order_and_repetition_of_punch_ins_change_nothing(
    reports: list[tuple[int, bool]], order: object
) -> None:
    days = [PunchInDay(ANCHOR + number * ONE_DAY, normal) for number, normal in reports]
    shuffled = list(days)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert list(by_day(days).items()) == list(by_day(shuffled + days).items())


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        (datetime(2020, 2, 28, 15, 59, 59, tzinfo=UTC), "Asia/Shanghai", date(2020, 2, 28)),
        (datetime(2020, 2, 28, 16, tzinfo=UTC), "Asia/Shanghai", date(2020, 2, 29)),
        (datetime(2020, 12, 31, 16, tzinfo=UTC), "Asia/Shanghai", date(2021, 1, 1)),
        (datetime(2020, 3, 8, 4, 59, tzinfo=UTC), "America/New_York", date(2020, 3, 7)),
        (datetime(2020, 3, 9, 4, 0, tzinfo=UTC), "America/New_York", date(2020, 3, 9)),
    ],
)
def test_the_day_is_that_of_the_persons_zone(at: datetime, zone: str, day: date) -> None:
    assert day_of(at, zone) == day


def test_a_day_of_the_clock_change_has_23_hours() -> None:
    assert begins(date(2020, 3, 9), "America/New_York") - begins(
        date(2020, 3, 8), "America/New_York"
    ) == timedelta(hours=23)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        begins(ANCHOR, "Asia/Atlantis")
