"""Which slots a trigger has, in business time: computed, so that every process comes to the same ones."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_AT_A_TIME = 500  # slots that are counted before others get their turn


@dataclass(frozen=True, slots=True)
class Missed:
    """The slots of a stretch of time: the newest of them, and how many there were."""

    newest: datetime
    count: int


def next_slot(trigger: BaseTrigger, after: datetime) -> datetime | None:
    """The first slot later than `after`.

    Slots of an interval are counted from 1970: by itself it would begin when its process did.
    """
    if isinstance(trigger, IntervalTrigger):
        interval: timedelta = trigger.interval
        return _EPOCH + ((after - _EPOCH) // interval + 1) * interval
    found: datetime | None = trigger.get_next_fire_time(after, after)
    return None if found is None else found.astimezone(UTC)


def slot_from(trigger: BaseTrigger, at: datetime) -> datetime | None:
    """The first slot at `at` or later."""
    return next_slot(trigger, at - _TICK)


async def missed(trigger: BaseTrigger, after: datetime, until: datetime) -> Missed | None:
    """The slots later than `after` and not later than `until`; a year of quarter hours takes a second, and holds
    nobody up meanwhile."""
    newest, count = None, 0
    slot = next_slot(trigger, after)
    while slot is not None and slot <= until:
        newest, count = slot, count + 1
        slot = next_slot(trigger, slot)
        if count % _AT_A_TIME == 0:
            await asyncio.sleep(0)
    return None if newest is None else Missed(newest, count)
