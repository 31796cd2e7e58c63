"""What a rule book would do to everybody, without doing it: counts beside the stored colours, and no person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import orjson

from bot.core.assess import assess
from bot.core.borders import Borders
from bot.core.model import SEVERITY, Colour
from bot.core.rulebook import InvalidRuleBook, parse_rulebook
from bot.core.rules import BookHistory, RuleBook, RuleBooks, version_key
from bot.errors import NotFound, RuleBookError
from bot.services.population import Scope
from bot.services.residents import tell_age
from bot.services.world import World
from bot.store.database import Database
from bot.store.loader import Loader

BATCH = 500
LEVELS = (2, 4, 6)  # province, city, county

Flow = tuple[str, str]
Reason = tuple[str, str]  # met | ended | missing, and which rule or what


@dataclass(frozen=True, slots=True)
class Tried:
    """The rule book that is tried, as if it were in force, beside the one that is."""

    scheme: str
    book: RuleBook
    history: BookHistory
    in_force: RuleBook | None


@dataclass(slots=True)
class Picture:
    """Counts of codes: from which colour to which, and of those that change, why and where."""

    flows: Counter[Flow] = field(default_factory=Counter)
    reasons: dict[Reason, Counter[Flow]] = field(default_factory=dict)
    places: dict[str, Counter[Flow]] = field(default_factory=dict)

    def add(self, home: str | None, flow: Flow, reason: Reason | None, count: int = 1) -> None:
        """So many codes of people who live there."""
        self.flows[flow] += count
        for length in LEVELS:
            if home and len(home) >= length:
                self.places.setdefault(home[:length], Counter())[flow] += count
        if reason is not None:
            self.reasons.setdefault(reason, Counter())[flow] += count

    @property
    def people(self) -> int:
        """How many were judged."""
        return self.flows.total()

    @property
    def changed(self) -> int:
        """How many would change."""
        return changed(self.flows)


@dataclass(frozen=True, slots=True)
class Moved:
    """One code that would change: where its holder lives, and colour, label and assessment before and after."""

    home: str | None
    colour: str
    flow: Flow
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What columns say of a chunk: how many stay, by (home, label); who moves; and who has to be assessed."""

    steady: Mapping[tuple[str | None, str], int]
    moved: Sequence[Moved]
    left: Sequence[int]


class Columns(Protocol):
    """Judges a chunk as columns."""

    chunk: int

    async def see(self, scope: Scope, after: int, up_to: int, now: datetime) -> Seen:
        """The residents with `after` < id <= `up_to`."""


def changed(flows: Mapping[Flow, int]) -> int:
    """How many of these flows lead somewhere else."""
    return sum(count for (old, new), count in flows.items() if old != new)


def label(colour: str, state: str) -> str:
    """A colour as the report shows it: yellow while somebody is asked is a kind of its own."""
    return "pending" if state == "pending" else colour


def tried_version(
    scheme: str, wanted: str, books: RuleBooks, at: datetime, *, rulebook: str, borders: Borders
) -> Tried:
    """The version of that name, or the rule book in that file, as if it came into force now.

    What was known before is held by the version then in force, as it would be. NotFound where there is none.
    """
    history = books.history(rulebook)
    known = () if history is None else history.versions
    book = _from_file(Path(wanted), rulebook, borders) if _is_file(wanted) else _of_version(known, wanted)
    since = min(book.valid_from, at)
    ends = book.valid_to if book.valid_to is None or book.valid_to > at else None
    book = replace(book, valid_from=since, valid_to=ends)
    others = [
        one
        for one in known
        if one.version != book.version
        and not (version_key(one.version) > version_key(book.version) and one.valid_at(at))
    ]
    return Tried(
        scheme, book, BookHistory(rulebook, [book, *others]), None if history is None else history.at(at)
    )


def _is_file(wanted: str) -> bool:
    return wanted.endswith((".yaml", ".yml"))


def _of_version(known: Iterable[RuleBook], wanted: str) -> RuleBook:
    found = next((one for one in known if one.version == wanted), None)
    if found is None:
        there = ", ".join(sorted(one.version for one in known)) or "none"
        raise NotFound(f"no version {wanted!r}; there are: {there}")
    return found


