"""Whose hour it is, as a table: SaraAlert's matrix of windows and custom hours, over zones and both changes of the clock.

What its users met is in it: "today" of another place (#1228), fixed offsets and daylight saving (#458, #490), hours
near midnight (#1019). Times in the tables are those of a wall clock there.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from bot.notices.due import Asked, Due, DueReports, Hours, NotDue, Wanted
from bot.notices.reachability import Unreachable
from bot.notices.reminders import Reminders
from bot.services.punch_ins import Report, save
from bot.store.database import Database
from bot.store.work import Work
from scheduler import reminders as job
from scheduler.job import JobTools
from tests.conversation.world import keys
from tests.handlers.chat.stage import resident, world
from tests.notices.reporters import DAY, HOUR, MINUTE, Reporters
from tests.scheduler.a_run import run_at

SECOND = timedelta(seconds=1)
NEW_YORK, SHANGHAI, GUAM = "America/New_York", "Asia/Shanghai", "Pacific/Guam"
ZONES = (SHANGHAI, "Asia/Urumqi", NEW_YORK, GUAM, "Pacific/Kiritimati")
SPRING, AUTUMN = date(2021, 3, 14), date(2021, 11, 7)
PLACES = [
    *((zone, day) for zone in ZONES for day in (SPRING, AUTUMN)),
    *((NEW_YORK, day + change) for day in (SPRING, AUTUMN) for change in (-DAY, DAY)),
]
EVERY = (1, 2, 7, 21)
DEFAULT = 12 * 60


def instant(zone: str, day: date, clock: str, *, fold: int = 0) -> datetime:
    """When a wall clock there shows that time."""
    local = datetime.combine(day, time.fromisoformat(clock), tzinfo=ZoneInfo(zone))
    return local.replace(fold=fold).astimezone(UTC)


def minute(clock: str) -> int:
    shown = time.fromisoformat(clock)
    return shown.hour * 60 + shown.minute


async def look(reporters: Reporters, at: datetime) -> set[int]:
    """Whom the job reminds at that time when it hasn't run for a day; then it is as if it had reminded nobody."""
    tools = cast(JobTools, SimpleNamespace(database=reporters.database, wake=lambda: None))
    await job.remind(tools, run_at(at, at - DAY))
    found = {person for person, _ in await reporters.reminded()}
    await reporters.database.execute("DELETE FROM notices")
    return found


@pytest.fixture
def reporters(database: Database, monkeypatch: pytest.MonkeyPatch) -> Reporters:
    """A community whose hour is noon, and which wants no second reminder."""
    found = Reporters(database)
    schemes = tuple(Asked(f"every{days}", days) for days in EVERY)
    found.due = DueReports(database, Wanted(schemes, (Hours("", DEFAULT, None),)))
    found.reminders = Reminders(database, keys(), found.due, found.clock)
    monkeypatch.setattr(job, "make_reminders", lambda tools: found.reminders)
    return found


async def person(reporters: Reporters, zone: str, day: date, chosen: str = "", every: int = 1) -> int:
    """Somebody there who has a report to make on that day, and on every day until they report."""
    return await reporters.person(
        zone=zone, codes=(f"every{every}",), reminder_minute=minute(chosen) if chosen else None,
        declared_at=instant(zone, day - 40 * DAY, "12:00"), last_punch_in=day - every * DAY,
    )  # fmt: skip


# -- windows: at the hour, and for four hours after it -------------------------------------------------------

