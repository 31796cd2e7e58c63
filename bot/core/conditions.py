"""The `when` of a rule: each condition read, and checked against the kinds of fact that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.core.facts import DIVISION, KINDS, SYMPTOM_GROUPS, FactKind, Field, Kind
from bot.core.model import Detail
from bot.core.rules import Condition
from bot.core.yaml_lines import Entry, Problems, Reader, nearest

_UNBOUNDED = (-(2**63), 2**63)


def read_when(
    when: list[Entry], kinds: tuple[str, ...], problems: Problems
) -> tuple[tuple[Condition, ...], ...]:
    """One mapping of conditions, or a list of them of which one is enough."""
    return tuple(_read_one(Reader(one, problems, "a condition"), kinds) for one in when)


def _read_one(reader: Reader, kinds: tuple[str, ...]) -> tuple[Condition, ...]:
    conditions: list[Condition] = []
    for key in reader.names():
        condition = _SPECIAL[key](reader, kinds) if key in _SPECIAL else _detail(reader, key, kinds)
        if condition is not None:
            conditions.append(condition)
    if not conditions:
        reader.problem("a condition that says nothing")
    _check_together(conditions, reader)
    return tuple(conditions)


def _check_together(conditions: list[Condition], reader: Reader) -> None:
    """Where a fact would have to be inside and outside of one division."""
    inside = next((one.accepted for one in conditions if one.reads == "division"), frozenset[Detail]())
    outside = next((one.accepted for one in conditions if one.reads == "not_division"), frozenset[Detail]())
    excluded = tuple(str(one) for one in outside)
    if inside and excluded and all(str(one).startswith(excluded) for one in inside):
        reader.problem("no fact can meet this: 'not_division' leaves out all of 'division'", "not_division")


def _detail(reader: Reader, key: str, kinds: tuple[str, ...]) -> Condition | None:
    fields = {kind: KINDS[kind].fields.get(key) for kind in kinds}
    known = {*_SPECIAL, *(name for kind in kinds for name in KINDS[kind].fields)}
    without = [kind for kind, field in fields.items() if field is None]
    if without:
        reader.problem(
            f"no fact can meet this: {' and '.join(without)} has no {key!r}{nearest(key, known)}", key
        )
        reader.entry(key)
        return None
    field = next((one for one in fields.values() if one is not None), None)
    if field is None:  # no known kind: that has been told
        reader.entry(key)
        return None
    if field.bounds is not None:
        return _number_detail(reader, key, field)
    if field.flag:
        return Condition(key, wanted=reader.flag(key))
    return Condition(key, accepted=frozenset(reader.texts(key, among=field.choices or None)))


def _number_detail(reader: Reader, key: str, field: Field) -> Condition:
    entry = reader.entry(key)
    if entry is not None and isinstance(entry.value, int) and not isinstance(entry.value, bool):
        low = high = entry.value
        if field.problem(low) is not None:
            reader.problem(f"no fact can meet this: {key!r} {field.problem(low)}", key)
    else:
        low, high = _range(reader, key, field.bounds or _UNBOUNDED)
    return Condition(key, bounds=(low, high))


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


def _prefix(key: str) -> Callable[[Reader, tuple[str, ...]], Condition]:
    def read(reader: Reader, kinds: tuple[str, ...]) -> Condition:
        needs_place(reader, key, kinds)
        prefixes = reader.texts(key)
        for prefix in prefixes:
            if not DIVISION.fullmatch(prefix):
                reader.problem(f"in {key!r}: {prefix!r} is not a division code", key)
        return Condition(key, accepted=frozenset(prefixes))

    return read


def needs_place(reader: Reader, key: str, kinds: tuple[str, ...]) -> None:
    """Note a problem for each kind that has no division to test."""
    for kind in kinds:
        if KINDS.get(kind, Kind()).place == "none":
            reader.problem(f"no fact can meet this: {kind} has no division", key)


def _source(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    return Condition("source", accepted=frozenset(reader.texts("source")))


def _days(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    return Condition("days", bounds=_range(reader, "days", (1, 36500)))


def _visits(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    return Condition("visits", bounds=_range(reader, "visits", (1, 36500), only_min=True))


def _codes_together(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    _only(reader, kinds, (FactKind.SYMPTOM,), "codes_together")
    return Condition("codes_together", bounds=_range(reader, "codes_together", (1, 12), only_min=True))


def _symptom_group(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    """The group stands for its codes: a measured temperature without a code belongs to none."""
    groups = reader.texts("symptom_group", among=tuple(SYMPTOM_GROUPS))
    _only(reader, kinds, (FactKind.SYMPTOM,), "symptom_group")
    return Condition(
        "code", accepted=frozenset(code for group in groups for code in SYMPTOM_GROUPS.get(group, ()))
    )


def _corroborated(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    needs_place(reader, "corroborated", kinds)
    if not reader.flag("corroborated"):
        reader.problem(
            "'corroborated' can only be true; what lacks a second source is asked first", "corroborated"
        )
    return Condition("corroborated")


def _minor(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    return Condition("minor", wanted=reader.flag("minor"))


def _same_carriage(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    _only(reader, kinds, (FactKind.JOURNEY,), "same_carriage")
    return Condition("same_carriage", wanted=reader.flag("same_carriage"))


def _rows_apart(reader: Reader, kinds: tuple[str, ...]) -> Condition:
    _only(reader, kinds, (FactKind.JOURNEY,), "rows_apart")
    return Condition("rows_apart", bounds=_range(reader, "rows_apart", (0, 200)))


def _only(reader: Reader, kinds: tuple[str, ...], wanted: tuple[str, ...], key: str) -> None:
    for kind in kinds:
        if kind not in wanted:
            reader.problem(f"no fact can meet this: {kind} has no {key!r}", key)


_SPECIAL: Mapping[str, Callable[[Reader, tuple[str, ...]], Condition | None]] = {
    "division": _prefix("division"),
    "not_division": _prefix("not_division"),
    "source": _source,
    "days": _days,
    "visits": _visits,
    "codes_together": _codes_together,
    "symptom_group": _symptom_group,
    "corroborated": _corroborated,
    "minor": _minor,
    "same_carriage": _same_carriage,
    "rows_apart": _rows_apart,
}