def _from_file(path: Path, rulebook: str, borders: Borders) -> RuleBook:
    try:
        book = parse_rulebook(path.read_text(encoding="utf-8"), path.name, borders=borders)
    except InvalidRuleBook as error:
        raise RuleBookError(error.problems) from error
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"no rule book can be read at {path.name}: {type(error).__name__}") from error
    if book.scheme != rulebook:
        raise RuleBookError([f"{path.name}:1: the rule book is for {book.scheme!r}, not {rulebook!r}"])
    return book


class Shadow:
    """One shadow run. It only reads."""

    def __init__(
        self, world: World, database: Database, loader: Loader, tried: Tried, *, columns: Columns | None
    ) -> None:
        self._world = world
        self._database = database
        self._loader = loader
        self._tried = tried
        self._columns = columns

    async def run(
        self,
        chunks: Callable[[int, int], Any],
        scope: Scope,
        now: datetime,
        tell: Callable[[int], None] = lambda _done: None,
    ) -> Picture:
        """The picture of everybody in the scope; `chunks(after, size)` gives the next ids."""
        picture, after = Picture(), 0
        size = BATCH if self._columns is None else self._columns.chunk
        while ids := await chunks(after, size):
            look: Sequence[int] = ids
            if self._columns is not None:
                seen = await self._columns.see(scope, after, ids[-1], now)
                look = seen.left
                for (home, colour), count in seen.steady.items():
                    picture.add(home, (colour, colour), None, count)
                for one in seen.moved:
                    reason = reason_of(one.colour, one.before, orjson.loads(one.after))
                    picture.add(one.home, one.flow, reason)
            for start in range(0, len(look), BATCH):
                await self._assess(picture, look[start : start + BATCH], now)
            after = ids[-1]
            tell(len(ids))
        return picture

    async def _assess(self, picture: Picture, ids: Sequence[int], now: datetime) -> None:
        for resident in await self._loader.residents(ids, now):
            code = resident.codes.get(self._tried.scheme)
            if code is None:
                continue
            tell_age(self._world.keys, resident, now)
            found = assess(
                resident.person(), self._tried.history, self._world.risk, now, scheme=self._tried.scheme
            )
            flow = (label(code.colour, code.state), label(found.colour.value, found.state.value))
            moves = flow[0] != flow[1]
            reason = reason_of(code.colour, code.assessment, found.to_json(ahead=False)) if moves else None
            picture.add(resident.division, flow, reason)


def reason_of(colour: str, before: str, found: Mapping[str, Any]) -> Reason:
    """Why a code of that colour and stored assessment would change: the rule that is met, the one that is not met
    any more, or what is missing. `found` is the new assessment as plain data."""
    if found["missing"]:
        return "missing", str(found["missing"][0]).split(":")[0]
    decisive = _decisive(found)
    old = SEVERITY.get(Colour(colour))
    worse_or_same = old is None or SEVERITY[Colour(found["colour"])] >= old
    if decisive is not None and worse_or_same:
        return "met", decisive
    ended = _decisive(orjson.loads(before))
    if ended is not None:
        return "ended", ended
    return ("met", decisive) if decisive is not None else ("missing", "nothing")


def _decisive(assessment: Mapping[str, Any]) -> str | None:
    """The rule that keeps the colour: of the most severe findings the one that ends last."""
    findings = [one for one in assessment.get("findings", ()) if one["at_most"] is None]
    worst = max(findings, key=_weight, default=None)
    return None if worst is None else str(worst["rule"])


def _weight(finding: Mapping[str, Any]) -> tuple[int, int, date]:
    at_least, hold = finding["at_least"], finding.get("hold")
    if hold is None:
        until = date.min
    elif hold["anchor"] is None:
        until = date.max
    else:
        until = date.fromisoformat(hold["anchor"]) + timedelta(days=hold["days"])
    return (0 if at_least is None else SEVERITY[Colour(at_least)]), finding["points"], until
