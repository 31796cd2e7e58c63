"""A rule's conditions compiled to predicates on one fact and the moment at which it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bot.core.asking import corroborated
from bot.core.facts import FactKind, last_day
from bot.core.model import Fact
from bot.core.rules import Condition, Predicate

if TYPE_CHECKING:
    from bot.core.evaluate import Moment

_ANY = (0, 2**63)


def compile_predicates(
    when: tuple[tuple[Condition, ...], ...], kinds: tuple[str, ...]
) -> tuple[Predicate, ...]:
    """Predicates that must all hold; several alternatives become one predicate."""
    found = [tuple(predicate(one, kinds) for one in alternative) for alternative in when]
    if not found:
        return ()
    if len(found) == 1:
        return found[0]

    def any_of(fact: Fact, moment: Moment) -> bool:
        return any(all(holds(fact, moment) for holds in alternative) for alternative in found)

    return (any_of,)


def predicate(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    """One condition as a predicate; `kinds` are those of its rule."""
    special = _SPECIAL.get(condition.reads)
    if special is not None:
        return special(condition, kinds)
    name = condition.reads
    if condition.accepted:
        accepted = condition.accepted
        return lambda fact, _: fact.details.get(name) in accepted
    if condition.bounds is not None:
        return _number(name, *condition.bounds)
    wanted = condition.wanted
    return lambda fact, _: fact.details.get(name) is wanted


def _number(name: str, low: int, high: int) -> Predicate:
    def within(fact: Fact, moment: Moment) -> bool:
        value = fact.details.get(name)
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return within


def _division(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    prefixes = tuple(str(one) for one in condition.accepted)
    inside = condition.reads == "division"
    return lambda fact, _: fact.division is not None and fact.division.startswith(prefixes) is inside


def _source(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    accepted = condition.accepted
    return lambda fact, _: fact.source in accepted


def _days(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    low, high = condition.bounds or _ANY

    def long_enough(fact: Fact, moment: Moment) -> bool:
        return low <= (last_day(fact, moment.zone, moment.today) - fact.start).days + 1 <= high

    return long_enough


def _visits(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    low, _ = condition.bounds or _ANY

    def often_enough(fact: Fact, moment: Moment) -> bool:
        county = (fact.division or "")[:6]
        days = {one.start for one in moment.facts if one.kind in kinds and (one.division or "")[:6] == county}
        return len(days) >= low

    return often_enough


def _codes_together(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    low, _ = condition.bounds or _ANY

    def together(fact: Fact, moment: Moment) -> bool:
        on_the_day = (one for one in moment.facts if one.kind == FactKind.SYMPTOM and one.start == fact.start)
        return len({one.details.get("code") for one in on_the_day} - {None}) >= low

    return together


def _corroborated(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    return corroborated


def _minor(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    wanted = condition.wanted
    return lambda _, moment: moment.person.minor is wanted


def _same_carriage(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    wanted = condition.wanted

    def same(fact: Fact, moment: Moment) -> bool:
        own, of_case = fact.details.get("carriage"), fact.details.get("case_carriage")
        return own is not None and of_case is not None and (own == of_case) is wanted

    return same


def _rows_apart(condition: Condition, kinds: tuple[str, ...]) -> Predicate:
    low, high = condition.bounds or _ANY

    def near(fact: Fact, moment: Moment) -> bool:
        own, of_case = fact.details.get("row"), fact.details.get("case_row")
        return isinstance(own, int) and isinstance(of_case, int) and low <= abs(own - of_case) <= high

    return near


_SPECIAL: Mapping[str, Callable[[Condition, tuple[str, ...]], Predicate]] = {
    "division": _division,
    "not_division": _division,
    "source": _source,
    "days": _days,
    "visits": _visits,
    "codes_together": _codes_together,
    "corroborated": _corroborated,
    "minor": _minor,
    "same_carriage": _same_carriage,
    "rows_apart": _rows_apart,
}
