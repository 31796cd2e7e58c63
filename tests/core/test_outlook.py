"""What lies ahead: when the colour changes by itself, what it takes, and when to look again."""

from dataclasses import replace
from datetime import date, timedelta

from bot.core.assess import assess
from bot.core.model import Colour, RiskMap
from bot.core.rulebook import BookHistory
from tests.core.people import TEXT, book, contact, days, fact, midnight, noon, person

DAY = date(2020, 2, 20)
NO_RISK = RiskMap()


def later(number: int) -> date:
    """The day that many days after the fact."""
    return DAY + timedelta(days=number)


def test_a_hold_in_time_ends_at_midnight_after_its_days() -> None:
    seen = assess(person([contact(1, DAY)], days(later(1), later(4))), book(), NO_RISK, noon(later(4)))
    assert (seen.next_change_at, seen.next_colour) == (midnight(later(15)), Colour.GREEN)
    assert seen.next_change_needs == ("time", "normal_punch_ins:10")
    assert seen.review_at == midnight(later(15))


def test_a_hold_whose_days_are_over_ends_with_the_last_punch_in() -> None:
    missed = (*days(later(1), later(5)), *days(later(7), later(19)))
    today = assess(person([contact(1, DAY)], missed), book(), NO_RISK, noon(later(20)))
    assert (today.next_change_at, today.next_change_needs) == (noon(later(20)), ("normal_punch_ins:1",))
    done = assess(person([contact(1, DAY)], missed), book(), NO_RISK, noon(later(19)))
    assert (done.next_change_at, done.next_change_needs) == (
        midnight(later(20)),
        ("time", "normal_punch_ins:1"),
    )


def test_a_hold_that_has_all_its_punch_ins_needs_only_time() -> None:
    seen = assess(person([contact(1, DAY)], days(later(1), later(14))), book(), NO_RISK, noon(later(14)))
    assert (seen.next_change_at, seen.next_change_needs) == (midnight(later(15)), ("time",))


STEPS = f"""\
  - id: case
    fact: diagnosis
    gives: {{at_least: red}}
    hold: {{days: 14, normal_punch_ins: 7}}
    then:
      - gives: {{at_least: yellow}}
        hold: {{days: 7, normal_punch_ins: 7}}
    text: {TEXT}
"""


def test_the_next_step_begins_after_the_last_day_of_the_one_before() -> None:
    case = fact(1, "diagnosis", DAY, status="confirmed")
    punch_ins = days(later(1), later(40))
    red = assess(person([case], punch_ins), book(STEPS), NO_RISK, noon(later(14)))
    assert (red.colour, red.next_change_at, red.next_colour) == (
        Colour.RED,
        midnight(later(15)),
        Colour.YELLOW,
    )
    yellow = assess(person([case], punch_ins), book(STEPS), NO_RISK, midnight(later(15)))
    assert (yellow.colour, yellow.next_change_at, yellow.next_colour) == (Colour.YELLOW, midnight(later(22)), Colour.GREEN)  # fmt: skip
    assert yellow.hold is not None
    assert (yellow.hold.step, yellow.hold.steps, yellow.hold.anchor) == (1, 2, later(14))
    assert assess(person([case], punch_ins), book(STEPS), NO_RISK, midnight(later(22))).colour is Colour.GREEN


def test_the_day_that_ended_red_is_not_a_day_of_yellow() -> None:
    case = fact(1, "diagnosis", DAY, status="confirmed")
    late = days(later(13), later(40))
    assert assess(person([case], late), book(STEPS), NO_RISK, noon(later(18))).colour is Colour.RED
    yellow = assess(person([case], late), book(STEPS), NO_RISK, noon(later(19)))
    assert yellow.hold is not None
    assert (yellow.colour, yellow.hold.anchor, yellow.hold.normal_have) == (Colour.YELLOW, later(19), 0)
    assert assess(person([case], late), book(STEPS), NO_RISK, noon(later(26))).colour is Colour.YELLOW
    assert assess(person([case], late), book(STEPS), NO_RISK, midnight(later(27))).colour is Colour.GREEN


