"""From findings to a colour: points, bands, caps, versions, what is missing; and what must hold for everybody."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.assess import assess
from bot.core.facts import check_fact
from bot.core.model import SEVERITY, Colour, Fact, Identity, Person, PunchInDay, RiskEntry, RiskMap, State
from bot.core.rulebook import BookHistory, RuleBook
from bot.services.borders import load_borders
from bot.services.rulebooks import load_rulebooks
from tests.core.people import SHANGHAI, TEXT, book, contact, days, fact, midnight, noon, person

DAY = date(2020, 2, 20)
NO_RISK = RiskMap()
CONFIG = Path(__file__).parents[2] / "config"
BOOKS = load_rulebooks(CONFIG / "rulebooks", load_borders(CONFIG / "divisions"))
SCHEMES = sorted({one.scheme for one in BOOKS})


def later(number: int) -> date:
    """The day that many days after the first fact."""
    return DAY + timedelta(days=number)


def test_without_a_rule_book_nothing_is_decided() -> None:
    seen = assess(person(), None, NO_RISK, noon(DAY), scheme="town")
    assert (seen.colour, seen.state, seen.missing) == (Colour.GREY, State.UNDECIDED, ("rule_book",))
    assert (seen.scheme, seen.version, seen.review_at, seen.next_change_at) == ("town", None, None, None)


def test_before_and_after_its_validity_a_book_decides_nothing() -> None:
    rules = book(head="valid_to: 2020-03-01\n")
    assert assess(person(), rules, NO_RISK, midnight(date(2020, 3, 1))).missing == ("rule_book",)
    before = assess(person(), rules, NO_RISK, midnight(date(2019, 12, 31)))
    assert before.missing == ("rule_book",)
    assert before.review_at == midnight(date(2020, 1, 1))


@pytest.mark.parametrize("identity", [Identity.NONE, Identity.CLAIMED])
def test_an_identity_that_is_not_verified_gets_no_colour(identity: Identity) -> None:
    seen = assess(person([contact(1, DAY)], identity=identity), book(), NO_RISK, noon(DAY))
    assert (seen.colour, seen.state, seen.missing, seen.findings) == (
        Colour.GREY,
        State.UNDECIDED,
        ("identity",),
        (),
    )


def test_everything_that_is_missing_is_named() -> None:
    rules = replace(book(), requires=("identity", "declaration", "home", "report"))
    nobody = person(identity=Identity.NONE, declared=False, home=None)
    assert assess(nobody, rules, NO_RISK, noon(DAY)).missing == ("identity", "declaration", "home", "report")
    reported = person(declared=False, punch_ins=days(DAY, DAY))
    assert assess(reported, rules, NO_RISK, noon(DAY)).missing == ("declaration",)


def test_what_becomes_known_later_is_not_seen_yet() -> None:
    known = contact(1, DAY, known_at=noon(later(2)))
    assert (
        assess(person([known]), book(), NO_RISK, noon(later(2)) - timedelta(seconds=1)).colour is Colour.GREEN
    )
    assert assess(person([known]), book(), NO_RISK, noon(later(2))).colour is Colour.RED


def test_what_was_withdrawn_by_then_is_not_seen_any_more() -> None:
    withdrawn = contact(1, DAY, withdrawn_at=noon(later(2)))
    assert (
        assess(person([withdrawn]), book(), NO_RISK, noon(later(2)) - timedelta(seconds=1)).colour
        is Colour.RED
    )
    assert assess(person([withdrawn]), book(), NO_RISK, noon(later(2))).colour is Colour.GREEN


@pytest.mark.parametrize("missing", ["yellow", "grey"])
def test_an_expired_report_does_what_the_book_says(missing: str) -> None:
    rules = book(head=f"report: {{valid_days: 2, when_missing: {missing}, text: {TEXT}}}\n")
    one = person(punch_ins=days(DAY, DAY))
    assert assess(one, rules, NO_RISK, midnight(later(2)) - timedelta(seconds=1)).colour is Colour.GREEN
    expired = assess(one, rules, NO_RISK, midnight(later(2)))
    if missing == "grey":
        assert (expired.colour, expired.state, expired.missing) == (Colour.GREY, State.EXPIRED, ("report",))
    else:
        assert (expired.colour, expired.findings[0].rule_id, expired.missing) == (
            Colour.YELLOW,
            "report_missing",
            (),
        )
    assert (expired.next_change_at, expired.next_colour) == (midnight(later(2)), Colour.GREEN)
    assert expired.next_change_needs == ("normal_punch_ins:1",)


def test_silence_is_no_way_out_of_red() -> None:
    rules = book(head=f"report: {{valid_days: 1, when_missing: grey, text: {TEXT}}}\n")
    assert assess(person([contact(1, DAY)]), rules, NO_RISK, noon(later(40))).colour is Colour.RED


POINTS = f"""\
  - {{id: shared, fact: shared_building, gives: {{dimension: space, points: 25}}, hold: {{days: 7}}, text: {TEXT}}}
  - {{id: unsure, fact: contact, when: {{certainty: unsure}}, gives: {{dimension: relation, points: 25}}, hold: {{days: 7}}, text: {TEXT}}}
