"""The instant that an option `--at` names, the same for every command."""

from __future__ import annotations

from datetime import datetime

import typer

from bot.clock import DEFAULT_ZONE, zone

EXAMPLE = "2020-02-20T09:00+08:00"


def named_instant(text: str) -> datetime | None:
    """The instant in that text, in China's zone where it names none; None for an empty one; others end the
    command with one line."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        typer.echo(f"yima: --at: an instant looks like {EXAMPLE}", err=True)
        raise typer.Exit(2) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone(DEFAULT_ZONE))
