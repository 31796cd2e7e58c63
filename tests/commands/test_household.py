"""The command: who may confirm or refuse, what is shown, and that every look is recorded."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.commands import household
from bot.store.database import Database
from bot.store.sealing import KeyRing
from tests.conftest import in_thread
from tests.service import DATA_KEYS, INDEX_KEYS
from tests.services.families import Families, number

T = TypeVar("T")


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in (
        ("YIMA_DATABASE_URL", database_url),
        ("YIMA_DATA_KEYS", DATA_KEYS),
        ("YIMA_INDEX_KEYS", INDEX_KEYS),
    ):
        monkeypatch.setenv(name, value)
    on(database_url, prepare)
    return database_url


def on(url: str, work: Callable[[Families], Coroutine[Any, Any, T]]) -> T:
    """Do something with the database while no command runs."""
    results: list[T] = []

    async def run() -> None:
        database = Database(url)
        await database.open()
        try:
            they = Families(database)
            they.world.keys = KeyRing(DATA_KEYS, INDEX_KEYS)
            results.append(await work(they))
        finally:
            await database.close()

    in_thread(run())
    return results[0]


async def prepare(they: Families) -> None:
    """One wish that waits, long enough for a real clock, and two workers."""
    guardian = await they.person(1)
    await they.ask(guardian, number(2))
    await they.database.execute("UPDATE guardianships SET expires_at = NULL, id = 11")
    for id_, scope in ((1, "4201"), (2, "44")):
        await they.database.execute(
            "INSERT INTO workers (id, role, scope, invited_at, accepted_at) VALUES (?, 'w', ?, ?, ?)",
            [id_, scope, they.clock.now(), they.clock.now()],
        )


def call(*words: str) -> Result:
    cli = typer.Typer()
    household.register(cli)
    return CliRunner().invoke(cli, ["household", *words])


async def states(they: Families) -> list[Any]:
    return [row[2] for row in await they.bonds()]


async def looks(they: Families) -> list[tuple[Any, ...]]:
    return await they.rows("SELECT actor_kind, actor_id, action, why FROM access_log")


def test_list_shows_masked_names_and_is_recorded(url: str) -> None:
    result = call("list", "--worker", "1")
    assert result.exit_code == 0, result.exception
    assert "王**" in result.stdout
    assert "王秀英" not in result.stdout
    assert on(url, looks) == [("worker", 1, "binding_seen", "to_confirm")]


def test_worker_of_another_place_sees_and_does_nothing(url: str) -> None:
    assert "nobody waits" in call("list", "--worker", "2").stdout
    assert "scope" in call("confirm", "11", "--worker", "2", "--why", "saw_document").stdout
    assert on(url, states) == ["asked"]
    assert on(url, looks) == []


def test_confirm_binds_and_says_so(url: str) -> None:
    assert "confirmed" in call("confirm", "11", "--worker", "1", "--why", "saw_document").stdout
    assert on(url, states) == ["active"]
    assert "nothing was done" in call("refuse", "11", "--worker", "1", "--why", "late").stdout
    assert on(url, states) == ["active"]


def test_refuse_ends_the_question(url: str) -> None:
    assert "refused" in call("refuse", "11", "--worker", "1", "--why", "not_wanted").stdout
    assert on(url, states) == ["refused"]


@pytest.mark.parametrize(
    "words",
    [
        ("11", "--worker", "9", "--why", "ok"),
        ("12", "--worker", "1", "--why", "ok"),
        ("11", "--worker", "1", "--why", "王秀英 said"),
    ],
)
def test_unknown_worker_bond_and_words_for_a_reason_are_refused(url: str, words: tuple[str, ...]) -> None:
    assert call("confirm", *words).exit_code == 1
    assert on(url, states) == ["asked"]
