"""`python -m bot purge`: shows what is due without touching it, deletes it when told to, and the check can fail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import cli
from bot.store.database import Database
from tests.conftest import in_thread
from tests.service import DATA_KEYS, INDEX_KEYS
from tests.store.rows import insert

OLD = datetime(2019, 1, 1, tzinfo=UTC)
ROW: dict[str, Any] = {
    "id": 5, "resident_id": 7, "at": OLD, "actor_kind": "operator", "actor_id": None, "role": "",
    "action": "explain", "why": "", "address": "",
}  # fmt: skip


@pytest.fixture
def filled(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    async def fill() -> None:
        database = Database(database_url)
        await database.open()
        await insert(database, "access_log", ROW)
        await database.close()

    monkeypatch.setenv("YIMA_DATABASE_URL", database_url)
    monkeypatch.setenv("YIMA_DATA_KEYS", DATA_KEYS)
    monkeypatch.setenv("YIMA_INDEX_KEYS", INDEX_KEYS)
    in_thread(fill())
    return database_url


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["purge", *words])
    return result.exit_code, result.output


@pytest.mark.usefixtures("filled")
def test_dry_run_then_check_then_purge_then_check_again() -> None:
    code, text = run("--dry-run")
    assert (code, "nothing was deleted" in text, "2019-01-01" in text) == (0, True, True)
    code, text = run("check")
    assert (code, "access_log.*: 1 overdue" in text) == (1, True)
    code, text = run()
    assert (code, "1 rows deleted, 0 deletions of residents ordered" in text) == (0, True)
    code, text = run("check", "--all")
    assert (code, "35 tables, 0 findings" in text) == (0, True)


@pytest.mark.usefixtures("filled")
def test_dry_run_of_the_check_is_refused() -> None:
    code, text = run("--dry-run", "check")
    assert code == 2
    assert "only the purge itself deletes anything" in text
