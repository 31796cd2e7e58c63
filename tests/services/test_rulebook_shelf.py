"""Rule books read anew while the service runs: all of it or nothing, and what has judged stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.borders import NO_BORDERS
from bot.errors import RuleBookError
from bot.services.real_name import NoRealNameService
from bot.services.rulebooks import Reloaded, Shelf
from bot.services.schemes import Schemes, load_schemes
from bot.services.world import World
from bot.store.sealing import KeyRing
from tests.core.people import BOOK
from tests.services.test_rulebooks import write

NOW = datetime(2020, 2, 20, tzinfo=UTC)
SCHEME = """\
id: {id}
order: 1
name: {{zh: "{id} 码", en: "{id} code"}}
issuer: {{zh: 某市, en: A city}}
platform: wechat
place: "42"
purposes: [travel]
decided: locally
rulebook: {book}
recognises: []
aliases: {{zh: [{id}], en: [{id}]}}
punch_in: {{every_days: 1, wants: [temperature]}}
"""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Two rule books, of a town and of a city."""
    folder = tmp_path / "rulebooks"
    write(folder, BOOK)
    write(folder, BOOK.replace("town", "city"), scheme="city")
    return folder


@pytest.fixture
def schemes(tmp_path: Path) -> Schemes:
    """Three schemes; two of them are decided by the town's book."""
    folder = tmp_path / "schemes"
    folder.mkdir()
    for scheme, book in (("town", "town"), ("village", "town"), ("city", "city")):
        (folder / f"{scheme}.yaml").write_text(SCHEME.format(id=scheme, book=book), encoding="utf-8")
    return load_schemes(folder)


def opened(books: Path, schemes: Schemes, *, confirmed: frozenset[str] | None = None) -> tuple[Shelf, World]:
    """A shelf, and a world that judges by it."""
    shelf = Shelf(books, NO_BORDERS, confirmed=confirmed)
    return shelf, World(
        KeyRing(KeyRing.generate(), KeyRing.generate()), schemes, shelf.open(), NoRealNameService()
    )


def versions(world: World) -> set[tuple[str, str]]:
    """What the world judges by."""
    return {(book.scheme, book.version) for book in world.rulebooks}


BOTH = {("town", "1.0"), ("city", "1.0")}


def second(text: str = BOOK, valid_from: str = "2020-02-25") -> str:
    """A later version of that book."""
    return text.replace('"1.0"', '"1.1"').replace("2020-01-01", valid_from)


async def test_reading_the_same_again_changes_nothing(books: Path, schemes: Schemes) -> None:
    shelf, world = opened(books, schemes)
    before = world.rulebooks
    assert await shelf.reload(world, now=NOW) == Reloaded()
    assert world.rulebooks is before
    assert shelf.problems == ()


async def test_a_new_version_is_taken_and_names_the_schemes_that_it_decides(
    books: Path, schemes: Schemes
) -> None:
    shelf, world = opened(books, schemes)
    city = world.book("city", NOW)
    write(books, second(), version="1.1")
    assert await shelf.reload(world, now=NOW) == Reloaded(schemes=("town", "village"))
    assert versions(world) == {*BOTH, ("town", "1.1")}
    assert world.book("city", NOW) is city


async def test_a_problem_anywhere_keeps_the_last_good_books(books: Path, schemes: Schemes) -> None:
    shelf, world = opened(books, schemes)
    before = world.rulebooks
    write(books, second(), version="1.1")
    wrong = write(
        books,
        second(BOOK.replace("town", "city")).replace("days: 14", "days: many"),
        scheme="city",
        version="1.1",
    )
    outcome = await shelf.reload(world, now=NOW)
    assert outcome == Reloaded(
        problems=("rulebooks/city/1.1/rulebook.yaml:12: 'days' is not a whole number: 'many'",)
    )
    assert (world.rulebooks is before, shelf.problems) == (True, outcome.problems)
    wrong.unlink()
    assert await shelf.reload(world, now=NOW) == Reloaded(schemes=("town", "village"))
    assert shelf.problems == ()


