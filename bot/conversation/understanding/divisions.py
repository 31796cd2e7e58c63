"""The administrative divisions with their history, as rows that can be asked for names, parents and validity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import orjson

from bot.errors import DataError

_COLUMNS = ["code", "name", "short", "level", "parent", "valid_from", "valid_to", "source"]


class Division(NamedTuple):
    """One name of one code for one time.

    `code` and `parent` are unpadded; `short` is the name as people say it ("" where it has none of two
    characters or more). `valid_from` and `valid_to` are months "YYYY-MM": the first list that has the row and
    the first list that no longer has it ("" = before the first list, and still valid).
    """

    code: str
    name: str
    short: str
    level: str
    parent: str
    valid_from: str
    valid_to: str
    source: int

    def valid(self, at: date) -> bool:
        """Whether the lists of that month have this row."""
        month = f"{at.year:04}-{at.month:02}"
        return self.valid_from <= month and (not self.valid_to or month < self.valid_to)


def padded(code: str) -> str:
    """A division code with at least six digits: "42" and "4201" become "420000" and "420100"."""
    return code.ljust(6, "0")


def unpadded(code: str) -> str:
    """The stored form: zeros that only fill up are dropped ("420100" becomes "4201"); others stay as they are."""
    if len(code) == 12 and code.endswith("000"):
        code = code[:9]
    if len(code) == 9 and code.endswith("000"):
        code = code[:6]
    if len(code) == 6 and code.endswith("00"):
        code = code[:4]
    return code[:2] if len(code) == 4 and code.endswith("00") else code


class Divisions:
    """All rows of the division file by code; looks nothing up in free text."""

    def __init__(self, rows: Iterable[Division], *, data_date: str = "") -> None:
        self.data_date = data_date
        self._rows: dict[str, list[Division]] = {}
        for row in rows:
            self._rows.setdefault(row.code, []).append(row)

    def history(self, code: str) -> Sequence[Division]:
        """Every row that a code ever had, the oldest first; empty for a code that never was."""
        return tuple(self._rows.get(unpadded(code), ()))

    def get(self, code: str, at: date | None = None) -> Division | None:
        """The division of a code, padded or not: its row at that day, else its newest."""
        rows = self._rows.get(unpadded(code))
        if not rows:
            return None
        if at is not None:
            return next((row for row in rows if row.valid(at)), rows[-1])
        return rows[-1]

    def known(self, code: str, at: date | None = None) -> bool:
        """Whether a code exists or ever existed; with a day, whether it is valid on that day."""
        rows = self._rows.get(unpadded(code), ())
        return bool(rows) if at is None else any(row.valid(at) for row in rows)

    def parent(self, code: str) -> Division | None:
        """The division above; None for a province and for an unknown code."""
        row = self.get(code)
        return self.get(row.parent) if row is not None and row.parent else None

    def name(self, code: str, language: str = "zh", at: date | None = None) -> str:
        """The full path, such as 湖北省武汉市江岸区; "" for an unknown code.

        The names are Chinese in every language: they are what stands on signs and papers.
        """
        parts: list[str] = []
        row = self.get(code, at)
        while row is not None:
            parts.append(row.name)
            row = self.get(row.parent, at) if row.parent else None
        return "".join(reversed(parts))

    def children(self, code: str = "") -> tuple[Division, ...]:
        """The divisions directly below that are valid now, in code order; of "" the provinces."""
        return self._children.get(unpadded(code), ())

    @cached_property
    def _children(self) -> dict[str, tuple[Division, ...]]:
        found: dict[str, list[Division]] = {}
        for rows in self._rows.values():
            if not rows[-1].valid_to:
                found.setdefault(rows[-1].parent, []).append(rows[-1])
        return {parent: tuple(sorted(rows)) for parent, rows in found.items()}


def read_rows(path: Path) -> tuple[list[Division], str]:
    """The rows of a division file and the date of its data; DataError names what is wrong."""
    try:
        content = orjson.loads(path.read_bytes())
        if content["columns"] != _COLUMNS:
            raise DataError([f"{path.name}: columns are not {', '.join(_COLUMNS)}"])
        return [Division(*row) for row in content["rows"]], str(content["data_date"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise DataError([f"{path.name}: not a division file ({type(error).__name__})"]) from error