"""
DIMENSIONS = """\
dimensions:
  space: {combine: max, cap: 60}
  relation: {combine: sum, cap: 40}
bands: {green: [0, 39], yellow: [40, 79], red: [80, 100]}
"""


def test_points_combine_as_their_dimension_says() -> None:
    rules = book(POINTS.replace("{certainty: unsure}", "{certainty: unsure, degree: 2}"), head=DIMENSIONS)
    shared = [fact(number, "shared_building", DAY, scope="unit") for number in (1, 2)]
    unsure = [fact(number, "contact", DAY, degree=2, certainty="unsure") for number in (3, 4)]
    rules = replace(rules, rules=rules.rules[1:])
    seen = assess(person(shared), rules, NO_RISK, noon(DAY))
    assert (seen.dimensions, seen.colour) == ({"space": 25, "relation": 0}, Colour.GREEN)
    seen = assess(person(unsure), rules, NO_RISK, noon(DAY))
    assert (seen.dimensions, seen.colour) == ({"space": 0, "relation": 40}, Colour.YELLOW)
    seen = assess(person(shared + unsure), rules, NO_RISK, noon(DAY))
    assert (seen.dimensions, seen.colour) == ({"space": 25, "relation": 40}, Colour.YELLOW)
    assert [one.rule_id for one in seen.findings] == ["shared", "shared", "unsure", "unsure"]


def test_a_hold_keeps_the_version_of_its_facts_first_day() -> None:
    strict = book(version="1.0")
    mild = book(version="2.0", valid_from="2020-02-25")
    mild = replace(mild, rules=(replace(mild.rules[0], steps=(replace(
        mild.rules[0].steps[0], hold=replace(mild.rules[0].steps[0].hold, days=3, normal_punch_ins=0)),)),))  # fmt: skip
    history = BookHistory("town", [strict, mild])
    early, late = contact(1, DAY), contact(2, date(2020, 2, 25))
    at = noon(date(2020, 2, 29))
    assert [one.version for one in assess(person([early]), history, NO_RISK, at).findings] == ["1.0"]
    assert assess(person([late]), history, NO_RISK, at).colour is Colour.GREEN
    assert assess(person([late]), history, NO_RISK, at - timedelta(days=1)).findings[0].version == "2.0"


def test_points_of_a_dimension_that_the_new_version_dropped_still_count() -> None:
    old = book(POINTS, head=DIMENSIONS)
    new = book(head="dimensions: {relation: {combine: max, cap: 40}}\nbands: {green: [0, 19], yellow: [20, 30], red: [31, 40]}\n",
               version="2.0", valid_from="2020-02-25")  # fmt: skip
    shared = fact(1, "shared_building", DAY, scope="unit")
    seen = assess(person([shared]), BookHistory("town", [old, new]), NO_RISK, noon(date(2020, 2, 26)))
    assert (seen.version, seen.dimensions, seen.colour) == (
        "2.0",
        {"relation": 0, "space": 25},
        Colour.YELLOW,
    )


STAY = f"  - {{id: stay, fact: stay, risk: [high], gives: {{at_least: red}}, hold: {{anchor: end, days: 14}}, text: {TEXT}}}\n"


def risky() -> RuleBook:
    """A book that reads a risk level and leaves an unknown one undecided."""
    return book(STAY, head="unknown_risk: undecided\n")


def test_a_hold_reads_the_risk_level_as_it_was_known_then() -> None:
    raised = RiskMap(
        [RiskEntry("42", DAY, None, "low", midnight(DAY)), RiskEntry("42", DAY, None, "high", noon(later(3)))]
    )
    stay = fact(1, "stay", DAY, division="420106")
    assert assess(person([stay]), risky(), raised, noon(later(4))).colour is Colour.GREEN
    known_late = fact(1, "stay", DAY, division="420106", known_at=noon(later(3)))
    assert assess(person([known_late]), risky(), raised, noon(later(4))).colour is Colour.RED


def test_a_risk_level_that_becomes_known_later_decides_the_open_question() -> None:
    stay = person([fact(1, "stay", DAY, division="420106")])
    published = RiskMap([RiskEntry("42", DAY, None, "high", noon(later(2)))])
    assert assess(stay, risky(), published, noon(later(1))).missing == ("risk:420106",)
    assert assess(stay, risky(), published, noon(later(2))).colour is Colour.RED


@pytest.mark.parametrize(("level", "colour"), [("medium", Colour.GREEN), ("high", Colour.RED)])
def test_a_book_may_read_an_unknown_level_as_a_worse_one(level: str, colour: Colour) -> None:
    stay = person([fact(1, "stay", DAY, division="420106")])
    assert assess(stay, book(STAY, head=f"unknown_risk: {level}\n"), NO_RISK, noon(DAY)).colour is colour


def test_an_unknown_risk_level_never_hides_a_red() -> None:
    both = person([fact(1, "stay", DAY, division="420106"), contact(2, DAY)])
    assert assess(both, risky(), NO_RISK, noon(DAY)).colour is Colour.RED


def test_without_a_fact_the_rest_is_judged_again() -> None:
    seen = assess(person([contact(1, DAY), contact(2, later(1))]), book(), NO_RISK, noon(later(1)))
    assert seen.without(1).colour is Colour.RED
    assert seen.without(1).without(2).colour is Colour.GREEN
    with pytest.raises(ValueError, match="no fact 3"):
        seen.without(3)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="instant with a zone"):
        assess(person(), book(), NO_RISK, datetime(2020, 2, 20))  # noqa: DTZ001


def test_an_assessment_is_plain_json_without_floats() -> None:
    def refuse(text: str) -> float:
        raise AssertionError(text)

    seen = assess(person([contact(1, DAY)], days(later(1), later(3))), book(), NO_RISK, noon(later(3)))
    stored = json.loads(json.dumps(seen.to_json()), parse_float=refuse)
    assert stored == seen.to_json()
    assert stored["findings"][0]["hold"] == {
        "anchor": "2020-02-20", "days": 14, "days_end_at": "2020-03-05T16:00:00+00:00", "normal_wanted": 14,
        "normal_have": 3, "consecutive": True, "waits_for": None, "step": 0, "steps": 1,
    }  # fmt: skip
    assert stored["next_change_at"] == "2020-03-05T16:00:00+00:00"
    assert stored["next_change_needs"] == ["time", "normal_punch_ins:11"]
    short = seen.to_json(ahead=False)
    assert set(stored) - set(short) == {"next_change_at", "next_change_needs", "next_colour", "review_at"}


def test_the_decisive_finding_is_the_worst_that_ends_last() -> None:
    seen = assess(
        person([contact(1, DAY), contact(2, later(3)), contact(3, later(1))]), book(), NO_RISK, noon(later(4))
    )
    assert seen.decisive is not None
    assert (seen.decisive.fact_id, seen.decisive.hold_until) == (2, later(17))
    assert assess(person(), book(), NO_RISK, noon(DAY)).hold is None


_DETAILS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "contact": st.fixed_dictionaries({"degree": st.integers(1, 3), "certainty": st.sampled_from(["sure", "unsure"])}),
    "symptom": st.fixed_dictionaries({"code": st.sampled_from(["fever", "cough"])}),
    "diagnosis": st.fixed_dictionaries({"status": st.sampled_from(["confirmed", "suspected"])}),
    "measure": st.fixed_dictionaries({"measure": st.sampled_from(["home", "centralised"])}),
    "measure_lifted": st.fixed_dictionaries({"reason": st.sampled_from(["discharged", "completed"])}),
    "shared_building": st.fixed_dictionaries({"scope": st.sampled_from(["unit", "venue"])}),
    "test": st.fixed_dictionaries({"result": st.sampled_from(["negative", "positive"]), "method": st.just("pcr"), "minute": st.integers(0, 1439)}),
    "stay": st.fixed_dictionaries({}),
    "false_declaration": st.just({}),
}  # fmt: skip
_RELIEVING = {"measure_lifted", "test"}


@st.composite
def _facts(draw: st.DrawFn) -> tuple[Fact, ...]:
    found = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        kind = draw(st.sampled_from(sorted(_DETAILS)))
        start = later(draw(st.integers(0, 20)))
        one = fact(
            number, kind, start, division="420106" if kind == "stay" else None,
            source=draw(st.sampled_from(["telecom", "worker"])),
            known_at=noon(start) + timedelta(days=draw(st.integers(0, 3))), **draw(_DETAILS[kind]),
        )  # fmt: skip
        assert check_fact(one, SHANGHAI) == ()
        found.append(one)
    return tuple(found)


_PUNCH_INS = st.dictionaries(st.integers(0, 45), st.booleans(), max_size=46).map(
    lambda marks: tuple(PunchInDay(later(number), normal) for number, normal in marks.items())
)
_PEOPLE = st.builds(lambda facts, punch_ins: person(facts, punch_ins, declared_day=DAY), _facts(), _PUNCH_INS)
_INSTANTS = st.integers(0, 24 * 45).map(lambda hours: midnight(DAY) + timedelta(hours=hours))
_RISKS = st.sampled_from([NO_RISK, RiskMap([RiskEntry("42", date(2020, 1, 1), None, "high", midnight(DAY))])])
_HISTORIES = st.sampled_from(SCHEMES)


@settings(max_examples=80, deadline=None)
@given(_PEOPLE, _HISTORIES, _RISKS, _INSTANTS, st.randoms())
def test_the_order_of_facts_and_days_changes_nothing(
    one: Person, scheme: str, risk: RiskMap, at: datetime, order: object
) -> None:
    facts, punch_ins = list(one.facts), list(one.punch_in_days)
    order.shuffle(facts)  # type: ignore[attr-defined]
    order.shuffle(punch_ins)  # type: ignore[attr-defined]
    shuffled = replace(one, facts=tuple(facts), punch_in_days=tuple(punch_ins))
    first = assess(one, BOOKS.history(scheme), risk, at)
    assert assess(shuffled, BOOKS.history(scheme), risk, at).to_json() == first.to_json()
    assert assess(one, BOOKS.history(scheme), risk, at).to_json() == first.to_json()


@settings(max_examples=120, deadline=None)
@given(_PEOPLE, _HISTORIES, _RISKS, _INSTANTS)
def test_withdrawing_an_incriminating_fact_never_worsens(
    one: Person, scheme: str, risk: RiskMap, at: datetime
) -> None:
    seen = assess(one, BOOKS.history(scheme), risk, at)
    for withdrawn in one.facts:
        if withdrawn.kind not in _RELIEVING and seen.colour is not Colour.GREY:
            after = seen.without(withdrawn.id)
            if after.colour is Colour.GREY:
                assert seen.colour is Colour.RED
                assert after.missing == ("risk:420106",)
            else:
                assert SEVERITY[after.colour] <= SEVERITY[seen.colour]


@settings(max_examples=120, deadline=None)
@given(_PEOPLE, _HISTORIES, _RISKS, _INSTANTS)
def test_no_yellow_or_red_stands_without_a_finding(
    one: Person, scheme: str, risk: RiskMap, at: datetime
) -> None:
    seen = assess(one, BOOKS.history(scheme), risk, at)
    if seen.colour in (Colour.YELLOW, Colour.RED):
        assert any(finding.at_most is None for finding in seen.findings)
    assert (seen.colour is Colour.GREY) == (seen.state in (State.UNDECIDED, State.EXPIRED))
    assert (seen.colour is Colour.GREY) == bool(seen.missing)
    assert seen.state is not State.PENDING or seen.colour is Colour.YELLOW


@settings(max_examples=80, deadline=None)
@given(_PEOPLE, _HISTORIES, _INSTANTS, st.sampled_from([Identity.NONE, Identity.CLAIMED]))
def test_what_is_missing_is_never_green(one: Person, scheme: str, at: datetime, identity: Identity) -> None:
    assert assess(replace(one, identity=identity), BOOKS.history(scheme), NO_RISK, at).colour is Colour.GREY
    assert assess(replace(one, declared=False), BOOKS.history(scheme), NO_RISK, at).colour is Colour.GREY
    assert assess(one, None, NO_RISK, at).colour is Colour.GREY


@settings(max_examples=80, deadline=None)
@given(_PEOPLE, _HISTORIES, _RISKS, _INSTANTS)
def test_a_second_punch_in_of_a_day_counts_once(
    one: Person, scheme: str, risk: RiskMap, at: datetime
) -> None:
    twice = replace(one, punch_in_days=one.punch_in_days + one.punch_in_days)
    history = BOOKS.history(scheme)
    assert assess(twice, history, risk, at).to_json() == assess(one, history, risk, at).to_json()


def _diligent(one: Person, since: date, until: date) -> Person:
    taken = {day.day for day in one.punch_in_days if day.day <= since}
    kept = tuple(day for day in one.punch_in_days if day.day in taken)
    return replace(one, punch_in_days=kept + tuple(day for day in days(since, until) if day.day not in taken))


@settings(max_examples=60, deadline=None)
@given(_PEOPLE, _HISTORIES, _RISKS, _INSTANTS)
def test_the_next_change_comes_when_it_is_promised(
    one: Person, scheme: str, risk: RiskMap, at: datetime
) -> None:
    history: BookHistory | RuleBook | None = BOOKS.history(scheme)
    today = (at + timedelta(hours=8)).date()
    one = replace(one, facts=tuple(fact for fact in one.facts if fact.known_at <= at))
    seen = assess(one, history, risk, at)
    if seen.next_change_at is None:
        return
    there = (seen.next_change_at + timedelta(hours=8)).date()
    assert assess(_diligent(one, today, there), history, risk, seen.next_change_at).colour is seen.next_colour
    if seen.next_change_at > at:
        before = seen.next_change_at - timedelta(seconds=1)
        assert (
            assess(_diligent(one, today, there - timedelta(days=1)), history, risk, before).colour
            is seen.colour
        )


@settings(max_examples=60, deadline=None)
@given(_PEOPLE, _HISTORIES, _RISKS, _INSTANTS)
def test_nothing_changes_by_the_clock_before_the_review(
    one: Person, scheme: str, risk: RiskMap, at: datetime
) -> None:
    today = (at + timedelta(hours=8)).date()
    one = replace(
        one,
        facts=tuple(fact for fact in one.facts if fact.known_at <= at),
        punch_in_days=tuple(day for day in one.punch_in_days if day.day <= today),
    )
    seen = assess(one, BOOKS.history(scheme), risk, at)
    until = seen.review_at or at + timedelta(days=60)
    step = max((until - timedelta(seconds=1) - at) / 5, timedelta(0))
    for number in range(6):
        assert assess(one, BOOKS.history(scheme), risk, at + number * step).colour is seen.colour


def test_normal_temperature_from_a_checkpoint_breaks_no_run() -> None:
    held = [contact(1, DAY)]
    punch_ins = days(later(1), later(14))
    for tenths, colour in ((365, Colour.GREEN), (372, Colour.GREEN), (373, Colour.RED)):
        reading = fact(2, "symptom", later(9), source="checkpoint", temperature_tenths=tenths)
        seen = assess(person([*held, reading], punch_ins), book(), NO_RISK, noon(later(15)))
        assert seen.colour is colour
