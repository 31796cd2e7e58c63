"""Reads which divisions border on each other: `borders.yaml` beside the table of divisions."""

from __future__ import annotations

from pathlib import Path

from bot.core.borders import Borders
from bot.core.facts import DIVISION
from bot.core.yaml_lines import Problems, Reader, read_yaml
from bot.errors import BordersError

FILE = "borders.yaml"


def load_borders(folder: Path) -> Borders:
    """The borders in that folder's file; BordersError with all problems at once, as `file:line: problem`."""
    path = folder / FILE
    problems = Problems(f"{folder.name}/{FILE}")
    try:
        document = read_yaml(path.read_text(encoding="utf-8"), problems)
    except (OSError, UnicodeDecodeError) as error:
        raise BordersError([f"{folder.name}/{FILE}:1: can't be read ({type(error).__name__})"]) from error
    if document is None:
        raise BordersError(problems.lines() or [f"{folder.name}/{FILE}:1: the file is empty"])
    reader = Reader(document, problems, "the file of borders")
    tables = [_table(reader, key, digits) for key, digits in (("provinces", 2), ("prefectures", 4))]
    reader.finish()
    if problems:
        raise BordersError(problems.lines())
    return Borders(*tables)


def _table(parent: Reader, key: str, digits: int) -> dict[str, tuple[str, ...]]:
    reader = parent.mapping(key)
    if reader is None:
        return {}
    found = {}
    for code in reader.names():
        found[code] = reader.texts(code, required=False)
        for one in (code, *found[code]):
            if len(one) != digits or not DIVISION.fullmatch(one):
                reader.problem(f"not a division code of {digits} digits: {one!r}", code)
        if code in found[code]:
            reader.problem(f"{code} borders on itself", code)
    return found
