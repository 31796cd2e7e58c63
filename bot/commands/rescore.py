"""`python -m bot rescore`: scores everybody who holds a code, or shows what a rule book would do to them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.commands.tools import Tools, opened_tools
from bot.conversation.understanding.divisions import Divisions, read_rows
from bot.errors import BadRequest
from bot.services.borders import load_borders
from bot.services.population import Population, Run, Scope, scope_of
from bot.services.rescorer import Rescorer
from bot.services.rulebooks import load_rulebooks
from bot.services.shadow import Shadow, Tried, tried_version
from bot.services.shadow_report import Report, Setting, make_report, render
from bot.services.world import World

if TYPE_CHECKING:
    from bot.services.columnar_rescore import ColumnarJudge

_LINES = 10  # of progress, where the output is no terminal
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    scheme: str | None
    division: str
    shadow: str
    report: Path | None
    by_columns: bool
    fresh: bool


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("rescore")(rescore)


def rescore(
    *,
    scheme: Annotated[str, typer.Option(help="Only the codes of this scheme.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="The codes of every scheme decided here.")
    ] = False,
    division: Annotated[str, typer.Option(help="Only those who live under this division code.")] = "",
    shadow: Annotated[
        str,
        typer.Option(help="Write nothing; judge by this version, or by the rule book in this .yaml file."),
    ] = "",
    report: Annotated[
        Path | None, typer.Option(help="With --shadow: write the page into this .html file.")
    ] = None,
    columnar: Annotated[
        bool | None,
        typer.Option(
            "--columnar/--one-by-one", help="Find by columns who differs; default: where polars is installed."
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, even if a run of the same scope was cut short.")
    ] = False,
) -> None:
    """Score everybody who holds a code, in chunks; a run that was cut short goes on where it was.

    With --shadow nothing is written: it shows who would change, from which colour to which, by rule and place.
    """
    if bool(scheme) == everything:
        raise typer.BadParameter("give --scheme ID or --all")
    if shadow and everything:
        raise typer.BadParameter("a shadow run tries one rule book: give --scheme", param_hint="--shadow")
    if report is not None and not shadow:
        raise typer.BadParameter("a page is written with --shadow", param_hint="--report")
    wanted = Wanted(scheme or None, division, shadow, report, _by_columns(columnar), fresh)
    failed = asyncio.run(_shadow(wanted) if shadow else _rescore(wanted))
    if failed:
        raise typer.Exit(1)


def _by_columns(columnar: bool | None) -> bool:
    there = find_spec("polars") is not None
    if columnar and not there:
        raise BadRequest("--columnar needs polars: install the extra `batch`, or leave it out")
    return there if columnar is None else columnar


async def _rescore(wanted: Wanted) -> int:
    async with opened_tools() as tools:
        scope = scope_of(tools.world, wanted.scheme, wanted.division)
        judge = _judge(tools) if wanted.by_columns else None
        rescorer = Rescorer(tools.world, tools.database, tools.loader, tools.writer)
        runs = Population(tools.world, tools.database, rescorer, tools.clock, judge=judge)
        run = await runs.begin(scope, fresh=wanted.fresh)
        if run.resumed:
            typer.echo(f"going on after {run.counts['residents']:,} residents")
        left = await runs.holders(scope, run.cursor)
        with _progress("rescore", left) as tell:
            await runs.go_on(run, tell)
        _print_counts(run)
        return run.counts["failed"]


def _print_counts(run: Run) -> None:
    counts = run.counts
    typer.echo(
        f"{counts['residents']:,} residents, {counts['written']:,} written, {counts['changes']:,} codes changed,"
        f" {counts['failed']:,} failed"
    )
    if counts["disagreements"]:
        typer.echo(
            f"{counts['disagreements']:,} differed by columns and not one by one: please report this",
            err=True,
        )


async def _shadow(wanted: Wanted) -> int:
    async with opened_tools() as tools:
        scope = scope_of(tools.world, wanted.scheme, wanted.division)
        now = tools.clock.now()
        tried = _tried(tools, scope, wanted.shadow)
        columns = None
        if wanted.by_columns:
            from bot.services.columnar_rescore import ColumnarShadow

            columns = ColumnarShadow(_judge(tools, tried))
        runs = Population(
            tools.world,
            tools.database,
            Rescorer(tools.world, tools.database, tools.loader, tools.writer),
            tools.clock,
            judge=None,
        )
        shadow = Shadow(tools.world, tools.database, tools.loader, tried, columns=columns)
        began = time.perf_counter()
        with _progress("shadow", await runs.holders(scope)) as tell:
            picture = await shadow.run(lambda after, size: runs.chunk(scope, after, size), scope, now, tell)
        path = tools.settings.home / "config" / "divisions" / "divisions.json"
        names = Divisions(read_rows(path)[0])
        setting = Setting(
            scheme=_scheme_name(tools.world, scope),
            division=scope.division,
            source=wanted.shadow if wanted.shadow.endswith((".yaml", ".yml")) else "config/rulebooks",
            at=now,
            seconds=time.perf_counter() - began,
            way="columns" if columns is not None else "one by one",
        )
        report = make_report(picture, tried, setting, lambda code: names.name(code) or None)
        _print_report(report)
        if wanted.report is not None:
            page = render(report, tools.settings.home / "templates" / "reports")
            wanted.report.write_text(page, encoding="utf-8")
            typer.echo(f"wrote {wanted.report}")
        return 0


def _tried(tools: Tools, scope: Scope, wanted: str) -> Tried:
    """All books of the checkout are looked at, those that production doesn't judge by as well."""
    config = tools.settings.home / "config"
    borders = load_borders(config / "divisions")
    (scheme_id,) = scope.schemes
    scheme = tools.world.schemes.get(scheme_id)
    assert scheme is not None
    assert scheme.rulebook is not None
    books = load_rulebooks(config / "rulebooks", borders)
    now = tools.clock.now()
    return tried_version(scheme_id, wanted, books, now, rulebook=scheme.rulebook, borders=borders)


