"""When a wish to delete falls due: in the morning there, and never before the cool-off is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import zone
from bot.services.deletion import morning_after

ZONES = ("Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Pacific/Guam", "Pacific/Kiritimati")


@pytest.mark.parametrize(
    ("at", "zone_name", "due"),
    [
        ("2020-02-27T01:59:59", "Asia/Shanghai", "2020-02-27T02:00:00"),
        ("2020-02-27T02:00:00", "Asia/Shanghai", "2020-02-27T02:00:00"),
        ("2020-02-27T02:00:01", "Asia/Shanghai", "2020-02-28T02:00:00"),
        ("2020-02-27T15:59:59", "Asia/Shanghai", "2020-02-28T02:00:00"),
        ("2021-03-13T15:30:00", "America/New_York", "2021-03-14T14:00:00"),
        ("2021-11-06T14:30:00", "America/New_York", "2021-11-07T15:00:00"),
    ],
)
def test_due_is_the_next_ten_in_the_morning_there(at: str, zone_name: str, due: str) -> None:
    given_at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert morning_after(given_at, zone_name) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@given(
    at=st.integers(0, 2 * 366 * 24 * 3600).map(lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)), name=st.sampled_from(ZONES)
)  # fmt: skip
def test_due_is_never_early_and_less_than_a_long_day_late(at: datetime, name: str) -> None:
    due = morning_after(at, name)
    assert at <= due < at + timedelta(hours=25)
    assert due.astimezone(zone(name)).strftime("%H:%M") == "10:00"
