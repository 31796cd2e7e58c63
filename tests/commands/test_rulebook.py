"""The commands for those who write rule books: the guide's example, every kind of mistake, the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.core.conditions import _SPECIAL
from bot.core.facts import KINDS, SYMPTOM_GROUPS, FactKind
from tests.commands.rulebook_guide import GUIDE, called, played, steps

HOME = Path(__file__).parents[2]
BLOCKS = list(steps(GUIDE.read_text(encoding="utf-8")))


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "110")


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The finished example of the guide, seen from the folder that it lies in."""
    monkeypatch.chdir(tmp_path)
    for step in BLOCKS:
        if step.file is not None:
            played(step, tmp_path)
    return tmp_path / "books"


def edit(path: Path, old: str, new: str) -> Path:
    """Replace something that is there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def check(*arguments: str) -> list[str]:
    """The problems that a check prints, which must be some."""
    result = called("rulebook", "check", *arguments)
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit), result.output
    *problems, blank, total = result.stdout.splitlines()
    assert (blank, total) == ("", f"{len(problems)} problem{'s' if len(problems) > 1 else ''}.")
    return problems


def test_the_example_of_the_guide_prints_what_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS) == 11
    for step in BLOCKS:
        assert played(step, tmp_path) == step.text
    assert "all is well" in BLOCKS[-2].text


def test_the_guide_names_every_kind_detail_and_condition() -> None:
    named = set(re.findall(r"`([\w:]+)`", GUIDE.read_text(encoding="utf-8")))
    details = {name for kind in KINDS.values() for name in kind.fields}
    words = {one for kind in KINDS.values() for field in kind.fields.values() for one in field.choices}
    assert {*FactKind, *details, *words, *SYMPTOM_GROUPS, *_SPECIAL} - named == set()


@pytest.mark.parametrize("path", ["books", "books/river", "books/river/1.0.0", "books/river/1.0.0/rulebook.yaml", "./books/../books"])  # fmt: skip
def test_a_file_and_every_folder_above_it_can_be_checked(books: Path, path: str) -> None:
    result = called("rulebook", "check", path)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 book, 2 rules, 8 cases: all is well.")


def test_a_folder_far_from_the_checkout_is_checked_by_its_whole_path(books: Path) -> None:
    assert called("rulebook", "check", str(books)).exit_code == 0
    edit(books / "river/1.0.0/rulebook.yaml", "days: 7", "days: seven")
    assert check(str(books)) == [
        f"{books.as_posix()}/river/1.0.0/rulebook.yaml:15: 'days' is not a whole number: 'seven'"
    ]


def test_a_folder_that_one_stands_in_is_checked_by_a_dot(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(books / "river" / "1.0.0")
    assert called("rulebook", "check", ".").exit_code == 0


def test_what_is_no_rule_book_is_one_clear_line(books: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert check("empty") == [
        "empty:1: there is no rulebook.yaml here: it stands in <scheme>/<version>/rulebook.yaml"
    ]
    assert check("nowhere") == ["nowhere:1: there is no such file or folder"]
    cases = "books/river/1.0.0/cases/close_contact.yaml"
    assert check(cases) == [f"{cases}:1: a rule book is called rulebook.yaml: give that file, or its folder"]
    book = books / "river/1.0.0/rulebook.yaml"
    book.write_bytes("scheme: river\nversion: 码".encode("gb18030"))
    assert check("books") == [
        "books/river/1.0.0/rulebook.yaml:2: not UTF-8: save the file with that encoding"
    ]
    book.write_text("scheme: [", encoding="utf-8")
    (problem,) = check("books")
    assert problem.startswith("books/river/1.0.0/rulebook.yaml:1: not YAML: ")
    book.write_text("", encoding="utf-8")
    assert check("books") == ["books/river/1.0.0/rulebook.yaml:1: the file is empty"]


def test_a_file_with_the_wrong_ending_is_pointed_at(books: Path) -> None:
    folder = books / "river" / "1.0.0"
    (folder / "cases" / "contact_excluded.yaml").rename(folder / "cases" / "contact_excluded.yml")
    found = check("books")
    assert "books/river/1.0.0/cases/contact_excluded.yml:1: not read: its name must end in .yaml" in found
    (folder / "rulebook.yaml").rename(folder / "rulebook.yml")
    assert check("books") == [
        "books:1: there is no rulebook.yaml here: it stands in <scheme>/<version>/rulebook.yaml",
        "books/river/1.0.0:1: there are cases, but no rulebook.yaml beside them",
        "books/river/1.0.0/rulebook.yml:1: not read: call it rulebook.yaml",
    ]


def test_problems_of_several_files_hide_none_of_each_other(books: Path) -> None:
    folder = books / "river" / "1.0.0"
    edit(folder / "rulebook.yaml", "effect: exonerating", "efect: exonerating")
    edit(folder / "cases" / "close_contact.yaml", "situation: just_over", "situation: over")
    edit(folder / "cases" / "contact_excluded.yaml", "kind: contact", "kind: contcat")
    places = {problem.split(": ")[0] for problem in check("books")}
    assert places >= {
        "books/river/1.0.0/rulebook.yaml:20",
        "books/river/1.0.0/cases/close_contact.yaml:25",
        "books/river/1.0.0/cases/contact_excluded.yaml:14",
        "books/river/1.0.0/cases/contact_excluded.yaml:21",
    }


def test_a_case_of_a_rule_that_there_is_not_names_the_nearest_one(books: Path) -> None:
    edit(books / "river/1.0.0/cases/contact_excluded.yaml", "rule: contact_excluded", "rule: contact_exluded")
    assert check("books") == [
        "books/river/1.0.0/cases/contact_excluded.yaml:2: river 1.0.0 has no rule 'contact_exluded'; did you mean 'contact_excluded'?",
        "books/river/1.0.0/rulebook.yaml:19: 'contact_excluded' has no case: write cases/contact_excluded.yaml with one each for empty, just_under, exactly, just_over",
    ]


def test_a_case_that_comes_out_otherwise_says_what_and_by_which_rule(books: Path) -> None:
    cases = books / "river/1.0.0/cases/close_contact.yaml"
    edit(cases, "situation: exactly\n    at: 2020-02-28T", "situation: exactly\n    at: 2020-02-27T")
    edit(cases, "next_needs: [time]", "next_needs: [patience]")
    under, exactly = check("books")
    assert under.endswith(
        "the case 'the last second of day 7' (just_under) comes out otherwise: "
        "next_needs is [time] (found: close_contact: at least red, held to 2020-02-27)"
    )
    assert exactly.startswith("books/river/1.0.0/cases/close_contact.yaml:16: the case 'the first second ")
    assert "colour should be green, but is red; findings should be [], but is [close_contact]" in exactly


def test_texts_that_are_too_long_or_not_english_are_told_with_their_lines(books: Path) -> None:
    book = books / "river/1.0.0/rulebook.yaml"
    edit(book, "zh: 经核实，", "zh: 经核实，" + "很" * 80)
    edit(book, "en: It was", "en: 它 was")
    assert check("books") == [
        "books/river/1.0.0/rulebook.yaml:25: the text of 'contact_excluded' in 'zh' has 93 letters; there is room for 80",
        "books/river/1.0.0/rulebook.yaml:26: the text of 'contact_excluded' in 'en' is not in English letters only",
    ]


def test_a_missing_report_that_changes_the_colour_needs_cases_too(books: Path) -> None:
    book = books / "river/1.0.0/rulebook.yaml"
    edit(
        book,
        "rules:\n",
        "report: {valid_days: 1, when_missing: grey, text: {zh: 没有打卡, en: No report}}\nrules:\n",
    )
    assert any("'report_missing' has no case" in problem for problem in check("books"))


def another_version(books: Path, version: str, *windows: str) -> Path:
    """A copy of the book as another version with other dates."""
    folder = books / "river" / version
    (folder / "cases").mkdir(parents=True)
    for one in (books / "river/1.0.0/cases").glob("*.yaml"):
        (folder / "cases" / one.name).write_text(one.read_text(encoding="utf-8"), encoding="utf-8")
    text = (books / "river/1.0.0/rulebook.yaml").read_text(encoding="utf-8")
    text = text.replace("1.0.0", version).replace("valid_from: 2020-02-10", "\n".join(windows))
    (folder / "rulebook.yaml").write_text(text, encoding="utf-8")
    return folder / "rulebook.yaml"


def test_versions_that_supersede_each_other_are_all_well(books: Path) -> None:
    another_version(books, "1.1.0", "valid_from: 2020-02-15")
    assert called("rulebook", "check", "books").exit_code == 0


def test_a_version_that_never_judges_is_told(books: Path) -> None:
    another_version(books, "1.1.0", "valid_from: 2020-02-01")
    assert check("books") == [
        "books/river/1.0.0/rulebook.yaml:5: version 1.0.0 never judges: a higher version is valid whenever it is"
    ]


def test_a_version_that_comes_back_is_told(books: Path) -> None:
    another_version(books, "1.1.0", "valid_from: 2020-02-15", "valid_to: 2020-04-01")
    (problem,) = check("books")
    assert problem.startswith(
        "books/river/1.0.0/rulebook.yaml:5: from 2020-03-31T16:00:00+00:00 version 1.0.0 judges again after 1.1.0"
    )


def test_one_version_in_two_folders_is_told(books: Path) -> None:
    another_version(books, "1.0.00", "valid_from: 2020-02-10")
    assert check("books") == [
        "books/river/1.0.00/rulebook.yaml:1: two rule books river 1.0.00; the other is books/river/1.0.0/rulebook.yaml"
    ]


def test_the_shipped_books_of_three_places_are_all_well() -> None:
    for scheme in ("hangzhou", "hubei", "national"):
        result = called("rulebook", "check", str(HOME / "config" / "rulebooks" / scheme))
        assert result.exit_code == 0, result.output


def test_the_table_of_a_scheme_shows_every_rule_in_chinese_first() -> None:
    result = called("rulebook", "table", "hangzhou", "--at", "2020-02-20")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "码种: hangzhou"
    assert any(line.startswith("  - [B] ") for line in lines)
    assert any(line.startswith("close_contact ") and "人际 80 分" in line for line in lines)


def test_columns_of_chinese_words_stand_below_each_other(books: Path) -> None:
    lines = called("rulebook", "table", "books").stdout.splitlines()
    ruler = next(number for number, line in enumerate(lines) if line.startswith("───"))
    starts = _columns(lines[ruler - 1])
    assert len(starts) == 5
    assert _columns(lines[ruler + 1])[:4] == starts[:4]


def _columns(line: str) -> list[int]:
    """Where words begin after two spaces or more, counted as a terminal does."""
    from rich.cells import cell_len

    return [0, *(cell_len(line[: found.end()]) for found in re.finditer(r" {2,}", line))]


def test_the_table_as_markdown_has_one_row_a_rule(books: Path) -> None:
    result = called("rulebook", "table", "books/river", "--language", "en", "--markdown")
    rows = [line for line in result.stdout.splitlines() if line.startswith("|")]
    assert rows[0] == "| rule | looks at | gives | how long | text for residents |"
    assert [row.split(" ")[1] for row in rows[2:]] == ["`close_contact`", "`contact_excluded`"]
    assert all(row.count("|") == 6 for row in rows)


def test_the_version_of_a_table_is_the_one_in_force_or_the_one_asked_for(books: Path) -> None:
    another_version(books, "1.1.0", "valid_from: 2020-03-01")
    for options, version in (
        (("--at", "2020-02-20"), "1.0.0"),
        (("--at", "2020-03-01T00:00+08:00"), "1.1.0"),
        (("--at", "2020-03-01", "--version", "1.0.0"), "1.0.0"),
        (("--at", "2019-01-01"), "1.0.0"),
    ):
        result = called("rulebook", "table", "books", *options)
        assert result.stdout.splitlines()[1] == f"版本: {version}"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("atlantis",), "no rule book 'atlantis'"),
        (("books", "--version", "7"), "no version 7 of river"),
        (("books", "--at", "soon"), "an instant looks like 2020-02-20T09:00+08:00"),
        (("books", "--language", "fr"), "'fr' is not one of 'zh', 'en'"),
    ],
)
def test_a_table_that_there_is_not_is_refused_in_words(
    books: Path, arguments: tuple[str, ...], told: str
) -> None:
    result = called("rulebook", "table", *arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.replace("│", " ").split())


def test_a_book_that_cannot_be_read_has_no_table_but_its_problems(books: Path) -> None:
    edit(books / "river/1.0.0/rulebook.yaml", "days: 7", "days: seven")
    result = called("rulebook", "table", "books")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "books/river/1.0.0/rulebook.yaml:15: 'days' is not a whole number: 'seven'\n"
