from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from hypothesis import given
from hypothesis import strategies as st

from scheduler.slots import missed, next_slot, slot_from

QUARTERS = CronTrigger(minute="*/15", timezone="UTC")
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the bounds have none


@given(INSTANTS)
def test_next_slot_is_the_first_one_after(at: datetime) -> None:
    slot = next_slot(QUARTERS, at)
    assert slot is not None
    assert timedelta(0) < slot - at <= timedelta(minutes=15)
    assert (slot.minute % 15, slot.second, slot.microsecond) == (0, 0, 0)
    assert slot_from(QUARTERS, slot) == slot


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2)))
async def test_missed_counts_what_walking_finds(after: datetime, span: timedelta) -> None:
    found, slot = [], next_slot(QUARTERS, after)
    while slot is not None and slot <= after + span:
        found.append(slot)
        slot = next_slot(QUARTERS, slot)
    came = await missed(QUARTERS, after, after + span)
    assert (came and (came.newest, came.count)) == ((found[-1], len(found)) if found else None)


def test_interval_has_the_same_slots_in_every_process() -> None:
    early = IntervalTrigger(minutes=10, start_date=datetime(2020, 2, 20, 1, 3, tzinfo=UTC), timezone="UTC")
    late = IntervalTrigger(minutes=10, start_date=datetime(2020, 2, 20, 1, 7, tzinfo=UTC), timezone="UTC")
    at = datetime(2020, 2, 20, 1, 4, tzinfo=UTC)
    assert next_slot(early, at) == next_slot(late, at) == datetime(2020, 2, 20, 1, 10, tzinfo=UTC)


def test_summer_time_neither_adds_nor_takes_a_slot() -> None:
    daily = CronTrigger(hour=7, timezone="UTC")
    at, days = datetime(2021, 3, 12, 7, tzinfo=UTC), []
    for _ in range(4):  # over the night of the change in New York
        following = next_slot(daily, at)
        assert following is not None
        days.append(following - at)
        at = following
    assert set(days) == {timedelta(days=1)}


def test_trigger_that_is_over_has_no_slot() -> None:
    over = CronTrigger(year=2019, timezone="UTC")
    assert next_slot(over, datetime(2020, 1, 1, tzinfo=UTC)) is None
