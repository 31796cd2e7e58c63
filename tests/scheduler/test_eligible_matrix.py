"""Who is reminded, as a table: SaraAlert's combinations of contact, report and code, its families, its last days, and
its runs that overlap (#295, #334, #355, #650)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.notices.due import Due
from bot.store.database import Database
from scheduler import reminders as job
from tests.fakes.clock import FakeClock
from tests.notices.reporters import DAY, EIGHT, HOUR, MINUTE, TODAY, Reporters
from tests.scheduler.desk import Desk, at_work

SATURDAY = EIGHT + DAY
THIS_DAY = TODAY + DAY
SECOND = timedelta(seconds=1)


@pytest.fixture
def reporters(database: Database, monkeypatch: pytest.MonkeyPatch) -> Reporters:
    found = Reporters(database)
    monkeypatch.setattr(job, "make_reminders", lambda tools: Reporters(tools.database).reminders)
    return found


# -- contact × report × code ---------------------------------------------------------------------------------

CONTACTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "reachable": ({}, ()),
    "consent refused": ({"contact": {"consent": "refused"}}, ("no_consent",)),
    "consent withdrawn": ({"contact": {"consent": "withdrawn"}}, ("no_consent",)),
    "blocked": ({"contact": {"blocked": True}}, ("blocked",)),
    "opted out": ({"reminder_days": "none"}, ("opted_out",)),
    "day off": ({"reminder_days": "workdays"}, ("day_off",)),
    "blocked and opted out": (
        {"contact": {"blocked": True}, "reminder_days": "none"}, ("blocked", "opted_out"),
    ),
}  # fmt: skip
REPORTS: dict[str, dict[str, Any]] = {
    "reported today": {"last_punch_in": THIS_DAY},
    "reported yesterday": {"last_punch_in": THIS_DAY - DAY},
    "reported three days ago": {"last_punch_in": THIS_DAY - 3 * DAY},
    "never reported": {"last_punch_in": None},
    "declared today": {"last_punch_in": None, "declared_at": SATURDAY - HOUR},
    "not declared": {"last_punch_in": None, "declared_at": None},
    "erased": {"last_punch_in": THIS_DAY - DAY, "erased_at": SATURDAY - HOUR},
}
CODES: dict[str, tuple[str, ...]] = {
    "no code": (),
    "daily": ("daily",),
    "every third day": ("third",),
    "held, is green": ("held:green",),
    "held, is red": ("held:red",),
    "held green and daily": ("held:green", "daily"),
}
# why there is nothing to report, of each code in the order of CODES; ! it is to be reported
NOTHING = {
    "reported today": "no_code+reported reported reported no_longer_asked+reported reported reported",
    "reported yesterday": "no_code ! not_due_today no_longer_asked ! !",
    "reported three days ago": "no_code ! ! no_longer_asked ! !",
    "never reported": "no_code ! ! no_longer_asked ! !",
    "declared today": "no_code not_due_today not_due_today no_longer_asked not_due_today not_due_today",
    "not declared": (
        "not_declared+no_code not_declared not_declared not_declared+no_longer_asked not_declared not_declared"
    ),
    "erased": "erased+no_code erased erased+not_due_today erased+no_longer_asked erased erased",
}


def nothing(report: str, code: str) -> set[str]:
    cell = NOTHING[report].split()[list(CODES).index(code)]
    return set() if cell == "!" else set(cell.split("+"))


@pytest.mark.parametrize("contact", CONTACTS)
async def test_contact_report_and_code_decide_together_with_every_reason(
    reporters: Reporters, contact: str
) -> None:
    given, keeps = CONTACTS[contact]
    people: dict[int, tuple[str, str]] = {}
    for report, row in REPORTS.items():
        for code, codes in CODES.items():
            people[await reporters.person(codes=codes, **given | row)] = (report, code)
    told, expected = {}, {}
    for person, cell in people.items():
        answer = await reporters.due.explain(person, SATURDAY)
        told[cell] = () if isinstance(answer, Due) else answer.reasons
        of_resident = nothing(*cell)
        assert told[cell][: len(keeps)] == keeps, cell
        expected[cell] = {*keeps, *of_resident}
    assert {cell: set(reasons) for cell, reasons in told.items()} == expected
    ended = await reporters.due.still(reporters.database, list(people), SATURDAY)
    reach = {"no_consent", "blocked"}
    assert {people[person] for person in ended} == {
        cell for cell, reasons in expected.items() if reasons - reach
    }
    await reporters.remind(SATURDAY)
    reminded = {people[person] for person, _ in await reporters.reminded()}
    assert reminded == {cell for cell, reasons in expected.items() if not reasons}


# -- families ------------------------------------------------------------------------------------------------

OWN: dict[str, dict[str, Any]] = {
    "has reported": {"last_punch_in": TODAY},
    "is past the own end": {"codes": ("held:green",)},
    "has no code": {"codes": ()},
    "never declared": {"declared_at": None, "last_punch_in": None},
}
MEMBERS: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "nobody else": ([], False),
    "a child who is due": ([{}], True),
    "a child who has reported": ([{"last_punch_in": TODAY}], False),
    "one of two who is due": ([{"last_punch_in": TODAY}, {}], True),
    "a child past the end": ([{"codes": ("held:green",)}], False),
    "a child past the end and one in it": ([{"codes": ("held:green",)}, {"codes": ("held:red",)}], True),
    "an erased one": ([{"erased_at": EIGHT - HOUR}], False),
    "one who never declared": ([{"declared_at": None, "last_punch_in": None}], False),
}


async def test_guardian_past_their_own_due_is_asked_for_members_who_are(reporters: Reporters) -> None:
    people, expected = {}, {}
    for own, row in OWN.items():
        for members, (rows, due) in MEMBERS.items():
            guardian = await reporters.person(**row)
            for member in rows:
                await reporters.member(guardian, **member)
            people[guardian] = (own, members)
            expected[own, members] = due
    told = {cell: isinstance(await reporters.due.explain(who, EIGHT), Due) for who, cell in people.items()}
    assert told == expected
    await reporters.remind()
    counted = Counter(people[who] for who, _ in await reporters.reminded())
    assert counted == {cell: 1 for cell, due in expected.items() if due}


# -- the last day --------------------------------------------------------------------------------------------


async def test_last_day_is_asked_to_its_end_and_the_day_after_is_silent_and_says_why(
    reporters: Reporters,
) -> None:
    """SaraAlert #295: nothing was sent on the fourteenth day."""
    person = await reporters.person(codes=("held:yellow",), last_punch_in=TODAY - DAY)
    asked = []
    for day in range(14):
        assert await reporters.remind(EIGHT + day * DAY) == 1, day
        asked.append(day)
        await reporters.report(person, TODAY + (day - (day == 13)) * DAY)  # not on the last one
    midnight = EIGHT + 13 * DAY + 16 * HOUR
    assert isinstance(await reporters.due.explain(person, midnight - SECOND), Due)
    await reporters.database.execute("UPDATE health_codes SET colour = 'green'")  # the hold is over
    answer = await reporters.due.explain(person, midnight)
    assert not isinstance(answer, Due)
    assert answer.reasons == ("no_longer_asked",)
    assert await reporters.remind(EIGHT + 14 * DAY) == 0
    assert len(asked) == 14


