from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import DEFAULT_ZONE, Clock, day_begins, resident_day, zone

ZONES = ("Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Pacific/Kiritimati", "UTC")


def test_clock_speaks_aware_utc() -> None:
    clock = Clock()
    assert clock.now().tzinfo is UTC
    assert clock.wire().tzinfo is UTC


def test_moving_business_time_leaves_wire_time_alone() -> None:
    clock = Clock()
    clock.forward(timedelta(days=14))
    clock.forward(timedelta(hours=1))
    assert clock.offset == timedelta(days=14, hours=1)
    assert clock.now() - clock.wire() > timedelta(days=14)
    assert clock.wire() < datetime.now(UTC) + timedelta(minutes=1)


def test_clock_refuses_to_move_backward() -> None:
    clock = Clock(timedelta(days=1))
    with pytest.raises(ValueError, match="only moves forward"):
        clock.forward(timedelta(seconds=-1))
    assert clock.offset == timedelta(days=1)


def test_moving_by_nothing_is_allowed() -> None:
    clock = Clock()
    clock.forward(timedelta(0))
    assert clock.offset == timedelta(0)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2020, 2, 20, 15, 59, 59, tzinfo=UTC), date(2020, 2, 20)),
        (datetime(2020, 2, 20, 16, 0, 0, tzinfo=UTC), date(2020, 2, 21)),
        (datetime(2020, 2, 29, 16, 0, 0, tzinfo=UTC), date(2020, 3, 1)),
        (datetime(2020, 2, 20, 23, 59, tzinfo=timezone(timedelta(hours=8))), date(2020, 2, 20)),
    ],
)
def test_day_of_a_resident_changes_at_midnight_in_shanghai(at: datetime, day: date) -> None:
    assert resident_day(at) == day


def test_day_of_a_resident_is_that_of_their_own_zone() -> None:
    at = datetime(2020, 2, 20, 16, 30, tzinfo=UTC)
    assert resident_day(at, "Asia/Shanghai") == date(2020, 2, 21)
    assert resident_day(at, "America/New_York") == date(2020, 2, 20)


@given(
    at=st.integers(min_value=0, max_value=4_000_000_000).map(
        lambda seconds: datetime.fromtimestamp(seconds, UTC)
    ),
    name=st.sampled_from(ZONES),
)
def test_instant_lies_within_the_day_that_it_is_counted_to(at: datetime, name: str) -> None:
    day = resident_day(at, name)
    assert day_begins(day, name) <= at < day_begins(day + timedelta(days=1), name)


def test_day_begins_as_an_instant_in_utc() -> None:
    begins = day_begins(date(2020, 2, 20))
    assert begins == datetime(2020, 2, 19, 16, tzinfo=UTC)
    assert begins.tzinfo is UTC


@pytest.mark.parametrize("name", ["Asia/Wuhan", "", "../../etc/passwd", "Asia/Shanghai\0", "/Asia/Shanghai"])
def test_unknown_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        zone(name)


def test_default_zone_is_a_known_one() -> None:
    assert zone(DEFAULT_ZONE).key == "Asia/Shanghai"