HOURS = ("", "08:00", "13:00", "03:00", "11:00", "23:00")
# . the hour is still to come; R whoever wasn't reminded is so now; - it is too late, nothing is said any more
WINDOWS = {
    #        default morning  13   3   11  23
    "00:00": ".  .  .  .  .  .",
    "01:59": ".  .  .  .  .  .",
    "03:00": ".  .  .  R  .  .",
    "06:59": ".  .  .  R  .  .",
    "07:00": ".  .  .  -  .  .",
    "07:59": ".  .  .  -  .  .",
    "08:00": ".  R  .  -  .  .",
    "10:59": ".  R  .  -  .  .",
    "11:00": ".  R  .  -  R  .",
    "11:59": ".  R  .  -  R  .",
    "12:00": "R  -  .  -  R  .",
    "12:59": "R  -  .  -  R  .",
    "13:00": "R  -  R  -  R  .",
    "14:59": "R  -  R  -  R  .",
    "15:00": "R  -  R  -  -  .",
    "15:59": "R  -  R  -  -  .",
    "16:00": "-  -  R  -  -  .",
    "16:59": "-  -  R  -  -  .",
    "17:00": "-  -  -  -  -  .",
    "22:59": "-  -  -  -  -  .",
    "23:00": "-  -  -  -  -  R",
    "23:59": "-  -  -  -  -  R",
}
SAID = {".": ("not_yet",), "R": (), "-": ("hour_past",)}


@pytest.mark.parametrize(
    ("zone", "day"), PLACES, ids=[f"in {zone} on {day.isoformat()}" for zone, day in PLACES]
)
async def test_window_opens_at_the_hour_there_and_closes_four_hours_later(
    reporters: Reporters, zone: str, day: date
) -> None:
    """The job, and what chat says of it, agree in every cell."""
    people = [await person(reporters, zone, day, chosen) for chosen in HOURS]
    for clock, row in WINDOWS.items():
        at = instant(zone, day, clock)
        cells = row.split()
        told = [await reporters.due.explain(each, at) for each in people]
        assert [each.notes for each in told if isinstance(each, Due)] == [SAID[cell] for cell in cells], clock
        expected = {each for each, cell in zip(people, cells, strict=True) if cell == "R"}
        assert await look(reporters, at) == expected, clock


def utc(*clock: int) -> datetime:
    return datetime(*clock, tzinfo=UTC)  # type: ignore[arg-type, misc]  # numbers of a date and time


# in UTC, counted by hand: New York is 5 hours behind in winter and 4 in summer
CHANGES = {
    "spring, midnight: the first second": ("00:00", utc(2021, 3, 14, 5, 0), True),
    "spring, midnight: a second before": ("00:00", utc(2021, 3, 14, 4, 59, 59), False),
    "spring, midnight: 4:59 there is within four hours": ("00:00", utc(2021, 3, 14, 8, 59), True),
    "spring, midnight: 5:00 there is four hours later": ("00:00", utc(2021, 3, 14, 9, 0), False),
    "spring, 2:30 that isn't there: not before the jump": ("02:30", utc(2021, 3, 14, 6, 59, 59), False),
    "spring, 2:30 that isn't there: at the jump": ("02:30", utc(2021, 3, 14, 7, 0), True),
    "spring, 2:30 that isn't there: four hours after the jump": ("02:30", utc(2021, 3, 14, 11, 0), False),
    "spring, 3:00: at the jump": ("03:00", utc(2021, 3, 14, 7, 0), True),
    "spring, noon": ("", utc(2021, 3, 14, 16, 0), True),
    "spring, noon: not by the clock of the winter": ("", utc(2021, 3, 14, 15, 59), False),
    "autumn, midnight: 2:59 there is within four hours": ("00:00", utc(2021, 11, 7, 7, 59), True),
    "autumn, midnight: 3:00 there is four hours later": ("00:00", utc(2021, 11, 7, 8, 0), False),
    "autumn, 1:30: the first time": ("01:30", utc(2021, 11, 7, 5, 30), True),
    "autumn, 1:30: a minute before": ("01:30", utc(2021, 11, 7, 5, 29), False),
    "autumn, 2:00: not before the clock was put back": ("02:00", utc(2021, 11, 7, 5, 59), False),
    "autumn, 2:00: not in the hour that comes again": ("02:00", utc(2021, 11, 7, 6, 59), False),
    "autumn, 2:00: when it comes at last": ("02:00", utc(2021, 11, 7, 7, 0), True),
    "autumn, noon": ("", utc(2021, 11, 7, 17, 0), True),
    "autumn, noon: not by the clock of the summer": ("", utc(2021, 11, 7, 16, 59), False),
}


