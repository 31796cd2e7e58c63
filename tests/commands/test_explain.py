"""The operator's explanation: masked, on record before it is shown, and judged with what was known then."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from bot.app import make_keys
from bot.commands import explain
from bot.commands.explain import ACTION
from bot.errors import NotFound
from bot.services.asking import answer
from bot.services.facts import record
from bot.services.risk import load_risk, publish_levels, withdraw_levels
from bot.services.world import World
from bot.store.database import Database
from bot.store.snapshot import Resident
from bot.store.work import Work
from config.settings import Settings, read_settings
from tests.conftest import in_thread
from tests.conversation.world import make_world
from tests.fakes.clock import MORNING
from tests.services.asked import HUANGGANG, door, live_in_jiujiang, seen
from tests.services.stored import TODAY, Stores

HOUR = timedelta(hours=1)
NOW = MORNING + 3 * HOUR


class Desk:
    """An operator's terminal over a database; business time stands at `NOW`."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        monkeypatch.setenv("YIMA_DATABASE_URL", url)
        monkeypatch.setattr("bot.clock.Clock.wire", lambda self: NOW)
        self.settings: Settings = read_settings()

    def prepare(self, body: Callable[[Stores], Coroutine[Any, Any, Any]]) -> Any:
        """Work on the database as the service does, and what came of it."""
        found: list[Any] = []

        async def work() -> None:
            database = Database(self.url)
            await database.open()
            try:
                world = make_world()
                world.keys = make_keys(self.settings)
                found.append(await body(Stores(database, world)))
            finally:
                await database.close()

        in_thread(work())
        return found[0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        async def read(stores: Stores) -> list[tuple[Any, ...]]:
            return await stores.rows(sql)

        rows: list[tuple[Any, ...]] = self.prepare(read)
        return rows

    def call(self, *arguments: object) -> Result:
        cli = typer.Typer()
        explain.register(cli)
        cli.callback()(lambda: None)
        return CliRunner().invoke(cli, ["explain", *(str(each) for each in arguments)])

    def text(self, *arguments: object) -> str:
        result = self.call(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: object) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.text(*arguments, "--json"))
        return found


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(database_url, monkeypatch)


async def _levels(stores: Stores) -> None:
    known = MORNING - timedelta(days=60)
    levels = {"36": "low", "42": "low", "33": "low", "4211": "high"}
    await publish_levels(stores.database, levels, first=known.date(), source="test", known_at=known)
    stores.world.risk = await load_risk(stores.database)


async def _asked(stores: Stores) -> tuple[int, int]:
    """A resident of Jiujiang with a lone record of Huanggang, pending since MORNING."""
    await _levels(stores)
    resident_id = await live_in_jiujiang(stores, schemes=("hangzhou", "national"))
    taken = await door(stores).take(seen(resident_id), now=MORNING)
    return resident_id, taken.id


async def _as_if_by_conversation(stores: Stores) -> None:
    """The rows beside the resident's own that a real conversation leaves."""
    (row,) = await stores.rows("SELECT resident_id, declared_at FROM residents")
    await stores.database.execute(
        "INSERT INTO declarations (id, resident_id, revision, receipt, form_version, answers_sealed, reported_by,"
        " submitted_at) VALUES (1, ?, 1, 'D', 'x', ?, 1, ?)",
        [row[0], b"s", MORNING - timedelta(days=20)],
    )
    await stores.database.execute(
        "INSERT INTO identity_checks (id, resident_id, at, outcome, via) VALUES (1, ?, ?, 'verified', 'x')",
        [row[0], MORNING - timedelta(days=20)],
    )


def test_view_has_colour_findings_facts_hold_and_what_comes_next(desk: Desk) -> None:
    resident_id, fact_id = desk.prepare(_asked)
    said = desk.text(resident_id)
    assert f"resident {resident_id}: identity verified, home 3604 江西省九江市" in said
    assert "hangzhou yellow, pending, by rule book hangzhou" in said
    assert "(illustrative)" in said
    assert "missing: nothing" in said
    assert "pending: asked first" in said
    assert (
        f"fact {fact_id}: stay, 2020-02-19 in 4211 湖北省黄冈市, from telecom, known 2020-02-20T09:00+08:00"
        in said
    )
    assert "from 2020-02-19 (day 0), over at 2020-03-05T00:00+08:00; normal punch-ins" in said
    assert f"asked about fact {fact_id}: not answered, until 2020-03-05" in said
    assert "next change: green at" in said
    assert "other codes: national " in said


