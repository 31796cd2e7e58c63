"""Reading the rules of a rule book: one mapping each, checked against each other, compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.core.conditions import needs_place, read_when
from bot.core.facts import KINDS, Ending, FactKind
from bot.core.model import RISK_LEVELS, Colour
from bot.core.predicates import compile_predicates
from bot.core.rules import AskFirst, Dimension, Enough, Gives, Hold, Rule, Step, Window
from bot.core.yaml_lines import Problems, Reader, nearest

_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")
_DAYS = ("start", "end", "known")
_ASKABLE = (FactKind.STAY, FactKind.JOURNEY)
_FOREVER = 3660


def read_rules(book: Reader, dimensions: Mapping[str, Dimension]) -> tuple[Rule, ...]:
    """All rules of the book in their order; what is wrong is noted."""
    readers = book.mappings("rules", "a rule")
    rules = tuple(_read_rule(reader, index, dimensions) for index, reader in enumerate(readers))
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            book.problems.add(rule.line, f"the rule {rule.id!r} is there twice")
        seen.add(rule.id)
    _check_together(rules, book.problems)
    return rules


def _read_rule(reader: Reader, index: int, dimensions: Mapping[str, Dimension]) -> Rule:
    rule_id = reader.text("id")
    if rule_id and not _ID.fullmatch(rule_id):
        reader.problem(f"not an id: {rule_id!r}", "id")
    reader.what = f"the rule {rule_id!r}"
    exonerating = reader.text(
        "effect", "incriminating", required=False, among=("incriminating", "exonerating")
    )
    kinds = reader.texts("fact", among=tuple(kind.value for kind in FactKind))
    when = read_when(reader.entries("when", required=False), kinds, reader.problems)
    rule = Rule(
        id=rule_id, index=index, line=reader.line, kinds=kinds, exonerating=exonerating == "exonerating",
        when=when, predicates=compile_predicates(when, kinds),
        risk=_read_risk(reader, kinds),
        gives=_read_gives(reader, dimensions, exonerating == "exonerating") if reader.has("gives") else Gives(),
        window=_read_window(reader), steps=_read_steps(reader, dimensions),
        ask_first=_read_ask_first(reader, kinds, dimensions),
        enough=_read_enough(reader), ends=reader.texts("ends", required=False),
        only_its_source=reader.flag("only_its_source"), text=reader.translations("text"),
    )  # fmt: skip
    reader.finish()
    _check_alone(rule, reader)
    return rule


def _read_gives(reader: Reader, dimensions: Mapping[str, Dimension], exonerating: bool) -> Gives:
    found = reader.mapping("gives")
    if found is None:
        return Gives()
    at_least = found.text("at_least", required=False, among=("yellow", "red"))
    at_most = found.text("at_most", required=False, among=("green", "yellow"))
    dimension = found.text("dimension", required=False, among=tuple(dimensions))
    points = found.number("points", 0, low=1, required=bool(dimension))
    if bool(at_least) + bool(at_most) + bool(dimension or points) != 1 or (points and not dimension):
        found.problem("'gives' needs points in a dimension of this book, or 'at_least', or 'at_most'")
    elif bool(at_most) != exonerating:
        found.problem("'at_most' is for exonerating rules, points and 'at_least' are for the others")
    if dimension in dimensions and points > dimensions[dimension].cap:
        found.problem(f"{points} points are above the cap of {dimension}", "points")
    found.finish()
    return Gives(
        dimension or None,
        points,
        Colour(at_least) if at_least else None,
        Colour(at_most) if at_most else None,
    )


def _read_risk(reader: Reader, kinds: tuple[str, ...]) -> frozenset[str] | None:
    if not reader.has("risk"):
        return None
    needs_place(reader, "risk", kinds)
    levels = frozenset(reader.texts("risk", among=(*RISK_LEVELS, "unknown")))
    if levels.issuperset((*RISK_LEVELS, "unknown")):
        reader.problem("every risk level is accepted: leave 'risk' out", "risk")
    return levels


def _read_window(reader: Reader) -> Window | None:
    found = reader.mapping("days_since", required=False)
    if found is None:
        return None
    since = found.text("of", "end", required=False, among=_DAYS)
    first = found.number("min", 0, high=_FOREVER)
    last = found.number("max", 0, high=_FOREVER) if found.has("max") else None
    if last is not None and last < first:
        found.problem(f"no fact can meet this: days since from {first} to {last}")
    found.finish()
    return Window(since, first, last)


def _read_steps(reader: Reader, dimensions: Mapping[str, Dimension]) -> tuple[Step, ...]:
    if not reader.has("hold"):
        if reader.has("then"):
            reader.problem("'then' without a 'hold'", "then")
            reader.entry("then")
        return ()
    first = Step(_read_gives(reader, dimensions, exonerating=False), _read_hold(reader, first=True))
    steps = [first]
    for one in reader.mappings("then", "a step", required=False):
        steps.append(Step(_read_gives(one, dimensions, exonerating=False), _read_hold(one, first=False)))
        one.finish()
    return tuple(steps)


def _read_hold(reader: Reader, *, first: bool) -> Hold:
    found = reader.mapping("hold")
    if found is None:
        return Hold()
    after = found.text("after", required=False) or None
    default = "start" if first else "previous"
    anchors = _DAYS if first else (*_DAYS, "previous")
    hold = Hold(
        anchor=found.text("anchor", default, required=False, among=anchors),
        after=after,
        days=found.number("days", 0, high=_FOREVER),
        normal_punch_ins=found.number("normal_punch_ins", 0, high=_FOREVER),
        consecutive=found.text("counting", "consecutive", required=False, among=("consecutive", "total"))
        == "consecutive",
    )
    if after and found.has("anchor"):
        found.problem("'after' is the anchor: leave 'anchor' out", "anchor")
    if not hold.days and not hold.normal_punch_ins and not after:
        found.problem("the hold lasts no day")
    if found.has("counting") and not hold.normal_punch_ins:
        found.problem("'counting' without 'normal_punch_ins'", "counting")
    found.finish()
    return hold


def _read_ask_first(
    reader: Reader, kinds: tuple[str, ...], dimensions: Mapping[str, Dimension]
) -> AskFirst | None:
    found = reader.mapping("ask_first", required=False)
    if found is None:
        return None
    if any(kind not in _ASKABLE for kind in kinds):
        reader.problem("only stays and journeys are asked about first", "ask_first")
    asking = AskFirst(
        sources=frozenset(found.texts("sources")),
        bordering_only=found.flag("bordering_only", True),
        gives=_read_gives(found, dimensions, exonerating=False),
        days=found.number("days", 0, low=1, high=_FOREVER, required=True),
    )
    if asking.gives.at_least is Colour.RED:
        found.problem("what was asked first is at most yellow until it is answered", "gives")
    found.finish()
    return asking


def _read_enough(reader: Reader) -> Enough:
    found = reader.mapping("enough", required=False)
    if found is None:
        return Enough()
    enough = Enough(
        count=found.number("count", 1, low=1, high=30, required=True),
        hours_apart=found.number("hours_apart", 0, high=24 * 30),
        within_days=found.number("within_days", 1, low=1, high=60) if found.has("within_days") else None,
    )
    if enough.within_days is not None and enough.hours_apart * (enough.count - 1) >= 24 * enough.within_days:
        found.problem("no facts can be so far apart within so few days")
    found.finish()
    return enough


def _check_alone(rule: Rule, reader: Reader) -> None:
    """What a rule can't say by itself."""
    if rule.only_its_source:
        if rule.kinds != (FactKind.OTHER_PLACE_COLOUR,):
            reader.problem("'only_its_source' is for the colour that another place set", "only_its_source")
        if rule.gives.at_least is None or rule.steps:
            reader.problem("'only_its_source' needs 'at_least' and has no hold", "only_its_source")
    if rule.exonerating:
        if rule.steps or rule.ask_first or rule.risk is not None:
            reader.problem("an exonerating rule has no hold, no risk and asks nothing")
        if rule.window is not None and rule.gives.at_most is None:
            reader.problem(
                "an exonerating rule counts whenever it came: leave 'days_since' out", "days_since"
            )
        return
    if not reader.has("gives"):
        reader.problem(f"{reader.what} has no 'gives'")
    if rule.ends or reader.has("enough"):
        reader.problem("'ends' and 'enough' are for exonerating rules")
    if rule.steps and rule.window is not None:
        reader.problem("a rule has a hold or 'days_since', not both", "days_since")


