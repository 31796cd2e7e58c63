"""`python -m bot follow-ups`: whom a worker has to look after, what was tried, and what is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from bot.commands.tools import Tools, opened_tools
from bot.errors import Unavailable
from bot.services.follow_ups import (
    OUTCOMES,
    WAYS,
    Attempt,
    FollowUp,
    close,
    contacts_of,
    in_scope,
    log_attempt,
    note_seen,
    open_in_scope,
)
from bot.services.worker_scope import ActingWorker, acting_worker
from bot.store.work import Work
from bot.store.writer import Outcome

follow_ups_cli = typer.Typer(help="Whom a community has to look after.", no_args_is_help=True)

_Worker = Annotated[int, typer.Option("--worker", help="The id of the worker who looks or acts.")]
_Number = Annotated[int, typer.Argument(help="The follow-up, as the list shows it.", metavar="ID")]


@dataclass(frozen=True, slots=True)
class _Acting:
    """A worker at work."""

    tools: Tools
    worker: ActingWorker
    work: Work

    async def commit(self) -> None:
        """Before anything is shown or said: a look that can't be recorded is not taken."""
        if await self.tools.writer.commit(self.work) != Outcome.COMMITTED:
            raise Unavailable("nothing was written; please try again")


def register(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.add_typer(follow_ups_cli, name="follow-ups")


@follow_ups_cli.command("list")
def list_open(
    *,
    worker: _Worker,
    contacts: Annotated[
        bool, typer.Option("--contacts", help="With name and telephone number; put on record by itself.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="Go on after the follow-up of this id.")] = 0,
) -> None:
    """Print what is open in the worker's scope. Every look is put on a record that the resident can read."""
    asyncio.run(_list(worker, contacts=contacts, limit=limit, after=after))


@follow_ups_cli.command("attempt")
def attempt_contact(
    number: _Number,
    *,
    worker: _Worker,
    way: Annotated[str, typer.Option(help=f"How: {', '.join(WAYS)}.")],
    outcome: Annotated[str, typer.Option(help=f"What came of it: {', '.join(OUTCOMES)}.")],
    note: Annotated[str, typer.Option(help="A note for the next one who tries; it is sealed.")] = "",
) -> None:
    """Write down that somebody tried to speak with the resident."""
    asyncio.run(_attempt(worker, number, Attempt(way, outcome, note)))


@follow_ups_cli.command("close")
def close_one(number: _Number, *, worker: _Worker) -> None:
    """The resident is looked after."""
    asyncio.run(_close(worker, number))


async def _list(worker_id: int, *, contacts: bool, limit: int, after: int) -> None:
    async with _acting(worker_id) as acting:
        tools = acting.tools
        found = await open_in_scope(tools.database, acting.worker, limit=limit, after=after)
        note_seen(acting.work, acting.worker, found)
        lines = []
        for each in found:
            more = ""
            if contacts:
                both = await contacts_of(
                    tools.database, tools.world.keys, acting.work, acting.worker, follow_up=each
                )
                more = " " + " ".join(word or "-" for word in both)
            lines.append(_line(each) + more)
        await acting.commit()
    for line in lines:
        typer.echo(line)
    typer.echo(
        f"{len(lines)} open" if len(lines) < limit else f"{limit} shown; go on with --after {found[-1].id}"
    )


def _line(each: FollowUp) -> str:
    days = f"{each.day}" if each.day == each.last_day else f"{each.day} to {each.last_day}"
    tried = f"tried {each.attempts} times" if each.attempts else "not tried yet"
    return (
        f"{each.id} {each.division} {each.reason}{f' ({each.detail})' if each.detail else ''} {days}, {tried}"
    )


async def _attempt(worker_id: int, number: int, attempt: Attempt) -> None:
    async with _acting(worker_id) as acting:
        found = await in_scope(acting.tools.database, acting.worker, number)
        log_attempt(acting.work, acting.tools.world.keys, acting.worker, found, attempt=attempt)
        await acting.commit()
    typer.echo(f"written down: {attempt.way}, {attempt.outcome}")


async def _close(worker_id: int, number: int) -> None:
    async with _acting(worker_id) as acting:
        found = await in_scope(acting.tools.database, acting.worker, number)
        close(acting.work, acting.worker, found)
        await acting.commit()
    typer.echo(f"closed {number}")


@asynccontextmanager
async def _acting(worker_id: int) -> AsyncIterator[_Acting]:
    async with opened_tools() as tools:
        worker = await acting_worker(tools.database, worker_id)
        yield _Acting(tools, worker, Work(now=tools.clock.now()))