# -- a job that was down, and several processes --------------------------------------------------------------


@asynccontextmanager
async def two_hearts(reporters: Reporters, url: str, clock: FakeClock) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two schedulers over one database, each with connections of its own, as two processes have them."""
    other = Database(url)
    await other.open()
    try:
        async with (
            at_work(reporters.database, clock, [job.JOB], owner="one") as one,
            at_work(other, clock, [job.JOB], owner="two") as two,
        ):
            yield one, two
    finally:
        await other.close()


async def beat(*desks: Desk) -> None:
    await asyncio.gather(*(desk.scheduler.catch_up() for desk in desks))
    await desks[0].scheduler.catch_up()


async def test_two_processes_remind_each_person_exactly_once_a_day(
    reporters: Reporters, database_url: str
) -> None:
    zones = ("Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Pacific/Guam", "Pacific/Kiritimati")
    people = [
        await reporters.person(
            zone=zone, reminder_minute=minute, last_punch_in=TODAY - 9 * DAY, division="3301"
        )
        for zone in zones
        for minute in (None, 0, 3 * 60, 11 * 60, 23 * 60, 23 * 60 + 59)
    ]
    clock = FakeClock(EIGHT - MINUTE)
    async with two_hearts(reporters, database_url, clock) as desks:
        for _ in range(48):
            clock.advance(HOUR)
            await beat(*desks)
        states = {state for _, _, state in await desks[0].runs()}
    assert states == {"done"}
    reminded = Counter(await reporters.reminded())
    assert set(reminded.values()) == {1}
    assert {person for person, _ in reminded} == set(people)
    days = Counter(person for person, _ in reminded)
    assert set(days.values()) == {2}


async def test_job_that_was_down_for_a_day_reminds_of_the_last_four_hours_only(
    reporters: Reporters, database_url: str
) -> None:
    hours = {await reporters.person(reminder_minute=hour * 60, division="3301"): hour for hour in range(24)}
    clock = FakeClock(EIGHT + 5 * HOUR - DAY)  # 13:00 of the day before
    async with two_hearts(reporters, database_url, clock) as desks:
        await beat(*desks)
    clock.advance(DAY)
    async with two_hearts(reporters, database_url, clock) as desks:
        await beat(*desks)
    reminded = {hours[person]: day for person, day in await reporters.reminded()}
    assert reminded == dict.fromkeys((10, 11, 12, 13), "2020-03-20:1")
    assert len(await reporters.reminded()) == 4


@pytest.mark.parametrize(
    "since", [EIGHT - 15 * MINUTE, EIGHT - HOUR, EIGHT - DAY], ids=["its quarter", "an hour", "a day"]
)
async def test_runs_that_overlap_make_one_reminder(reporters: Reporters, since: datetime) -> None:
    """SaraAlert #650: an hourly run that took longer than an hour sent everything twice."""
    people = [await reporters.person() for _ in range(20)]
    slots = [EIGHT, EIGHT, EIGHT + 15 * MINUTE, EIGHT + HOUR]
    await asyncio.gather(*(reporters.remind(slot, since) for slot in slots))
    assert Counter(await reporters.reminded()) == {(who, "2020-03-20:1"): 1 for who in people}