async def test_change_of_the_clock_moves_nobody_out_of_their_window(reporters: Reporters) -> None:
    people = {
        (chosen, day): await person(reporters, NEW_YORK, day, chosen)
        for chosen in {chosen for chosen, _, _ in CHANGES.values()}
        for day in (SPRING, AUTUMN)
    }
    found = {}
    for name, (chosen, at, _) in CHANGES.items():
        day = SPRING if name.startswith("spring") else AUTUMN
        found[name] = people[chosen, day] in await look(reporters, at)
    assert found == {name: reminded for name, (_, _, reminded) in CHANGES.items()}


# -- a day ends at 23:59:59 and begins at 00:00:00 -----------------------------------------------------------


def report_at(zone: str, at: datetime) -> date:
    """The day of a report that is saved then."""
    who = resident(zone=zone, last_punch_in=None)
    save(world(), Work(now=at), who, Report(365), origin="wechat_official", reported_by=11)
    assert who.last_punch_in is not None
    return who.last_punch_in


# the code wants a report every so many days: that day is as many days after the report
@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: f"in {zone}")
async def test_report_counts_until_midnight_there_and_not_a_second_longer(
    reporters: Reporters, zone: str
) -> None:
    expected, found = {}, {}
    for day in (SPRING, AUTUMN):
        noon = instant(zone, day, "12:00")
        for every in EVERY:
            who = await person(reporters, zone, day, every=every)
            first = day - (every - 1) * DAY  # of the days on which a report is recent enough
            for clock, report_day, due in (
                ("23:59:59", first - DAY, True), ("00:00:00", first, False), ("23:59:59", first, False)
            ):  # fmt: skip
                name = f"{day}, every {every} days, at {clock} of {report_day}"
                at = instant(zone, report_day, clock)
                for column, row in (
                    ("reported", {"last_punch_in": report_at(zone, at), "declared_at": noon - 90 * DAY}),
                    ("declared", {"last_punch_in": None, "declared_at": at}),
                ):
                    await reporters.change(who, **row)
                    expected[column, name] = due
                    told = isinstance(await reporters.due.explain(who, noon), Due)
                    ended = await reporters.due.still(reporters.database, [who], noon)
                    assert told is not bool(ended)
                    found[column, name] = told
            await reporters.change(who, reminder_days="none")
    assert found == expected


@pytest.mark.parametrize(
    ("zone", "day"), PLACES, ids=[f"in {zone} on {day.isoformat()}" for zone, day in PLACES]
)
async def test_new_day_asks_again_from_its_first_second(reporters: Reporters, zone: str, day: date) -> None:
    who = await person(reporters, zone, day, "00:00")
    await reporters.report(who, report_at(zone, instant(zone, day, "00:00:00")))
    last = instant(zone, day, "23:59:59")
    answer = await reporters.due.explain(who, last)
    assert isinstance(answer, NotDue)
    assert (answer.day, answer.reasons) == (day, ("reported",))
    assert await look(reporters, last) == set()
    assert await look(reporters, last + SECOND) == {who}


@pytest.mark.parametrize("clock", ["00:00:00", "07:59:59", "11:00:00", "14:00:00", "23:59:59"])
@pytest.mark.parametrize("zone", [GUAM, "Pacific/Kiritimati", NEW_YORK], ids=lambda zone: f"in {zone}")
async def test_who_reported_far_away_at_any_hour_is_reminded_next_morning(
    reporters: Reporters, zone: str, clock: str
) -> None:
    """SaraAlert #1228: whoever reported in Guam at 11:00 was left out of the next morning, whose window had
    passed when the day of the east coast began."""
    for day in (SPRING - DAY, SPRING, AUTUMN - DAY, AUTUMN):
        who = await person(reporters, zone, day, "08:00")
        await reporters.report(who, report_at(zone, instant(zone, day, clock)))
        found = {
            at: who in await look(reporters, instant(zone, day + days * DAY, at))
            for days, at in ((0, "23:59:59"), (1, "07:59:59"), (1, "08:00:00"))
        }
        assert list(found.values()) == [False, False, True], day


# -- quiet hours that cross midnight -------------------------------------------------------------------------

