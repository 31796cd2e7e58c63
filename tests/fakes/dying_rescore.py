"""`python -m tests.fakes.dying_rescore POINT [options of rescore]`: the command in a process that kills itself.

Points: `before_cursor`, when the third chunk is written and its cursor is not; `never`.
"""

from __future__ import annotations

import os
import signal
import sys

import typer

from bot.commands import rescore
from bot.services import population
from bot.services.population import Population, Run

saved: list[int] = []


def arm() -> None:
    """Die at the third save, as a power cut would."""
    save = Population._save

    async def dying(self: Population, run: Run) -> None:
        saved.append(run.cursor)
        if len(saved) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        await save(self, run)

    Population._save = dying  # type: ignore[method-assign]  # the test's power cut


def main() -> None:
    population._ONE_BY_ONE = 4
    if sys.argv[1] == "before_cursor":
        arm()
    cli = typer.Typer()
    rescore.register(cli)
    cli(sys.argv[2:])


if __name__ == "__main__":
    main()