def _check_together(rules: tuple[Rule, ...], problems: Problems) -> None:
    """What rules can't say of each other: unknown ids, effects that nothing ends, rules that relieve nothing."""
    by_id = {rule.id: rule for rule in rules}
    ended = {target for rule in rules for target in rule.ends}
    awaited = {step.hold.after for rule in rules for step in rule.steps}
    for rule in rules:
        for target in rule.ends:
            if target not in by_id or by_id[target].exonerating:
                problems.add(
                    rule.line,
                    f"{rule.id!r} ends {target!r}, which is not an incriminating rule here{nearest(target, by_id)}",
                )
            elif by_id[target].only_its_source:
                problems.add(rule.line, f"{rule.id!r} ends {target!r}, which only its source ends")
        for step in rule.steps:
            after = step.hold.after
            if after is not None and (after not in by_id or not by_id[after].exonerating):
                problems.add(
                    rule.line,
                    f"{rule.id!r} waits for {after!r}, which is not an exonerating rule here{nearest(after or '', by_id)}",
                )
        if rule.exonerating:
            if not rule.ends and rule.gives.at_most is None and rule.id not in awaited:
                problems.add(rule.line, f"{rule.id!r} relieves nothing")
        elif not _has_an_end(rule) and rule.id not in ended:
            problems.add(
                rule.line, f"{rule.id!r} never ends: give it a hold, days since, or a rule that ends it"
            )


def _has_an_end(rule: Rule) -> bool:
    if rule.steps or rule.only_its_source:
        return True
    if rule.window is not None:
        return rule.window.last is not None
    return all(KINDS[kind].ending is Ending.FORBIDDEN for kind in rule.kinds if kind in KINDS)
