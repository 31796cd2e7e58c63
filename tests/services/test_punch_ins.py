"""Saving the daily report."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.facts import SYMPTOMS, check_fact
from bot.services.punch_ins import Report, Saved, carried, in_order, save, unchanged_since
from bot.store.ids import is_receipt
from bot.store.snapshot import Resident
from bot.store.work import Work, Write
from tests.handlers.chat.stage import NOON, TODAY, report, resident, world


def _save(who: Resident, said: Report, at: datetime = NOON, *, corrects: bool = False) -> tuple[Saved, Work]:
    work = Work(now=at)
    saved = save(world(), work, who, said, origin="wechat_official", reported_by=11, corrects=corrects)
    work.check()
    return saved, work


def _rows(work: Work, table: str) -> list[Write]:
    return [write for write in work.writes if write.table == table]


def test_first_report_of_a_day_writes_one_row_and_one_line_of_the_log() -> None:
    who = resident()
    saved, work = _save(who, Report(365))
    (row,) = _rows(work, "punch_ins")
    (line,) = _rows(work, "punch_in_log")
    assert (row.verb, row.row["day"], row.row["revision"], row.row["normal"]) == ("insert", TODAY, 1, True)
    assert row.row["temperature_tenths"] == 365
    assert row.row["reported_by"] == 11
    assert (line.row["punch_in_id"], line.row["revision"]) == (row.row["id"], 1)
    assert line.row["origin"] == "wechat_official"
    assert is_receipt(saved.receipt)
    assert saved.receipt.startswith("P200320-")
    assert not saved.amended


def test_every_save_moves_the_input_version_and_the_last_day() -> None:
    who = resident()
    _, work = _save(who, Report(365))
    (update,) = _rows(work, "residents")
    assert update.row == {"input_version": 8, "last_punch_in": TODAY, "resident_id": who.resident_id}
    assert work.expected == {("residents", who.resident_id): 7}
    assert who.last_punch_in == TODAY


def test_second_report_of_a_day_amends_the_same_row_and_keeps_its_receipt() -> None:
    who = resident()
    first, _ = _save(who, Report(365))
    second, work = _save(who, Report(366, ("cough",)), NOON + timedelta(hours=3))
    (row,) = _rows(work, "punch_ins")
    assert row.verb == "update"
    assert row.row["revision"] == 2
    assert row.row["amended_at"] == NOON + timedelta(hours=3)
    assert (second.receipt, second.revision, second.amended) == (first.receipt, 2, True)
    assert len([day for day in who.person().punch_in_days if day.day == TODAY]) == 1
    assert [line.row["revision"] for line in _rows(work, "punch_in_log")] == [2]


def test_report_five_minutes_after_midnight_counts_for_the_new_day() -> None:
    who = resident()
    saved, _ = _save(who, Report(365), datetime(2020, 3, 19, 16, 5, tzinfo=UTC))
    assert saved.day == TODAY
    assert saved.receipt.startswith("P200320-")


def test_report_one_minute_before_midnight_counts_for_the_day_that_ends() -> None:
    who = resident(last_punch_in=None)
    saved, _ = _save(who, Report(365), datetime(2020, 3, 19, 15, 59, tzinfo=UTC))
    assert saved.day == date(2020, 3, 19)


def test_day_is_that_of_the_residents_own_zone() -> None:
    who = resident(zone="Asia/Urumqi", last_punch_in=None)
    saved, _ = _save(who, Report(365), datetime(2020, 3, 19, 17, tzinfo=UTC))
    assert saved.day == date(2020, 3, 19)


@pytest.mark.parametrize(("tenths", "normal"), [(372, True), (373, False), (374, False), (None, True)])
def test_fever_begins_at_exactly_37_3_degrees(tenths: int | None, normal: bool) -> None:
    assert Report(tenths).normal is normal


def test_normal_report_states_no_fact() -> None:
    _, work = _save(resident(), Report(365))
    assert not _rows(work, "facts")


def test_fever_and_cough_become_facts_that_can_be_stored() -> None:
    who = resident()
    _, work = _save(who, Report(379, ("cough",)))
    assert {row.row["reference"] for row in _rows(work, "facts")} == {
        "2020-03-20:r1:fever",
        "2020-03-20:r1:cough",
    }
    assert all(check_fact(fact, who.zone) == () for fact in who.facts)
    fever = next(fact for fact in who.facts if fact.details["code"] == "fever")
    assert fever.details == {"code": "fever", "temperature_tenths": 379}
    assert fever.source == "punch_in"


def test_fever_changes_the_colour_of_codes_at_once() -> None:
    who = resident()
    assert who.codes["hubei"].colour == "green"
    saved, work = _save(who, Report(379, ("cough",)))
    assert {change.scheme: change.new_colour for change in saved.changes}["hubei"] == "red"
    assert who.codes["hubei"].colour == "red"
    assert _rows(work, "colour_changes")


def test_amending_withdraws_the_facts_that_no_longer_hold() -> None:
    who = resident()
    _save(who, Report(379, ("cough",)))
    cough = next(fact for fact in who.facts if fact.details["code"] == "cough")
    _, work = _save(who, Report(366, ("cough", "headache")), corrects=True)
    assert {fact.details["code"] for fact in who.facts} == {"cough", "headache"}
    assert next(fact for fact in who.facts if fact.details["code"] == "cough").id == cough.id
    withdrawn = [row for row in _rows(work, "facts") if row.verb == "update"]
    assert [row.row["withdrawn_why"] for row in withdrawn] == ["amended"]
    assert [row.row["reference"] for row in _rows(work, "facts") if row.verb == "insert"] == [
        "2020-03-20:r2:headache"
    ]


def test_another_temperature_of_a_fever_replaces_its_fact() -> None:
    who = resident()
    _save(who, Report(379))
    _, work = _save(who, Report(385))
    assert [fact.details["temperature_tenths"] for fact in who.facts] == [385]
    assert {row.verb for row in _rows(work, "facts")} == {"update", "insert"}


def test_amending_leaves_facts_of_other_sources_and_days_alone() -> None:
    who = resident()
    _save(who, Report(379), NOON - timedelta(days=1))
    _save(who, Report(365))
    assert [fact.start for fact in who.facts] == [date(2020, 3, 19)]


@pytest.mark.parametrize("tenths", [339, 431, 0, -365, 3650])
def test_implausible_temperature_is_refused(tenths: int) -> None:
    with pytest.raises(ValueError, match="plausible"):
        Report(tenths)


@pytest.mark.parametrize("tenths", [340, 430])
def test_edges_of_the_plausible_range_are_accepted(tenths: int) -> None:
    assert Report(tenths).temperature_tenths == tenths


def test_symptom_that_is_not_in_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="symptom"):
        Report(365, ("sneezing",))


@given(st.lists(st.sampled_from(SYMPTOMS)))
def test_symptoms_come_once_each_and_in_the_published_order(codes: list[str]) -> None:
    ordered = in_order(codes)
    assert set(ordered) == set(codes)
    assert list(ordered) == [code for code in SYMPTOMS if code in codes]


def test_no_change_refers_to_the_last_report_of_three_days() -> None:
    who = resident(last_punch_in=None)
    who.punch_ins = {day: report(day) for day in (date(2020, 3, 17), date(2020, 3, 18))}
    found = unchanged_since(who, TODAY)
    assert found is not None
    assert found.day == date(2020, 3, 18)


def test_no_change_is_not_enough_four_days_after_the_last_report() -> None:
    who = resident(last_punch_in=None)
    who.punch_ins = {date(2020, 3, 16): report(date(2020, 3, 16))}
    assert unchanged_since(who, TODAY) is None


def test_no_change_three_times_running_asks_for_a_full_report() -> None:
    who = resident(last_punch_in=None)
    days = [date(2020, 3, 16) + timedelta(days=number) for number in range(4)]
    who.punch_ins = {day: report(day, None, no_change=day != days[0]) for day in days}
    assert unchanged_since(who, days[3]) is not None
    assert unchanged_since(who, TODAY) is None


def test_measured_fever_goes_on_as_a_symptom_when_nothing_changes() -> None:
    assert carried(report(TODAY, 385, "cough")) == ("fever", "cough")
    assert carried(report(TODAY, 366, "cough")) == ("cough",)
