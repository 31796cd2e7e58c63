"""Which way is chosen, when the next one opens by itself, and that one person is the same query as many."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.outbound import Way
from bot.notices.conditions import DAILY_CAP, statement
from bot.notices.reachability import Channel, Obstacle, Question, Unreachable
from bot.notices.reminders_left import Reminders, Sends
from bot.store.database import Database
from tests.conftest import BACKEND
from tests.notices.persons import MIDNIGHT, NOON, SERVICE_ONLY, Persons

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def local(zone: str, day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, second), tzinfo=ZoneInfo(zone)).astimezone(UTC)


# -- the best way --------------------------------------------------------------------------------------------


async def test_ways_are_tried_in_the_order_of_the_kind(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("wechat_official", window_until=None)
    mini = await persons.account("wechat_mini", person_id=person, window_until=None)
    await persons.subscription(mini)
    assert (await persons.reached(person)).way == Way.SUBSCRIPTION
    await persons.database.execute(
        "UPDATE accounts SET window_until = ? WHERE id = ?", [persons.clock.wire() + HOUR, person]
    )
    assert (await persons.reached(person)).way == Way.CUSTOMER_SERVICE


async def test_account_that_was_written_from_last_comes_first(database: Database) -> None:
    persons = Persons(database)
    wire = persons.clock.wire()
    person = await persons.account("wechat_official", window_until=wire + 10 * HOUR)
    mini = await persons.account("wechat_mini", person_id=person, window_until=wire + 11 * HOUR)
    assert (await persons.reached(person)).account_id == mini
    await persons.database.execute("UPDATE accounts SET window_until = NULL WHERE id = ?", [mini])
    assert (await persons.reached(person)).account_id == person


async def test_channel_says_everything_that_a_sender_needs(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("wechat_mini", window_until=None, language="en")
    await persons.subscription(person, 2)
    channel = await persons.reached(person)
    assert (channel.person_id, channel.channel, channel.app) == (person, "wechat_mini", "wechat_mini:app")
    assert (channel.balance, channel.language, channel.window) == (2, "en", "")
    assert "external_sealed" not in repr(channel)


async def test_question_about_one_account_leaves_out_the_others(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account()
    mini = await persons.account("wechat_mini", person_id=person, window_until=None)
    assert (await persons.reached(person, account_id=person)).account_id == person
    assert {each.account_id for each in (await persons.closed(person, account_id=mini)).reasons} == {mini}
    stranger = await persons.account()
    assert await persons.reasons(person, account_id=stranger) == {"no_account"}


async def test_resident_is_reached_themselves_first_and_then_over_their_guardians(database: Database) -> None:
    persons = Persons(database)
    own, guardian = await persons.account(), await persons.account()
    resident = await persons.resident(guardian, "guardian")
    await persons.resident(own, resident_id=resident)
    answer = await persons.reachability.reach(resident, "colour_changed", NOON)
    assert isinstance(answer, Channel)
    assert answer.person_id == own
    await persons.database.execute("UPDATE accounts SET blocked = ? WHERE id = ?", [True, own])
    answer = await persons.reachability.reach(resident, "colour_changed", NOON)
    assert isinstance(answer, Channel)
    assert answer.person_id == guardian


async def test_resident_for_whom_nobody_speaks_has_no_account(database: Database) -> None:
    answer = await Persons(database).reachability.reach(4711, "colour_changed", NOON)
    assert answer == Unreachable((Obstacle("no_account"),), None)


async def test_no_questions_are_no_answers(database: Database) -> None:
    assert await Persons(database).reachability.reach_many(database, [], NOON) == []


async def test_one_person_is_answered_as_among_many(database: Database) -> None:
    persons = Persons(database)
    asked = []
    for number in range(12):
        person = await persons.account(
            ("wechat_official", "wechat_mini", "alipay")[number % 3], window_left=number % 2
        )
        await persons.resident(person, zone=("Asia/Shanghai", "Europe/Berlin", "no/zone")[number % 3])
        if number % 4 == 0:
            await persons.subscription(person, number % 3)
        for _ in range(number % 5):
            await persons.notice(person)
        asked += [
            Question(person, kind, urgent)
            for kind in ("colour_changed", "result")
            for urgent in (False, True)
        ]
    for at in (NOON, MIDNIGHT):
        many = await persons.reachability.reach_many(database, asked, at)
        alone = [(await persons.reachability.reach_many(database, [each], at))[0] for each in asked]
        assert many == alone
        assert {type(answer) for answer in many} == {Channel, Unreachable}


# -- quiet hours ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "Asia/Urumqi", "Europe/Berlin", "America/New_York", "Pacific/Apia"]
)
@pytest.mark.parametrize(
    "day", [date(2021, 1, 15), date(2021, 3, 14), date(2021, 3, 28), date(2021, 10, 31), date(2021, 11, 7)]
)
async def test_night_begins_and_ends_by_the_wall_clock_of_the_person(
    database: Database, zone: str, day: date
) -> None:
    persons = Persons(database)
    person = await persons.account("simulator")
    await persons.resident(person, zone=zone)
    for hour, minute, second, quiet in (
        (21, 59, 59, False),
        (22, 0, 0, True),
        (6, 59, 59, True),
        (7, 0, 0, False),
    ):
        at = local(zone, day, hour, minute, second)
        assert await persons.reasons(person, at=at) == ({"quiet_hours"} if quiet else set()), (hour, minute)
    answer = await persons.closed(person, at=local(zone, day, 23))
    assert answer.again_at == answer.reasons[0].until == local(zone, day + timedelta(days=1), 7)


@pytest.mark.parametrize(
    ("first", "last", "quiet"),
    [
        (60, 360, [(1, 0), (5, 59)]),
        (0, 480, [(0, 0), (7, 59)]),
        (1380, 0, [(23, 0), (23, 59)]),
        (720, 719, [(12, 0), (23, 59), (0, 0), (11, 58)]),
        (1320, 1320, []),
        (0, 0, []),
    ],
)
async def test_hours_that_the_person_chose_hold_across_midnight_or_not(
    database: Database, first: int, last: int, quiet: list[tuple[int, int]]
) -> None:
    persons = Persons(database)
    person = await persons.account("simulator")
    await persons.resident(person, quiet_from=first, quiet_until=last)
    edges = {*quiet, (first // 60, first % 60), (last // 60, last % 60), (22, 30), (6, 30)}
    for hour, minute in edges:
        minutes = hour * 60 + minute
        inside = (
            first <= minutes < last
            if first < last
            else first != last and (minutes >= first or minutes < last)
        )
        at = local("Asia/Shanghai", date(2020, 3, 20), hour, minute)
        assert await persons.reasons(person, at=at) == ({"quiet_hours"} if inside else set())
        assert inside or (hour, minute) not in quiet


async def test_hours_that_do_not_exist_that_night_end_at_the_jump(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("simulator")
    await persons.resident(person, zone="Europe/Berlin", quiet_until=150)  # 02:30, which was skipped
    answer = await persons.closed(person, at=datetime(2021, 3, 28, 0, 30, tzinfo=UTC))
    assert answer.again_at == datetime(2021, 3, 28, 1, tzinfo=UTC)  # 03:00 there


async def test_hours_that_came_twice_end_at_the_first(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("simulator")
    await persons.resident(person, zone="America/New_York", quiet_until=90)
    answer = await persons.closed(person, at=datetime(2021, 11, 7, 5, tzinfo=UTC))  # 01:00, the first time
    assert answer.again_at == datetime(2021, 11, 7, 5, 30, tzinfo=UTC)
    answer = await persons.closed(person, at=datetime(2021, 11, 7, 6, 10, tzinfo=UTC))  # 01:10, the second
    assert answer.again_at == datetime(2021, 11, 7, 6, 30, tzinfo=UTC)


async def test_guardian_without_a_declaration_sleeps_at_the_usual_hours(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("simulator")
    await persons.resident(person, "guardian", zone="America/New_York", quiet_from=0, quiet_until=0)
    assert await persons.reasons(person, at=MIDNIGHT) == {"quiet_hours"}


async def test_hours_of_a_person_hold_on_the_account_that_was_linked_later(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("simulator", blocked=True)
    linked = await persons.account("simulator", person_id=person)
    await persons.resident(person, quiet_from=0, quiet_until=0)
    assert (await persons.reached(person, at=MIDNIGHT)).account_id == linked


# -- when it opens by itself ---------------------------------------------------------------------------------


async def test_cap_ends_with_the_day_and_then_the_night_holds(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("simulator")
    for _ in range(DAILY_CAP):
        await persons.notice(person)
    answer = await persons.closed(person)
    assert answer.reasons == (Obstacle("daily_cap", until=local("Asia/Shanghai", date(2020, 3, 21), 0)),)
    assert answer.again_at == local("Asia/Shanghai", date(2020, 3, 21), 7)
    await persons.resident(person, quiet_from=0, quiet_until=0)
    assert (await persons.closed(person)).again_at == local("Asia/Shanghai", date(2020, 3, 21), 0)


async def test_pause_that_ends_at_night_opens_nothing_before_the_morning(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("wechat_mini", window_until=None)
    await persons.subscription(person)
    await persons.platform("wechat_mini:app", paused_until=NOON + 12 * HOUR, broken_until=NOON + HOUR)
    answer = await persons.closed(person)
    assert answer.again_at == local("Asia/Shanghai", date(2020, 3, 21), 7)
    assert (await persons.closed(person, urgent=True)).again_at == NOON + 12 * HOUR


async def test_window_that_closes_before_the_morning_is_opened_by_an_event_only(database: Database) -> None:
    persons = Persons(database, offered=SERVICE_ONLY)
    person = await persons.account(window_until=MIDNIGHT + HOUR)
    answer = await persons.closed(person, at=MIDNIGHT)
    assert [each.reason for each in answer.reasons] == ["quiet_hours"]
    assert answer.again_at is None


async def test_first_reason_is_the_one_that_decides_when_to_look_again(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("wechat_mini", window_until=None)
    answer = await persons.closed(person, at=MIDNIGHT)
    assert answer.again_at is None
    assert (answer.reasons[0].until, answer.reasons[-1].reason) == (None, "quiet_hours")
    await persons.subscription(person)
    answer = await persons.closed(person, at=MIDNIGHT)
    assert (answer.again_at, answer.reasons[0].reason) == (MIDNIGHT + 6 * HOUR, "quiet_hours")


async def test_answers_stand_in_the_order_of_the_questions_although_one_waits(database: Database) -> None:
    persons = Persons(database)
    people = [await persons.account("simulator") for _ in range(3)]
    for _ in range(DAILY_CAP):
        await persons.notice(people[1])
    answers = await persons.reachability.reach_many(
        database, [Question(person, "colour_changed") for person in people], NOON
    )
    assert [isinstance(answer, Channel) for answer in answers] == [True, False, True]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_closed_way_is_never_given_and_what_opens_by_itself_is_open_then(
    data: st.DataObject, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An oracle of its own: what the test put into the rows says whether anything may go."""
    hours = st.integers(-3, 40)
    zone = data.draw(
        st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
    )
    quiet = data.draw(st.tuples(st.integers(0, 1439), st.integers(0, 1439)))
    window, sends = data.draw(hours), data.draw(st.integers(0, 1))
    paused, told = data.draw(hours), data.draw(st.integers(0, 4))
    base = datetime(2021, 3, 27, tzinfo=UTC) + data.draw(st.integers(0, 4 * 24 * 60)) * MINUTE
    urgent = data.draw(st.booleans())

    def may_go(at: datetime) -> bool:
        wall = at.astimezone(ZoneInfo(zone))
        minute, (first, last) = wall.hour * 60 + wall.minute, quiet
        asleep = first <= minute < last if first < last else first != last and not last <= minute < first
        capped = told >= DAILY_CAP and wall.date() == base.astimezone(ZoneInfo(zone)).date()
        opened = base + window * HOUR > at and sends > 0 and base + paused * HOUR <= at
        return opened and (urgent or not (asleep or capped))

    async def check() -> None:
        database = Database(f"sqlite://{file}")
        await database.open()
        try:
            persons = Persons(database, offered=SERVICE_ONLY)
            persons.clock.at = base
            person = await persons.account(window_until=base + window * HOUR, window_left=sends)
            await persons.resident(person, zone=zone, quiet_from=quiet[0], quiet_until=quiet[1])
            await persons.platform("wechat_official:app", paused_until=base + paused * HOUR)
            for _ in range(told):
                await persons.notice(person)
            answer = await persons.ask(person, urgent=urgent)
            assert isinstance(answer, Channel) is may_go(base)
            steps = (base + step * 15 * MINUTE for step in range(1, 45 * 4))
            if isinstance(answer, Unreachable) and answer.again_at is not None:
                assert may_go(answer.again_at)
                earlier = [at for at in steps if at < answer.again_at and may_go(at)]
                assert (
                    earlier == [] or zone != "Asia/Shanghai"
                )  # where the clock is put back a night may end early
            elif isinstance(answer, Unreachable):
                assert not any(may_go(at) for at in steps)
        finally:
            await database.close()

    file = tmp_path_factory.mktemp("one") / "yima.db"
    shutil.copy(migrated_file, file)
    asyncio.run(check())


