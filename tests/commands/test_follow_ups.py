"""The worker's list on a terminal: inside the scope alone, on record before it is shown, and clear when refused."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.app import make_keys
from bot.commands import follow_ups
from bot.errors import BadRequest, NotFound, Refused
from bot.store.database import Database
from config.settings import read_settings
from tests.conftest import in_thread
from tests.conversation.world import make_world
from tests.fakes.clock import MORNING
from tests.services.stored import TODAY, Stores

YESTERDAY = TODAY - timedelta(days=1)


class Terminal:
    """An operator's terminal over a database in which there is one follow-up, 7, in Wuhan."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        monkeypatch.setenv("YIMA_DATABASE_URL", url)
        monkeypatch.setattr("bot.clock.Clock.wire", lambda self: MORNING)
        self.keys = make_keys(read_settings())
        self.resident_id = self.prepare(self._one)

    async def _one(self, stores: Stores) -> int:
        resident_id = await stores.add(punch_ins=(2,), days_ago=2)
        await stores.database.execute(
            "UPDATE residents SET name_sealed = ?, phone_sealed = ?",
            [self.keys.seal("residents.name", "王芳"), self.keys.seal("residents.phone", "13900000001")],
        )
        await stores.database.execute(
            "INSERT INTO follow_ups (id, resident_id, reason, day, last_day, state, division, detail, opened_at)"
            " VALUES (7, ?, 'not_reached', ?, ?, 'open', '420106', 'blocked', ?)",
            [resident_id, YESTERDAY, YESTERDAY, MORNING],
        )
        for worker_id, scope, accepted in ((1, "4201", MORNING), (2, "3301", MORNING), (3, "4201", None)):
            await stores.database.execute(
                "INSERT INTO workers (id, role, scope, invited_at, accepted_at) VALUES (?, 'community', ?, ?, ?)",
                [worker_id, scope, MORNING, accepted],
            )
        return resident_id

    def prepare(self, body: Callable[[Stores], Coroutine[Any, Any, Any]]) -> Any:
        found: list[Any] = []

        async def work() -> None:
            database = Database(self.url)
            await database.open()
            try:
                found.append(await body(Stores(database, make_world())))
            finally:
                await database.close()

        in_thread(work())
        return found[0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        async def read(stores: Stores) -> list[tuple[Any, ...]]:
            return await stores.rows(sql)

        rows: list[tuple[Any, ...]] = self.prepare(read)
        return rows

    def call(self, *arguments: str) -> Result:
        cli = typer.Typer()
        follow_ups.register(cli)
        cli.callback()(lambda: None)
        return CliRunner().invoke(cli, ["follow-ups", *arguments])


@pytest.fixture
def terminal(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(database_url, monkeypatch)


def test_list_shows_reasons_without_names_and_is_on_record(terminal: Terminal) -> None:
    result = terminal.call("list", "--worker", "1")
    assert result.stdout.splitlines() == [
        "7 420106 not_reached (blocked) 2020-02-19, not tried yet",
        "1 open",
    ]
    assert terminal.rows("SELECT resident_id, actor_id, action FROM access_log") == [
        (terminal.resident_id, 1, "follow_up_list")
    ]


def test_contacts_are_shown_when_asked_for_and_on_record_by_themselves(terminal: Terminal) -> None:
    assert "王芳 13900000001" in terminal.call("list", "--worker", "1", "--contacts").stdout
    actions = terminal.rows("SELECT action FROM access_log ORDER BY action")
    assert actions == [("follow_up_contact",), ("follow_up_list",)]


def test_worker_of_another_place_sees_and_does_nothing(terminal: Terminal) -> None:
    assert terminal.call("list", "--worker", "2").stdout == "0 open\n"
    assert isinstance(terminal.call("close", "7", "--worker", "2").exception, NotFound)
    tried = terminal.call("attempt", "7", "--worker", "2", "--way", "phone", "--outcome", "reached")
    assert isinstance(tried.exception, NotFound)
    assert terminal.rows("SELECT COUNT(*) FROM access_log") == [(0,)]
    assert terminal.rows("SELECT state FROM follow_ups") == [("open",)]


@pytest.mark.parametrize("worker", ["3", "99"])
def test_nobody_who_is_no_worker_gets_a_list(terminal: Terminal, worker: str) -> None:
    assert isinstance(terminal.call("list", "--worker", worker).exception, Refused)


def test_attempt_and_close_are_written_down(terminal: Terminal) -> None:
    told = terminal.call(
        "attempt",
        "7",
        "--worker",
        "1",
        "--way",
        "visit",
        "--outcome",
        "no_answer",
        "--note",
        "门口有人说在家",
    )
    assert told.stdout == "written down: visit, no_answer\n"
    assert "tried 1 times" in terminal.call("list", "--worker", "1").stdout
    assert terminal.call("close", "7", "--worker", "1").stdout == "closed 7\n"
    assert terminal.rows("SELECT state, closed_why FROM follow_ups") == [("closed", "worker")]
    assert isinstance(terminal.call("close", "7", "--worker", "1").exception, NotFound)
    assert terminal.rows("SELECT way, outcome, worker_id FROM contact_attempts") == [
        ("visit", "no_answer", 1)
    ]


def test_word_that_is_none_of_the_list_is_refused_and_nothing_saved(terminal: Terminal) -> None:
    result = terminal.call("attempt", "7", "--worker", "1", "--way", "pigeon", "--outcome", "reached")
    assert isinstance(result.exception, BadRequest)
    assert terminal.rows("SELECT COUNT(*) FROM contact_attempts") == [(0,)]


def test_list_that_is_longer_says_how_to_go_on(terminal: Terminal) -> None:
    assert "go on with --after 7" in terminal.call("list", "--worker", "1", "--limit", "1").stdout
    assert terminal.call("list", "--worker", "1", "--after", "7").stdout == "0 open\n"
