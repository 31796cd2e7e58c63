"""`python -m bot rulebook …`: what those who write rule books need, without a database or a secret."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table as Grid

from bot.clock import DEFAULT_ZONE, Clock, zone
from bot.commands.instant import named_instant
from bot.conversation.understanding.divisions import Divisions, read_rows
from bot.core.rulebook import BookHistory, RuleBook
from bot.errors import DataError
from bot.services.borders import load_borders
from bot.services.rulebook_check import Checked, CheckedBook, check_rulebooks, read_history
from bot.services.rulebook_table import Table, Words, describe
from bot.services.schemes import load_schemes
from config.settings import Settings

HOME = Settings.model_construct().home
"""Only the place of the checkout is read: who writes rule books has no settings and no secrets."""
BOOKS = HOME / "config" / "rulebooks"

commands = typer.Typer(help="Rule books: check them, read them.", no_args_is_help=True)


class Language(StrEnum):
    """The languages of texts."""

    ZH = "zh"
    EN = "en"


def register(cli: typer.Typer) -> None:
    """Add these commands as `rulebook`."""
    cli.add_typer(commands, name="rulebook")


@commands.command()
def check(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="A rulebook.yaml, the folder of a version or of a scheme, or a folder of rule books; "
            "default: all of the checkout.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check rule books and run the cases beside them; every problem as file:line: problem."""
    checked = check_rulebooks(path or _from_here(BOOKS), load_borders(HOME / "config" / "divisions"))
    problems = checked.problems
    if problems:
        for problem in problems:
            typer.echo(problem)
        typer.echo(f"\n{_count(len(problems), 'problem')}.")
        raise typer.Exit(1)
    typer.echo(_summary(checked))


@commands.command()
def table(
    scheme: Annotated[str, typer.Argument(help="A scheme, or the path of a rule book or of its folder.")],
    *,
    version: Annotated[str, typer.Option(help="This version; default: the one in force.")] = "",
    language: Annotated[Language, typer.Option(help="Of the words and the texts.")] = Language.ZH,
    at: Annotated[str, typer.Option(help="In force then, as 2020-02-20T09:00+08:00; default: now.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
) -> None:
    """Print the rules of a book in words: what each looks at, what it gives, how long that lasts."""
    book = _pick(_history(scheme), version, named_instant(at) or Clock().now())
    words = Words.load(HOME / "templates" / "rulebook", language.value)
    found = describe(book, words, _names())
    typer.echo(_markdown(found) if markdown else _plain(found))


def _history(scheme: str) -> BookHistory:
    """All versions of that scheme's book, which another scheme may share."""
    path = Path(scheme)
    if not path.exists() or (BOOKS / scheme).is_dir():
        path = BOOKS / _book_of(scheme)
    history, problems = read_history(_from_here(path), load_borders(HOME / "config" / "divisions"))
    if history is None:
        for problem in problems:
            typer.echo(problem, err=True)
        raise typer.Exit(1)
    return history


def _book_of(scheme: str) -> str:
    if (BOOKS / scheme).is_dir():
        return scheme
    try:
        found = load_schemes(HOME / "config" / "schemes").get(scheme)
    except DataError:
        found = None
    if found is not None and found.rulebook is not None:
        return found.rulebook
    known = ", ".join(sorted(one.name for one in BOOKS.iterdir() if one.is_dir()))
    raise typer.BadParameter(f"no rule book {scheme!r}; there are {known}", param_hint="SCHEME")


def _pick(history: BookHistory, version: str, at: datetime) -> RuleBook:
    """The version asked for, else the one in force then, else the one that judges what became known then."""
    if not version:
        return history.judging(at)
    for book in history.versions:
        if book.version == version:
            return book
    known = ", ".join(book.version for book in history.versions)
    raise typer.BadParameter(
        f"no version {version} of {history.scheme}; there are {known}", param_hint="--version"
    )


def _names() -> Callable[[str], str]:
    """The name of a division beside its code."""
    divisions = Divisions(read_rows(HOME / "config" / "divisions" / "divisions.json")[0])

    def name(code: str) -> str:
        found = divisions.get(code)
        return code if found is None else f"{found.name} {code}"

    return name


def _from_here(path: Path) -> Path:
    """The shortest way to write a path where one stands."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _summary(checked: Checked) -> str:
    grid = _grid("scheme", "version", "status", "valid from", "valid to", "rules", "cases")
    for one in checked.books:
        grid.add_row(*_line(one))
    books, rules, cases = (
        len(checked.books),
        sum(one.rules for one in checked.books),
        sum(one.cases for one in checked.books),
    )
    counted = ", ".join((_count(books, "book"), _count(rules, "rule"), _count(cases, "case")))
    return f"{_drawn(grid)}\n\n{counted}: all is well."


def _line(one: CheckedBook) -> Iterable[str]:
    ends = "" if one.valid_to is None else _day(one.valid_to)
    return (
        one.scheme, one.version, one.status, _day(one.valid_from), ends, str(one.rules), str(one.cases)
    )  # fmt: skip


def _day(instant: datetime) -> str:
    shown = instant.astimezone(zone(DEFAULT_ZONE)).strftime("%Y-%m-%d %H:%M")
    return shown.removesuffix(" 00:00")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _plain(found: Table) -> str:
    lines = [line for label, values in found.head for line in _labelled(label, values)]
    grid = _grid(*found.columns)
    for column, ratio in zip(grid.columns, (None, 6, 5, 6, 7), strict=True):
        column.ratio, column.overflow = ratio, "fold"
    grid.columns[0].width = min(max(len(row.rule) for row in found.rows), 26)
    grid.expand = True
    for row in found.rows:
        grid.add_row(row.rule, row.looks_at, row.gives, row.lasts, row.text, end_section=True)
    return "\n".join((*lines, "", _drawn(grid)))


def _labelled(label: str, values: tuple[str, ...]) -> list[str]:
    if len(values) == 1:
        return [f"{label}: {values[0]}"]
    return [f"{label}:", *(f"  - {one}" for one in values)]


def _markdown(found: Table) -> str:
    head = [
        f"- {line.lstrip()}" if line[0] != " " else line
        for label, values in found.head
        for line in _labelled(label, values)
    ]
    rows = [found.columns, ("---",) * len(found.columns)]
    rows += [(f"`{row.rule}`", row.looks_at, row.gives, row.lasts, row.text) for row in found.rows]
    cells = ("| " + " | ".join(one.replace("|", "\\|") for one in row) + " |" for row in rows)
    return "\n".join((*head, "", *cells))


def _grid(*titles: str) -> Grid:
    return Grid(*titles, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def _drawn(grid: Grid) -> str:
    """A table as plain lines: rich knows how wide Chinese characters are."""
    width = max(shutil.get_terminal_size((120, 50)).columns, 80)
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())
