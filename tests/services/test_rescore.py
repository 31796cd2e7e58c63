"""Colours are written in one place, only when they differ, and the short way gives what the long way gives."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Identity, RiskEntry, RiskMap
from bot.services.codes import hold
from bot.services.facts import record, withdraw
from bot.services.punch_ins import Report, save
from bot.services.rescore import assess_code, rescore, stored_form
from bot.services.world import World
from bot.store.ids import new_id
from bot.store.snapshot import PunchIn, Resident
from bot.store.work import Work
from tests.conversation.world import make_world
from tests.fakes.clock import MORNING

TODAY = date(2020, 2, 20)
SCHEMES = ("hubei", "wuhan", "national", "community", "guangdong", "guangzhou", "hangzhou")


def world() -> World:
    known_at = MORNING - timedelta(days=60)
    levels = {"42": "low", "44": "low", "33": "low", "3303": "high"}
    made = make_world()
    made.risk = RiskMap(
        RiskEntry(division, date(2020, 1, 1), None, level, known_at) for division, level in levels.items()
    )
    return made


def resident(days: tuple[int, ...] = ()) -> Resident:
    person = Resident(
        resident_id=new_id(), identity=Identity.VERIFIED, certificate_kind="id_card", name_sealed=None,
        birth_sealed=None, division="420106", zone="Asia/Shanghai", declared_at=MORNING - timedelta(days=20),
        last_punch_in=None, input_version=3,
    )  # fmt: skip
    for back in days:
        day = TODAY - timedelta(days=back)
        person.punch_ins[day] = PunchIn(new_id(), day, 1, "P", 365, (), False, True)
        person.last_punch_in = max(day, person.last_punch_in or day)
    return person


def holding(made: World, person: Resident, days_ago: int = 1) -> None:
    """Every code, assessed some days ago."""
    work = Work(now=MORNING - timedelta(days=days_ago))
    for scheme in SCHEMES:
        hold(made, work, person, scheme)
    rescore(made, work, person, cause="test")


def verbs(work: Work, table: str) -> list[str]:
    return [write.verb for write in work.writes if write.table == table]


def test_second_rescore_changes_and_writes_nothing() -> None:
    made, person = world(), resident((1, 2))
    holding(made, person, days_ago=0)
    work = Work(now=MORNING)
    assert rescore(made, work, person, cause="test") == ()
    assert work.writes == []
    assert work.expected == {("residents", person.resident_id): 3}


def test_change_is_recorded_with_its_assessment_and_since() -> None:
    made, person = world(), resident((1,))
    holding(made, person)
    work = Work(now=MORNING)
    record(
        work, person, kind="symptom", start=TODAY, source="punch_in", reference="1", details={"code": "fever"}
    )
    changes = rescore(made, work, person, cause="punch_in")
    hubei = next(change for change in changes if change.scheme == "hubei")
    assert (hubei.old_colour, hubei.new_colour) == ("green", "red")
    assert person.codes["hubei"].since == MORNING
    assert verbs(work, "colour_changes") == ["insert"] * len(changes)
    assert work.changes == [(person.resident_id, change) for change in changes]


def test_withdrawn_fact_gives_the_colour_back() -> None:
    made, person = world(), resident((1,))
    holding(made, person)
    work = Work(now=MORNING)
    fact = record(
        work, person, kind="symptom", start=TODAY, source="punch_in", reference="1", details={"code": "fever"}
    )
    rescore(made, work, person, cause="punch_in")
    withdraw(work, person, fact, why="amended")
    changes = rescore(made, work, person, cause="amended")
    assert {change.new_colour for change in changes} == {"green"}


@pytest.mark.parametrize("identity", [Identity.NONE, Identity.CLAIMED])
def test_identity_that_is_not_verified_is_grey_everywhere(identity: Identity) -> None:
    made, person = world(), resident((1,))
    person.identity = identity
    holding(made, person)
    assert {(code.colour, code.state) for code in person.codes.values()} == {("grey", "undecided")}


@given(
    days=st.sets(st.integers(1, 20), max_size=20),
    facts=st.lists(st.sampled_from(("stay", "stay_high", "cough", "contact")), max_size=3),
    days_ago=st.integers(1, 4),
)
def test_short_way_of_a_normal_day_is_the_long_way(days: set[int], facts: list[str], days_ago: int) -> None:
    made, person = world(), resident(tuple(sorted(day for day in days if day >= days_ago)))
    earlier = Work(now=MORNING - timedelta(days=days_ago))
    for number, kind in enumerate(facts):
        record(earlier, person, source="test", reference=str(number), **_fact(kind, days_ago + number))
    holding(made, person, days_ago)
    work = Work(now=MORNING)
    save(made, work, person, Report(365), origin="test", reported_by=1)
    for scheme, code in person.codes.items():
        fresh = assess_code(made, person.person(), scheme, MORNING)
        assert (code.colour, code.state) == (fresh.colour.value, fresh.state.value), scheme
        assert code.assessment == stored_form(fresh)


def _fact(kind: str, back: int) -> dict[str, Any]:
    start = TODAY - timedelta(days=back)
    if kind == "cough":
        return {"kind": "symptom", "start": start, "details": {"code": "cough"}}
    if kind == "contact":
        details = {"degree": 1, "case": "confirmed", "certainty": "sure"}
        return {"kind": "contact", "start": start, "details": details}
    division = "330302" if kind == "stay_high" else "420106"
    return {"kind": "stay", "start": start, "end": start, "division": division}
