"""One person's assessment, beside a hand-written chain of ifs that gives the same colour for Hangzhou.

The person has 12 facts and 14 punch-in days. Measured are the colour alone, and the whole explanation: what lies
ahead, when to look again, and the colour without each single fact.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from bot.core.assess import Assessment, assess
from bot.core.model import Detail, Fact, Identity, Person, PunchInDay, RiskEntry, RiskMap
from bot.core.rules import BookHistory
from bot.services.borders import load_borders
from bot.services.rulebooks import load_rulebooks

CONFIG = Path(__file__).parent.parent / "config"
ZONE = "Asia/Shanghai"
TODAY = date(2020, 3, 20)
AT = datetime(2020, 3, 20, 2, tzinfo=UTC)
FACTS = 12
DAYS = 14
PEOPLE = 40
ROUNDS = 15
MOST_TIMES_THE_IFS = 8
RISK = RiskMap(
    RiskEntry(division, date(2020, 1, 20), None, level, datetime(2020, 1, 20, tzinfo=UTC))
    for division, level in (("42", "high"), ("3303", "medium"), ("33", "low"), ("36", "low"), ("44", "low"))
)


@cache
def hangzhou() -> BookHistory:
    """All versions of the Hangzhou rule book."""
    found = load_rulebooks(CONFIG / "rulebooks", load_borders(CONFIG / "divisions")).history("hangzhou")
    assert found is not None
    return found


# -- people --------------------------------------------------------------------------------------------------


def people(count: int = PEOPLE, seed: int = 3) -> list[Person]:
    """People with 12 facts and 14 punch-in days each, from harmless to red."""
    made = random.Random(seed)
    return [_person(made) for _ in range(count)]


_MAKERS: Sequence[tuple[str, int, Callable[[random.Random], dict[str, Detail]]]] = (
    ("stay", 5, lambda _: {}),
    ("journey", 2, lambda made: {"mode": made.choice(("train", "flight", "coach"))}),
    ("region_origin", 1, lambda _: {}),
    ("symptom", 1, lambda made: {"code": made.choice(("cough", "fatigue"))}),
    ("test", 1, lambda _: {"result": "negative", "method": "pcr"}),
    (
        "contact",
        1,
        lambda made: {"degree": made.choice((1, 2)), "certainty": made.choice(("sure", "unsure"))},
    ),
    ("shared_building", 1, lambda _: {"scope": "building"}),
)


def _person(made: random.Random) -> Person:
    kinds = [one for one in _MAKERS for _ in range(one[1])]
    facts = tuple(
        _fact(made, number, kind, details(made)) for number, (kind, _, details) in enumerate(kinds, 1)
    )
    missed = made.choice((None, None, made.randrange(DAYS)))
    return Person(
        identity=Identity.VERIFIED, declared=True, zone=ZONE, home="330106", minor=False, facts=facts,
        punch_in_days=tuple(
            PunchInDay(TODAY - timedelta(days=number), made.random() > 0.03)
            for number in range(DAYS) if number != missed
        ),
        declared_day=TODAY - timedelta(days=DAYS),
    )  # fmt: skip


_DIVISIONS = ("330106", "330106", "330106", "330302", "360402", "440106", "420106")


def _fact(made: random.Random, number: int, kind: str, details: dict[str, Detail]) -> Fact:
    start = TODAY - timedelta(days=made.randrange(3, 45))
    length = made.randrange(0, 4)
    placed = kind in {"stay", "journey", "region_origin"}
    end = start + timedelta(days=length) if kind == "stay" else None
    known = datetime(start.year, start.month, start.day, 4, tzinfo=UTC) + timedelta(days=length)
    return Fact(
        id=number, kind=kind, start=start, end=end,
        division=made.choice(_DIVISIONS) if placed else None,
        source="declaration" if kind != "test" else "health_commission", reference=f"bench-{number}",
        occurrence=None, known_at=known, details=details,
    )  # fmt: skip


# -- the same colour by hand -----------------------------------------------------------------------------------


def by_hand(person: Person, risk: RiskMap, at: datetime) -> str:  # noqa: C901 - the point is a chain of ifs
    """The colour of the Hangzhou rule book's rules that these people can meet, as a chain of ifs."""
    if person.identity is not Identity.VERIFIED or not person.declared:
        return "grey"
    today = _day(at)
    by_day = {one.day: one.normal for one in person.punch_in_days}
    for fact in person.facts:
        if fact.kind == "symptom" and fact.known_at <= at:
            by_day[fact.start] = False
    normal = sorted(by_day.items())
    space = stayed = relation = least = 0
    unknown = False
    for fact in person.facts:
        if fact.known_at > at or (fact.withdrawn_at is not None and fact.withdrawn_at <= at):
            continue
        kind = fact.kind
        if kind in ("stay", "journey", "region_origin"):
            levels = _levels(fact, risk, at)
            last = fact.end or fact.start
            if "high" in levels and _held(last, 14, today, normal):
                space = 80
            elif None in levels and _held(last, 14, today, normal):
                unknown = True
            if "medium" in levels:
                if _held(last, 7, today, normal):
                    space = max(space, 40)
                if kind == "stay" and _held(last, 14, today, normal):
                    long = (last - fact.start).days + 1 >= 7
                    if long or _visits(person, fact) >= 3:
                        stayed = 80
        elif kind == "contact":
            if fact.details["degree"] == 1 and fact.details["certainty"] == "sure":
                if _held(fact.start, 14, today, normal):
                    relation = 80
            elif _held(fact.start, 7, today, normal):
                relation = max(relation, 40)
        elif kind == "shared_building":
            if _held(fact.start, 7, today, normal):
                relation = max(relation, 40)
        elif kind == "symptom" and _held(fact.start, 7, today, normal):
            least = 1
    total = space + stayed + relation
    colour = max(least, 2 if total >= 80 else 1 if total >= 40 else 0)
    if unknown and colour < 2:
        return "grey"
    return ("green", "yellow", "red")[colour]


