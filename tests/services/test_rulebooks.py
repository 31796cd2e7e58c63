"""Rule books from disk: all problems of all files at once."""

from pathlib import Path

import pytest

from bot.errors import RuleBookError
from bot.services.rulebooks import allowed, load_cases, load_rulebooks
from tests.core.people import BOOK

FOLDER = Path(__file__).parents[2] / "config" / "rulebooks"


DIMENSIONS = "dimensions: {space: {combine: max, cap: 60}}\n"
AGAIN = BOOK[BOOK.index("  - id: contact") :]


def write(folder: Path, text: str, *, scheme: str = "town", version: str = "1.0") -> Path:
    """Put a rule book where it belongs."""
    path = folder / scheme / version / "rulebook.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_rule_books_are_sound() -> None:
    books = load_rulebooks(FOLDER)
    assert {book.scheme for book in books} >= {"hangzhou", "hubei", "national"}
    assert all(book.assumed for book in books if book.illustrative)


def test_all_problems_of_all_files_are_told(tmp_path: Path) -> None:
    write(tmp_path, BOOK.replace("at_least: red", "at_least: blue"))
    write(tmp_path, BOOK.replace("town", "city").replace("identity", "mood"), scheme="city")
    with pytest.raises(RuleBookError) as caught:
        load_rulebooks(tmp_path)
    files = {problem.split(":")[0] for problem in caught.value.problems}
    assert files == {f"{tmp_path.name}/city/1.0/rulebook.yaml", f"{tmp_path.name}/town/1.0/rulebook.yaml"}


def test_a_folder_that_disagrees_with_its_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, BOOK, scheme="city", version="2.0")
    with pytest.raises(RuleBookError) as caught:
        load_rulebooks(tmp_path)
    assert [problem.split(": ", 1)[1] for problem in caught.value.problems] == [
        "the folder says version 2.0, the file says 1.0",
        "the folder says scheme city, the file says town",
    ]


def test_the_same_version_in_two_folders_is_refused(tmp_path: Path) -> None:
    write(tmp_path, BOOK)
    write(tmp_path, BOOK.replace('"1.0"', '"1.00"'), version="1.00")
    with pytest.raises(RuleBookError, match="two rule books town"):
        load_rulebooks(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleBookError, match="there is no rule book"):
        load_rulebooks(tmp_path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "").write_bytes(b"scheme: \xff")
    with pytest.raises(RuleBookError, match=r"rulebook\.yaml:1: not UTF-8"):
        load_rulebooks(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("rule: nobody\ncases: [{name: a, situation: empty, at: 2020-02-20, expect: {colour: green}}]", "no rule 'nobody'"),
     ("cases: []", "has no 'rule'")],
)  # fmt: skip
def test_cases_that_cannot_be_used_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    cases = write(tmp_path, BOOK).parent / "cases"
    cases.mkdir()
    (cases / "odd.yaml").write_text(text, encoding="utf-8")
    (book,) = load_rulebooks(tmp_path)
    with pytest.raises(RuleBookError, match=problem):
        list(load_cases(tmp_path, book))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("    hold:", "    hodl:", "12: unknown key 'hodl'"),
        ("2020-01-01", "2020-02-30", "4: not a value: '2020-02-30'"),
        (", en: A sentence", "", "13: 'text' has no 'en'"),
        ("rules:", f"{DIMENSIONS}bands: {{green: [0, 39], yellow: [41, 59], red: [60, 60]}}\nrules:",
         "9: a gap before the band yellow: 40 to 40"),
        ("rules:", f"{DIMENSIONS}bands: {{green: [0, 39], yellow: [39, 59], red: [60, 60]}}\nrules:",
         "9: the band yellow overlaps: it begins at 39, not at 40"),
        ("{zh: 一句话, en: A sentence}\n", "{zh: 一句话, en: A sentence}\n" + AGAIN, "14: the rule 'contact' is there twice"),
        ("{zh: 一句话, en: A sentence}\n", "{zh: 一句话, en: A sentence}\n" + AGAIN.replace("id: contact", "id: twin"),
         "14: 'twin' is 'contact' again: the same facts, the same effect"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_file_and_the_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    write(tmp_path, BOOK.replace(old, new, 1))
    with pytest.raises(RuleBookError) as caught:
        load_rulebooks(tmp_path)
    wanted = f"{tmp_path.name}/town/1.0/rulebook.yaml:{problem}"
    assert [one for one in caught.value.problems if one.startswith(wanted)], caught.value.problems


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "").unlink()
    (tmp_path / "town" / "1.0" / "rulebook.yaml").mkdir()
    with pytest.raises(RuleBookError, match=r"rulebook\.yaml:1: can't be read \(IsADirectoryError\)"):
        load_rulebooks(tmp_path)


def test_production_judges_by_no_illustrative_book_that_is_not_confirmed() -> None:
    assert not any(book.illustrative for book in allowed(load_rulebooks(FOLDER), ()))
    assert not any(book.illustrative for book in allowed(load_rulebooks(FOLDER), {"hubei", "hubei/0.9.0"}))
    confirmed = allowed(load_rulebooks(FOLDER), {"hubei/1.0.0"})
    assert [(book.scheme, book.version) for book in confirmed if book.illustrative] == [("hubei", "1.0.0")]
