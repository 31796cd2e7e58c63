"""What can never matter in a rule book: a second reading of books that are well formed, once every rule is known.

Only what is certain is refused, because a refusal stops a service: each check here follows from how
`bot.core.evaluate` and `bot.core.scores` read the same data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.model import SEVERITY, Colour
from bot.core.rules import BookHistory, Condition, Gives, Rule, RuleBook, Step
from bot.core.yaml_lines import Problems

Alternative = tuple[Condition, ...]


def note_unreachable(book: RuleBook, problems: Problems) -> None:
    """Note every rule, alternative, step or setting that can't ever matter.

    Rules that already have a problem are left out: what they were meant to say isn't known.
    """
    wrong = problems.numbers()
    for line, problem in unreachable(book, wrong):
        problems.add(line, problem)


def unreachable(book: RuleBook, wrong: frozenset[int] = frozenset()) -> Iterator[tuple[int, str]]:
    """Each line with what can't ever matter there; `wrong` are lines that already have a problem."""
    sound = _sound(book.rules, wrong)
    for rule in sound:
        for problem in (*_in_conditions(rule), *_in_risk(rule, book), *_in_steps(rule), *_in_asking(rule)):
            yield rule.line, f"{rule.id!r}: {problem}"
    yield from _waiting_in_vain(sound, book)
    yield from _twins(sound, book)
    if not wrong:
        yield from _without_effect(book)


def doubtful(book: RuleBook) -> Iterator[str]:
    """What is allowed but hardly meant: dimensions without points, colours that no points reach."""
    used = {gives.dimension for rule in book.rules for gives in _all_gives(rule)}
    for name in book.dimensions:
        if name not in used:
            yield f"no rule gives points in the dimension {name!r}"
    most = sum(_most(book, name) for name in book.dimensions)
    for colour, (lowest, _) in book.bands.items():
        if colour is not Colour.GREEN and lowest > most:
            yield f"no points reach the band {colour.value}: it begins at {lowest}, all rules together give {most}"


def overlaps(books: Sequence[RuleBook]) -> Iterator[tuple[RuleBook, str]]:
    """What surprises in the windows of one scheme's versions: one that never judges, one that comes back."""
    history = BookHistory(books[0].scheme, books)
    in_force = [history.at(edge) for edge in history.edges]
    for book in books:
        if book not in in_force:
            yield book, f"version {book.version} never judges: a higher version is valid whenever it is"
    for edge, before, after in zip(history.edges[1:], in_force, in_force[1:], strict=False):
        if before is not None and after is not None and _is_higher(before, after, history):
            yield (
                after,
                f"from {edge.isoformat()} version {after.version} judges again after {before.version}, which is "
                f"higher: give it a 'valid_to', or the other one none",
            )


def _is_higher(one: RuleBook, other: RuleBook, history: BookHistory) -> bool:
    return history.versions.index(one) < history.versions.index(other)


def _sound(rules: Sequence[Rule], wrong: frozenset[int]) -> list[Rule]:
    """The rules without a problem between their first line and that of the next rule."""
    ends = [*(rule.line for rule in rules[1:]), 2**31]
    return [
        rule
        for rule, end in zip(rules, ends, strict=True)
        if not any(rule.line <= line < end for line in wrong)
    ]


def _in_conditions(rule: Rule) -> Iterator[str]:
    """Alternatives that no fact meets, and those that another one makes superfluous."""
    for number, alternative in enumerate(rule.when, start=1):
        if _contradicts_itself(alternative):
            yield (
                f"no fact can meet alternative {number} of its 'when': "
                f"its 'code' is not in its 'symptom_group'"
            )
        for other_number, other in enumerate(rule.when, start=1):
            if number == other_number or not _follows(other, alternative):
                continue
            if number > other_number or not _follows(alternative, other):
                yield (
                    f"alternative {number} of its 'when' can never matter: whatever meets it "
                    f"meets alternative {other_number}"
                )
                break


