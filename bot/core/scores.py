"""How findings combine: the points of each dimension, the band that the total falls into, what is at least and at most."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bot.core.evaluate import Books
from bot.core.model import SEVERITY, Colour
from bot.core.rules import RuleBook


class Counts(Protocol):
    """What of a finding decides the colour. Nothing caps a `firm` one."""

    @property
    def dimension(self) -> str | None: ...

    @property
    def points(self) -> int: ...

    @property
    def at_least(self) -> Colour | None: ...

    @property
    def at_most(self) -> Colour | None: ...

    @property
    def firm(self) -> bool: ...


def severity(findings: Iterable[Counts], book: RuleBook, books: Books | None) -> int:
    """How severe findings are together: 0 green, 1 yellow, 2 red."""
    worst, firm, cap, points = 0, 0, 2, False
    for one in findings:
        if one.at_least is not None:
            found = SEVERITY[one.at_least]
            if one.firm:
                firm = max(firm, found)
            else:
                worst = max(worst, found)
        elif one.at_most is not None:
            cap = min(cap, SEVERITY[one.at_most])
        else:
            points = True
    if points and worst < cap:
        total = sum(scores(findings, book, books).values())
        worst = max(worst, SEVERITY[book.worst_band(total)])
    return max(min(worst, cap), firm)


def scores(findings: Iterable[Counts], book: RuleBook, books: Books | None) -> dict[str, int]:
    """The points of each dimension; a dimension that only an older version knows keeps that version's way."""
    found = dict.fromkeys(book.dimensions, 0)
    for one in findings:
        name = one.dimension
        if name is None:
            continue
        how = book.dimensions.get(name)
        if how is None:
            how = next(
                (
                    old.dimensions[name]
                    for old in (() if books is None else books.versions)
                    if name in old.dimensions
                ),
                None,
            )
        before = found.get(name, 0)
        combined = (
            before + one.points if how is not None and how.combine == "sum" else max(before, one.points)
        )
        found[name] = combined if how is None else min(combined, how.cap)
    return found
