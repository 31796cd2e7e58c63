"""Models, migrations and the schema that is written down agree, on both databases; the checks really check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.store import make_migration, models
from bot.store.migrate import migrate, reading
from bot.store.schema import describe, on_postgresql, written_down
from tests.postgresql import empty_database
from tests.store.rows import insert, valid_row

BOTH = pytest.mark.parametrize(
    "backend",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    scope="module",
    indirect=True,
)

# For every CHECK something that it refuses.
REFUSED: dict[str, dict[str, Any]] = {
    "ck_access_log_actor_kind": {"actor_kind": "stranger"},
    "ck_account_residents_relation": {"relation": "friend"},
    "ck_accounts_consent": {"consent": "perhaps"},
    "ck_accounts_moment_left": {"moment_left": -1},
    "ck_accounts_window_left": {"window_left": -1},
    "ck_colour_changes_new_colour": {"new_colour": "blue"},
    "ck_colour_changes_new_state": {"new_state": "guessed"},
    "ck_colour_changes_old_colour": {"old_colour": "blue"},
    "ck_colour_changes_old_state": {"old_state": "guessed"},
    "ck_contact_attempts_outcome": {"outcome": "perhaps"},
    "ck_contact_attempts_way": {"way": "pigeon"},
    "ck_declarations_revision": {"revision": 0},
    "ck_deletion_requests_state": {"state": "perhaps"},
    "ck_dialogues_version": {"version": -1},
    "ck_facts_days": {"start_day": "later", "end_day": "earlier"},
    "ck_follow_ups_days": {"day": "later", "last_day": "earlier"},
    "ck_follow_ups_reason": {"reason": "whim"},
    "ck_follow_ups_state": {"state": "lost"},
    "ck_guardianships_other": {"resident_id": 7, "guardian_id": 7},
    "ck_guardianships_state": {"state": "perhaps"},
    "ck_guardianships_waits_for": {"waits_for": "nobody"},
    "ck_health_codes_colour": {"colour": "blue"},
    "ck_health_codes_state": {"state": "guessed"},
    "ck_identity_checks_outcome": {"outcome": "perhaps"},
    "ck_inbox_attempts": {"attempts": -1},
    "ck_inbox_state": {"state": "lost"},
    "ck_job_runs_shards": {"shards": -1},
    "ck_job_runs_state": {"state": "lost"},
    "ck_job_shards_range": {"from_id": 8, "to_id": 7},
    "ck_job_shards_state": {"state": "lost"},
    "ck_link_requests_state": {"state": "perhaps"},
    "ck_notices_attempts": {"attempts": -1},
    "ck_notices_failures": {"failures": -1},
    "ck_notices_priority": {"priority": 2},
    "ck_notices_state": {"state": "lost"},
    "ck_punch_in_log_revision": {"revision": 0},
    "ck_punch_in_log_temperature": {"temperature_tenths": 431},
    "ck_punch_ins_revision": {"revision": 0},
    "ck_punch_ins_temperature": {"temperature_tenths": 339},
    "ck_rescore_queue_attempts": {"attempts": -1},
    "ck_rescore_runs_state": {"state": "lost"},
    "ck_residents_identity": {"identity": "guessed"},
    "ck_residents_input_version": {"input_version": -1},
    "ck_residents_reminder_days": {"reminder_days": "sometimes"},
    "ck_residents_reminder_minute": {"reminder_minute": 1440},
    "ck_residents_quiet_from": {"quiet_from": 1440},
    "ck_residents_quiet_until": {"quiet_until": -1},
    "ck_risk_levels_days": {"from_day": "later", "to_day": "earlier"},
    "ck_subscriptions_balance": {"balance": -1},
    "ck_subscriptions_standing": {"standing": "perhaps"},
    "ck_risk_levels_level": {"level": "lowest"},
}


@pytest.fixture(scope="module")
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def empty_url(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with empty_database(backend, tmp_path_factory.mktemp("schema")) as made:
        yield made


@pytest.fixture
async def url(empty_url: str) -> str:
    await migrate(empty_url)
    return empty_url


async def test_models_and_migrations_agree() -> None:
    missing = [operation for writer in await make_migration.changes() for operation in writer.operations]
    assert missing == [], "run: python -m bot.store.make_migration NAME"


@BOTH
async def test_the_migrated_schema_is_the_one_that_is_written_down(url: str) -> None:
    expected = written_down() if url.startswith("sqlite") else on_postgresql(written_down())
    async with reading(url) as connection:
        found = await describe(connection)
    if connection.dialect == "postgresql":  # which words a check by its own; what it refuses is tested below
        for tables in (expected, found):
            for table in tables.values():
                table["checks"] = sorted(table["checks"])
    assert found == expected, "run: python -m bot.store.schema"


def test_every_model_has_a_table_that_is_written_down() -> None:
    assert {getattr(models, name)._meta.db_table for name in models.__all__} == set(written_down())


def test_every_unique_key_of_a_resident_holds_the_resident() -> None:
    """No exceptions: one key without it, and the table can't be distributed by resident."""
    for name, table in on_postgresql(written_down()).items():
        if "resident_id" in table["columns"]:
            for key in (table["primary_key"], *table["unique"]):
                assert "resident_id" in key, f"{name}: {key}"


def test_every_check_has_something_that_it_refuses() -> None:
    assert {check for table in written_down().values() for check in table["checks"]} == set(REFUSED)


@BOTH
@pytest.mark.parametrize("check", sorted(REFUSED))
async def test_a_check_refuses_what_no_resident_can_have(url: str, check: str) -> None:
    (table,) = (name for name, description in written_down().items() if check in description["checks"])
    row = valid_row(table, written_down()[table]["columns"], 20)
    days = {
        "later": valid_row("facts", {"day": "date"}, 3)["day"],
        "earlier": valid_row("facts", {"day": "date"}, 2)["day"],
    }
    wrong = {
        column: days.get(value, value) if isinstance(value, str) else value
        for column, value in REFUSED[check].items()
    }
    async with reading(url) as connection:
        with pytest.raises(Exception, match=check):
            await insert(connection, table, row | wrong)


@BOTH
async def test_every_table_takes_a_valid_row(url: str) -> None:
    async with reading(url) as connection:
        for table, description in written_down().items():
            await insert(connection, table, valid_row(table, description["columns"], 1))


@pytest.mark.postgresql
@pytest.mark.parametrize("backend", ["postgresql"], scope="module", indirect=True)
async def test_the_punch_in_log_knows_the_transaction_that_wrote_it(url: str) -> None:
    row = valid_row("punch_in_log", written_down()["punch_in_log"]["columns"], 50)
    del row["transaction"], row["sequence"]
    async with reading(url) as connection:
        await insert(connection, "punch_in_log", row)
        rows = await connection.fetch(
            # what the row itself says of its writer, which is the number without its epoch
            'SELECT "transaction" % 4294967296 = xmin::text::bigint AND "transaction" > 0'
            " FROM punch_in_log WHERE resident_id = 50"
        )
    assert rows[0][0] is True