def _contradicts_itself(alternative: Alternative) -> bool:
    """Whether two conditions on a symptom's code have none in common; 'symptom_group' reads the code, too."""
    codes = [one.accepted for one in alternative if one.reads == "code" and one.accepted]
    return bool(codes) and not frozenset.intersection(*codes)


def _follows(wanted: Alternative, given: Alternative) -> bool:
    """Whether every fact that meets `given` meets `wanted`."""
    return all(any(_implies(one, condition) for one in given) for condition in wanted)


def _implies(one: Condition, other: Condition) -> bool:
    if one.reads != other.reads:
        return False
    if one.reads == "not_division":
        return one.accepted >= other.accepted
    if one.accepted or other.accepted:
        return bool(one.accepted) and one.accepted <= other.accepted
    if one.bounds is not None and other.bounds is not None:
        return other.bounds[0] <= one.bounds[0] and one.bounds[1] <= other.bounds[1]
    return one.bounds == other.bounds and one.wanted == other.wanted


def _in_risk(rule: Rule, book: RuleBook) -> Iterator[str]:
    if rule.risk is not None and "unknown" in rule.risk and book.unknown_risk != "undecided":
        yield (f"the risk 'unknown' never comes: 'unknown_risk' of this book reads it as {book.unknown_risk}")


def _in_steps(rule: Rule) -> Iterator[str]:
    """A later step that is over when it begins: counted from the same day as an earlier one, and not longer."""
    for number, step in enumerate(rule.steps):
        for earlier in rule.steps[:number]:
            if _is_over_with(step, earlier):
                yield (
                    f"step {number + 1} never shows: it counts from the same day ({step.hold.anchor}) as a step "
                    f"before it and is not longer; 'anchor: previous' counts from where that one ended"
                )
                break


def _is_over_with(step: Step, earlier: Step) -> bool:
    one, other = step.hold, earlier.hold
    return (
        one.after is None
        and other.after is None
        and one.anchor == other.anchor != "previous"
        and one.consecutive == other.consecutive
        and one.days <= other.days
        and one.normal_punch_ins <= other.normal_punch_ins
    )


def _in_asking(rule: Rule) -> Iterator[str]:
    """An 'ask_first' that never asks, because of whom the rule listens to."""
    if rule.ask_first is None or not rule.when:
        return
    sources = [
        next((one.accepted for one in alternative if one.reads == "source"), None)
        for alternative in rule.when
    ]
    if all(one is not None and one.isdisjoint(rule.ask_first.sources) for one in sources):
        yield "'ask_first' never asks: its 'when' leaves out all of its sources"
    if all(any(one.reads == "corroborated" for one in alternative) for alternative in rule.when):
        yield "'ask_first' never asks: what is corroborated counts at once"


def _waiting_in_vain(rules: Sequence[Rule], book: RuleBook) -> Iterator[tuple[int, str]]:
    """Holds that wait for a relief which, at that moment, ends the rule altogether."""
    for rule in rules:
        for number, step in enumerate(rule.steps, start=1):
            awaited = book.by_id.get(step.hold.after or "")
            held = step.hold.days or step.hold.normal_punch_ins or number < len(rule.steps)
            if awaited is None or not held:
                continue
            for ender in book.enders.get(rule.id, ()):
                if _covers(ender, awaited):
                    yield (
                        ender.line,
                        f"{ender.id!r} ends {rule.id!r}, whose step {number} waits for {awaited.id!r}: what is held "
                        f"after it can never run",
                    )


def _covers(ender: Rule, awaited: Rule) -> bool:
    """Whether the ender is met whenever the awaited rule is."""
    if ender is awaited:
        return True
    if ender.enough.count != 1 or not set(awaited.kinds) <= set(ender.kinds):
        return False
    if any(one.reads == "visits" for alternative in ender.when for one in alternative):
        return False  # it counts facts of its own rule's kinds
    return not ender.when or (
        bool(awaited.when)
        and all(any(_follows(wanted, given) for wanted in ender.when) for given in awaited.when)
    )