QUIET = {
    # quiet hours           chosen   there it is   goes
    "22:00-07:00 (usual)": [
        ("", "21:59", True), ("", "22:00", False), ("", "23:59", False), ("", "00:00", False),
        ("", "06:59", False), ("", "07:00", True), ("23:00", "22:59", False), ("23:00", "23:00", True),
        ("23:00", "23:59", True), ("03:00", "01:59", False), ("03:00", "03:00", True),
        ("03:00", "03:59", True), ("03:00", "04:00", False), ("00:00", "00:00", True),
        ("00:00", "23:59", False), ("23:30", "23:59", True), ("23:30", "00:00", False),
    ],
    "23:30-00:30": [
        ("", "23:29", True), ("", "23:30", False), ("", "00:00", False), ("", "00:29", False),
        ("", "00:30", True), ("00:10", "00:09", False), ("00:10", "00:10", True),
    ],
    "12:00-17:00": [
        ("", "11:59", True), ("", "12:00", False), ("", "16:59", False), ("", "17:00", True),
        ("", "00:00", True), ("16:00", "16:59", True), ("12:00", "13:00", False),
    ],
    "08:00-08:00 (never)": [("", "08:00", True), ("", "00:00", True), ("", "23:59", True)],
}  # fmt: skip


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: f"in {zone}")
@pytest.mark.parametrize("hours", QUIET)
async def test_quiet_hours_hold_back_what_nobody_chose(reporters: Reporters, zone: str, hours: str) -> None:
    begins, ends = hours.split(" ")[0].split("-")
    found = {}
    for day in (SPRING, AUTUMN):
        for chosen in {chosen for chosen, _, _ in QUIET[hours]}:
            contact = {"window_until": instant(zone, day + 2 * DAY, "12:00")}
            who = await reporters.person(
                zone=zone, quiet_from=minute(begins), quiet_until=minute(ends), contact=contact,
                reminder_minute=minute(chosen) if chosen else None,
            )  # fmt: skip
            for given, clock, goes in QUIET[hours]:
                if given == chosen:
                    at = instant(zone, day, clock)
                    keeps = await reporters.reasons(who, "punch_in_reminder", at=at)
                    found[day, chosen, clock] = (keeps, set() if goes else {"quiet_hours"})
    assert {key: each for key, each in found.items() if each[0] != each[1]} == {}


NIGHTS = {
    "before the spring night, as long as ever": (utc(2021, 3, 13, 5), utc(2021, 3, 13, 12)),
    "in the spring night, an hour less": (utc(2021, 3, 14, 5), utc(2021, 3, 14, 11)),
    "in the autumn night, an hour more": (utc(2021, 11, 7, 4), utc(2021, 11, 7, 12)),
    "after the autumn night, as long as ever": (utc(2021, 11, 8, 5), utc(2021, 11, 8, 12)),
}


@pytest.mark.parametrize("night", NIGHTS)
async def test_reminder_that_waits_out_a_night_goes_when_the_wall_clock_says_so(
    reporters: Reporters, night: str
) -> None:
    midnight, seven = NIGHTS[night]
    who = await reporters.person(zone=NEW_YORK, contact={"window_until": seven + DAY})
    answer = await reporters.ask(who, "punch_in_reminder", at=midnight)
    assert isinstance(answer, Unreachable)
    assert answer.again_at == seven
    assert await reporters.reasons(who, "punch_in_reminder", at=seven - MINUTE) == {"quiet_hours"}
    assert await reporters.reasons(who, "punch_in_reminder", at=seven) == set()


# -- the four hours of the window are hours, not hours of a wall clock ---------------------------------------


@pytest.mark.parametrize(
    ("day", "clock"), [(SPRING, "05:00"), (AUTUMN, "03:00"), (SPRING - DAY, "04:00"), (AUTUMN + DAY, "04:00")]
)
async def test_four_hours_are_as_long_on_every_day(reporters: Reporters, day: date, clock: str) -> None:
    who = await person(reporters, NEW_YORK, day, "00:00")
    end = instant(NEW_YORK, day, clock)
    assert end - instant(NEW_YORK, day, "00:00") == 4 * HOUR
    assert await look(reporters, end - MINUTE) == {who}
    assert await look(reporters, end) == set()
