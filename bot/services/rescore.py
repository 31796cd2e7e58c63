"""The only writer of colours: assesses a resident's codes anew and records what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from bot.core.assess import Assessment, assess
from bot.core.model import Person
from bot.services.world import World
from bot.store.ids import new_id
from bot.store.snapshot import Code, Resident
from bot.store.work import Work

_NOTHING_FOUND = '"findings":[]'


@dataclass(frozen=True, slots=True)
class Change:
    """One code's colour or state changed; `old_*` are None for a code that had none."""

    scheme: str
    old_colour: str | None
    old_state: str | None
    new_colour: str
    new_state: str


def rescore(
    world: World, work: Work, resident: Resident, *, cause: str, only_a_normal_day: bool = False
) -> tuple[Change, ...]:
    """Assess every code that is decided here, on the resident as known now; record only what differs.

    The codes are written together with the input version that was read: if it has moved on by then, nothing
    is written. Doing it twice changes nothing. `only_a_normal_day` says that the one thing that changed is a
    first normal punch-in of a day: it leaves a green code without findings as it is (see `_stays_green`).
    """
    work.rescored.add(resident.resident_id)
    if resident.resident_id not in work.fresh:
        work.expect("residents", resident.resident_id, resident.input_version)
    if not resident.codes:
        return ()
    codes: list[Code] = list(resident.codes.values())
    if only_a_normal_day:
        codes = [code for code in codes if not _stays_green(world, code, work.now)]
        if not codes:
            return ()
    person = resident.person()
    changes = []
    for code in codes:
        change = _rescore_code(world, work, resident, person, code, cause)
        if change is not None:
            changes.append(change)
            work.changes.append((resident.resident_id, change))
    return tuple(changes)


def _stays_green(world: World, code: Code, now: datetime) -> bool:
    """Whether a normal day can't change the stored result: green, decided, nothing found, by the version in
    force, and before the instant at which the clock may change it. More normal days only ever end findings
    and lengthen cover; a new risk level or rule book re-scores by itself."""
    if code.colour != "green" or code.state != "decided" or _NOTHING_FOUND not in code.assessment:
        return False
    if code.next_change_at is not None and code.next_change_at <= now:
        return False
    book = world.book(code.scheme, now)
    return book is not None and book.version == code.version


def assess_code(world: World, person: Person, scheme_id: str, at: datetime) -> Assessment:
    """The assessment of one scheme's code: what the stored colour and the why-card are both read off."""
    return assess(person, world.books(scheme_id), world.risk, at, scheme=scheme_id)


def _rescore_code(
    world: World, work: Work, resident: Resident, person: Person, code: Code, cause: str
) -> Change | None:
    scheme = world.schemes.get(code.scheme)
    if scheme is None or scheme.decided != "locally":
        return None
    assessment = assess_code(world, person, code.scheme, work.now)
    stored = stored_form(assessment)
    review_at = assessment.review_at
    colour, state = assessment.colour.value, assessment.state.value
    same = (stored, colour, state) == (code.assessment, code.colour, code.state)
    if same and _looked_at_in_time(code.next_change_at, review_at, work.now):
        return None
    change = None
    first = code.assessment == "{}"
    if first or (colour, state) != (code.colour, code.state):
        change = _record_change(work, resident, code, colour, state, stored, cause, first=first)
        code.since = work.now
    code.colour, code.state, code.assessment = colour, state, stored
    code.version, code.next_change_at = assessment.version or "", review_at
    _write(work, resident, code)
    return change


def stored_form(assessment: Assessment) -> str:
    """The assessment as it is stored: without its instant, so that the same result is the same text."""
    plain = assessment.to_json(ahead=False)
    del plain["at"]
    return orjson.dumps(plain).decode()


def _looked_at_in_time(stored: datetime | None, wanted: datetime | None, now: datetime) -> bool:
    """Whether the stored instant of the next look is early enough; too early only costs one more look."""
    if stored is None or wanted is None:
        return stored is wanted
    return now < stored <= wanted


def _record_change(
    work: Work,
    resident: Resident,
    code: Code,
    colour: str,
    state: str,
    stored: str,
    cause: str,
    *,
    first: bool,
) -> Change:
    change = Change(
        scheme=code.scheme,
        old_colour=None if first else code.colour,
        old_state=None if first else code.state,
        new_colour=colour,
        new_state=state,
    )
    work.insert(
        "colour_changes",
        id=new_id(),
        resident_id=resident.resident_id,
        scheme=code.scheme,
        at=work.now,
        old_colour=change.old_colour,
        old_state=change.old_state,
        new_colour=colour,
        new_state=state,
        cause=cause,
        assessment=stored,
    )
    return change


def _write(work: Work, resident: Resident, code: Code) -> None:
    work.upsert(
        "health_codes",
        ("resident_id", "scheme"),
        id=code.id,
        resident_id=resident.resident_id,
        scheme=code.scheme,
        colour=code.colour,
        state=code.state,
        since=code.since,
        version=code.version,
        assessment=code.assessment,
        next_change_at=code.next_change_at,
        covered_until=code.covered_until,
        held_since=code.held_since,
    )
