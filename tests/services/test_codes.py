"""Holding and releasing codes, and until when a report covers them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.errors import NotFound
from bot.services.codes import coverage, covered_until, hold, last_report_day, release
from bot.services.schemes import Schemes
from bot.services.world import World
from bot.store.snapshot import Resident
from bot.store.work import Work
from tests.handlers.chat.stage import NOON, TODAY, resident, world


def _remote_world() -> World:
    """The shipped schemes, of which Hangzhou's is another system's."""
    here = world()
    schemes = (
        replace(each, decided="remotely", rulebook=None) if each.id == "hangzhou" else each
        for each in here.schemes
    )
    return replace(here, schemes=Schemes(tuple(schemes)))


def test_code_that_was_just_added_is_grey_and_undecided() -> None:
    who, work = resident(codes=()), Work(now=NOON)
    code = hold(world(), work, who, "hangzhou")
    assert (code.colour, code.state, code.since) == ("grey", "undecided", NOON)
    assert who.codes == {"hangzhou": code}
    (write,) = work.writes
    assert (write.table, write.key, write.row["scheme"]) == (
        "health_codes",
        ("resident_id", "scheme"),
        "hangzhou",
    )
    assert None not in {write.row[name] for name in ("id", "resident_id", "since", "held_since")}


def test_code_that_is_held_already_stays_as_it_is() -> None:
    who, work = resident(), Work(now=NOON)
    before = who.codes["hubei"]
    assert hold(world(), work, who, "hubei") is before
    assert work.writes == []


def test_unknown_scheme_cannot_be_held() -> None:
    who, work = resident(codes=()), Work(now=NOON)
    with pytest.raises(NotFound):
        hold(world(), work, who, "atlantis")
    assert who.codes == {}
    assert work.writes == []


def test_released_code_is_gone_from_the_resident_and_its_row_is_deleted() -> None:
    who, work = resident(), Work(now=NOON)
    assert release(work, who, "hubei")
    assert "hubei" not in who.codes
    assert [(write.verb, write.table) for write in work.writes] == [("delete", "health_codes")]


def test_code_that_is_not_held_cannot_be_released() -> None:
    who, work = resident(codes=()), Work(now=NOON)
    assert not release(work, who, "hubei")
    assert work.writes == []


def _reported(last: date | None, declared: datetime | None) -> Resident:
    return resident(codes=("hubei", "national"), last_punch_in=last, declared_at=declared)


@pytest.mark.parametrize(
    ("last", "declared", "wanted"),
    [
        (None, None, None),
        (TODAY, None, TODAY),
        (None, NOON, TODAY),
        (date(2020, 3, 18), datetime(2020, 3, 19, 16, 30, tzinfo=UTC), TODAY),
        (TODAY, NOON - timedelta(days=9), TODAY),
    ],
)
def test_declaration_counts_as_the_report_of_its_day(
    last: date | None, declared: datetime | None, wanted: date | None
) -> None:
    assert last_report_day(_reported(last, declared)) == wanted


def test_cover_ends_after_the_days_that_the_rule_book_says() -> None:
    who = _reported(TODAY, NOON - timedelta(days=9))
    ends = {code.scheme: until for code, until in coverage(world(), who, NOON)}
    assert ends == {
        "hubei": datetime(2020, 3, 22, 16, tzinfo=UTC),
        "national": datetime(2020, 3, 20, 16, tzinfo=UTC),
    }


def test_cover_of_one_code_is_the_same_as_in_the_list() -> None:
    who = _reported(TODAY, None)
    for code, until in coverage(world(), who, NOON):
        assert covered_until(world(), who, code, NOON) == until


def test_nobody_is_covered_without_a_report() -> None:
    who = _reported(None, None)
    assert {until for _, until in coverage(world(), who, NOON)} == {None}


def test_nobody_is_covered_where_no_rule_book_is_in_force() -> None:
    who = _reported(TODAY, None)
    assert {until for _, until in coverage(world(), who, datetime(2019, 1, 1, tzinfo=UTC))} == {None}


def test_cover_of_a_remote_code_is_what_its_source_said() -> None:
    who = resident(codes=("hangzhou",), last_punch_in=TODAY)
    code = who.codes["hangzhou"]
    assert covered_until(_remote_world(), who, code, NOON) is None
    code.covered_until = NOON + timedelta(hours=5)
    assert covered_until(_remote_world(), who, code, NOON) == NOON + timedelta(hours=5)
