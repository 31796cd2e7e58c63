"""What holds for every person, clock and rule book, the shipped ones and mutations of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.assess import assess
from bot.core.facts import FactKind
from bot.core.model import SEVERITY, Colour, Fact, Person, RiskMap
from bot.core.rules import BookHistory
from bot.services.rescore import stored_form
from tests.core.strategies import instants, risk_maps, towns

Town = tuple[BookHistory, list[Person]]
_FEW = settings(max_examples=40, deadline=None)


@_FEW
@given(towns(2), risk_maps(), instants(), st.randoms())
def test_order_of_facts_and_days_changes_nothing(
    town: Town, risk: RiskMap, at: datetime, order: object
) -> None:
    history, persons = town
    for person in persons:
        facts, punch_ins = list(person.facts), list(person.punch_in_days)
        order.shuffle(facts)  # type: ignore[attr-defined]
        order.shuffle(punch_ins)  # type: ignore[attr-defined]
        shuffled = replace(person, facts=tuple(facts), punch_in_days=tuple(punch_ins))
        first, second = (assess(one, history, risk, at) for one in (person, shuffled))
        assert stored_form(first) == stored_form(second)


@_FEW
@given(towns(2), risk_maps(), instants())
def test_scoring_again_gives_the_same_text(town: Town, risk: RiskMap, at: datetime) -> None:
    history, persons = town
    for person in persons:
        seen = assess(person, history, risk, at)
        assert stored_form(seen) == stored_form(seen) == stored_form(assess(person, history, risk, at))


@settings(max_examples=80, deadline=None)
@given(towns(2), risk_maps(), instants())
def test_withdrawing_an_incriminating_fact_never_worsens_it(town: Town, risk: RiskMap, at: datetime) -> None:
    history, persons = town
    relieving = {
        kind for book in history.versions for rule in book.rules if rule.exonerating for kind in rule.kinds
    }
    for person in persons:
        seen = assess(person, history, risk, at)
        for fact in person.facts:
            if fact.kind in relieving or fact.kind == "answer" or _may_answer_for(fact, person, history):
                continue
            after = seen.without(fact.id)
            if Colour.GREY not in (seen.colour, after.colour):
                assert SEVERITY[after.colour] <= SEVERITY[seen.colour]


def _may_answer_for(fact: Fact, person: Person, history: BookHistory) -> bool:
    """Whether the fact is a stay on which it may rest that another location is asked about first, or cleared.

    Such a stay speaks for the resident: without it the other location counts at once, yellow may turn red.
    """
    asking = [rule for book in history.versions for rule in book.rules if rule.ask_first is not None]
    return fact.kind == FactKind.STAY and any(
        one is not fact and one.kind in rule.kinds and rule.ask_first and one.source in rule.ask_first.sources
        for one in person.facts
        for rule in asking
    )


@_FEW
@given(towns(2), risk_maps(), instants())
def test_second_punch_in_of_a_day_never_counts_twice(town: Town, risk: RiskMap, at: datetime) -> None:
    history, persons = town
    for person in persons:
        twice = replace(person, punch_in_days=person.punch_in_days * 2)
        assert stored_form(assess(twice, history, risk, at)) == stored_form(assess(person, history, risk, at))


@_FEW
@given(towns(2), risk_maps(), instants())
def test_without_a_finding_nobody_is_yellow_or_red(town: Town, risk: RiskMap, at: datetime) -> None:
    history, persons = town
    for person in persons:
        seen = assess(person, history, risk, at)
        incriminating = [finding for finding in seen.findings if finding.at_most is None]
        assert incriminating or seen.colour in (Colour.GREEN, Colour.GREY)
