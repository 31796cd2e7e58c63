"""What lies ahead is worked out from spans; here it is compared with assessing every coming day anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.assess import Books, assess
from bot.core.days import ONE_DAY, begins, day_of
from bot.core.model import Colour, Fact, Person, PunchInDay, RiskEntry, RiskMap, State
from bot.core.rulebook import BookHistory
from bot.services.borders import load_borders
from bot.services.rulebooks import load_rulebooks
from tests.core.people import SHANGHAI, fact, midnight, noon, person

DAY = date(2020, 3, 20)
CONFIG = Path(__file__).parents[2] / "config"
BOOKS = load_rulebooks(CONFIG / "rulebooks", load_borders(CONFIG / "divisions"))


def later(number: int) -> date:
    """The day that many days after the first."""
    return DAY + timedelta(days=number)


RISK = RiskMap(
    [
        RiskEntry("42", date(2020, 1, 1), None, "high", midnight(DAY) - 40 * ONE_DAY),
        RiskEntry("3303", date(2020, 1, 1), later(9), "medium", midnight(DAY) - 40 * ONE_DAY),
        RiskEntry("36", date(2020, 1, 1), None, "low", midnight(DAY) - 40 * ONE_DAY),
    ]
)
HORIZON = 60


def _placed(kind: str, division: str, **details: Any) -> tuple[str, str | None, dict[str, Any]]:
    return kind, division, details


_KINDS: list[tuple[str, str | None, dict[str, Any]]] = [
    _placed("stay", "420106"),
    _placed("stay", "421127"),
    _placed("stay", "330302"),
    _placed("stay", "360402"),
    _placed("journey", "420106", mode="train"),
    _placed("other_place_colour", "4201", colour="red"),
    ("contact", None, {"degree": 1, "certainty": "sure"}),
    ("contact", None, {"degree": 2, "certainty": "unsure"}),
    ("shared_building", None, {"scope": "building"}),
    ("symptom", None, {"code": "cough"}),
    ("symptom", None, {"temperature_tenths": 380}),
    ("diagnosis", None, {"status": "confirmed"}),
    ("measure", None, {"measure": "centralised"}),
    ("measure", None, {"measure": "home"}),
    ("measure_lifted", None, {"reason": "discharged"}),
    ("measure_lifted", None, {"reason": "completed"}),
    ("test", None, {"result": "negative", "method": "pcr"}),
    ("false_declaration", None, {}),
]
_OPEN = {"measure", "other_place_colour"}


@st.composite
def _facts(draw: st.DrawFn) -> tuple[Fact, ...]:
    found = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        kind, division, details = draw(st.sampled_from(_KINDS))
        start = later(draw(st.integers(0, 15)))
        end = start + draw(st.integers(0, 20)) * ONE_DAY if kind in _OPEN and draw(st.booleans()) else None
        found.append(
            fact(
                number,
                kind,
                start,
                end=end,
                division=division,
                source=draw(st.sampled_from(["telecom", "declaration", "health_commission"])),
                known_at=noon(start) + timedelta(days=draw(st.integers(0, 2))),
                **details,
            )
        )
    return tuple(found)


_PUNCH_INS = st.dictionaries(st.integers(0, 25), st.sampled_from([True, True, True, False]), max_size=26).map(
    lambda marks: tuple(PunchInDay(later(number), normal) for number, normal in marks.items())
)
_PEOPLE = st.builds(lambda facts, punch_ins: person(facts, punch_ins, declared_day=DAY), _facts(), _PUNCH_INS)
_INSTANTS = st.integers(0, 24 * 25).map(lambda hours: midnight(DAY) + timedelta(hours=hours))
_SCHEMES = st.sampled_from(sorted({book.scheme for book in BOOKS if book.valid_at(noon(DAY))}))


@settings(max_examples=150)
@given(_PEOPLE, _SCHEMES, _INSTANTS)
def test_what_lies_ahead_is_what_each_coming_day_brings(one: Person, scheme: str, at: datetime) -> None:
    history = BOOKS.history(scheme)
    assert history is not None
    _compare(one, history, at)


@settings(max_examples=60)
@given(_PEOPLE, _INSTANTS, st.integers(1, 25))
def test_new_version_ahead_is_foreseen(one: Person, at: datetime, after: int) -> None:
    book = next(book for book in BOOKS if book.scheme == "hangzhou")
    change = midnight(later(after))
    milder = replace(book, version="9.0", valid_from=change, bands={**book.bands, Colour.YELLOW: (40, 240)})
    _compare(one, BookHistory("hangzhou", [replace(book, valid_to=change), milder]), at)


def _compare(one: Person, books: Books, at: datetime) -> None:
    one = replace(one, facts=tuple(each for each in one.facts if each.known_at <= at))
    seen = assess(one, books, RISK, at)
    if seen.missing and seen.state is State.UNDECIDED:
        assert (seen.next_change_at, seen.next_change_needs) == (None, seen.missing)
        return
    wanted = _first_other_colour(one, books, at, seen.colour)
    assert (seen.next_change_at, seen.next_colour) == wanted
    if wanted[0] is not None and wanted[1] is not None:
        assert seen.next_change_needs == _fewest(one, books, at, wanted[0], wanted[1])


def _first_other_colour(
    one: Person, books: Books, at: datetime, colour: Colour
) -> tuple[datetime | None, Colour | None]:
    diligent, _ = _with_reports(one, at, 0, HORIZON)
    today = day_of(at, SHANGHAI)
    for number in range(HORIZON - 2):
        instant = begins(today + number * ONE_DAY, SHANGHAI) if number else at
        then = assess(diligent, books, RISK, instant).colour
        if then is not colour:
            return instant, then
    return None, None


def _fewest(one: Person, books: Books, at: datetime, instant: datetime, colour: Colour) -> tuple[str, ...]:
    """Time, and the shortest of the runs of punch-ins that bring that colour by then."""
    needs = ["time"] if instant > at else []
    days = (day_of(instant, SHANGHAI) - day_of(at, SHANGHAI)).days
    for first, last in ((0, 0), (1, days), (0, days), (1, days + 1), (0, days + 1)):
        reporting, taken = _with_reports(one, at, first, last)
        if assess(reporting, books, RISK, instant).colour is colour:
            return (*needs, *((f"normal_punch_ins:{taken}",) if taken else ()))
    return tuple(needs)


def _with_reports(one: Person, at: datetime, first: int, last: int) -> tuple[Person, int]:
    today = day_of(at, SHANGHAI)
    taken = tuple(each for each in one.punch_in_days if each.day <= today)
    if any(each.day == today for each in taken):
        first = max(first, 1)
    coming = tuple(PunchInDay(today + number * ONE_DAY, True) for number in range(first, last))
    return replace(one, punch_in_days=taken + coming), len(coming)
