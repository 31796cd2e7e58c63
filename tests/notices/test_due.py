"""Every condition of the daily report alone: exactly its code; and one person is the same query as many."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bot.notices.due import BY_CODE, DUE, Due, NotDue, Of, of, resident_is_due, tables
from bot.notices.wall_clocks import wall_clock
from bot.store.database import Database
from tests.notices.reporters import DAY, EIGHT, HOUR, MINUTE, TODAY, Reporters


async def reasons(reporters: Reporters, person: int, at: datetime = EIGHT) -> tuple[str, ...]:
    answer = await reporters.due.explain(person, at)
    return answer.reasons if isinstance(answer, NotDue) else ()


def test_every_condition_has_one_code_and_says_why_it_exists() -> None:
    assert len({each.reason for each in DUE}) == len(DUE) == len(BY_CODE)
    assert all(each.why and len(each.reason) <= 48 for each in DUE)
    assert all(not each.within or BY_CODE[each.within].of == each.of for each in DUE)


async def test_somebody_whom_nothing_keeps_is_due_at_the_hour_of_the_community(database: Database) -> None:
    reporters = Reporters(database)
    person = await reporters.person()
    answer = await reporters.due.explain(person, EIGHT)
    assert isinstance(answer, Due)
    assert (answer.residents, answer.day, answer.minute, answer.second_minute) == (
        (person,),
        TODAY,
        480,
        1080,
    )
    assert answer.notes == ()


Case = Callable[[Reporters], Awaitable[int]]


async def erased(reporters: Reporters) -> int:
    return await reporters.person(erased_at=EIGHT)


async def not_declared(reporters: Reporters) -> int:
    return await reporters.person(declared_at=None, last_punch_in=None)


async def no_code(reporters: Reporters) -> int:
    return await reporters.person(codes=("of_old",))


async def no_longer_asked(reporters: Reporters) -> int:
    return await reporters.person(codes=("held:green",))


async def reported(reporters: Reporters) -> int:
    return await reporters.person(last_punch_in=TODAY)


async def not_due_today(reporters: Reporters) -> int:
    return await reporters.person(codes=("third",))


async def no_consent(reporters: Reporters) -> int:
    return await reporters.person(contact={"consent": "withdrawn"})


async def blocked(reporters: Reporters) -> int:
    return await reporters.person(contact={"blocked": True})


async def opted_out(reporters: Reporters) -> int:
    return await reporters.person(reminder_days="none")


async def day_off(reporters: Reporters) -> int:
    return await reporters.person(reminder_days="workdays", zone="Pacific/Kiritimati")


ALONE: dict[str, Case] = {
    "erased": erased, "not_declared": not_declared, "no_code": no_code, "no_longer_asked": no_longer_asked,
    "reported": reported, "not_due_today": not_due_today, "no_consent": no_consent, "blocked": blocked,
    "opted_out": opted_out, "day_off": day_off,
}  # fmt: skip


def test_every_condition_that_keeps_a_reminder_is_tested_alone() -> None:
    assert ALONE.keys() == {each.reason for each in DUE if each.of != Of.CLOCK}


@pytest.mark.parametrize("reason", ALONE)
async def test_condition_alone_gives_exactly_its_code_and_no_reminder(
    database: Database, reason: str
) -> None:
    reporters = Reporters(database)
    person = await ALONE[reason](reporters)
    at = EIGHT + 18 * HOUR if reason == "day_off" else EIGHT  # Saturday 08:00 there
    found = await reasons(reporters, person, at)
    assert found == (reason,)
    other = await reporters.person(zone="Pacific/Kiritimati" if reason == "day_off" else "Asia/Shanghai")
    await reporters.remind(at)
    assert [row[0] for row in await reporters.reminded()] == [other]


@pytest.mark.parametrize(
    ("changes", "at", "notes"),
    [
        ({"reminder_minute": 481}, EIGHT, ("not_yet",)),
        ({"reminder_minute": 480}, EIGHT, ()),
        ({}, EIGHT + 4 * HOUR, ("hour_past",)),
        ({}, EIGHT + 4 * HOUR - MINUTE, ()),
    ],
)
async def test_clock_only_says_when_the_reminder_comes(
    database: Database, changes: dict[str, Any], at: datetime, notes: tuple[str, ...]
) -> None:
    reporters = Reporters(database)
    person = await reporters.person(**changes)
    answer = await reporters.due.explain(person, at)
    assert isinstance(answer, Due)
    assert answer.notes == notes


async def test_who_was_reminded_reads_that_and_nothing_else(database: Database) -> None:
    reporters = Reporters(database)
    person = await reporters.person()
    await reporters.remind()
    answer = await reporters.due.explain(person, EIGHT + 6 * HOUR)
    assert isinstance(answer, Due)
    assert answer.notes == ("already_reminded",)


async def test_unknown_person_has_nothing_to_report(database: Database) -> None:
    assert await reasons(Reporters(database), 4711) == ("not_declared",)


# -- what is due when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "ago", "due"),
    [
        (("daily",), 0, False), (("daily",), 1, True), (("third",), 2, False), (("third",), 3, True),
        (("third", "daily"), 1, True), (("third", "held:green"), 1, False), (("held:yellow",), 1, True),
        (("held:grey",), 1, True), (("held:green", "daily"), 1, True), (("held:red", "third"), 0, False),
    ],
)  # fmt: skip
async def test_code_that_asks_most_often_decides(
    database: Database, codes: tuple[str, ...], ago: int, due: bool
) -> None:
    reporters = Reporters(database)
    person = await reporters.person(codes=codes, last_punch_in=TODAY - ago * DAY)
    assert (await reasons(reporters, person) == ()) is due


@pytest.mark.parametrize(
    ("before", "due"), [(timedelta(0), False), (8 * HOUR, False), (8 * HOUR + timedelta(seconds=1), True)]
)
async def test_declaration_counts_as_the_report_of_its_day(
    database: Database, before: timedelta, due: bool
) -> None:
    """The day of Shanghai began at 16:00 UTC."""
    reporters = Reporters(database)
    person = await reporters.person(declared_at=EIGHT - before, last_punch_in=None)
    assert (await reasons(reporters, person) == ()) is due


async def test_last_day_of_a_hold_is_asked_and_the_day_after_is_silent_and_says_why(
    database: Database,
) -> None:
    reporters = Reporters(database)
    person = await reporters.person(codes=("held:yellow",))
    assert await reporters.remind() == 1
    await reporters.report(person)
    await database.execute("UPDATE health_codes SET colour = 'green'")
    assert await reporters.remind(EIGHT + DAY) == 0
    assert await reasons(reporters, person, EIGHT + DAY) == ("no_longer_asked",)


async def test_first_word_to_a_family_is_that_all_is_reported(database: Database) -> None:
    reporters = Reporters(database)
    person = await reporters.person(declared_at=None, last_punch_in=None)
    await reporters.member(person, last_punch_in=TODAY)
    assert (await reasons(reporters, person))[0] == "reported"


async def test_day_off_does_not_say_that_nothing_is_due(database: Database) -> None:
    reporters = Reporters(database)
    person = await reporters.person(reminder_days="none", last_punch_in=TODAY)
    child = await reporters.member(person)
    answer = await reporters.due.explain(person, EIGHT)
    assert isinstance(answer, NotDue)
    assert (answer.reasons, answer.residents) == (("opted_out",), (child,))
    assert [(each.resident_id, each.own, each.reasons) for each in answer.standings] == [
        (person, True, ("reported",)),
        (child, False, ()),
    ]


@pytest.mark.parametrize(
    ("division", "hours"),
    [
        (None, (480, 1080)), ("42", (480, 1080)), ("33", (540, 1140)), ("330203", (540, 1140)),
        ("3301", (420, None)), ("330102001", (420, None)),
    ],
)  # fmt: skip
async def test_longest_division_decides_the_hours(
    database: Database, division: str | None, hours: tuple[int, int | None]
) -> None:
    reporters = Reporters(database)
    answer = await reporters.due.explain(await reporters.person(division=division), EIGHT)
    assert isinstance(answer, Due)
    assert (answer.minute, answer.second_minute) == hours


@pytest.mark.parametrize(
    ("chosen", "second"), [(1020, 1080), (1021, None), (1200, None), (0, 1080), (None, 1080)]
)
async def test_second_reminder_is_never_near_the_first_nor_before_it(
    database: Database, chosen: int | None, second: int | None
) -> None:
    reporters = Reporters(database)
    answer = await reporters.due.explain(await reporters.person(reminder_minute=chosen), EIGHT)
    assert isinstance(answer, Due)
    assert answer.second_minute == second


async def test_zone_that_was_never_seen_and_one_that_does_not_exist_are_answered(database: Database) -> None:
    reporters = Reporters(database)
    far = await reporters.person(zone="Pacific/Kiritimati")
    wrong = await reporters.person(zone="Atlantis/Poseidonis")
    answers = [await reporters.due.explain(person, EIGHT + 12 * HOUR) for person in (far, wrong)]
    assert [answer.day for answer in answers] == [date(2020, 3, 21), TODAY]


# -- one, a few, and many are the same question -------------------------------------------------------------


async def everybody(reporters: Reporters) -> list[int]:
    """People in every combination of what decides."""
    found = []
    for declared, last, codes, gone in itertools.product(
        (None, EIGHT - 9 * DAY, EIGHT - HOUR),
        (None, TODAY, TODAY - DAY, TODAY - 3 * DAY),
        ((), ("of_old",), ("daily",), ("third",), ("held:green",), ("held:red", "third")),
        (None, EIGHT),
    ):
        found.append(
            await reporters.person(declared_at=declared, last_punch_in=last, codes=codes, erased_at=gone)
        )
    return found


async def test_one_person_is_the_same_query_as_a_few_and_as_many(database: Database) -> None:
    reporters = Reporters(database)
    people = await everybody(reporters)
    one_by_one = {person for person in people if not await reasons(reporters, person)}
    ended = await reporters.due.still(database, people, EIGHT)
    await reporters.remind()
    assert {row[0] for row in await reporters.reminded()} == one_by_one == set(people) - ended.keys()
    assert 0 < len(one_by_one) < len(people)


async def test_conditions_left_out_for_many_are_within_the_others(database: Database) -> None:
    reporters = Reporters(database)
    people = await everybody(reporters)
    every = " OR ".join(f"({each.sql})" for each in of(Of.RESIDENT))

    rows = await database.fetch(
        f"WITH {tables(database.dialect)} SELECT CASE WHEN {every} THEN 0 ELSE 1 END,"
        f" CASE WHEN {resident_is_due()} THEN 1 ELSE 0 END"
        " FROM residents r JOIN zones z ON z.zone = r.zone",
        reporters.due.given([wall_clock("Asia/Shanghai", EIGHT)]),
    )
    assert len(rows) == len(people)
    assert all(row[0] == row[1] for row in rows)


async def test_row_of_yesterday_asks_who_has_not_reported_since(database: Database) -> None:
    reporters = Reporters(database)
    silent = await reporters.person(last_punch_in=TODAY - 2 * DAY)
    await reporters.person(last_punch_in=TODAY - DAY)
    await reporters.person(last_punch_in=TODAY)
    await reporters.person(declared_at=EIGHT - 9 * HOUR, last_punch_in=None)

    rows = await database.fetch(
        f"WITH {tables(database.dialect)} SELECT r.resident_id FROM residents r"
        f" JOIN zones z ON z.zone = r.zone WHERE {resident_is_due()}",
        reporters.due.given([wall_clock("Asia/Shanghai", EIGHT, days_back=1)]),
    )
    assert [row[0] for row in rows] == [silent]
