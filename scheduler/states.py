"""How each job is doing: what `/readyz` shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.store.database import Row, instant
from bot.store.scripts import Ask, Script
from scheduler.job import JobTools
from scheduler.looking import Standing

_RECENT = 20
# index (job, slot) read from its end
_RUNS = "SELECT slot, state FROM job_runs WHERE job = ? ORDER BY slot DESC LIMIT ?"


class States:
    """Reads them in one go."""

    def __init__(self, tools: JobTools) -> None:
        self._tools = tools

    async def show(self, standings: Sequence[Standing]) -> dict[str, dict[str, object]]:
        """By job: the last slot and its state, when it comes next, how many runs have failed since one was done
        (at most 20), and for how many seconds a slot has been waiting."""
        names = [standing.job.id for standing in standings]
        rows = await self._tools.database.read(_recent(names))
        now = self._tools.clock.now()
        return {standing.job.id: _state(standing, rows[standing.job.id], now) for standing in standings}


def _recent(jobs: Sequence[str]) -> Script[dict[str, Sequence[Row]]]:
    found: dict[str, Sequence[Row]] = {}
    for job in jobs:
        rows: Any = yield Ask(_RUNS, [job, _RECENT])
        found[job] = rows
    return found


def _state(standing: Standing, rows: Sequence[Row], now: datetime) -> dict[str, object]:
    failed = 0
    for row in rows:
        if row[1] == "done":
            break
        failed += row[1] == "failed"
    waits = (now - standing.next).total_seconds() if standing.comes(now) and standing.next else 0.0
    return {
        "slot": instant(rows[0][0]).isoformat() if rows else None,
        "state": rows[0][1] if rows else "waiting",
        "next": standing.next.isoformat() if standing.next else None,
        "failed": failed,
        "lag_seconds": round(max(0.0, waits), 1),
    }
