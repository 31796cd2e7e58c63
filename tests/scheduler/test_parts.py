from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store.database import Database
from scheduler.parts import FIRST, LAST, WHOLE, cut
from tests.scheduler.desk import add_residents


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(FIRST, LAST), max_size=30), st.integers(1, 12))
async def test_parts_hold_every_id_exactly_once(database: Database, ids: set[int], size: int) -> None:
    await database.execute("DELETE FROM residents")
    await add_residents(database, sorted(ids))
    parts = await cut(database, size)
    assert (parts[0].from_id, parts[-1].to_id) == (FIRST, LAST)
    assert all(one.to_id + 1 == other.from_id for one, other in pairwise(parts))
    assert all(part.from_id <= part.to_id for part in parts)
    held = [sum(part.from_id <= each <= part.to_id for each in ids) for part in parts]
    assert sum(held) == len(ids)
    assert max(held) <= size


async def test_job_that_is_not_cut_has_one_part_for_all(database: Database) -> None:
    await add_residents(database, range(1, 20))
    assert await cut(database, 0) == [WHOLE]
