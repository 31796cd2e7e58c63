"""Reads and writes as a script: a generator that yields what to do and is sent what came back.

SQLite runs a script at one go, PostgreSQL awaits step by step; the script itself doesn't know which.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """A statement whose rows are wanted."""

    sql: str
    params: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A statement whose number of touched rows is wanted."""

    sql: str
    params: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Put:
    """A statement for many rows; nothing comes back."""

    sql: str
    rows: Sequence[Sequence[Any]]


Step = Ask | Change | Put
Script = Generator[Step, Any, T]


def drive_on_sqlite(raw: sqlite3.Connection, script: Script[T]) -> T:
    """Run the script's steps on this connection, in the transaction that is open there."""
    answer: Any = None
    while True:
        try:
            step = script.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(step, Ask):
            answer = raw.execute(step.sql, step.params).fetchall()
        elif isinstance(step, Change):
            answer = raw.execute(step.sql, step.params).rowcount
        else:
            answer = raw.executemany(step.sql, step.rows)
