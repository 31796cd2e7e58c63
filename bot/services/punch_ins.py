"""Saves the daily report: one row a resident and day, a line in the log for every save, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.clock import resident_day
from bot.core.facts import FEVER_TENTHS, PLAUSIBLE_TENTHS, SYMPTOMS, FactKind
from bot.core.model import Detail, Fact
from bot.services.facts import record, withdraw
from bot.services.rescore import Change, rescore
from bot.services.world import World
from bot.store.ids import receipt, row_id
from bot.store.snapshot import PunchIn, Resident
from bot.store.work import Work

SOURCE = "punch_in"
NO_CHANGE_DAYS = 3
"""After so many days without a full report "no change" is not enough: the shortest validity of a report that
is known (Huangshi, 2020: three days)."""

FEVER = "fever"
_ORDER = {code: place for place, code in enumerate(SYMPTOMS)}


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported for a day: tenths of a degree Celsius (None: not measured) and symptom codes.

    `no_change` says that nothing has changed since the report before, whose symptoms are repeated here.
    """

    temperature_tenths: int | None
    symptoms: tuple[str, ...] = ()
    no_change: bool = False

    def __post_init__(self) -> None:
        low, high = PLAUSIBLE_TENTHS
        if self.temperature_tenths is not None and not low <= self.temperature_tenths <= high:
            raise ValueError("the temperature is not plausible")
        if not _ORDER.keys() >= set(self.symptoms):
            raise ValueError("an unknown symptom")

    @property
    def fever(self) -> bool:
        """Measured at 37.3 °C or more (the threshold that Heilongjiang published in 2020), or said so."""
        measured = self.temperature_tenths is not None and self.temperature_tenths >= FEVER_TENTHS
        return measured or FEVER in self.symptoms

    @property
    def normal(self) -> bool:
        return not self.symptoms and not self.fever


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a report: its day, receipt, how often it was saved, and the colours that it changed.

    `report` is what stands for the day now; `kept_fever`: with a fever that was reported earlier that day.
    """

    day: date
    receipt: str
    revision: int
    changes: tuple[Change, ...]
    report: Report
    kept_fever: bool = False

    @property
    def amended(self) -> bool:
        return self.revision > 1


def in_order(symptoms: Iterable[str]) -> tuple[str, ...]:
    """Each symptom once, in the order of the published list."""
    return tuple(sorted(set(symptoms), key=_ORDER.__getitem__))


def unchanged_since(resident: Resident, day: date) -> PunchIn | None:
    """The report that "no change" on that day refers to; None if it has to be a full report again."""
    first = day - timedelta(days=NO_CHANGE_DAYS)
    _ = resident.facts  # the days before today are read together with them
    recent = [each for each in resident.punch_ins.values() if first <= each.day < day]
    if all(each.no_change for each in recent):
        return None
    return max(recent, key=lambda each: each.day)


def carried(earlier: PunchIn) -> tuple[str, ...]:
    """The symptoms that go on when nothing has changed: a measured fever is one, too."""
    measured = earlier.temperature_tenths is not None and earlier.temperature_tenths >= FEVER_TENTHS
    return in_order((*earlier.symptoms, FEVER) if measured else earlier.symptoms)


def going_on(earlier: PunchIn) -> Report:
    """The report that nothing has changed since that one; no temperature is made up."""
    return Report(None, carried(earlier), no_change=True)


def save(
    world: World,
    work: Work,
    resident: Resident,
    report: Report,
    *,
    origin: str,
    reported_by: int,
    corrects: bool = False,
) -> Saved:
    """Save the report for the resident's day at `work.now`, or amend the one that is there, and re-score.

    `origin` is the channel (or connector) that it came through, `reported_by` the account. A lower reading
    later that day is a second measurement and takes no fever back, unless it `corrects` the first one.
    """
    day = resident_day(work.now, resident.zone)
    earlier = resident.punch_ins.get(day)
    kept_fever = earlier is not None and not corrects and not report.fever and _had_fever(resident, day)
    if kept_fever:
        report = replace(report, symptoms=in_order((*report.symptoms, FEVER)))
    punch_in = PunchIn(
        id=earlier.id if earlier else row_id(work.now),
        day=day,
        revision=earlier.revision + 1 if earlier else 1,
        receipt=earlier.receipt if earlier else receipt("P", day),
        temperature_tenths=report.temperature_tenths,
        symptoms=in_order(report.symptoms) if report.symptoms else (),
        no_change=report.no_change,
        normal=report.normal,
    )
    _write(work, resident, punch_in, origin=origin, reported_by=reported_by)
    if earlier is not None or not report.normal:
        _state_symptoms(work, resident, punch_in)
    first_and_normal = earlier is None and report.normal
    changes = rescore(world, work, resident, cause=SOURCE, only_a_normal_day=first_and_normal)
    return Saved(day, punch_in.receipt, punch_in.revision, changes, report, kept_fever)


def _write(work: Work, resident: Resident, punch_in: PunchIn, *, origin: str, reported_by: int) -> None:
    resident_id, symptoms = resident.resident_id, ",".join(punch_in.symptoms)
    resident.punch_ins[punch_in.day] = punch_in
    resident.last_punch_in = max(punch_in.day, resident.last_punch_in or punch_in.day)
    work.touch(resident_id, resident.input_version)
    work.update("residents", {"resident_id": resident_id}, last_punch_in=resident.last_punch_in)
    said = {
        "revision": punch_in.revision,
        "temperature_tenths": punch_in.temperature_tenths,
        "symptoms": symptoms,
        "no_change": punch_in.no_change,
        "normal": punch_in.normal,
        "reported_by": reported_by,
    }
    if punch_in.revision == 1:
        key = {
            "id": punch_in.id,
            "resident_id": resident_id,
            "day": punch_in.day,
            "receipt": punch_in.receipt,
        }
        work.insert("punch_ins", **key, **said, created_at=work.now)
    else:
        work.update("punch_ins", {"resident_id": resident_id, "id": punch_in.id}, **said, amended_at=work.now)
    work.insert(
        "punch_in_log",
        resident_id=resident_id,
        punch_in_id=punch_in.id,
        day=punch_in.day,
        revision=punch_in.revision,
        temperature_tenths=punch_in.temperature_tenths,
        symptoms=symptoms,
        origin=origin,
        at=work.now,
    )


def _state_symptoms(work: Work, resident: Resident, punch_in: PunchIn) -> None:
    """Let the facts of the day say what the report says now: what no longer holds is withdrawn."""
    wanted = _symptom_details(punch_in)
    for fact in _facts_of(resident, punch_in.day):
        code = str(fact.details.get("code"))
        details = wanted.get(code)
        # a fever that stays without a new reading stays with the reading it had
        if details is not None and (details == dict(fact.details) or details == {"code": FEVER}):
            del wanted[code]
        else:
            withdraw(work, resident, fact, why="amended")
    for code, details in wanted.items():
        record(
            work,
            resident,
            kind=FactKind.SYMPTOM,
            start=punch_in.day,
            source=SOURCE,
            reference=f"{punch_in.day}:r{punch_in.revision}:{code}",
            details=details,
        )


def _had_fever(resident: Resident, day: date) -> bool:
    return any(fact.details.get("code") == FEVER for fact in _facts_of(resident, day))


def _facts_of(resident: Resident, day: date) -> list[Fact]:
    return [
        fact
        for fact in resident.facts
        if fact.start == day and fact.source == SOURCE and fact.kind == FactKind.SYMPTOM
    ]


def _symptom_details(punch_in: PunchIn) -> dict[str, dict[str, Detail]]:
    wanted: dict[str, dict[str, Detail]] = {code: {"code": code} for code in punch_in.symptoms}
    tenths = punch_in.temperature_tenths
    if tenths is not None and tenths >= FEVER_TENTHS:
        wanted[FEVER] = {"code": FEVER, "temperature_tenths": tenths}
    return wanted
