"""`python -m bot purge`: what is kept how long and why, deletes what is past its time, and looks whether it is gone."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.commands.tools import Tools, opened_tools
from bot.services.kept_while import CONDITIONS, ENDS
from bot.services.purge import ABANDONED, Due, Moment, Purge
from bot.services.purge_check import SAMPLE, Finding, PurgeCheck
from bot.services.retention import Kept, Retention, load_retention

_WIDTH = 160
purge_cli = typer.Typer(help="Delete what is past its time, and look whether it is gone.")


def register(cli: typer.Typer) -> None:
    """Add the command to the others."""
    cli.add_typer(purge_cli, name="purge")


@purge_cli.callback(invoke_without_command=True)
def purge(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would go now; nothing is deleted.")
    ] = False,
) -> None:
    """Show every table, how long it is kept and why, what is due; then delete that, as happens every night."""
    if context.invoked_subcommand is not None:
        if dry_run:
            raise typer.BadParameter("only the purge itself deletes anything", param_hint="--dry-run")
        return
    asyncio.run(_purge(dry_run=dry_run))


@purge_cli.command("check")
def check(
    *,
    whole: Annotated[
        bool, typer.Option("--all", help="Look into every row, not only into some of each table.")
    ] = False,
) -> None:
    """Read the live store and name what shouldn't be there, by table and column; exits with 1 if there is any."""
    if asyncio.run(_check(whole=whole)):
        raise typer.Exit(1)


async def _purge(*, dry_run: bool) -> None:
    async with opened_tools() as tools:
        retention = _retention(tools)
        work = Purge(tools.database, retention, _moment(tools))
        _show(retention, [await work.due(kept) for kept in retention])
        abandoned = await work.abandoned()
        typer.echo(
            f"residents for whom nobody has spoken for {retention.abandoned.keep_days} days: {abandoned:,}"
        )
        if dry_run:
            typer.echo("nothing was deleted")
            return
        deleted = await work.run()
        ordered = deleted.pop(ABANDONED, 0)
        typer.echo(f"{deleted.total():,} rows deleted, {ordered:,} deletions of residents ordered")


async def _check(*, whole: bool) -> bool:
    async with opened_tools() as tools:
        retention = _retention(tools)
        found = await PurgeCheck(
            tools.database, tools.world.keys, retention, _moment(tools), sample=None if whole else SAMPLE
        ).run()
        for line in map(_line, found):
            typer.echo(line)
        typer.echo(f"{len(retention)} tables, {len(found)} findings")
        return bool(found)


def _line(finding: Finding) -> str:
    return f"{finding.table}.{finding.column}: {finding.count:,} {finding.what}"


def _retention(tools: Tools) -> Retention:
    return load_retention(tools.settings.home / "config" / "retention.yaml")


def _moment(tools: Tools) -> Moment:
    return Moment(tools.clock.now(), tools.clock.wire())


def _show(retention: Retention, due: list[Due]) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    table = Table("table", "kept", "and while", "due", "held back", "oldest due", "why")
    for kept, one in zip(retention, due, strict=True):
        table.add_row(
            kept.table,
            how_long(kept),
            ", ".join(CONDITIONS[name].why for name in kept.kept_while),
            f"{one.rows:,}",
            f"{one.held_back:,}",
            _day(one.oldest),
            kept.reason["en"],
        )
    console.print(table)


def how_long(kept: Kept) -> str:
    """In words."""
    if kept.keep_days is None:
        return ENDS[kept.until].why
    after = " or ".join(kept.counted_from)
    return f"until {after}" if kept.keep_days == 0 else f"{kept.keep_days} days after {after}"


def _day(oldest: datetime | date | None) -> str:
    if isinstance(oldest, datetime):
        oldest = (oldest if oldest.tzinfo else oldest.replace(tzinfo=UTC)).astimezone(UTC).date()
    return "" if oldest is None else oldest.isoformat()
