"""`python -m bot explain`: why a resident's code has its colour, for an operator, masked and on record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import orjson
import typer

from bot.clock import zone
from bot.commands.instant import named_instant
from bot.commands.tools import opened_tools
from bot.conversation.understanding.divisions import Divisions, read_rows
from bot.core.assess import Assessment, Finding, HoldArithmetic
from bot.core.model import WORST_FIRST, Fact
from bot.errors import NotFound
from bot.services.asking import Question, questions
from bot.services.known_then import resident_now, resident_then, risk_then
from bot.services.rescore import assess_code
from bot.services.world import World
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.snapshot import Code, Resident

ACTION = "explain"
_CITY = 4  # digits: what an operator sees of a place


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be explained."""

    resident: str
    scheme: str
    at: datetime | None
    without: str


@dataclass(frozen=True, slots=True)
class View:
    """What the operator sees: one code in full, the others by colour. Facts are those known then; of codes that
    are decided elsewhere only the result is here."""

    resident: Resident
    at: datetime
    shown: Assessment
    others: tuple[Assessment, ...]
    elsewhere: tuple[Code, ...]
    questions: tuple[Question, ...]
    without: int | None
    cities: Divisions

    @property
    def facts(self) -> Mapping[int | None, Fact]:
        return {fact.id: fact for fact in self.resident.facts}


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("explain")(explain)