def test_same_view_is_one_object_with_json(desk: Desk) -> None:
    resident_id, fact_id = desk.prepare(_asked)
    found = desk.json(resident_id, "--scheme", "hangzhou", "--without", fact_id)
    assert (found["resident"], found["identity"], found["city"]) == (resident_id, "verified", "3604")
    assert (found["code"]["colour"], found["code"]["state"]) == ("yellow", "pending")
    assert [finding["fact"] for finding in found["code"]["findings"]] == [fact_id]
    assert found["code"]["findings"][0]["hold"]["days"] == 14
    assert found["code"]["dimensions"].keys() == {"space", "time", "relation"}
    assert found["code"]["next_colour"] == "green"
    assert found["facts"] == [
        {
            "id": fact_id, "kind": "stay", "start": "2020-02-19", "end": "2020-02-19", "city": "4211",
            "source": "telecom", "known_at": "2020-02-20T01:00:00+00:00",
        }
    ]  # fmt: skip
    assert found["asked"] == [{"fact": fact_id, "until": "2020-03-05", "answer": None}]
    without = {one["scheme"]: one["colour"] for one in found["without"]["codes"]}
    assert (found["without"]["fact"], without["hangzhou"]) == (fact_id, "green")


def test_colour_without_a_fact_is_told_for_every_code(desk: Desk) -> None:
    resident_id, fact_id = desk.prepare(_asked)
    said = desk.text(resident_id, "--without", fact_id)
    assert f"without fact {fact_id}: hangzhou green, decided; national " in said


def test_nothing_that_names_a_person_or_a_place_below_a_city_is_shown(desk: Desk) -> None:
    async def full(stores: Stores) -> int:
        resident_id, _ = await _asked(stores)
        keys = stores.world.keys
        await stores.database.execute(
            "UPDATE residents SET name_sealed = ?, phone_sealed = ?, address_sealed = ?",
            [
                keys.seal("residents.name", "李小梅"),
                keys.seal("residents.phone", "13900000001"),
                keys.seal("residents.address", "和平路1号"),
            ],
        )

        def set_by_hand(work: Work, resident: Resident) -> None:
            record(
                work, resident, kind="override", start=TODAY, end=TODAY + timedelta(days=2), source="authority",
                reference="secret-reference", occurrence="secret-occurrence",
                details={"colour": "red", "reason_code": "r", "issuer": "某街道办", "second_person": "张三"},
            )  # fmt: skip

        await stores.rescorer.apply(resident_id, set_by_hand, cause="test", now=MORNING)
        return resident_id

    resident_id = desk.prepare(full)
    for said in (desk.text(resident_id), desk.text(resident_id, "--json")):
        assert "override" in said
        for secret in (
            "李小梅",
            "13900000001",
            "和平路",
            "张三",
            "某街道办",
            "secret",
            HUANGGANG,
            "360403",
            "黄梅",
            "浔阳",
            "t-1",
        ):
            # a code within a random id is no code
            assert not re.search(rf"(?<!\d){re.escape(secret)}(?!\d)", said)


def test_missing_risk_level_is_named_by_its_city_alone(desk: Desk) -> None:
    async def unknown(stores: Stores) -> int:
        resident_id, _ = await _asked(stores)
        await withdraw_levels(stores.database, ["36", "42", "33", "4211"], source="test", at=MORNING)
        return resident_id

    resident_id = desk.prepare(unknown)
    found = desk.json(resident_id, "--scheme", "hangzhou")
    assert found["code"]["missing"] == ["risk:3604", "risk:4211"]
    assert found["code"]["next_change_needs"] == ["risk:3604", "risk:4211"]
    assert "360403" not in desk.text(resident_id)


def test_view_is_on_record_before_anything_is_shown_and_the_resident_can_read_it(desk: Desk) -> None:
    resident_id, _ = desk.prepare(_asked)
    desk.text(resident_id)
    desk.text(resident_id, "--json")
    rows = desk.rows("SELECT resident_id, actor_kind, actor_id, action, why, address FROM access_log")
    assert rows == [(resident_id, "operator", None, ACTION, "", "")] * 2


def test_look_that_cannot_be_recorded_shows_nothing(desk: Desk) -> None:
    resident_id, _ = desk.prepare(_asked)

    async def shut(stores: Stores) -> None:
        await stores.database.execute("ALTER TABLE access_log RENAME TO access_log_gone")

    async def open_again(stores: Stores) -> None:
        await stores.database.execute("ALTER TABLE access_log_gone RENAME TO access_log")

    desk.prepare(shut)
    try:
        result = desk.call(resident_id)
    finally:
        desk.prepare(open_again)
    assert result.exit_code == 1
    assert result.stdout == ""


