"""The rule books on disk: `<folder>/<scheme>/<version>/rulebook.yaml`, with cases beside in `cases/*.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from bot.core.borders import NO_BORDERS, Borders
from bot.core.cases import Case, parse_cases
from bot.core.rulebook import InvalidRuleBook, RuleBook, RuleBooks, parse_rulebook
from bot.errors import RuleBookError

FILE = "rulebook.yaml"


def load_rulebooks(folder: Path, borders: Borders = NO_BORDERS) -> RuleBooks:
    """Every version of every scheme's rule book; RuleBookError with the problems of all files if there is one."""
    problems: list[str] = []
    books: list[RuleBook] = []
    for path in sorted(folder.glob(f"*/*/{FILE}")):
        name = path.relative_to(folder.parent).as_posix()
        try:
            book = parse_rulebook(_read(path, name), name, borders=borders)
        except InvalidRuleBook as error:
            problems.extend(error.problems)
            continue
        for what, wanted, got in (
            ("version", path.parent.name, book.version),
            ("scheme", path.parent.parent.name, book.scheme),
        ):
            if wanted != got:
                problems.append(f"{name}:1: the folder says {what} {wanted}, the file says {got}")
        books.append(book)
    if not books and not problems:
        problems.append(f"{folder.name}:1: there is no rule book")
    if problems:
        raise RuleBookError(problems)
    try:
        return RuleBooks(books)
    except ValueError as error:
        raise RuleBookError([f"{folder.name}:1: {error}"]) from error


def load_cases(folder: Path, book: RuleBook) -> Iterator[tuple[str, Case]]:
    """Each case beside that rule book, with `file:line`; RuleBookError if a file of cases can't be read."""
    for path in sorted((folder / book.scheme / book.version / "cases").glob("*.yaml")):
        name = path.relative_to(folder.parent).as_posix()
        try:
            cases = parse_cases(_read(path, name), name)
        except InvalidRuleBook as error:
            raise RuleBookError(error.problems) from error
        for case in cases:
            if case.rule not in book.by_id and not (book.report and case.rule == "report_missing"):
                raise RuleBookError([f"{name}:1: {book.scheme} {book.version} has no rule {case.rule!r}"])
            yield f"{name}:{case.line}", case


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRuleBook((f"{name}:1: not UTF-8",)) from error


def is_confirmed(book: RuleBook, confirmed: Collection[str]) -> bool:
    """Whether that version is among the confirmed ones, each written `scheme/version` as in the setting."""
    return f"{book.scheme}/{book.version}" in confirmed


def allowed(rulebooks: RuleBooks, confirmed: Collection[str]) -> RuleBooks:
    """What production may judge by: published books, and illustrative ones that their authority confirmed."""
    return RuleBooks(book for book in rulebooks if not book.illustrative or is_confirmed(book, confirmed))