def explain(
    resident: Annotated[str, typer.Argument(help="The resident's id.")],
    *,
    scheme: Annotated[str, typer.Option(help="Which code; default: the worst one.")] = "",
    at: Annotated[str, typer.Option(help="Judge with what was known then; default: now.")] = "",
    without: Annotated[str, typer.Option(help="Also the colour if the fact of this id were withdrawn.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Explain a code: colour, findings and facts, holds, what is missing, what ends it. The view is recorded,
    and the resident can read that it was. Shows no name, phone, address or place below a city."""
    wanted = Wanted(resident, scheme, named_instant(at), without)
    view = asyncio.run(_look(wanted))
    if json:
        typer.echo(orjson.dumps(plain(view)).decode())
        return
    for line in lines(view):
        typer.echo(line)


# -- looking -------------------------------------------------------------------------------------------------


async def _look(wanted: Wanted) -> View:
    async with opened_tools() as tools:
        world, database = tools.world, tools.database
        number, now = _number(wanted.resident, "resident"), tools.clock.now()
        resident = await resident_now(world, tools.loader, number, now)
        if resident is None:
            raise NotFound(f"no resident {wanted.resident}")
        await _put_on_record(database, resident, now)
        at = wanted.at or now
        if wanted.at is not None:
            resident = await resident_then(world, database, resident, at)
            world.risk = await risk_then(database, at)
        path = tools.settings.home / "config" / "divisions" / "divisions.json"
        return _view(world, resident, at, wanted, Divisions(read_rows(path)[0]))


async def _put_on_record(database: Database, resident: Resident, now: datetime) -> None:
    """Before anything is shown: a look that can't be recorded is not taken."""
    await database.execute(
        "INSERT INTO access_log (id, resident_id, at, actor_kind, role, action, why, address)"
        " VALUES (?, ?, ?, 'operator', '', ?, '', '')",
        [new_id(), resident.resident_id, now, ACTION],
    )


def _view(world: World, resident: Resident, at: datetime, wanted: Wanted, cities: Divisions) -> View:
    person = resident.person()
    assessments = {
        scheme: assess_code(world, person, scheme, at)
        for scheme in resident.codes
        if world.books(scheme) is not None
    }
    held = ", ".join(assessments) or "none"
    when = "" if wanted.at is None else " then"
    if not assessments or (wanted.scheme and wanted.scheme not in assessments):
        raise NotFound(f"no such code of resident {wanted.resident} is decided here{when}; there are: {held}")
    worst = min(assessments.values(), key=lambda one: WORST_FIRST.index(one.colour))
    shown = assessments.get(wanted.scheme, worst)
    without = _number(wanted.without, "fact") if wanted.without else None
    if without is not None and all(fact.id != without for fact in resident.facts):
        raise NotFound(f"resident {wanted.resident} has no fact {without} that counts{when}")
    return View(
        resident=resident,
        at=at,
        shown=shown,
        others=tuple(one for one in assessments.values() if one is not shown),
        elsewhere=tuple(code for scheme, code in resident.codes.items() if scheme not in assessments),
        questions=questions(world, [shown], resident.facts, resident.zone),
        without=without,
        cities=cities,
    )


def _number(text: str, what: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 2**63:
        return int(text)
    raise NotFound(f"no {what} {text!r}: an id is a whole number")


# -- as data -------------------------------------------------------------------------------------------------


def plain(view: View) -> dict[str, Any]:
    """The view as JSON-able data, masked."""
    shown = view.shown
    explained = shown.to_json() | {"missing": _missing(shown), "next_change_needs": _needs(shown)}
    return {
        "resident": view.resident.resident_id,
        "identity": view.resident.identity.value,
        "city": _city(view.resident.division),
        "code": explained,
        "facts": [_plain_fact(fact) for fact in _concerned(view)],
        "asked": [
            {"fact": one.fact_id, "until": one.asked_until.isoformat(), "answer": one.answer}
            for one in view.questions
        ],
        "others": [_plain_colour(one) for one in view.others],
        "elsewhere": [{"scheme": one.scheme, "colour": one.colour} for one in view.elsewhere],
        "without": None
        if view.without is None
        else {"fact": view.without, "codes": [_plain_colour(one) for one in _withdrawn(view, view.without)]},
    }


def _plain_colour(assessment: Assessment) -> dict[str, Any]:
    return {
        "scheme": assessment.scheme,
        "version": assessment.version,
        "colour": assessment.colour.value,
        "state": assessment.state.value,
    }


def _plain_fact(fact: Fact) -> dict[str, Any]:
    return {
        "id": fact.id,
        "kind": fact.kind,
        "start": fact.start.isoformat(),
        "end": None if fact.end is None else fact.end.isoformat(),
        "city": _city(fact.division),
        "source": fact.source,
        "known_at": fact.known_at.isoformat(),
    }


def _concerned(view: View) -> list[Fact]:
    """The facts on which the findings rest, each once, and the one that is thought away."""
    wanted = [finding.fact_id for finding in view.shown.findings]
    facts = view.facts
    return [facts[each] for each in dict.fromkeys([*wanted, view.without]) if each in facts]


def _withdrawn(view: View, fact_id: int) -> tuple[Assessment, ...]:
    return tuple(one.without(fact_id) for one in (view.shown, *view.others))


def _city(division: str | None) -> str | None:
    return None if division is None else division[:_CITY]


def _missing(assessment: Assessment) -> list[str]:
    """What is missing; of a division whose risk isn't known only the city."""
    found = []
    for each in assessment.missing:
        name, _, division = each.partition(":")
        found.append(f"{name}:{_city(division)}" if division else name)
    return list(dict.fromkeys(found))


# -- as text -------------------------------------------------------------------------------------------------


def lines(view: View) -> Iterator[str]:
    """The same, line by line."""
    shown, person = view.shown, view.resident
    home = _place(view, person.division)
    yield f"resident {person.resident_id}: identity {person.identity.value}, home {home}"
    yield f"as known at {_local(view, view.at)}"
    book = "no rule book in force" if shown.book is None else f"rule book {shown.book.scheme} {shown.version}"
    yield f"{_colour(shown)}, by {book}{' (illustrative)' if shown.illustrative else ''}"
    yield f"missing: {', '.join(_missing(shown)) or 'nothing'}"
    points = ", ".join(f"{name} {number}" for name, number in shown.dimensions.items())
    yield f"dimensions: {points or 'none'}"
    yield from _finding_lines(view)
    yield from (_question_line(one) for one in view.questions)
    yield _next_line(view)
    elsewhere = [f"{one.scheme} {one.colour}, decided elsewhere" for one in view.elsewhere]
    yield f"other codes: {'; '.join([*(_colour(one) for one in view.others), *elsewhere]) or 'none'}"
    if view.without is not None:
        withdrawn = "; ".join(_colour(one) for one in _withdrawn(view, view.without))
        yield f"without fact {view.without}: {withdrawn}"


def _finding_lines(view: View) -> Iterator[str]:
    yield f"findings: {len(view.shown.findings) or 'none'}"
    facts = view.facts
    for finding in view.shown.findings:
        yield f"  {finding.rule_id} ({finding.version}): {_gives(finding)}"
        if finding.fact_id in facts:
            yield f"    {_fact_line(view, facts[finding.fact_id])}"
        if finding.hold is not None:
            yield f"    {_hold_line(view, finding.hold)}"
    if view.without in facts and all(one.fact_id != view.without for one in view.shown.findings):
        yield f"  no rule: {_fact_line(view, facts[view.without])}"


def _gives(finding: Finding) -> str:
    if finding.at_least is not None:
        gives = f"at least {finding.at_least.value}"
    elif finding.at_most is not None:
        gives = f"at most {finding.at_most.value}"
    else:
        gives = f"{finding.dimension} {finding.points}"
    return gives + (", pending: asked first" if finding.pending else "")


def _fact_line(view: View, fact: Fact) -> str:
    days = _days(fact.start, fact.end)
    place = f" in {_place(view, fact.division)}" if fact.division else ""
    return (
        f"fact {fact.id}: {fact.kind}, {days}{place}, from {fact.source}, known {_local(view, fact.known_at)}"
    )


def _days(start: date, end: date | None) -> str:
    return start.isoformat() if end is None or end == start else f"{start.isoformat()} to {end.isoformat()}"


def _hold_line(view: View, hold: HoldArithmetic) -> str:
    step = f", step {hold.step + 1} of {hold.steps}" if hold.steps > 1 else ""
    if hold.anchor is None or hold.days_end_at is None:
        return f"hold: {hold.days} days from {hold.waits_for} on{step}"
    wanted = ""
    if hold.normal_wanted:
        how = "in a row" if hold.consecutive else "in all"
        wanted = f"; normal punch-ins {hold.normal_have} of {hold.normal_wanted} {how}"
    ends = _local(view, hold.days_end_at)
    return f"hold: {hold.days} days from {hold.anchor.isoformat()} (day 0), over at {ends}{wanted}{step}"


def _question_line(question: Question) -> str:
    answer = f"answered {question.answer}" if question.answer else "not answered"
    return f"asked about fact {question.fact_id}: {answer}, until {question.asked_until.isoformat()}"


def _next_line(view: View) -> str:
    at, colour = view.shown.next_change_at, view.shown.next_colour
    needs = ", ".join(_needs(view.shown))
    if at is None or colour is None:
        return f"next change: not by time alone{f'; needs {needs}' if needs else ''}"
    return f"next change: {colour.value} at {_local(view, at)}{f'; needs {needs}' if needs else ''}"


def _needs(assessment: Assessment) -> list[str]:
    return _missing(assessment) if assessment.missing else list(assessment.next_change_needs)


def _colour(assessment: Assessment) -> str:
    return f"{assessment.scheme} {assessment.colour.value}, {assessment.state.value}"


def _place(view: View, division: str | None) -> str:
    city = _city(division)
    if city is None:
        return "unknown"
    return f"{city} {view.cities.name(city)}".rstrip()


def _local(view: View, at: datetime) -> str:
    return at.astimezone(zone(view.resident.zone)).isoformat(timespec="minutes")