def test_looking_back_judges_with_what_was_known_then(desk: Desk) -> None:
    async def history(stores: Stores) -> tuple[int, int]:
        resident_id, fact_id = await _asked(stores)
        await _as_if_by_conversation(stores)

        def say_no(work: Work, resident: Resident) -> None:
            answer(stores.world, work, resident, fact_id, said="yes")

        await stores.rescorer.apply(resident_id, say_no, cause="test", now=MORNING + HOUR)
        await door(stores).withdraw(resident_id, "telecom", "t-1", "wrong_tower", now=MORNING + 2 * HOUR)
        return resident_id, fact_id

    resident_id, fact_id = desk.prepare(history)

    def colour_at(at: datetime) -> tuple[str, str]:
        found = desk.json(resident_id, "--scheme", "hangzhou", "--at", at.isoformat())
        return found["code"]["colour"], found["code"]["state"]

    assert colour_at(MORNING - HOUR) == ("green", "decided")
    assert colour_at(MORNING + HOUR / 2) == ("yellow", "pending")
    assert colour_at(MORNING + HOUR) == ("red", "decided")
    assert colour_at(MORNING + 2 * HOUR) == ("green", "decided")
    assert desk.json(resident_id, "--scheme", "hangzhou")["code"]["colour"] == "green"
    then = desk.json(resident_id, "--scheme", "hangzhou", "--at", (MORNING + HOUR).isoformat())
    assert then["code"]["next_colour"] == "green"
    assert datetime.fromisoformat(then["code"]["next_change_at"]) > MORNING + 3 * HOUR
    gone = desk.call(resident_id, "--without", fact_id)
    assert isinstance(gone.exception, NotFound)


def test_looking_back_knows_neither_later_levels_nor_later_declarations(desk: Desk) -> None:
    async def later(stores: Stores) -> int:
        resident_id, _ = await _asked(stores)
        await _as_if_by_conversation(stores)
        await withdraw_levels(stores.database, ["4211"], source="test", at=MORNING + HOUR)
        return resident_id

    resident_id = desk.prepare(later)
    at = (MORNING + HOUR / 2).isoformat()
    assert desk.json(resident_id, "--scheme", "hangzhou", "--at", at)["code"]["colour"] == "yellow"
    assert desk.json(resident_id, "--scheme", "hangzhou")["code"]["colour"] == "green"
    desk.prepare(_forget_checks)
    then = desk.json(resident_id, "--scheme", "hangzhou", "--at", at)
    assert (then["identity"], then["code"]["missing"]) == ("claimed", ["identity"])
    desk.prepare(_forget_declarations)
    then = desk.json(resident_id, "--scheme", "hangzhou", "--at", at)
    assert (then["identity"], then["city"]) == ("none", None)
    assert then["code"]["missing"] == ["identity", "declaration"]


async def _forget_checks(stores: Stores) -> None:
    await stores.database.execute("DELETE FROM identity_checks")


async def _forget_declarations(stores: Stores) -> None:
    await stores.database.execute("DELETE FROM declarations")


def test_looking_back_counts_the_days_as_they_were_saved_by_then(desk: Desk) -> None:
    async def amended(stores: Stores) -> int:
        resident_id, _ = await _asked(stores)
        await _as_if_by_conversation(stores)
        saves = [(1, 365, "", MORNING - 2 * HOUR), (2, 365, "cough", MORNING + HOUR)]
        for revision, tenths, symptoms, at in saves:
            await stores.database.execute(
                "INSERT INTO punch_in_log (resident_id, punch_in_id, day, revision,"
                " temperature_tenths, symptoms, origin, at) VALUES (?, 1, ?, ?, ?, ?, 'x', ?)",
                [resident_id, TODAY, revision, tenths, symptoms, at],
            )
        return resident_id

    resident_id = desk.prepare(amended)

    def normal_at(at: datetime) -> int:
        found = desk.json(resident_id, "--scheme", "hangzhou", "--at", at.isoformat())
        have: int = found["code"]["findings"][0]["hold"]["normal_have"]
        return have

    assert (normal_at(MORNING), normal_at(MORNING + 2 * HOUR)) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("12345",), "no resident 12345"),
        (("李小梅",), "no resident '李小梅': an id is a whole number"),
        (("{}", "--scheme", "wuhan"), "there are: hangzhou, national"),
        (("{}", "--scheme", "nowhere"), "there are: hangzhou, national"),
        (("{}", "--without", "77"), "has no fact 77"),
        (("{}", "--without", "abc"), "no fact 'abc'"),
        (("{}", "--at", "2019-01-01"), "there are: none"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    resident_id, _ = desk.prepare(_asked)
    result = desk.call(*(each.format(resident_id) for each in arguments))
    assert result.exit_code == 1
    assert isinstance(result.exception, NotFound)
    assert words in str(result.exception)
    assert "\n" not in str(result.exception)
    assert result.stdout == ""


@pytest.mark.parametrize("at", ["yesterday", "2020-13-01", "09:00"])
def test_instant_that_is_none_is_refused_with_an_example(desk: Desk, at: str) -> None:
    result = desk.call("1", "--at", at)
    assert result.exit_code == 2
    assert "--at: an instant looks like 2020-02-20T09:00+08:00" in result.stderr
    assert result.stdout == ""


def test_code_that_is_decided_elsewhere_shows_its_result_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident_id, _ = desk.prepare(_asked)
    books = World.books

    def without_national(self: Any, scheme: str) -> Any:
        return None if scheme == "national" else books(self, scheme)

    monkeypatch.setattr(World, "books", without_national)
    assert ", decided elsewhere" in desk.text(resident_id)
    assert [one["scheme"] for one in desk.json(resident_id)["elsewhere"]] == ["national"]
    assert isinstance(desk.call(resident_id, "--scheme", "national").exception, NotFound)
