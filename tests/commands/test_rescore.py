"""The command: what it refuses, what it says, and that a kill costs a repetition and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.commands import rescore
from bot.store.database import Database
from tests.conftest import in_thread
from tests.conversation.world import HOME
from tests.service import DATA_KEYS, INDEX_KEYS
from tests.services.stored import FEVER, Stores, low_world, stay

T = TypeVar("T")
BOOK = HOME / "config" / "rulebooks" / "hangzhou" / "1.0.0" / "rulebook.yaml"
LEFT = {
    "health_codes": "resident_id, scheme, colour, state, version, assessment",
    "colour_changes": "resident_id, scheme, old_colour, old_state, new_colour, new_state, cause",
    "notices": "resident_id, account_id, kind, priority, state",
}


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = {
        "YIMA_DATABASE_URL": database_url,
        "YIMA_DATA_KEYS": DATA_KEYS,
        "YIMA_INDEX_KEYS": INDEX_KEYS,
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(HOME), **found}


def on(url: str, work: Callable[[Stores], Coroutine[Any, Any, T]]) -> T:
    """Do something with the database while no command runs."""
    results: list[T] = []

    async def run() -> None:
        database = Database(url)
        await database.open()
        try:
            results.append(await work(Stores(database, low_world(d3303="high"))))
        finally:
            await database.close()

    in_thread(run())
    return results[0]


async def fill(stores: Stores) -> None:
    for number in range(20):
        facts = [FEVER] if number % 3 == 0 else [stay("330302")] if number % 3 == 1 else []
        await stores.add(schemes=["hangzhou"], facts=facts, days_ago=0, division="330106")


async def left(stores: Stores) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: sorted(await stores.rows(f"SELECT {columns} FROM {table}"), key=str)
        for table, columns in LEFT.items()
    }


def command(*options: str) -> Result:
    cli = typer.Typer()
    rescore.register(cli)
    return CliRunner().invoke(cli, list(options))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give --scheme ID or --all"),
        (["--all", "--scheme", "hangzhou"], "give --scheme ID or --all"),
        (["--all", "--shadow", "1.0.0"], "tries one rule book"),
        (["--all", "--report", "x.html"], "written with --shadow"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(
    environment: dict[str, str], options: list[str], said: str
) -> None:
    result = command(*options)
    assert result.exit_code == 2
    assert said in result.output


def test_columns_without_polars_are_refused(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescore, "find_spec", lambda _name: None)
    result = command("--all", "--columnar")
    assert result.exit_code == 1
    assert "the extra `batch`" in str(result.exception)


@pytest.mark.parametrize("way", ["--one-by-one", "--columnar"])
def test_command_scores_everybody_and_says_so(environment: dict[str, str], way: str) -> None:
    url = environment["YIMA_DATABASE_URL"]
    on(url, fill)
    result = command("--scheme", "hangzhou", way)
    assert result.exit_code == 0, result.output
    assert "rescore: 20 of 20" in result.output
    assert "20 residents, 14 written, 7 codes changed" in result.output
    again = command("--scheme", "hangzhou", way)
    assert "20 residents, 0 written, 0 codes changed, 0 failed" in again.output
    assert "please report this" not in again.output


def test_shadow_prints_a_table_writes_a_page_and_nothing_else(
    environment: dict[str, str], tmp_path: Path
) -> None:
    url = environment["YIMA_DATABASE_URL"]
    on(url, fill)
    before = on(url, left)
    page = tmp_path / "page.html"
    for way in ("--one-by-one", "--columnar"):
        result = command("--scheme", "hangzhou", "--shadow", "1.0.0", "--report", str(page), way)
        assert result.exit_code == 0, result.output
        assert "20 people" in result.output
        assert "nothing was written" in result.output
        assert "by rule" in result.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert on(url, left) == before


def test_shadow_takes_a_rule_book_from_outside_of_the_tree(
    environment: dict[str, str], tmp_path: Path
) -> None:
    on(environment["YIMA_DATABASE_URL"], fill)
    path = tmp_path / "next.yaml"
    path.write_text(BOOK.read_text(encoding="utf-8").replace("1.0.0", "1.9.0", 1), encoding="utf-8")
    result = command("--scheme", "hangzhou", "--shadow", str(path))
    assert result.exit_code == 0, result.output
    assert "1.9.0 (1.0.0 in force)" in result.output


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--one-by-one"])
def test_killed_process_goes_on_and_leaves_what_one_in_one_go_leaves(
    environment: dict[str, str], tmp_path: Path, way: str
) -> None:
    url = environment["YIMA_DATABASE_URL"]
    on(url, fill)
    dump = on(url, _dump)
    assert command("--scheme", "hangzhou", way, "--fresh").exit_code == 0
    expected = on(url, left)
    on(url, lambda stores: _restore(stores, dump))
    options = ["--scheme", "hangzhou", way]
    killed = _process(environment, tmp_path, "before_cursor", *options)
    assert killed.returncode == -signal.SIGKILL
    assert on(url, _state) == [("running", 8)]
    again = _process(environment, tmp_path, "never", *options)
    assert again.returncode == 0, again.stderr
    assert "going on after 8 residents" in again.stdout
    assert on(url, left) == expected
    assert on(url, _state) == [("done", 20)]


def _process(
    environment: dict[str, str], folder: Path, point: str, *options: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fakes.dying_rescore", point, *options],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip


async def _state(stores: Stores) -> list[tuple[Any, ...]]:
    return await stores.rows("SELECT state, residents FROM rescore_runs")


async def _dump(stores: Stores) -> dict[str, list[tuple[Any, ...]]]:
    return {name: await stores.rows(f"SELECT * FROM {name}") for name in ("health_codes", "residents")}


async def _restore(stores: Stores, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """The codes as they were before; changes, notices and runs are gone."""
    for name in ("health_codes", "residents", "notices", "rescore_runs"):
        await stores.database.execute(f"DELETE FROM {name}")
    await stores.database.execute("DELETE FROM colour_changes WHERE cause = 'population'")
    for name, kept in rows.items():
        marks = ",".join("?" * len(kept[0]))
        for row in kept:
            await stores.database.execute(f"INSERT INTO {name} VALUES ({marks})", row)


def test_progress_is_a_few_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with rescore._progress("rescore", 30) as tell:
        for _ in range(30):
            tell(1)
    said = capsys.readouterr().out.splitlines()
    assert (len(said), said[-1]) == (10, "rescore: 30 of 30")
