"""The plan judges a chunk of residents exactly as the engine judges them one by one."""

from __future__ import annotations

from datetime import datetime

from hypothesis import event, given, settings

from bot.core.assess import assess
from bot.core.columnar.columns import columns_of
from bot.core.columnar.plan import Plan
from bot.core.model import Person, RiskMap
from bot.core.rules import BookHistory
from bot.services.rescore import stored_form
from tests.core.strategies import instants, rare, risk_maps, towns


@settings(max_examples=100, deadline=None)
@given(towns(), risk_maps(), instants())
def test_columns_give_what_one_by_one_gives(
    town: tuple[BookHistory, list[Person]], risk: RiskMap, at: datetime
) -> None:
    history, several = town
    persons = dict(enumerate(several, start=7))
    judged = Plan(history, risk, at, "a_scheme").judge(columns_of(persons))
    left = set(judged.open)
    rows = {row["resident_id"]: row for row in judged.results.iter_rows(named=True)}
    assert set(rows) == set(persons) - left
    assert len(judged.results) == len(rows)
    event(f"open: {bool(left)}")
    for number, person in persons.items():
        if number in left:
            assert rare(person, history)
            continue
        one = assess(person, history, risk, at, scheme="a_scheme")
        row = rows[number]
        assert row["stored"] == stored_form(one)
        assert (row["colour"], row["state"]) == (one.colour.value, one.state.value)
