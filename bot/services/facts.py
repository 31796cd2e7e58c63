"""Records and withdraws facts; every change of them is followed by a re-score in the same unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import orjson

from bot.core.model import Detail, Fact
from bot.store.ids import new_id
from bot.store.snapshot import Resident
from bot.store.work import Work


def record(
    work: Work,
    resident: Resident,
    *,
    kind: str,
    start: date,
    source: str,
    reference: str,
    end: date | None = None,
    division: str | None = None,
    occurrence: str | None = None,
    details: Mapping[str, Detail] | None = None,
) -> Fact:
    """Add a fact that became known now. `reference` is the source's own and unique for this resident."""
    fact = Fact(
        id=new_id(),
        kind=kind,
        start=start,
        end=end,
        division=division,
        source=source,
        reference=reference,
        occurrence=occurrence,
        known_at=work.now,
        withdrawn_at=None,
        details=dict(details or {}),
    )
    resident.facts.append(fact)
    work.touch(resident.resident_id, resident.input_version)
    work.insert(
        "facts",
        id=fact.id,
        resident_id=resident.resident_id,
        kind=kind,
        start_day=start,
        end_day=end,
        division=division,
        source=source,
        reference=reference,
        occurrence_id=occurrence,
        details=orjson.dumps(fact.details).decode(),
        known_at=work.now,
    )
    return fact


def withdraw(work: Work, resident: Resident, fact: Fact, *, why: str, at: datetime | None = None) -> None:
    """Take a fact back: it stays stored, with when and why, and no longer counts."""
    moment = at or work.now
    resident.facts = [each for each in resident.facts if each.id != fact.id]
    work.touch(resident.resident_id, resident.input_version)
    work.update(
        "facts",
        {"resident_id": resident.resident_id, "id": fact.id},
        withdrawn_at=moment,
        withdrawn_why=why,
    )
