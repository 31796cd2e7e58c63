"""Notices series of reports that no thermometer gives, and leads to a friendly hint: never to a colour or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from hashlib import blake2b

from bot.services.policy import Policy
from bot.services.punch_ins import Report
from bot.store.snapshot import PunchIn, Resident
from bot.store.work import Work

HINT_PAUSE = timedelta(days=7)
"""Nobody hears a second hint within a week of one."""
JUMP_TENTHS = 40
"""So far apart, within `JUMP_DAYS`, two readings are rather a slip of the thumb: a fever rises by two or three degrees
in a day, and what goes beyond comes with symptoms that people mention."""
JUMP_DAYS = 2
AT_ONCE = 3
"""From so many people on, the very same reading in one message is rather copied than measured."""


class HintKind(StrEnum):
    """What a hint is about; its words are `honesty.hint_<kind>`."""

    JUMP = "jump"
    HOUSEHOLD_AT_ONCE = "household_at_once"
    SAME_TEMPERATURE = "same_temperature"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Hint:
    """Something to be said kindly with the receipt."""

    kind: HintKind


def look(policy: Policy, resident: Resident, day: date, report: Report, *, household: int = 1) -> Hint | None:
    """What the report of that day, before it is saved, gives reason to say; mostly nothing, at most once a week.

    `household` is for how many people one message gives this very temperature. Raises NotLoaded where the days
    before decide and haven't been read.
    """
    if resident.hinted_on is not None and day - resident.hinted_on < HINT_PAUSE:
        return None
    kind = _impossible(resident, day, report, household) or _worn_out(policy, resident, day, report)
    return None if kind is None else Hint(kind)


def note_hint(work: Work, resident: Resident, day: date) -> None:
    """Remember that the resident hears a hint that day, with the report that led to it."""
    resident.hinted_on = day
    work.update("residents", {"resident_id": resident.resident_id}, hinted_on=day)


def wants_full(policy: Policy, resident_id: int, day: date) -> bool:
    """Whether "no change" is answered with the full questions that day: the same on every try, and on average
    every so many days, which nobody can foresee."""
    every = policy.full_report_every
    if not every:
        return False
    drawn = blake2b(f"{resident_id}:{day.isoformat()}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn) % every == 0


def _impossible(resident: Resident, day: date, report: Report, household: int) -> HintKind | None:
    """What shows in this report and the one before alone."""
    tenths = report.temperature_tenths
    if tenths is None:
        return None
    since = day - timedelta(days=JUMP_DAYS)
    near = (each for each in resident.punch_ins.values() if since <= each.day <= day)
    measured = [
        (each.day, each.temperature_tenths, each.symptoms) for each in near if each.temperature_tenths
    ]
    _, before, symptoms = max(measured, default=(day, tenths, ()))
    if abs(tenths - before) >= JUMP_TENTHS and not report.symptoms and not symptoms:
        return HintKind.JUMP
    return HintKind.HOUSEHOLD_AT_ONCE if household >= AT_ONCE else None


def _worn_out(policy: Policy, resident: Resident, day: date, report: Report) -> HintKind | None:
    """What shows in many reports one after the other."""
    wanted = policy.same_temperature_days
    if not wanted or not report.normal or not _may_go_on(resident, day, report):
        return None
    _ = resident.facts  # the days before yesterday are read together with them
    earlier = sorted((each for each in resident.punch_ins.values() if each.day < day), key=_day, reverse=True)
    tenths = report.temperature_tenths
    if tenths is None:
        behind = earlier[: wanted - 1]
        never = len(behind) == wanted - 1 and all(each.temperature_tenths is None for each in behind)
        return HintKind.MISSING if never else None
    # a day on which nothing was measured neither breaks a series nor counts
    measured = [each.temperature_tenths for each in earlier if each.temperature_tenths is not None]
    behind_tenths = measured[: wanted - 1]
    same = len(behind_tenths) == wanted - 1 and set(behind_tenths) <= {tenths}
    return HintKind.SAME_TEMPERATURE if same else None


def _may_go_on(resident: Resident, day: date, report: Report) -> bool:
    """Whether a series is possible by what nearly every message has read: most reports need no day more."""
    behind = [each for each in resident.punch_ins.values() if each.day < day]
    last = max(behind, key=_day, default=None)
    return (
        last is None
        or last.temperature_tenths is None
        or last.temperature_tenths == report.temperature_tenths
    )


def _day(punch_in: PunchIn) -> date:
    return punch_in.day
