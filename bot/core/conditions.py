"""The `when` of a rule: each condition checked against the kinds of fact it is about, and compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bot.core.evaluate import Moment, corroborated
from bot.core.facts import DIVISION, KINDS, FactKind, Field, Kind, last_day
from bot.core.model import Fact
from bot.core.rules import Condition
from bot.core.yaml_lines import Entry, Problems, Reader


class Compiled(NamedTuple):
    """Conditions that must all hold, and whether any reads more than the fact itself."""

    conditions: tuple[Condition, ...]
    reads_moment: bool


NO_CONDITIONS = Compiled((), False)
_UNBOUNDED = (-(2**63), 2**63)
_MOMENT_KEYS = ("days", "visits", "codes_together", "corroborated", "minor")


def compile_when(when: list[Entry], kinds: tuple[str, ...], problems: Problems) -> Compiled:
    """One mapping of conditions, or a list of them of which one is enough, as predicates."""
    found = [_compile_one(Reader(one, problems, "a condition"), kinds) for one in when]
    if not found:
        return NO_CONDITIONS
    if len(found) == 1:
        return found[0]
    alternatives = tuple(one.conditions for one in found)

    def any_of(fact: Fact, moment: Moment) -> bool:
        return any(all(condition(fact, moment) for condition in one) for one in alternatives)

    return Compiled((any_of,), any(one.reads_moment for one in found))


def _compile_one(reader: Reader, kinds: tuple[str, ...]) -> Compiled:
    conditions: list[Condition] = []
    for key in reader.names():
        condition = _SPECIAL[key](reader, kinds) if key in _SPECIAL else _detail(reader, key, kinds)
        if condition is not None:
            conditions.append(condition)
    if not conditions:
        reader.problem("a condition that says nothing")
    return Compiled(tuple(conditions), any(reader.has(key) for key in _MOMENT_KEYS))


def _detail(reader: Reader, key: str, kinds: tuple[str, ...]) -> Condition | None:
    fields = {kind: KINDS[kind].fields.get(key) for kind in kinds}
    without = [kind for kind, field in fields.items() if field is None]
    if without:
        reader.problem(f"no fact can meet this: {' and '.join(without)} has no {key!r}", key)
        reader.entry(key)
        return None
    field = next(one for one in fields.values() if one is not None)
    if field.bounds is not None:
        return _number_detail(reader, key, field)
    if field.flag:
        wanted = reader.flag(key)
        return lambda fact, _: fact.details.get(key) is wanted
    accepted = frozenset(reader.texts(key, among=field.choices or None))
    return lambda fact, _: fact.details.get(key) in accepted


def _number_detail(reader: Reader, key: str, field: Field) -> Condition:
    entry = reader.entry(key)
    if entry is not None and isinstance(entry.value, int) and not isinstance(entry.value, bool):
        low = high = entry.value
        if field.problem(low) is not None:
            reader.problem(f"no fact can meet this: {key!r} {field.problem(low)}", key)
    else:
        low, high = _range(reader, key, field.bounds or _UNBOUNDED)

    def within(fact: Fact, moment: Moment) -> bool:
        value = fact.details.get(key)
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return within


def _range(reader: Reader, key: str, bounds: tuple[int, int], *, only_min: bool = False) -> tuple[int, int]:
    """The `min` and `max` under that key; both optional, one demanded, and a value between them possible."""
    found = reader.mapping(key)
    if found is None:
        return bounds
    low = found.number("min", bounds[0], low=-(2**62), high=2**62)
    high = bounds[1] if only_min else found.number("max", bounds[1], low=-(2**62), high=2**62)
    if not found.has("min") and not found.has("max"):
        found.problem(f"{key!r} has neither 'min' nor 'max'")
    found.finish()
    if max(low, bounds[0]) > min(high, bounds[1]):
        reader.problem(f"no fact can meet this: {key!r} from {low} to {high}", key)
    return low, high


def _division(reader: Reader, kinds: tuple[str, ...]) -> Condition | None:
    return _prefix(reader, kinds, "division", inside=True)


def _not_division(reader: Reader, kinds: tuple[str, ...]) -> Condition | None:
    return _prefix(reader, kinds, "not_division", inside=False)


def _prefix(reader: Reader, kinds: tuple[str, ...], key: str, *, inside: bool) -> Condition | None:
    needs_place(reader, key, kinds)
    prefixes = reader.texts(key)
    for prefix in prefixes:
        if not DIVISION.fullmatch(prefix):
            reader.problem(f"in {key!r}: {prefix!r} is not a division code", key)
    return lambda fact, _: fact.division is not None and fact.division.startswith(prefixes) is inside


def needs_place(reader: Reader, key: str, kinds: tuple[str, ...]) -> None:
    """Note a problem for each kind that has no division to test."""
    for kind in kinds:
        if KINDS.get(kind, Kind()).place == "none":
            reader.problem(f"no fact can meet this: {kind} has no division", key)


def _source(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    accepted = frozenset(reader.texts("source"))
    return lambda fact, _: fact.source in accepted


def _days(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    low, high = _range(reader, "days", (1, 36500))

    def long_enough(fact: Fact, moment: Moment) -> bool:
        return low <= (last_day(fact, moment.zone, moment.today) - fact.start).days + 1 <= high

    return long_enough


def _visits(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    low, _ = _range(reader, "visits", (1, 36500), only_min=True)

    def often_enough(fact: Fact, moment: Moment) -> bool:
        county = (fact.division or "")[:6]
        days = {one.start for one in moment.facts if one.kind in kinds and (one.division or "")[:6] == county}
        return len(days) >= low

    return often_enough


def _codes_together(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    low, _ = _range(reader, "codes_together", (1, 12), only_min=True)
    if kinds != (FactKind.SYMPTOM,):
        reader.problem("no fact can meet this: only symptoms have codes", "codes_together")

    def together(fact: Fact, moment: Moment) -> bool:
        on_the_day = (one for one in moment.facts if one.kind == FactKind.SYMPTOM and one.start == fact.start)
        return len({one.details.get("code") for one in on_the_day} - {None}) >= low

    return together


def _corroborated(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    needs_place(reader, "corroborated", kinds)
    if not reader.flag("corroborated"):
        reader.problem(
            "'corroborated' can only be true; what lacks a second source is asked first", "corroborated"
        )
    return corroborated


def _minor(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    wanted = reader.flag("minor")
    return lambda _, moment: moment.person.minor is wanted


_SPECIAL: Mapping[str, Callable[[Reader, tuple[str, ...]], Condition | None]] = {
    "division": _division,
    "not_division": _not_division,
    "source": _source,
    "days": _days,
    "visits": _visits,
    "codes_together": _codes_together,
    "corroborated": _corroborated,
    "minor": _minor,
}