LATE_TEST = f"""\
  - {{id: untested, fact: entry, gives: {{at_least: yellow}}, days_since: {{of: start, min: 3, max: 5}}, text: {TEXT}}}
"""


def test_a_rule_that_is_met_only_later_is_foreseen() -> None:
    entry = person([fact(1, "entry", DAY, country="it")])
    seen = assess(entry, book(LATE_TEST), NO_RISK, noon(DAY))
    assert (seen.colour, seen.next_change_at, seen.next_colour) == (
        Colour.GREEN,
        midnight(later(3)),
        Colour.YELLOW,
    )
    assert assess(entry, book(LATE_TEST), NO_RISK, midnight(later(6))).next_change_at is None


RELIEF = f"""\
  - {{id: measure, fact: measure, gives: {{at_least: yellow}}, text: {TEXT}}}
  - {{id: lifted, effect: exonerating, fact: measure_lifted, ends: [measure], text: {TEXT}}}
"""


def test_what_only_a_relieving_fact_ends_is_said() -> None:
    seen = assess(person([fact(1, "measure", DAY, measure="home")]), book(RELIEF), NO_RISK, noon(DAY))
    assert (seen.next_change_at, seen.next_change_needs, seen.next_colour) == (None, ("relief:lifted",), None)
    assert seen.review_at is None


def test_relief_of_another_occurrence_relieves_nothing() -> None:
    measure = fact(1, "measure", DAY, measure="home", occurrence="tower-1")
    other = fact(2, "measure_lifted", later(2), reason="completed", occurrence="tower-2")
    same = fact(3, "measure_lifted", later(2), reason="completed", occurrence="tower-1")
    assert assess(person([measure, other]), book(RELIEF), NO_RISK, noon(later(2))).colour is Colour.YELLOW
    assert assess(person([measure, same]), book(RELIEF), NO_RISK, noon(later(2))).colour is Colour.GREEN


def test_a_coming_version_is_a_reason_to_look_again() -> None:
    history = BookHistory("town", [book(), book(version="2.0", valid_from="2020-03-01")])
    assert assess(person(), history, NO_RISK, noon(DAY)).review_at == midnight(date(2020, 3, 1))
    held = assess(person([contact(1, DAY)]), history, NO_RISK, noon(DAY))
    assert held.review_at == midnight(date(2020, 3, 1))


def test_what_is_missing_is_what_is_needed() -> None:
    rules = replace(book(), requires=("identity", "declaration"))
    seen = assess(person(declared=False), rules, NO_RISK, noon(DAY))
    assert (seen.next_change_at, seen.next_change_needs) == (None, ("declaration",))


CONFIRMED = f"""\
  - id: held
    fact: false_declaration
    gives: {{at_least: red}}
    hold: {{anchor: start, normal_punch_ins: 14, counting: total}}
    then:
      - gives: {{at_least: red}}
        hold: {{after: confirmed_by_county}}
    text: {TEXT}
  - id: confirmed_by_county
    effect: exonerating
    fact: measure_lifted
    when: {{reason: confirmed}}
    text: {TEXT}
"""


def test_release_that_somebody_confirms_names_the_punch_ins_before_it() -> None:
    one = person([fact(1, "false_declaration", DAY)], days(later(1), later(4)))
    seen = assess(one, book(CONFIRMED), NO_RISK, noon(later(4)))
    assert seen.next_change_at is None
    assert seen.next_change_needs == ("normal_punch_ins:10", "relief:confirmed_by_county")
    done = assess(
        replace(one, punch_in_days=days(later(1), later(14))), book(CONFIRMED), NO_RISK, noon(later(20))
    )
    assert done.next_change_needs == ("relief:confirmed_by_county",)
