"""Asking first: which location facts are asked about before they count, and what the answers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.days import ONE_DAY, day_of
from bot.core.facts import FactKind, last_day
from bot.core.model import Fact
from bot.core.rules import Rule, RuleBook

if TYPE_CHECKING:
    from bot.core.evaluate import Moment


def asked_about(rule: Rule, fact: Fact, book: RuleBook, now: Moment) -> bool:
    """Whether this rule asks before it counts such a fact."""
    asking = rule.ask_first
    if asking is None or fact.source not in asking.sources:
        return False
    return not asking.bordering_only or _near_a_stated_place(fact, book, now)


def _near_a_stated_place(fact: Fact, book: RuleBook, now: Moment) -> bool:
    """Whether it borders on a place where the resident had said to be before the fact became known.

    That is where the stays declared by then were on the fact's days; if they end earlier, the last one of them.
    """
    division = fact.division
    if division is None:
        return False
    said = [
        one
        for one in now.facts
        if one.kind == FactKind.STAY and one.source == STATED and one.known_at < fact.known_at
    ]
    first, last = fact.start, last_day(fact, now.zone, now.today)
    there = [one for one in said if one.start <= last and last_day(one, now.zone, now.today) >= first]
    if not there:
        before = [one for one in said if one.start <= last]
        latest = max(before, key=lambda one: (last_day(one, now.zone, now.today), one.id), default=None)
        there = [] if latest is None else [latest]
    return any(one.division is not None and book.borders.between(one.division, division) for one in there)


def outcome_of_asking(rule: Rule, fact: Fact, now: Moment) -> str:
    """confirmed, cleared, pending, or (after the rule's days of asking) cleared.

    A worker's last answer decides. A resident's "yes" stands: nobody clicks a confirmed colour away.
    """
    if corroborated(fact, now):
        return "confirmed"
    answers = sorted(
        (one for one in now.facts if one.kind == FactKind.ANSWER and one.details.get("about") == fact.id),
        key=lambda one: (one.known_at, one.id),
    )
    workers = [one.details.get("answer") for one in answers if one.source == "worker"]
    own = [one.details.get("answer") for one in answers if one.source != "worker"]
    if workers and workers[-1] != "unsure":
        return "confirmed" if workers[-1] == "yes" else "cleared"
    if "yes" in own:
        return "confirmed"
    if own and own[-1] == "no" and _supported(fact, now):
        return "cleared"
    days = 0 if rule.ask_first is None else rule.ask_first.days
    asked_until = day_of(fact.known_at, now.zone) + days * ONE_DAY
    return "pending" if now.today <= asked_until else "cleared"


def corroborated(fact: Fact, moment: Moment) -> bool:
    """Whether another source puts the person into the same prefecture on a day of that fact."""
    if fact.division is None:
        return False
    first, last = fact.start, last_day(fact, moment.zone, moment.today)
    return any(
        one.kind in LOCATIONS
        and one.source != fact.source
        and one.division is not None
        and one.division[:4] == fact.division[:4]
        and one.start <= last
        and last_day(one, moment.zone, moment.today) >= first
        for one in moment.facts
        if one is not fact
    )


LOCATIONS = frozenset({FactKind.STAY, FactKind.JOURNEY, FactKind.REGION_ORIGIN})
STATED = "declaration"
"""The source of what residents declare about themselves."""
_SUPPORT_AT_ANY_TIME = frozenset({"telecom", "worker", "community"})


def _supported(fact: Fact, now: Moment) -> bool:
    """Whether a stay elsewhere on that day backs a "no": declared before, or from a source other than oneself."""
    return any(
        one.kind == FactKind.STAY
        and one.id != fact.id
        and (one.division or "")[:4] != (fact.division or "")[:4]
        and one.start <= fact.start <= last_day(one, now.zone, now.today)
        and (one.source in _SUPPORT_AT_ANY_TIME or one.known_at < fact.known_at)
        for one in now.facts
    )
