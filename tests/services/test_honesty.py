"""Series of reports that no thermometer gives lead to a kind word, at most once a week, and to nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotLoaded
from bot.services.honesty import AT_ONCE, HINT_PAUSE, JUMP_TENTHS, HintKind, look, note_hint, wants_full
from bot.services.policy import Policy
from bot.services.punch_ins import Report, save
from bot.store.database import Database
from bot.store.loader import Loader
from bot.store.snapshot import Resident
from bot.store.work import Work
from bot.store.writer import Writer
from tests.conversation.world import texts
from tests.handlers.chat.stage import NOON, TODAY, report, resident, world
from tests.notices.persons import Persons

ONE = timedelta(days=1)
POLICY = Policy(same_temperature_days=10, full_report_every=7)
LANGUAGES = ("zh", "en")


def somebody(*tenths: int | None, **changes: Any) -> Resident:
    """Whose reports of the last days, the latest last, had these temperatures."""
    one = resident(codes=(), last_punch_in=None, **changes)
    for back, each in enumerate(reversed(tenths), start=1):
        one.punch_ins[TODAY - back * ONE] = report(TODAY - back * ONE, each)
    return one


def kind_of(
    one: Resident, tenths: int | None, *symptoms: str, policy: Policy = POLICY, **more: int
) -> str | None:
    hint = look(policy, one, TODAY, Report(tenths, symptoms), **more)
    return None if hint is None else hint.kind


# -- the same temperature ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "kind"), [(8, None), (9, "same_temperature"), (10, "same_temperature")])
def test_ten_days_of_the_same_tenth_are_hinted_at(days: int, kind: str | None) -> None:
    assert kind_of(somebody(*[365] * days), 365) == kind


def test_one_other_tenth_ends_the_series() -> None:
    assert kind_of(somebody(*[365] * 8, 366), 365) is None
    assert kind_of(somebody(*[365] * 9), 366) is None


def test_unmeasured_day_neither_breaks_nor_counts() -> None:
    assert kind_of(somebody(*[365] * 8, None), 365) is None
    assert kind_of(somebody(*[365] * 9, None), 365) == "same_temperature"


@given(st.lists(st.integers(360, 372), max_size=12), st.integers(360, 372), st.integers(2, 12))
def test_series_is_as_long_as_the_policy_says(tenths: list[int], now: int, days: int) -> None:
    same = [*tenths, now][-days:]
    expected = "same_temperature" if len(same) == days and set(same) == {now} else None
    assert kind_of(somebody(*tenths), now, policy=Policy(same_temperature_days=days)) == expected


def test_policy_of_zero_days_never_hints_at_a_series() -> None:
    assert kind_of(somebody(*[365] * 20), 365, policy=Policy(same_temperature_days=0)) is None
    assert kind_of(somebody(*[None] * 20), None, policy=Policy(same_temperature_days=0)) is None


def test_whoever_reports_a_symptom_hears_no_lecture() -> None:
    assert kind_of(somebody(*[365] * 9), 365, "cough") is None


# -- never measured ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "kind"), [(8, None), (9, "missing")])
def test_ten_reports_without_a_temperature_are_hinted_at(days: int, kind: str | None) -> None:
    assert kind_of(somebody(*[None] * days), None) == kind


def test_one_measured_day_in_ten_is_enough() -> None:
    assert kind_of(somebody(*[None] * 4, 365, *[None] * 4), None) is None


# -- jumps ---------------------------------------------------------------------------------------------------


def test_impossible_jump_up_and_down_is_asked_about() -> None:
    assert kind_of(somebody(362), 410) == "jump"
    assert kind_of(somebody(362, 410), 363) == "jump"


def test_jump_within_a_day_is_seen_before_saving() -> None:
    one = somebody()
    one.punch_ins[TODAY] = report(TODAY, 362)
    assert kind_of(one, 410) == "jump"


def test_real_fever_and_what_was_explained_are_no_jump() -> None:
    assert kind_of(somebody(365), 395) is None
    assert kind_of(somebody(365), 410, "fever") is None
    one = somebody(365)
    one.punch_ins[TODAY - ONE] = report(TODAY - ONE, 410, "fever")
    assert kind_of(one, 365) is None


@given(st.integers(340, 430), st.integers(340, 430), st.integers(1, 5))
def test_jump_is_far_and_within_two_days(before: int, now: int, back: int) -> None:
    one = somebody()
    one.punch_ins[TODAY - back * ONE] = report(TODAY - back * ONE, before)
    jumps = abs(now - before) >= JUMP_TENTHS and back <= 2
    assert kind_of(one, now, policy=Policy(same_temperature_days=0)) == ("jump" if jumps else None)


# -- a whole household ---------------------------------------------------------------------------------------


def test_same_reading_for_a_whole_household_is_hinted_at() -> None:
    assert kind_of(somebody(), 365, household=AT_ONCE) == "household_at_once"
    assert kind_of(somebody(), 365, household=AT_ONCE - 1) is None
    assert kind_of(somebody(), None, household=5) is None


# -- how often -----------------------------------------------------------------------------------------------


@given(st.integers(0, 20))
def test_second_hint_within_a_week_is_never_given(days_ago: int) -> None:
    one = somebody(362)
    one.hinted_on = TODAY - days_ago * ONE
    assert kind_of(one, 410) == ("jump" if days_ago * ONE >= HINT_PAUSE else None)


@given(st.integers(1, 2**62), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_full_question_is_the_same_on_every_try(resident_id: int, day: date) -> None:
    assert wants_full(POLICY, resident_id, day) == wants_full(POLICY, resident_id, day)
    assert not wants_full(Policy(full_report_every=0), resident_id, day)
    assert wants_full(Policy(full_report_every=1), resident_id, day)


def test_full_questions_come_as_often_as_the_policy_says() -> None:
    days = [date(2020, 1, 1) + n * ONE for n in range(700)]
    asked = sum(wants_full(POLICY, resident_id, day) for resident_id in range(20) for day in days)
    assert asked == pytest.approx(20 * 700 / 7, rel=0.1)
    alike = (
        [day for day in days if wants_full(POLICY, 1, day)],
        [day for day in days if wants_full(POLICY, 2, day)],
    )
    assert alike[0] != alike[1]


# -- nothing else --------------------------------------------------------------------------------------------


@given(st.lists(st.none() | st.integers(340, 430), max_size=12), st.none() | st.integers(340, 430))
def test_hint_changes_nothing_about_the_report_or_a_colour(tenths: list[int | None], now: int | None) -> None:
    one, other = somebody(*tenths), somebody(*tenths)
    if look(POLICY, one, TODAY, Report(now), household=4) is not None:
        note_hint(Work(now=NOON), one, TODAY)
    told = [
        save(world(), Work(now=NOON), each, Report(now), origin="simulator", reported_by=1)
        for each in (one, other)
    ]
    assert (told[0].changes, told[0].report) == (told[1].changes, told[1].report)
    assert one.input_version == other.input_version


def test_most_reports_need_no_day_more_than_yesterday() -> None:
    one = somebody(366)
    one.standing_facts = None
    assert kind_of(one, 365) is None
    with pytest.raises(NotLoaded):
        kind_of(one, 366)


async def test_day_of_the_hint_is_kept_with_the_resident(database: Database) -> None:
    persons = Persons(database)
    resident_id = await persons.resident(await persons.account())
    loader = Loader(database)
    (one,) = await loader.residents([resident_id], NOON)
    assert one.hinted_on is None
    work = Work(now=NOON)
    note_hint(work, one, TODAY)
    work.check()
    assert await Writer(database).commit(work) == "committed"
    (again,) = await loader.residents([resident_id], NOON)
    assert again.hinted_on == TODAY
    await loader.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_hint_has_words_without_a_reproach(language: str) -> None:
    for kind in HintKind:
        words = texts().say(language, f"honesty.hint_{kind}")
        assert words
        assert not any(
            bad in words for bad in ("造假", "虚假", "不实", "警告", "false", "lie", "warning", "must")
        )
    assert texts().has("honesty.full_today")
