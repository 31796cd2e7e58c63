"""Outside of a conversation: everybody concerned is told, a conflict runs again, one failure stops nobody."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import Conflict, NotFound
from bot.services.facts import record
from bot.store.database import Database
from bot.store.snapshot import Resident
from bot.store.work import Work
from bot.store.writer import Outcome, Writer
from tests.fakes.clock import MORNING
from tests.services.stored import FEVER, Stores


@pytest.fixture
def stores(database: Database) -> Stores:
    return Stores(database)


def take_fever(work: Work, resident: Resident) -> None:
    record(work, resident, source="punch_in", reference="1", **FEVER)


async def test_fact_taken_in_changes_the_colour_and_tells_every_account(stores: Stores) -> None:
    resident_id = await stores.add(accounts=2)
    (change,) = await stores.rescorer.apply(resident_id, take_fever, cause="feed", now=MORNING)
    assert (change.scheme, change.old_colour, change.new_colour) == ("hubei", "green", "red")
    assert await stores.colours() == {resident_id: "red"}
    notices = await stores.rows(
        "SELECT kind, state, priority FROM notices WHERE resident_id = ?", resident_id
    )
    assert notices == [("colour_changed", "queued", 1)] * 2
    causes = await stores.rows("SELECT cause FROM colour_changes WHERE old_colour IS NOT NULL")
    assert causes == [("feed",)]


async def test_nothing_is_written_where_nothing_differs(stores: Stores) -> None:
    resident_id = await stores.add(days_ago=0)
    before = await stores.rows("SELECT * FROM residents") + await stores.rows("SELECT * FROM health_codes")
    assert await stores.rescorer.apply(resident_id, None, cause="rule_book", now=MORNING) == ()
    counts = await stores.rescorer.rescore_many([resident_id], cause="rule_book", now=MORNING)
    assert (counts.residents, counts.written, counts.changes) == (1, 0, 0)
    after = await stores.rows("SELECT * FROM residents") + await stores.rows("SELECT * FROM health_codes")
    assert after == before


async def test_resident_who_does_not_exist_is_refused(stores: Stores) -> None:
    with pytest.raises(NotFound):
        await stores.rescorer.apply(12345, None, cause="feed", now=MORNING)


async def test_conflict_loads_and_runs_again_on_fresh_data(stores: Stores) -> None:
    resident_id = await stores.add()
    seen: list[int] = []
    commit = Writer.commit

    async def somebody_is_quicker(self: Writer, work: Work) -> Outcome:
        if len(seen) == 1:
            await stores.database.execute("UPDATE residents SET input_version = input_version + 1")
        return await commit(self, work)

    def body(work: Work, resident: Resident) -> None:
        seen.append(resident.input_version)
        take_fever(work, resident)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "commit", somebody_is_quicker)
        await stores.rescorer.apply(resident_id, body, cause="feed", now=MORNING)
    assert seen == [0, 1]
    assert await stores.rows("SELECT COUNT(*) FROM facts") == [(1,)]


async def test_conflict_without_an_end_is_said(stores: Stores) -> None:
    resident_id = await stores.add()

    async def always_later(self: Writer, work: Work) -> Outcome:
        return Outcome.CONFLICT

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "commit", always_later)
        with pytest.raises(Conflict):
            await stores.rescorer.apply(resident_id, take_fever, cause="feed", now=MORNING)
    assert await stores.rows("SELECT COUNT(*) FROM facts") == [(0,)]


async def test_two_who_score_the_same_resident_record_one_change(stores: Stores) -> None:
    resident_id = await stores.add(late=[FEVER])
    other = Stores(stores.database, stores.world)
    commit = Writer.commit

    async def both(self: Writer, work: Work) -> Outcome:
        if self is stores.writer:
            await other.rescorer.rescore_many([resident_id], cause="second", now=MORNING)
        return await commit(self, work)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "commit", both)
        counts = await stores.rescorer.rescore_many([resident_id], cause="first", now=MORNING)
    assert (counts.written, counts.failed) == (0, 0)
    assert await stores.rows("SELECT cause FROM colour_changes WHERE old_colour IS NOT NULL") == [("second",)]
    assert await stores.rows("SELECT COUNT(*) FROM notices") == [(1,)]


async def test_one_bad_resident_stops_nobody_else(stores: Stores) -> None:
    ids = [await stores.add(late=[FEVER]) for _ in range(5)]
    await stores.database.execute("UPDATE facts SET details = 'no json' WHERE resident_id = ?", [ids[2]])
    counts = await stores.rescorer.rescore_many([*ids, 99], cause="rule_book", now=MORNING)
    assert (counts.residents, counts.written, counts.changes, counts.failed, counts.gone) == (6, 4, 4, 1, 1)
    colours = await stores.colours()
    assert [colours[each] for each in ids] == ["red", "red", "green", "red", "red"]


async def test_resident_named_twice_is_scored_once(stores: Stores) -> None:
    resident_id = await stores.add(late=[FEVER])
    counts = await stores.rescorer.rescore_many([resident_id] * 3, cause="rule_book", now=MORNING)
    assert (counts.residents, counts.changes) == (1, 1)


async def test_age_is_told_to_the_rules(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    resident_id = await stores.add()
    sealed = stores.world.keys.seal("residents.birth", "2010-05-05")
    await stores.database.execute("UPDATE residents SET birth_sealed = ?", [sealed])
    seen: list[Any] = []
    await stores.rescorer.apply(resident_id, lambda _, each: seen.append(each.minor), cause="x", now=MORNING)
    assert seen == [True]
