"""Cuts all residents into parts by their ids, so that several processes share a job."""

from __future__ import annotations

from dataclasses import dataclass

from bot.store.database import Database

FIRST, LAST = 1, 2**63 - 1  # every id there is, and those of residents who come while the job runs
# reads ids alone, in their index, and each of them once
_BOUNDARY = "SELECT resident_id FROM residents WHERE resident_id > ? ORDER BY resident_id LIMIT 1 OFFSET ?"


@dataclass(frozen=True, slots=True)
class Part:
    """The residents from `from_id` to `to_id`, both included."""

    from_id: int
    to_id: int


WHOLE = Part(FIRST, LAST)


async def cut(database: Database, residents: int) -> list[Part]:
    """Parts of about so many residents, which together hold every id exactly once; 0: one part for all."""
    parts: list[Part] = []
    begin = FIRST
    while residents > 0:
        rows = await database.fetch(_BOUNDARY, [begin - 1, residents - 1])
        if not rows or rows[0][0] == LAST:
            break
        parts.append(Part(begin, rows[0][0]))
        begin = rows[0][0] + 1
    return [*parts, Part(begin, LAST)]
