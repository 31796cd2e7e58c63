"""What is past its time goes, what something stands on stays, and the check afterwards finds what was planted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.services.keys import context_of
from bot.services.purge import ABANDONED, Moment, Purge
from bot.services.purge_check import (
    LEFT,
    OVERDUE,
    PERSONAL,
    UNDECLARED,
    UNOPENED,
    Finding,
    PurgeCheck,
    looks_personal,
)
from bot.services.retention import Kept, load_retention, stored_columns
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.schema import written_down
from bot.store.sealing import KeyRing
from scheduler.deletions import JOB as deletions
from scheduler.purge import FINDINGS, purge
from tests.conversation.world import HOME
from tests.scheduler.a_run import run_at, tools_of
from tests.services.stored import Stores
from tests.store.rows import insert, valid_row

RETENTION = load_retention(HOME / "config" / "retention.yaml")
NOW = datetime(2026, 3, 1, 19, 20, tzinfo=UTC)
MOMENT = Moment(NOW, NOW)
KEYS = KeyRing(KeyRing.generate(), KeyRing.generate())
SECOND = timedelta(microseconds=1)
LIMITED = [kept for kept in RETENTION if kept.keep_days is not None]
_number = count(100)

# what makes a row of each table one that nothing holds back
LOOSE: dict[str, dict[str, Any]] = {
    "accounts": {"consent": "refused", "window_until": None, "moment_until": None},
    "declarations": {"revision": 1},
    "deletion_requests": {"state": "done"},
    "follow_ups": {"state": "closed"},
    "guardianships": {"state": "ended"},
    "identity_checks": {"outcome": "mismatch"},
    "inbox": {"state": "done"},
    "job_runs": {"state": "failed"},
    "link_requests": {"state": "denied"},
    "notices": {"state": "sent"},
    "rescore_runs": {"state": "done"},
}
DAYS = {"punch_ins", "punch_in_log"}


def row_of(table: str, keys: KeyRing = KEYS, **changes: Any) -> dict[str, Any]:
    number = next(_number)
    row = valid_row(table, written_down()[table]["columns"], number) | LOOSE.get(table, {})
    kinds = stored_columns()[table]
    for column in row:
        if column.endswith("_sealed"):
            row[column] = keys.seal(context_of(table, column), f"{number}")
        elif kinds[column] == "CharField" and isinstance(row[column], str) and column in ("assessment",):
            row[column] = "{}"
    return row | changes


def aged(kept: Kept, at: datetime) -> dict[str, Any]:
    """Every column that the limit is counted from, at that instant or on its day."""
    kinds = stored_columns()[kept.table]
    return {column: at.date() if kinds[column] == "DateField" else at for column in kept.counted_from}


async def add(database: Database, table: str, keys: KeyRing = KEYS, **changes: Any) -> dict[str, Any]:
    row = row_of(table, keys, **changes)
    await insert(database, table, row)
    return row


async def number_of(database: Database, table: str) -> int:
    return int((await database.fetch(f"SELECT COUNT(*) FROM {table}"))[0][0])


async def companions(database: Database, table: str, row: dict[str, Any]) -> None:
    """What a row of that table needs beside it to be one among others: a later revision, a later run."""
    if table == "declarations":
        await add(database, table, resident_id=row["resident_id"], revision=2, submitted_at=NOW)
    if table == "job_runs":
        await add(database, table, job=row["job"], slot=NOW, state="done")


def days_of(kept: Kept) -> timedelta:
    return timedelta(days=kept.keep_days or 0)


@pytest.mark.parametrize("kept", LIMITED, ids=lambda kept: kept.table)
async def test_row_goes_just_after_its_limit_and_not_at_it(database: Database, kept: Kept) -> None:
    instants = all(stored_columns()[kept.table][column] != "DateField" for column in kept.counted_from)
    step = SECOND if instants else timedelta(days=1)
    limit = NOW - days_of(kept)
    if not instants:  # a day counts until it is over everywhere
        limit = datetime(2026, 3, 1, tzinfo=UTC) - days_of(kept)
    for at, stays in ((limit + step, True), (limit, True), (limit - step, False)):
        row = await add(database, kept.table, **aged(kept, at))
        await companions(database, kept.table, row)
        before = await number_of(database, kept.table)
        deleted = await Purge(database, RETENTION, MOMENT).run()
        assert before - await number_of(database, kept.table) == (0 if stays else 1), (kept.table, at)
        assert deleted[kept.table] == (0 if stays else 1)


async def test_reminder_that_was_sent_does_not_extend_anything(database: Database) -> None:
    old = NOW - timedelta(days=31)
    await add(database, "notices", created_at=old, expires_at=old, sent_at=NOW, try_at=NOW, not_before=NOW)
    resident = await add(database, "residents", **abandoned())
    await add(
        database, "notices", resident_id=resident["resident_id"], created_at=NOW, kind="punch_in_reminder"
    )
    deleted = await Purge(database, RETENTION, MOMENT).run()
    assert (deleted["notices"], deleted[ABANDONED]) == (1, 1)


def abandoned() -> dict[str, Any]:
    long_ago = NOW - timedelta(days=731)
    return {
        "created_at": long_ago, "declared_at": long_ago, "last_punch_in": long_ago.date(), "erased_at": None,
    }  # fmt: skip


async def add_fact(database: Database, resident_id: int, start: date, **changes: Any) -> int:
    known_at = datetime(start.year, start.month, start.day, tzinfo=UTC)
    fact_id = new_id()
    row: dict[str, Any] = {
        "id": fact_id, "resident_id": resident_id, "kind": "stay", "start_day": start, "end_day": start,
        "withdrawn_at": None, "known_at": known_at, "details": "{}",
    }  # fmt: skip
    await add(database, "facts", **(row | changes))
    return fact_id


LONG_AGO = date(2023, 1, 10)


async def test_fact_of_an_open_hold_survives_with_the_days_it_counts(database: Database) -> None:
    fact_id = await add_fact(database, 7, LONG_AGO)
    await add(database, "residents", resident_id=7)
    await add(database, "health_codes", resident_id=7, assessment=f'{{"findings":[{{"fact":{fact_id}}}]}}')
    for resident_id in (7, 8):
        await add(database, "punch_ins", resident_id=resident_id, day=LONG_AGO + timedelta(days=1))
    await add(database, "punch_ins", resident_id=7, day=LONG_AGO - timedelta(days=1))
    deleted = await Purge(database, RETENTION, MOMENT).run()
    assert (deleted["facts"], deleted["punch_ins"]) == (0, 2)
    assert await database.fetch("SELECT resident_id FROM punch_ins") != []


async def test_lifted_measure_never_comes_back_because_its_lifting_went_first(database: Database) -> None:
    await add_fact(database, 7, LONG_AGO, kind="measure", end_day=None, known_at=NOW)  # known late
    await add_fact(database, 7, LONG_AGO + timedelta(days=14), kind="measure_lifted")
    await add_fact(database, 8, LONG_AGO, kind="measure", end_day=None)
    await add_fact(database, 8, LONG_AGO + timedelta(days=14), kind="measure_lifted")
    await add_fact(database, 9, LONG_AGO, kind="measure", end_day=None)  # never lifted
    await Purge(database, RETENTION, MOMENT).run()
    rows = await database.fetch("SELECT resident_id, kind FROM facts ORDER BY resident_id, kind")
    assert [tuple(row) for row in rows] == [(7, "measure"), (7, "measure_lifted"), (9, "measure")]


async def test_whoever_lost_a_standing_fact_is_scored_anew(database: Database) -> None:
    await add_fact(database, 7, LONG_AGO)
    await add_fact(database, 8, LONG_AGO, withdrawn_at=datetime(2023, 2, 1, tzinfo=UTC))
    for resident_id in (7, 8):
        await add(database, "residents", resident_id=resident_id, input_version=4, erased_at=None)
        await add(database, "health_codes", resident_id=resident_id, assessment="{}")
    await Purge(database, RETENTION, MOMENT).run()
    queued = await database.fetch("SELECT resident_id, cause FROM rescore_queue")
    versions = await database.fetch("SELECT resident_id, input_version FROM residents ORDER BY resident_id")
    assert [tuple(row) for row in queued] == [(7, "purge")]
    assert [tuple(row) for row in versions] == [(7, 5), (8, 4)]


async def test_abandoned_resident_is_deleted_as_if_they_had_asked_for_it(database: Database) -> None:
    stores = Stores(database)
    other = await add(database, "accounts", stores.world.keys, person_id=0, window_until=NOW + SECOND)
    gone = await add(
        database, "residents", stores.world.keys, zone="Asia/Shanghai", birth_sealed=None, **abandoned()
    )
    stays = await add(database, "residents", stores.world.keys, **(abandoned() | {"declared_at": NOW}))
    await add(database, "health_codes", resident_id=gone["resident_id"], assessment="{}", next_change_at=None)
    tools = tools_of(stores, NOW)
    for _ in range(2):
        await purge(tools, run_at(NOW))
    assert await number_of(database, "deletion_requests") == 1
    await deletions.run(tools, run_at(NOW + timedelta(hours=1)))
    rows = await database.fetch("SELECT resident_id FROM residents WHERE erased_at IS NULL")
    assert [row[0] for row in rows] == [stays["resident_id"]]
    assert await number_of(database, "health_codes") == 0
    assert [row[0] for row in await database.fetch("SELECT id FROM accounts")] == [other["id"]]
    assert await PurgeCheck(database, stores.world.keys, RETENTION, MOMENT).run() == []


@pytest.mark.parametrize(
    "holder",
    [
        ("guardianships", "guardian_id", {"resident_id": 8, "state": "active"}),
        ("account_residents", "resident_id", {}),
        ("follow_ups", "resident_id", {"state": "open"}),
        ("link_requests", "resident_id", {"state": "asked", "expires_at": NOW + SECOND}),
        ("deletion_requests", "resident_id", {"state": "asked"}),
        ("facts", "resident_id", {"known_at": NOW}),
        ("health_codes", "resident_id", {"assessment": '{"findings":[{}]}', "next_change_at": NOW + SECOND}),
    ],
    ids=lambda holder: str(holder[0]),
)
async def test_resident_on_whom_something_stands_is_not_abandoned(
    database: Database, holder: tuple[str, str, dict[str, Any]]
) -> None:
    table, column, changes = holder
    resident = await add(database, "residents", **abandoned())
    work = Purge(database, RETENTION, MOMENT)
    assert await work.abandoned() == 1
    if table == "account_residents":
        await add(database, "accounts", id=5, consent="given")
        changes = {"account_id": 5}
    await add(database, table, **{column: resident["resident_id"], **changes})
    assert await work.abandoned() == 0
    assert (await work.run())[ABANDONED] == 0


async def test_guardian_account_without_consent_stays_while_members_are_there(database: Database) -> None:
    old = NOW - timedelta(days=91)
    await add(database, "accounts", id=5, created_at=old, consent_at=old)
    await add(database, "accounts", id=6, created_at=old, consent_at=old)
    await add(database, "account_residents", account_id=5, relation="guardian")
    await add(database, "dialogues", account_id=6, updated_at=NOW)
    await Purge(database, RETENTION, MOMENT).run()
    assert [row[0] for row in await database.fetch("SELECT id FROM accounts")] == [5]
    assert await number_of(database, "dialogues") == 0  # goes with its account


async def fill(database: Database, rows: int, keys: KeyRing = KEYS) -> None:
    old = NOW - timedelta(days=1200)
    for table in ("access_log", "notices", "punch_ins", "subscription_entries", "identity_checks"):
        for _ in range(rows):
            await add(database, table, keys, **aged(RETENTION[table], old), **(
                {"expires_at": old} if table == "notices" else {}
            ))  # fmt: skip


async def test_dry_run_counts_and_changes_nothing(database: Database) -> None:
    await fill(database, 3)
    work = Purge(database, RETENTION, MOMENT)
    due = {kept.table: (await work.due(kept)).rows for kept in RETENTION}
    assert {table for table, rows in due.items() if rows == 3} == {
        "access_log", "notices", "punch_ins", "subscription_entries", "identity_checks",
    }  # fmt: skip
    assert await number_of(database, "notices") == 3


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ages=st.lists(st.integers(0, 800), max_size=12), batch=st.integers(1, 5))
async def test_purging_twice_is_purging_once(database: Database, ages: list[int], batch: int) -> None:
    await database.execute("DELETE FROM punch_ins")
    for age in ages:
        await add(database, "punch_ins", resident_id=new_id(), day=(NOW - timedelta(days=age)).date())
    first = await Purge(database, RETENTION, MOMENT, batch=batch).run()
    assert first["punch_ins"] == sum(age > 365 for age in ages)
    assert await Purge(database, RETENTION, MOMENT, batch=batch).run() == {}


async def test_run_that_was_cut_off_goes_on_where_it_was(database: Database) -> None:
    stores = Stores(database)
    await fill(database, 2, stores.world.keys)
    run = run_at(NOW)
    run.stops_after = 2
    await purge(tools_of(stores, NOW), run)
    assert 0 < run.counts.total() < 10
    run.stops_after = 10_000
    await purge(tools_of(stores, NOW), run)
    assert run.counts.total() == 10
    assert run.cursor_id == 2 * len(RETENTION) + 1


# -- the check -----------------------------------------------------------------------------------------------


async def found(database: Database) -> list[Finding]:
    return await PurgeCheck(database, KEYS, RETENTION, MOMENT).run()


async def test_check_of_a_clean_store_finds_nothing(database: Database) -> None:
    for kept in RETENTION:
        if kept.table not in ("account_residents", "dialogues", "sessions", "subscriptions", "form_tokens",
                              "subscription_entries", "health_codes", "job_shards", "residents"):  # fmt: skip
            await add(database, kept.table, **aged(kept, NOW))
    assert await found(database) == []


async def test_check_finds_what_is_past_its_limit(database: Database) -> None:
    await add(database, "access_log", at=NOW - timedelta(days=1096))
    assert await found(database) == [Finding("access_log", "*", OVERDUE, 1)]


async def test_check_finds_what_was_left_of_an_erased_resident(database: Database) -> None:
    empty = {
        column: None for column in RETENTION["residents"].declared if column.endswith(("_sealed", "_index"))
    }
    defaults: dict[str, Any] = {
        "identity": "none", "verified_by": "", "verified_at": None, "certificate_kind": "", "division": None,
        "zone": "Asia/Shanghai", "household_id": None, "declared_at": None, "last_punch_in": None,
        "quiet_from": None, "quiet_until": None, "reminder_minute": None, "reminder_days": "all",
        "hinted_on": None, "erased_at": NOW,
    }  # fmt: skip
    await add(database, "residents", resident_id=7, **(empty | defaults))
    assert await found(database) == []
    phone = KEYS.seal("residents.phone", "1")
    await database.execute("UPDATE residents SET phone_sealed = ?, division = '420102'", [phone])
    await add(database, "punch_ins", resident_id=7, day=NOW.date())
    await add(database, "guardianships", guardian_id=7, since=NOW)
    await add(database, "access_log", resident_id=7, at=NOW)
    await add(database, "notices", resident_id=7, kind="deletion", created_at=NOW)
    await add(database, "notices", resident_id=7, kind="result", created_at=NOW)
    await add(database, "dialogues", account_id=4, updated_at=NOW)
    assert await found(database) == [
        Finding("dialogues", "account_id", LEFT, 1),
        Finding("guardianships", "guardian_id", LEFT, 1),
        Finding("notices", "resident_id", LEFT, 1),
        Finding("punch_ins", "resident_id", LEFT, 1),
        Finding("residents", "division", LEFT, 1),
        Finding("residents", "phone_sealed", LEFT, 1),
    ]


async def test_check_finds_what_no_key_opens_and_what_anybody_could_read(database: Database) -> None:
    await add(database, "declarations", answers_sealed=b"readable", submitted_at=NOW)
    await add(database, "access_log", at=NOW, why="asked by 13800138000")
    await add(database, "follow_ups", state="open", detail="420106199003074527")
    assert await found(database) == [
        Finding("access_log", "why", PERSONAL, 1),
        Finding("declarations", "answers_sealed", UNOPENED, 1),
        Finding("follow_ups", "detail", PERSONAL, 1),
    ]


async def test_sample_sees_every_row_of_a_small_table_wherever_it_begins(database: Database) -> None:
    for _ in range(30):
        await add(database, "access_log", at=NOW, why="13800138000", id=new_id())
    for _ in range(5):
        assert await found(database) == [Finding("access_log", "why", PERSONAL, 30)]
    few = PurgeCheck(database, KEYS, RETENTION, MOMENT, sample=10)
    assert await few.run() == [Finding("access_log", "why", PERSONAL, 10)]


async def test_check_names_a_table_that_nobody_declared(database: Database) -> None:
    await database.execute("CREATE TABLE gossip (name TEXT)")
    try:
        assert await found(database) == [Finding("gossip", "*", UNDECLARED, 1)]
    finally:
        await database.execute("DROP TABLE gossip")


async def test_check_names_a_column_that_nobody_declared(database: Database) -> None:
    await database.execute("ALTER TABLE stamps ADD COLUMN nickname TEXT")
    try:
        assert await found(database) == [Finding("stamps", "nickname", UNDECLARED, 1)]
    finally:
        await database.execute("ALTER TABLE stamps DROP COLUMN nickname")


async def test_findings_reach_the_run_and_the_metrics_without_a_value(database: Database) -> None:
    stores = Stores(database)
    await add(database, "access_log", at=NOW, why="13800138000")
    run, tools = run_at(NOW), tools_of(stores, NOW)
    await purge(tools, run)
    assert (run.counts[FINDINGS], run.counts["findings_access_log"]) == (1, 1)
    assert tools.metrics.registry.get_sample_value("yima_purge_findings", {"table": "access_log"}) == 1.0


@pytest.mark.parametrize(
    ("text", "among_ids", "personal"),
    [
        ("13800138000", False, True), ("+8613800138000", False, True), ("tel13800138000x", False, True),
        ("12800138000", False, False), ("138001380001", False, False), ("420106199003074527", False, True),
        ("420106199003074528", False, False), ("1420106199003074527", False, False),
        ("420106199003074527", True, False), ("a13800138000b", True, False), ("1:13800138000", True, True),
    ],
)  # fmt: skip
def test_numbers_of_people_are_told_from_others(text: str, among_ids: bool, personal: bool) -> None:
    assert looks_personal(text, today=NOW.date(), among_ids=among_ids) is personal