async def test_a_version_in_use_that_was_edited_is_refused_until_it_is_put_back(
    books: Path, schemes: Schemes
) -> None:
    shelf, world = opened(books, schemes)
    path = books / "town" / "1.0" / "rulebook.yaml"
    path.write_text(BOOK.replace("days: 14", "days: 15"), encoding="utf-8")
    outcome = await shelf.reload(world, now=NOW)
    assert outcome.problems == (
        "rulebooks/town/1.0/rulebook.yaml:1: town 1.0 is in use and can't be changed: put its text back, "
        "and publish the change as a higher version",
    )
    (held,) = (book.rules[0].steps[0].hold.days for book in world.rulebooks if book.scheme == "town")
    assert held == 14
    path.write_text(BOOK, encoding="utf-8")
    assert await shelf.reload(world, now=NOW) == Reloaded()


async def test_even_a_comment_in_a_version_in_use_is_an_edit(books: Path, schemes: Schemes) -> None:
    shelf, world = opened(books, schemes)
    (books / "town" / "1.0" / "rulebook.yaml").write_text(f"{BOOK}# better\n", encoding="utf-8")
    assert len((await shelf.reload(world, now=NOW)).problems) == 1


async def test_a_version_that_has_judged_cannot_go(books: Path, schemes: Schemes) -> None:
    shelf, world = opened(books, schemes)
    write(books, second(valid_from="2020-02-10"), version="1.1")
    await shelf.reload(world, now=NOW)
    (books / "town" / "1.0" / "rulebook.yaml").unlink()
    outcome = await shelf.reload(world, now=NOW)
    assert outcome.problems == (
        "rulebooks/town/1.0/rulebook.yaml:1: town 1.0 is gone, but it has judged, and holds go on by it: put it back",
    )
    assert versions(world) == {*BOTH, ("town", "1.1")}


async def test_a_version_that_never_was_in_force_may_go(books: Path, schemes: Schemes) -> None:
    path = write(books, second(), version="1.1")
    shelf, world = opened(books, schemes)
    path.unlink()
    assert await shelf.reload(world, now=NOW) == Reloaded(schemes=("town", "village"))
    assert versions(world) == BOTH


async def test_a_version_in_use_that_cannot_be_read_is_told_of_once(books: Path, schemes: Schemes) -> None:
    shelf, world = opened(books, schemes)
    (books / "town" / "1.0" / "rulebook.yaml").write_text("scheme: [", encoding="utf-8")
    (problem,) = (await shelf.reload(world, now=NOW)).problems
    assert problem.startswith("rulebooks/town/1.0/rulebook.yaml:1: not YAML")


def _move_away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


async def test_a_folder_that_is_gone_keeps_everything(books: Path, schemes: Schemes) -> None:
    shelf, world = opened(books, schemes)
    _move_away(books)
    outcome = await shelf.reload(world, now=NOW)
    assert outcome.problems[0] == "rulebooks:1: there is no rule book"
    assert versions(world) == BOTH


async def test_production_takes_no_new_version_that_nobody_confirmed(books: Path, schemes: Schemes) -> None:
    shelf, world = opened(books, schemes, confirmed=frozenset({"town/1.0"}))
    assert versions(world) == {("town", "1.0")}
    write(books, second(), version="1.1")
    assert await shelf.reload(world, now=NOW) == Reloaded()
    assert versions(world) == {("town", "1.0")}


async def test_what_is_not_in_use_may_be_edited_and_removed(books: Path, schemes: Schemes) -> None:
    shelf, world = opened(books, schemes, confirmed=frozenset({"town/1.0"}))
    path = books / "city" / "1.0" / "rulebook.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# a draft\n", encoding="utf-8")
    assert await shelf.reload(world, now=NOW) == Reloaded()
    path.unlink()
    assert await shelf.reload(world, now=NOW) == Reloaded()


def test_a_first_reading_with_a_problem_is_refused(books: Path) -> None:
    write(books, "scheme: [", version="1.1")
    with pytest.raises(RuleBookError, match=r"rulebooks/town/1\.1/rulebook\.yaml:1: not YAML"):
        Shelf(books, NO_BORDERS, confirmed=None).open()