@pytest.mark.skipif(BACKEND != "sqlite", reason="PostgreSQL reads a table of a few rows as a whole, rightly")
async def test_no_table_is_read_as_a_whole(database: Database) -> None:
    given_rows = {"json_each", "q", "o", "h", "c", "w"}
    plan = await database.fetch(f"EXPLAIN QUERY PLAN {statement('sqlite')}", ["[]", "[]", "[]"])
    scanned = {row[3].split()[1] for row in plan if row[3].startswith("SCAN")}
    assert scanned <= given_rows


# -- what is left --------------------------------------------------------------------------------------------


async def test_left_names_subscriptions_forms_and_open_windows(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("wechat_mini", window_left=4)
    await persons.subscription(person, 2)
    await persons.subscription(person, 0, kind="asked_first", standing="always")
    paid = await persons.account("alipay", person_id=person, window_left=1000)
    await persons.form(paid)
    await persons.form(paid, days=-1)
    left = await persons.reachability.left(person, NOON)
    assert Reminders(person, "wechat_mini", "colour_changed", "once", 2) in left.reminders
    assert Reminders(person, "wechat_mini", "asked_first", "always", None) in left.reminders
    assert Reminders(person, "wechat_mini", "link_asked", "none", 0) in left.reminders
    assert Reminders(paid, "alipay", "colour_changed", "form", 1) in left.reminders
    assert set(left.sends) == {
        Sends(person, "wechat_mini", 4, NOON + 40 * HOUR),
        Sends(paid, "alipay", None, NOON + 40 * HOUR),
    }


async def test_closed_or_empty_window_leaves_nothing(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account(window_until=NOON)
    await persons.account(person_id=person, window_left=0)
    assert (await persons.reachability.left(person, NOON)).sends == ()
