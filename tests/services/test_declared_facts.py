"""What becomes of facts when somebody declares again: kept, merged, withdrawn, left alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.core.facts import check_fact, last_day
from bot.core.model import Identity
from bot.services.declared_facts import Contact, Journey, Statements, Stay, reconcile, window
from bot.services.facts import record
from bot.store.snapshot import Resident
from bot.store.work import Work
from tests.fakes.clock import MORNING

ZONE = "Asia/Shanghai"
HOME, AWAY = "420102", "4401"
TODAY = date(2020, 2, 20)


def make_resident() -> Resident:
    return Resident(
        resident_id=1,
        identity=Identity.CLAIMED,
        certificate_kind="id_card",
        name_sealed=None,
        birth_sealed=None,
        division=HOME,
        zone=ZONE,
        declared_at=None,
        last_punch_in=None,
        input_version=0,
    )


def declare(
    resident: Resident, statements: Statements, *, days_later: int = 0, corrected: date | None = None
) -> Work:
    """Declare at nine in the morning, so many days after the first time."""
    now: datetime = MORNING + timedelta(days=days_later)
    work = Work(now=now)
    number = f"D{days_later}-{len(resident.facts)}"
    today = TODAY + timedelta(days=days_later)
    reconcile(work, resident, statements, today=today, receipt=number, corrected_day=corrected)
    return work


def stays(resident: Resident) -> list[tuple[str, str, str]]:
    found = [fact for fact in resident.facts if fact.kind == "stay"]
    return sorted((str(fact.start), str(fact.end), str(fact.division)) for fact in found)


def day(number: int) -> date:
    return date(2020, 2, number)


def kinds(resident: Resident) -> list[str]:
    return sorted(fact.kind for fact in resident.facts if fact.kind != "stay")


def test_days_without_another_place_are_days_at_home() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, stays=(Stay(day(9), day(11), AWAY),)))
    assert stays(resident) == [
        ("2020-02-07", "2020-02-08", HOME),
        ("2020-02-09", "2020-02-11", AWAY),
        ("2020-02-12", "2020-02-20", HOME),
    ]


def test_stay_that_goes_on_becomes_one_longer_stay_and_no_second_visit() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, stays=(Stay(day(18), day(20), AWAY),)))
    declare(resident, Statements(HOME, stays=(Stay(day(18), day(22), AWAY),)), days_later=2)
    assert [each for each in stays(resident) if each[2] == AWAY] == [("2020-02-18", "2020-02-22", AWAY)]


def test_stay_that_reaches_beyond_the_window_is_kept_as_it_became_known() -> None:
    resident = make_resident()
    long_stay = Stay(date(2020, 1, 20), day(10), AWAY)
    declare(resident, Statements(HOME, stays=(long_stay,)))
    known = next(fact.id for fact in resident.facts if fact.division == AWAY)
    declare(resident, Statements(HOME, stays=(Stay(day(9), day(10), AWAY),)), days_later=2)
    assert [fact.id for fact in resident.facts if fact.division == AWAY] == [known]


def test_new_declaration_leaves_the_days_before_its_window_alone() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, stays=(Stay(date(2020, 1, 20), day(10), AWAY),)))
    declare(resident, Statements(HOME), days_later=2)
    assert ("2020-01-20", "2020-02-08", AWAY) in stays(resident)


def test_correction_takes_back_the_whole_of_what_it_no_longer_states() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, stays=(Stay(date(2020, 1, 20), day(10), AWAY),)))
    declare(resident, Statements(HOME), days_later=2, corrected=TODAY)
    assert [each for each in stays(resident) if each[2] == AWAY] == []


def test_facts_of_other_sources_are_never_touched() -> None:
    resident = make_resident()
    record(
        Work(now=MORNING), resident, kind="stay", start=day(9), end=day(9), division=AWAY, source="telecom", reference="t"
    )  # fmt: skip
    declare(resident, Statements(HOME))
    assert [fact.source for fact in resident.facts if fact.division == AWAY] == ["telecom"]


def test_journey_home_tells_where_the_person_came_from() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, journeys=(Journey("train", day(15), AWAY, "4201", "G1234"),)))
    found = {fact.kind: fact for fact in resident.facts if fact.kind != "stay"}
    assert found["region_origin"].division == AWAY
    assert found["journey"].occurrence == "train:G1234:2020-02-15"
    assert found["journey"].details == {"mode": "train", "number": "G1234", "origin": AWAY}


def test_journey_away_from_home_is_no_origin() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, journeys=(Journey("train", day(15), "4201", AWAY),)))
    assert kinds(resident) == ["journey"]


def test_journey_that_is_no_longer_stated_is_withdrawn_with_its_origin() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, journeys=(Journey("train", day(15), AWAY, "4201"),)))
    work = declare(resident, Statements(HOME), days_later=1)
    assert kinds(resident) == []
    withdrawn = [write.row["withdrawn_why"] for write in work.writes if "withdrawn_why" in write.row]
    assert set(withdrawn) == {"declared_again"}


def test_journey_before_the_window_stays_unless_it_is_corrected() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, journeys=(Journey("car", day(8), "4201", AWAY),)))
    declare(resident, Statements(HOME), days_later=5)
    assert kinds(resident) == ["journey"]
    declare(resident, Statements(HOME), days_later=6, corrected=TODAY)
    assert kinds(resident) == []


def test_two_equal_statements_are_two_facts_and_keep_two() -> None:
    resident = make_resident()
    journey = Journey("car", day(15), "4201", "4202")
    declare(resident, Statements(HOME, journeys=(journey, journey)))
    before = {fact.id for fact in resident.facts}
    declare(resident, Statements(HOME, journeys=(journey, journey)))
    assert {fact.id for fact in resident.facts} == before


def test_certain_contact_replaces_an_uncertain_one() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, contact=Contact(sure=False, day=day(10))))
    declare(resident, Statements(HOME, contact=Contact(sure=True, day=day(10))))
    contacts = [fact.details for fact in resident.facts if fact.kind == "contact"]
    assert contacts == [{"degree": 1, "case": "unknown", "certainty": "sure"}]


def test_symptoms_of_another_day_are_history_unless_corrected() -> None:
    resident = make_resident()
    declare(resident, Statements(HOME, symptoms=("cough",), symptoms_day=TODAY))
    declare(resident, Statements(HOME, symptoms_day=day(21)), days_later=1)
    assert kinds(resident) == ["symptom"]
    declare(resident, Statements(HOME, symptoms_day=day(21)), days_later=1, corrected=TODAY)
    assert kinds(resident) == []


PLACES = st.sampled_from([AWAY, "3301", "320106"])


@st.composite
def some_statements(draw: Any) -> Statements:
    found = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, 20))
        length = draw(st.integers(0, 20 - start))
        first = TODAY - timedelta(days=20 - start)
        found.append(Stay(first, first + timedelta(days=length), draw(PLACES)))
    return Statements(HOME, stays=tuple(each for each in found if each.end >= window(TODAY)[0]))


def spent(resident: Resident, today: date) -> set[tuple[date, str | None]]:
    """Every day in the window and where it was spent, as the facts say."""
    first = window(today)[0]
    return {
        (each, fact.division)
        for fact in resident.facts
        for each in days_between(fact.start, last_day(fact, ZONE, today))
        if fact.kind == "stay" and each >= first
    }


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@given(st.lists(some_statements(), min_size=1, max_size=3))
def test_stays_after_any_declarations_are_those_of_the_last_one(declared: Sequence[Statements]) -> None:
    again, fresh = make_resident(), make_resident()
    for statements in declared:
        declare(again, statements)
    declare(fresh, declared[-1])
    assert spent(again, TODAY) == spent(fresh, TODAY)
    assert all(check_fact(fact, ZONE) == () for fact in again.facts)


@given(some_statements())
def test_declaring_the_same_again_writes_no_fact(statements: Statements) -> None:
    resident = make_resident()
    declare(resident, statements)
    assert [write for write in declare(resident, statements).writes if write.table == "facts"] == []