def _twins(rules: Sequence[Rule], book: RuleBook) -> Iterator[tuple[int, str]]:
    """Rules that are met and ended by the same facts as an other one, and do no more than that one."""
    awaited = {step.hold.after for rule in book.rules for step in rule.steps}
    alike: dict[object, list[Rule]] = {}
    for rule in rules:
        if rule.id not in awaited:
            alike.setdefault(_met_by(rule, book), []).append(rule)
    for twins in alike.values():
        for number, rule in enumerate(twins):
            for other in (*twins[:number], *twins[number + 1 :]):
                if _same_effect(rule, other):
                    if other in twins[:number]:
                        yield rule.line, f"{rule.id!r} is {other.id!r} again: the same facts, the same effect"
                        break
                elif _no_stronger(rule, other, book):
                    yield (
                        rule.line,
                        f"{rule.id!r} can never matter: {other.id!r} is met by the same facts and does more",
                    )
                    break


def _met_by(rule: Rule, book: RuleBook) -> object:
    """All that decides when a rule is met and when its effect is over."""
    return (
        rule.exonerating,
        frozenset(rule.kinds),
        frozenset(frozenset(alternative) for alternative in rule.when),
        rule.risk,
        rule.window,
        tuple(step.hold for step in rule.steps),
        rule.ask_first,
        rule.enough,
        frozenset(rule.ends),
        rule.only_its_source,
        frozenset(one.id for one in book.enders.get(rule.id, ())),
    )


def _same_effect(rule: Rule, other: Rule) -> bool:
    return _own_gives(rule) == _own_gives(other)


def _no_stronger(rule: Rule, other: Rule, book: RuleBook) -> bool:
    return all(
        _weaker_or_same(one, more, book)
        for one, more in zip(_own_gives(rule), _own_gives(other), strict=True)
    )


def _weaker_or_same(one: Gives, more: Gives, book: RuleBook) -> bool:
    if one.at_least is not None and more.at_least is not None:
        return SEVERITY[one.at_least] <= SEVERITY[more.at_least]
    if one.at_most is not None and more.at_most is not None:
        return SEVERITY[one.at_most] >= SEVERITY[more.at_most]
    if one.dimension is None or one.dimension != more.dimension:
        return False
    found = book.dimensions.get(one.dimension)
    return found is not None and found.combine == "max" and one.points <= more.points


def _own_gives(rule: Rule) -> tuple[Gives, ...]:
    return tuple(step.gives for step in rule.steps) or (rule.gives,)


def _all_gives(rule: Rule) -> tuple[Gives, ...]:
    asking = () if rule.ask_first is None else (rule.ask_first.gives,)
    return (*_own_gives(rule), *asking)


def _without_effect(book: RuleBook) -> Iterator[tuple[int, str]]:
    """Points that stay green even with every other dimension at the highest that its rules give."""
    harmful = [lowest for colour, (lowest, _) in book.bands.items() if colour is not Colour.GREEN]
    if not harmful:
        return
    first = min(harmful)
    for rule in book.rules:
        for number, gives in enumerate(_own_gives(rule), start=1):
            dimension = book.dimensions.get(gives.dimension or "")
            if dimension is None:
                continue
            own = dimension.cap if dimension.combine == "sum" else gives.points
            others = sum(_most(book, name) for name in book.dimensions if name != dimension.name)
            if own + others < first:
                step = f" of step {number}" if number > 1 else ""
                yield (
                    rule.line,
                    f"{rule.id!r}: the {gives.points} points{step} can never change a colour: with everything else "
                    f"they come to {own + others} at most, and {first} is the first that isn't green",
                )


def _most(book: RuleBook, name: str) -> int:
    """The highest score of a dimension that its rules can give; a sum grows with every fact, up to its cap."""
    points = [gives.points for rule in book.rules for gives in _all_gives(rule) if gives.dimension == name]
    if not points:
        return 0
    dimension = book.dimensions[name]
    return dimension.cap if dimension.combine == "sum" else min(max(points), dimension.cap)
