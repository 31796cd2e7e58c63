"""The daily report through the front end: for oneself and members, each named, all saved together or none."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.clock import resident_day
from bot.core.facts import PLAUSIBLE_TENTHS
from bot.services.codes import coverage
from bot.services.punch_ins import Report, going_on, in_order, unchanged_since
from bot.services.reporting import Reporter, take_report
from bot.store.snapshot import PunchIn, Resident
from handlers.http.api.bodies import Sent, Told
from handlers.http.api.calls import Call
from handlers.http.api.codes import CodeTold, code_told
from handlers.http.api.problems import Problem, Wrong, invalid

Symptom = Literal[
    "fever", "cough", "fatigue", "dyspnea", "sore_throat", "diarrhea", "myalgia", "headache",
    "conjunctivitis", "nausea", "palpitation", "other",
]  # fmt: skip
PersonId = Annotated[str, Field(pattern="^[0-9]{1,19}$", examples=["81"])]
Tenths = Annotated[int, Field(ge=PLAUSIBLE_TENTHS[0], le=PLAUSIBLE_TENTHS[1], examples=[365])]
_MOST = 20


class ReportSaid(Sent):
    """What is reported of one person for today."""

    person: PersonId | None = Field(
        None, description="The id from /me; left out for oneself. Only those named are changed."
    )
    temperature_tenths: Tenths | None = Field(
        None,
        description="Tenths of a degree Celsius: 365 is 36.5; null: not measured. Needed, but with no_change.",
    )
    symptoms: list[Symptom] | None = Field(
        None, max_length=20, description="Empty: none. Needed, but with no_change.", examples=[[]]
    )
    no_change: bool = Field(
        False, description="Nothing has changed since the last report; then neither of the others is given."
    )
    corrects: bool = Field(
        False, description="An earlier reading of today was wrong, so its fever goes, too."
    )


class NewPunchIns(Sent):
    """The reports of one day."""

    reports: list[ReportSaid] = Field(min_length=1, max_length=_MOST)


class PunchInTold(Told):
    """One report as it stands for its day, with the codes that it covers."""

    person: PersonId
    day: date
    receipt: str = Field(examples=["P200220-7K3Q9XAB-47"])
    revision: int
    temperature_tenths: int | None
    symptoms: list[str]
    no_change: bool
    normal: bool
    kept_fever: bool = Field(description="A fever of earlier that day stays; `corrects` takes it back.")
    codes: list[CodeTold]


class PunchIns(Told):
    """Reports, in the order in which they were given."""

    punch_ins: list[PunchInTold]


class Day(Told):
    """Who has reported today, and who hasn't."""

    day: date
    punch_ins: list[PunchInTold]
    open: list[PersonId] = Field(description="Those for whom nothing has been reported yet.")


async def report(call: Call) -> PunchIns:
    """Save the reports, all or none."""
    ctx = call.ctx
    if ctx.resident is None or ctx.resident.declared_at is None:
        raise Problem("declare_first")
    people = {str(resident.resident_id): resident for resident in ctx.residents}
    wrong: list[Wrong] = []
    wanted: dict[str, Report | None] = {}
    for number, said in enumerate(call.body.reports):
        person = said.person or str(ctx.resident.resident_id)
        found = _wanted(call, people.get(person), said, twice=person in wanted)
        if isinstance(found, Wrong):
            wrong.append(Wrong(f"reports/{number}/{found.field}", found.reason))
        else:
            wanted[person] = found
    if wrong:
        raise invalid(*wrong)
    told = []
    for (person, one), said in zip(wanted.items(), call.body.reports, strict=True):
        told.append(await _save(call, people[person], one, corrects=said.corrects))
    return PunchIns(punch_ins=told)


def _wanted(call: Call, resident: Resident | None, said: ReportSaid, *, twice: bool) -> Report | Wrong | None:
    """The report to be saved, or what is wrong with it; None: what stands for today stays."""
    if resident is None or resident.declared_at is None:
        return Wrong("person", "not_yours")
    if twice:
        return Wrong("person", "comes_twice")
    if not said.no_change:
        return _said(said)
    if said.temperature_tenths is not None or said.symptoms or said.corrects:
        return Wrong("no_change", "contradicts")
    today = _today(call, resident)
    if today in resident.punch_ins:
        return None
    earlier = unchanged_since(resident, today)
    return Wrong("no_change", "no_earlier_report") if earlier is None else going_on(earlier)


def _said(said: ReportSaid) -> Report | Wrong:
    """A full report; that nothing was measured or felt has to be said, too."""
    if said.symptoms is None:
        return Wrong("symptoms", "missing")
    if "temperature_tenths" not in said.model_fields_set:
        return Wrong("temperature_tenths", "missing")
    return Report(said.temperature_tenths, in_order(said.symptoms))


async def _save(call: Call, resident: Resident, one: Report | None, *, corrects: bool) -> PunchInTold:
    ctx, kept_fever = call.ctx, False
    if one is not None:
        # figures alone are answered, so no friendly word counts as said
        by = Reporter(ctx.account.id, ctx.message.channel, hears_hints=False)
        saved, _ = await take_report(
            ctx.world, ctx.work, ctx.database, resident, report=one, by=by, corrects=corrects
        )
        kept_fever = saved.kept_fever
    return _told(call, resident, resident.punch_ins[_today(call, resident)], kept_fever=kept_fever)


def _told(call: Call, resident: Resident, punch_in: PunchIn, *, kept_fever: bool = False) -> PunchInTold:
    codes = [code for code, _ in coverage(call.ctx.world, resident, call.ctx.now)]
    shown: dict[str, Any] = {
        "person": str(resident.resident_id),
        "kept_fever": kept_fever,
        "codes": [code_told(call, resident, code) for code in codes],
        "symptoms": list(punch_in.symptoms),
    }
    names = ("day", "receipt", "revision", "temperature_tenths", "no_change", "normal")
    return PunchInTold.model_validate({**shown, **{name: getattr(punch_in, name) for name in names}})


def _today(call: Call, resident: Resident) -> date:
    return resident_day(call.ctx.now, resident.zone)


async def show_today(call: Call) -> Day:
    """Today's reports of oneself and of members."""
    ctx = call.ctx
    told = [
        _told(call, resident, resident.punch_ins[_today(call, resident)])
        for resident in ctx.residents
        if _today(call, resident) in resident.punch_ins
    ]
    reported = {one.person for one in told}
    missing = [str(resident.resident_id) for resident in ctx.residents]
    return Day(day=ctx.today, punch_ins=told, open=[person for person in missing if person not in reported])