def _day(at: datetime) -> date:
    return (at + timedelta(hours=8)).date()


def _levels(fact: Fact, risk: RiskMap, at: datetime) -> set[str | None]:
    last = fact.end or fact.start
    assert fact.division is not None
    levels = set()
    day = fact.start
    while day <= last:
        levels.add(risk.level(fact.division, day, fact.known_at))
        day += timedelta(days=1)
    return levels


def _visits(person: Person, fact: Fact) -> int:
    county = (fact.division or "")[:6]
    return len(
        {
            one.start
            for one in person.facts
            if one.kind == "stay" and (one.division or "")[:6] == county and one.known_at <= fact.known_at
        }
    )


def _held(anchor: date, days: int, today: date, normal: list[tuple[date, bool]]) -> bool:
    """Whether `days` days and as many normal punch-ins in a row haven't both gone by since that day."""
    last = anchor + timedelta(days=days)
    if today <= last:
        return True
    run, previous, done = 0, anchor, False
    for day, fine in normal:
        if day <= anchor or day > today:
            continue
        if done and day > last:
            return False
        if not fine:
            run, done = 0, False
        elif not done:
            run = 1 if (day - previous).days > 1 else run + 1
            previous = day
            done = run >= days
    return not done


# -- measuring -------------------------------------------------------------------------------------------------


def explain(person: Person, books: BookHistory) -> Assessment:
    """Everything that an explanation holds: the outlook, the next look, and the colour without each fact."""
    seen = assess(person, books, RISK, AT)
    seen.to_json()
    for fact in person.facts:
        seen.without(fact.id)
    return seen


def differences(books: BookHistory, some: Sequence[Person]) -> int:
    """For how many the chain of ifs gives another colour than the rule book."""
    return sum(by_hand(one, RISK, AT) != assess(one, books, RISK, AT).colour.value for one in some)


def seconds_each(run: Callable[[Person], object], some: Sequence[Person]) -> float:
    """Seconds a person."""
    begun = time.perf_counter()
    for one in some:
        run(one)
    return (time.perf_counter() - begun) / len(some)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if the chain of ifs gives another colour, or an aim is missed."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    books, some = hangzhou(), people()
    wrong = differences(books, people(2_000, seed=9))
    runs: dict[str, Callable[[Person], object]] = {
        "chain of ifs": lambda one: by_hand(one, RISK, AT),
        "colour": lambda one: assess(one, books, RISK, AT),
        "explanation": lambda one: explain(one, books),
    }
    for run in runs.values():
        seconds_each(run, some)
    measured = [{name: seconds_each(run, some) for name, run in runs.items()} for _ in range(rounds)]
    for name in runs:
        print(f"{name:14} {1e6 * statistics.median(one[name] for one in measured):8.1f} us a person")
    by_ifs = statistics.median(one["colour"] / one["chain of ifs"] for one in measured)
    by_colour = statistics.median(one["explanation"] / one["colour"] for one in measured)
    print(f"colour / chain of ifs {by_ifs:.2f} (must: at most {MOST_TIMES_THE_IFS})")
    print(f"explanation / colour  {by_colour:.2f} (must: at most facts + 4 = {FACTS + 4})")
    if wrong:
        print(f"{wrong} of 2,000 people have another colour by the chain of ifs")
    return int(bool(wrong) or by_ifs > MOST_TIMES_THE_IFS or by_colour > FACTS + 4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
