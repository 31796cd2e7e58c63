"""A shadow run counts who would change, from what to what, by rule and by place, and writes nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.rules import RuleBooks
from bot.errors import NotFound, RuleBookError
from bot.services.columnar_rescore import ColumnarJudge, ColumnarShadow
from bot.services.population import Population, scope_of
from bot.services.rescore import assess_code
from bot.services.shadow import Picture, Shadow, Tried, _decisive, tried_version
from bot.services.shadow_report import Setting, make_report, render, shown, total
from bot.store import models
from bot.store.database import Database
from tests.conversation.world import HOME, rulebooks
from tests.fakes.clock import MORNING, FakeClock
from tests.services.stored import FEVER, Stores, low_world, stay

BOOK = HOME / "config" / "rulebooks" / "hangzhou" / "1.0.0" / "rulebook.yaml"
WAYS = ("one by one", "columns")
NAMES = {"42": "湖北省", "4201": "武汉市", "420106": "武昌区"}


@pytest.fixture
async def stores(database: Database) -> Stores:
    made = Stores(database, low_world(d3303="high"))
    for _ in range(6):
        await made.add(schemes=["hangzhou"], facts=[FEVER], days_ago=0, division="330106")
    for _ in range(3):
        await made.add(schemes=["hangzhou"], facts=[stay("330302")], division="330302")
    for _ in range(7):
        await made.add(schemes=["hangzhou", "hubei"], division="420106")
    return made


def tried(wanted: str, books: RuleBooks | None = None) -> Tried:
    return tried_version(
        "hangzhou", wanted, books or rulebooks(), MORNING, rulebook="hangzhou", borders=next(iter(rulebooks())).borders
    )  # fmt: skip


def harsher(tmp_path: Path) -> Path:
    """The same book of a later version, in which nothing is green: its bands begin with yellow at once."""
    text = BOOK.read_text(encoding="utf-8").replace('version: "1.0.0"', 'version: "9.0.0"')
    text = text.replace("version: 1.0.0", "version: 9.0.0")
    path = tmp_path / "rulebook.yaml"
    path.write_text(text.replace("requires: [", "requires: [home, ", 1), encoding="utf-8")
    return path


async def look(stores: Stores, way: str, what: Tried) -> Picture:
    columns = None
    if way == "columns":
        judge = ColumnarJudge(
            stores.world, stores.database.url, chunk=5, histories={"hangzhou": what.history}
        )
        columns = ColumnarShadow(judge)
    scope = scope_of(stores.world, "hangzhou")
    runs = Population(stores.world, stores.database, stores.rescorer, FakeClock(), judge=None)
    shadow = Shadow(stores.world, stores.database, stores.loader, what, columns=columns)
    return await shadow.run(lambda after, size: runs.chunk(scope, after, size), scope, MORNING)


async def everything(stores: Stores) -> dict[str, list[tuple[Any, ...]]]:
    tables = [getattr(models, name)._meta.db_table for name in models.__all__]
    return {table: await stores.rows(f"SELECT * FROM {table}") for table in tables}


@pytest.mark.parametrize("way", WAYS)
async def test_same_book_changes_nobody(stores: Stores, way: str) -> None:
    picture = await look(stores, way, tried("1.0.0"))
    assert (picture.people, picture.changed, picture.reasons) == (16, 0, {})


@pytest.mark.parametrize("way", WAYS)
async def test_shadow_run_writes_nothing(stores: Stores, way: str) -> None:
    await stores.database.execute("UPDATE health_codes SET colour = 'red'")
    before = await everything(stores)
    assert (await look(stores, way, tried("1.0.0"))).changed > 0
    assert await everything(stores) == before


async def test_both_ways_give_the_same_picture(stores: Stores) -> None:
    await stores.database.execute("UPDATE health_codes SET colour = 'yellow' WHERE colour = 'green'")
    await stores.database.execute("UPDATE residents SET division = NULL WHERE division = '330302'")
    first, second = [await look(stores, way, tried("1.0.0")) for way in WAYS]
    assert first == second
    assert first.flows[("yellow", "green")] > 0


async def test_changes_are_counted_by_rule_and_by_province_city_and_county(stores: Stores) -> None:
    await stores.database.execute(
        "UPDATE health_codes SET colour = 'green', assessment = '{}' WHERE colour = 'red'"
    )
    picture = await look(stores, "one by one", tried("1.0.0"))
    rules = {rule for kind, rule in picture.reasons if kind == "met"}
    assert rules <= set(tried("1.0.0").book.by_id)
    assert sum(flows.total() for flows in picture.reasons.values()) == picture.changed > 0
    assert set(picture.places) >= {"33", "3301", "330106", "3303", "330302", "42", "4201", "420106"}
    assert picture.places["33"].total() == 9


async def test_rule_that_no_longer_keeps_a_colour_is_named(stores: Stores) -> None:
    ended = '{"findings":[{"rule":"%s","at_least":"red","at_most":null,"points":0}]}'
    rule = next(iter(tried("1.0.0").book.by_id))
    await stores.database.execute(
        "UPDATE health_codes SET colour = 'red', assessment = ? WHERE colour = 'green' AND scheme = 'hangzhou'",
        [ended % rule],
    )
    picture = await look(stores, "one by one", tried("1.0.0"))
    assert picture.reasons[("ended", rule)] == {("red", "green"): picture.changed}


async def test_what_is_missing_is_named_as_a_reason(stores: Stores) -> None:
    await stores.database.execute("UPDATE residents SET identity = 'claimed'")
    picture = await look(stores, "one by one", tried("1.0.0"))
    assert set(picture.reasons) == {("missing", "identity")}


def test_version_that_is_not_in_force_is_tried_as_if_it_were() -> None:
    (only,) = [book for book in rulebooks() if book.scheme == "hangzhou" and book.version == "1.0.0"]
    at = only.valid_from - timedelta(days=30)
    found = tried_version(
        "hangzhou", "1.0.0", rulebooks(), at, rulebook="hangzhou", borders=only.borders
    )  # fmt: skip
    assert only.valid_at(at) is False
    assert found.history.at(at) is found.book


def test_version_that_nobody_wrote_is_refused() -> None:
    with pytest.raises(NotFound, match=r"1\.0\.0"):
        tried("7.7.7")


def test_file_that_is_not_there_or_for_another_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        tried(str(tmp_path / "none.yaml"))
    with pytest.raises(RuleBookError, match="for 'hubei'"):
        tried(str(HOME / "config" / "rulebooks" / "hubei" / "1.0.0" / "rulebook.yaml"))
    (tmp_path / "broken.yaml").write_text("scheme: hangzhou\n")
    with pytest.raises(RuleBookError):
        tried(str(tmp_path / "broken.yaml"))


def test_file_outside_of_the_tree_is_tried(tmp_path: Path) -> None:
    found = tried(str(harsher(tmp_path)))
    assert found.book.version == "9.0.0"
    assert found.history.at(MORNING) is found.book
    assert found.in_force is not None
    assert found.in_force.version == "1.0.0"


@pytest.mark.parametrize(("count", "said"), [(0, "0"), (1, "<5"), (4, "<5"), (5, "5"), (12_345, "12,345")])
def test_small_counts_are_only_said_to_be_small(count: int, said: str) -> None:
    assert shown(count) == said


@pytest.mark.parametrize(
    ("counts", "said"), [([3], "<5"), ([1, 1], "<5"), ([20, 3], "≈20"), ([6, 2], "≈10"), ([20, 7], "27")]
)
def test_sum_never_gives_a_small_part_away(counts: list[int], said: str) -> None:
    assert total(counts) == said


async def test_page_is_whole_and_names_no_person(stores: Stores) -> None:
    await stores.database.execute("UPDATE health_codes SET colour = 'red' WHERE colour = 'green'")
    what = tried("1.0.0")
    picture = await look(stores, "one by one", what)
    scheme = stores.world.schemes.get("hangzhou")
    assert scheme is not None
    setting = Setting(scheme.name, "", "config", MORNING, 1.25, "one by one")
    report = make_report(picture, what, setting, NAMES.get)
    page = render(report, HOME / "templates" / "reports")
    for part in ("杭州", "1.0.0", "2020-02-20T01:00:00+00:00", "武昌区", "<svg", "would change", "&lt;5"):
        assert part in page, part
    for outside in ("<script", "http://", "https://", "src=", "url("):
        assert outside not in page, outside
    for (resident_id,) in await stores.rows("SELECT resident_id FROM residents"):
        assert str(resident_id) not in page


async def test_deciding_rule_is_the_one_that_the_assessment_names(stores: Stores) -> None:
    await stores.add(
        schemes=["hangzhou"], facts=[FEVER, stay("330302"), stay("330303", 9, 8)], days_ago=0, division="330106"
    )  # fmt: skip
    ids = [row[0] for row in await stores.rows("SELECT resident_id FROM residents")]
    named = 0
    for resident in await stores.loader.residents(ids, MORNING):
        found = assess_code(stores.world, resident.person(), "hangzhou", MORNING)
        decisive = found.decisive
        named += decisive is not None
        assert _decisive(found.to_json(ahead=False)) == (None if decisive is None else decisive.rule_id)
    assert named > 0
