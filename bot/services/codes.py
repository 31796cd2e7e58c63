"""Which codes a resident holds, and until when the last report covers each of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import orjson

from bot.clock import resident_day
from bot.core.model import Colour, State
from bot.core.rules import RuleBook
from bot.errors import NotFound
from bot.services.rescore import rescore
from bot.services.world import World
from bot.store.ids import new_id
from bot.store.snapshot import Code, Resident
from bot.store.work import Work


def hold(world: World, work: Work, resident: Resident, scheme_id: str) -> Code:
    """Give the resident a code of that scheme: grey and undecided until it is scored; the same if held already.

    NotFound for a scheme that is not configured. A re-score has to follow in the same unit of work.
    """
    held = resident.codes.get(scheme_id)
    if held is not None:
        return held
    if world.schemes.get(scheme_id) is None:
        raise NotFound(f"no scheme: {scheme_id!r}")
    code = Code(
        id=new_id(),
        scheme=scheme_id,
        colour=Colour.GREY.value,
        state=State.UNDECIDED.value,
        since=work.now,
        version="",
        assessment="{}",
        next_change_at=None,
        covered_until=None,
        # codes taken in one message keep the order in which they were named
        held_since=work.now + timedelta(microseconds=len(resident.codes)),
    )
    resident.codes[scheme_id] = code
    work.upsert(
        "health_codes",
        ("resident_id", "scheme"),
        id=code.id,
        resident_id=resident.resident_id,
        scheme=scheme_id,
        colour=code.colour,
        state=code.state,
        since=code.since,
        version=code.version,
        assessment=code.assessment,
        next_change_at=None,
        covered_until=None,
        held_since=code.held_since,
    )
    return code


def release(work: Work, resident: Resident, scheme_id: str) -> bool:
    """Let go of a code; the facts and its colour changes stay on record. False if it was not held."""
    if resident.codes.pop(scheme_id, None) is None:
        return False
    work.delete("health_codes", {"resident_id": resident.resident_id, "scheme": scheme_id})
    return True


def last_report_day(resident: Resident) -> date | None:
    """The day of the last report: a punch-in, or a declaration, which counts as one."""
    if resident.declared_at is None:
        return resident.last_punch_in
    declared = resident_day(resident.declared_at, resident.zone)
    return declared if resident.last_punch_in is None else max(declared, resident.last_punch_in)


def covered_until(world: World, resident: Resident, code: Code, now: datetime) -> datetime | None:
    """When the last report stops being valid for that code; None if there is none, or no rule about it.

    For a code that another system decides it is what that system said last.
    """
    return _until(world, code, last_report_day(resident), resident.zone, now)


def coverage(world: World, resident: Resident, now: datetime) -> list[tuple[Code, datetime | None]]:
    """Every code that the resident holds, with `covered_until`."""
    day, zone = last_report_day(resident), resident.zone
    return [(code, _until(world, code, day, zone, now)) for code in resident.codes.values()]


def _until(world: World, code: Code, day: date | None, zone: str, now: datetime) -> datetime | None:
    scheme = world.schemes.get(code.scheme)
    if scheme is None or not scheme.local:
        return code.covered_until
    rulebook = world.book(code.scheme, now)
    return None if rulebook is None or day is None else _end_of_cover(rulebook, day, zone)


@lru_cache(maxsize=1024)
def _end_of_cover(rulebook: RuleBook, day: date, zone: str) -> datetime | None:
    """Everybody who reports on one day is covered by one book until the same instant."""
    return rulebook.covered_until(day, zone)


def review_due(world: World, work: Work, resident: Resident) -> None:
    """Score anew what the clock alone has changed since it was scored, before it is shown."""
    due = (code.next_change_at for code in resident.codes.values())
    if any(at is not None and at <= work.now for at in due):
        rescore(world, work, resident, cause="review")


def missing_of(code: Code) -> tuple[str, ...]:
    """What the stored assessment found missing."""
    found: dict[str, object] = orjson.loads(code.assessment)
    missing = found.get("missing", ())
    return tuple(str(each) for each in missing) if isinstance(missing, list) else ()