def _scheme_name(world: World, scope: Scope) -> dict[str, str]:
    scheme = world.schemes.get(scope.name)
    return dict(scheme.name) if scheme is not None else {"zh": scope.name, "en": scope.name}


def _judge(tools: Tools, tried: Tried | None = None) -> ColumnarJudge:
    from bot.services.columnar_rescore import ColumnarJudge

    histories = None if tried is None else {tried.scheme: tried.history}
    return ColumnarJudge(tools.world, tools.database.url, histories=histories)


@contextmanager
def _progress(title: str, whole: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a few plain lines elsewhere."""
    if not sys.stdout.isatty():
        yield _lines(title, whole)
        return
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(title, total=whole)
        yield lambda done: bar.advance(task, done)


def _lines(title: str, whole: int) -> Callable[[int], None]:
    done, told = 0, 0

    def tell(more: int) -> None:
        nonlocal done, told
        done += more
        tenth = _LINES * done // max(whole, 1)
        if tenth > told:
            told = tenth
            typer.echo(f"{title}: {done:,} of {whole:,}")

    return tell


def _print_report(report: Report) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(
        f"{report.scheme['zh']} {report.version} ({report.in_force} in force): "
        f"{report.people:,} people, {report.changed} would change; nothing was written"
    )
    flows = Table("now", *report.kinds, "all", title="from which colour to which")
    for old, cells, whole in report.matrix:
        flows.add_row(old, *(count for _, count in cells), whole)
    console.print(flows)
    reasons = Table("rule", "codes", "from → to", title="by rule")
    for bar in report.reasons:
        reasons.add_row(f"{bar.en} ({bar.code})", bar.count, _flows(bar.flows))
    console.print(reasons)
    for length, bars, more in report.places:
        places = Table("division", "", "codes", "share", "from → to", title=f"by division of {length} digits")
        for bar in bars:
            places.add_row(bar.code, bar.zh, bar.count, bar.share, _flows(bar.flows))
        console.print(places)
        if more:
            console.print(f"and {more} more")


def _flows(flows: tuple[tuple[str, str, str], ...]) -> str:
    return ", ".join(f"{old} → {new} {count}" for old, new, count in flows)
