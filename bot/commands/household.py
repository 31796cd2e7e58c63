"""`python -m bot household …`: what a worker confirms or refuses about members who have no account."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.commands.tools import Tools, opened_tools
from bot.errors import BadRequest, Conflict, NotFound
from bot.services import bonds
from bot.services.access import note_view
from bot.services.binding_answers import Answered, confirm_by_worker, refuse_by_worker
from bot.services.bonds import Bond
from bot.services.guardians import LABEL, masked_name
from bot.services.residents import tell_age
from bot.services.worker_scope import acting_worker
from bot.store.snapshot import Resident
from bot.store.work import Work
from bot.store.writer import Outcome

_WHY = re.compile(r"[a-z0-9_]{2,48}")
_WIDTH = 160
_TRIES = 8
_SAID = {
    Answered.CONFIRMED: "confirmed: the guardian reports for the member from now on and is told",
    Answered.ASKED_MEMBER: "the member has an account: they were asked to agree there",
    Answered.REFUSED: "refused: the guardian is told, without a reason",
    Answered.CIRCULAR: "refused by itself: the member reports for the guardian",
    Answered.GONE: "nothing was done: it no longer waits for a worker",
    Answered.OUT_OF_SCOPE: "nothing was done: the member doesn't live in the worker's scope",
}

commands = typer.Typer(help="Members without an account, whom a worker confirms.", no_args_is_help=True)
WorkerId = Annotated[int, typer.Option("--worker", help="The id of the worker who acts.")]
Why = Annotated[
    str, typer.Option("--why", help="A reason code such as saw_document; the member can read it.")
]


def register(cli: typer.Typer) -> None:
    """Add these commands as `household`."""
    cli.add_typer(commands, name="household")


@commands.command("list")
def list_waiting(worker: WorkerId, why: Why = "to_confirm") -> None:
    """Print who waits for a worker within the scope; each look is recorded."""
    asyncio.run(_list(worker, _reason(why)))


@commands.command()
def confirm(bond: int, worker: WorkerId, why: Why) -> None:
    """The worker has seen the member and their document, and that they want it."""
    typer.echo(asyncio.run(_settle(bond, worker, _reason(why), yes=True)))


@commands.command()
def refuse(bond: int, worker: WorkerId, why: Why) -> None:
    """The member doesn't want it, or isn't who the guardian said."""
    typer.echo(asyncio.run(_settle(bond, worker, _reason(why), yes=False)))


def _reason(why: str) -> str:
    """A code, never words: what is written there is stored plain."""
    if _WHY.fullmatch(why) is None:
        raise BadRequest("--why is a code of 2 to 48 letters a-z, digits and underscores")
    return why


async def _list(worker_id: int, why: str) -> None:
    async with opened_tools() as tools:
        worker = await acting_worker(tools.database, worker_id)
        waiting = [
            each for each in await bonds.bonds_that_wait(tools.database) if each.is_open(tools.clock.now())
        ]
        members = await tools.loader.residents({each.resident_id for each in waiting}, tools.clock.now())
        by_id = {each.resident_id: each for each in members if worker.covers(each.division)}
        mine = [each for each in waiting if each.resident_id in by_id]
        work = Work(now=tools.clock.now())
        table = Table("id", "division", "asked", "until", "member", "called", "guardian")
        for each in mine:
            note_view(
                work, each.resident_id, actor="worker", actor_id=worker.id, role=worker.role, action="binding_seen",
                why=why,
            )  # fmt: skip
            table.add_row(*await _row(tools, each, by_id[each.resident_id]))
        if mine and await tools.writer.commit(work) != Outcome.COMMITTED:
            raise Conflict  # nobody is shown what isn't recorded
        Console(width=_WIDTH).print(table if mine else "nobody waits for a worker there")


async def _row(tools: Tools, bond: Bond, member: Resident) -> tuple[str, ...]:
    keys = tools.world.keys
    [(label, guardian)] = await tools.database.fetch(
        "SELECT g.label_sealed, r.name_sealed FROM guardianships g"
        " JOIN residents r ON r.resident_id = g.guardian_id WHERE g.resident_id = ? AND g.id = ?",
        [bond.resident_id, bond.id],
    )
    names = (
        masked_name(keys.open("residents.name", each)) if each else "**"
        for each in (member.name_sealed, guardian)
    )
    name, guardian_name = names
    return (
        str(bond.id),
        member.division or "",
        f"{bond.since:%Y-%m-%d}",
        f"{bond.expires_at:%Y-%m-%d}" if bond.expires_at else "",
        name,
        keys.open(LABEL, label) if label else "",
        guardian_name,
    )


async def _settle(bond_id: int, worker_id: int, why: str, *, yes: bool) -> str:
    """Read, decide, write; somebody who reports meanwhile only makes it start anew."""
    async with opened_tools() as tools:
        for _ in range(_TRIES):
            worker = await acting_worker(tools.database, worker_id)
            bond = await bonds.bond_by_id(tools.database, bond_id)
            if bond is None:
                raise NotFound(f"no guardianship {bond_id}")
            now = tools.clock.now()
            [member] = await tools.loader.residents([bond.resident_id], now)
            tell_age(tools.world.keys, member, now)
            work = Work(now=now)
            act = confirm_by_worker if yes else refuse_by_worker
            answered = await act(
                tools.world, work, tools.database, bond=bond, member=member, worker=worker, why=why
            )
            if not work.writes or await tools.writer.commit(work) == Outcome.COMMITTED:
                return _SAID[answered]
        raise Conflict
