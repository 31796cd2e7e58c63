"""Write the next migration from what the models have become: `python -m bot.store.make_migration NAME`.

Until the first release `0001_initial.py` may be deleted and made anew by the same command; the hand-written
steps behind it (checks, keys) are kept apart for that reason. Afterwards: `make check` formats and tests it, and
`python -m bot.store.schema` writes the schema down anew.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from tortoise.apps import Apps
from tortoise.connection import ConnectionHandler
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.writer import MigrationWriter, format_migration_name

from bot.store.config import APP, CONNECTION, MIGRATIONS, MODELS

_APPS: dict[str, dict[str, Any]] = {
    APP: {"models": [MODELS], "migrations": MIGRATIONS, "default_connection": CONNECTION}
}

# What Tortoise writes and nobody needs. It also forgets `generated=False`, which would turn every random
# id into a sequence.
_TIDYING: tuple[tuple[str, str], ...] = (
    (r"(Big|Small|)IntField\(primary_key=True", r"\1IntField(primary_key=True, generated=False"),
    (r"(primary_key=True(?:, generated=False)?), unique=True, db_index=True", r"\1"),
    (r"(?:, )?auto_now=False, auto_now_add=False", ""),
    (r"(?:, )?unique=False", ""),
    (r", 'app': '\w+'", ""),
    (r", 'pk_attr': '\w+'", ""),
    (r"\n +bases=\['Model'\],", ""),
    (r"\n    initial = False\n", ""),
    (r"(dependencies|operations) = \[(.*)", r"\1 = [\2  # noqa: RUF012 - the form that Tortoise reads"),
    (
        r"from tortoise import migrations\n(from tortoise.migrations import operations as ops\n)"
        r"from tortoise import fields\n((?:from tortoise.indexes .*\n)?)",
        r"from tortoise import fields, migrations\n\2\1",
    ),
)


class _Autodetector(MigrationAutodetector):
    """Leaves the models' docstrings out: they are for readers, and a `;` in one would break a migration."""

    def _current_state(self) -> State:
        state = super()._current_state()
        for model in state.models.values():
            model.options.pop("table_description", None)
            model.description = ""
        return state


async def changes() -> list[MigrationWriter]:
    """The migrations that are missing; empty when models and migrations agree. Needs no database."""
    connections = ConnectionHandler()
    connections._init_config({CONNECTION: {}})
    return await _Autodetector(Apps(_APPS, connections, None, validate_connections=False), _APPS).changes()


def tidy(text: str, title: str) -> str:
    """The text of a migration without the noise, with a docstring."""
    for pattern, replacement in _TIDYING:
        text = re.sub(pattern, replacement, text)
    return f'"""{title}"""\n\n{text}'


def write(writer: MigrationWriter, name: str) -> Path:
    """Write one migration as NNNN_name.py and return its path."""
    if not writer.initial:
        writer.name = format_migration_name(int(writer.name.split("_", 1)[0]), name)
    path = Path(str(writer.write()))
    title = "The tables." if writer.initial else f"{name.strip().capitalize()}."
    path.write_text(tidy(path.read_text(encoding="utf-8"), title), encoding="utf-8")
    return path


def main(arguments: list[str]) -> int:
    """Write what is missing and say where."""
    if len(arguments) != 1:
        print("usage: python -m bot.store.make_migration NAME", file=sys.stderr)
        return 2
    writers = asyncio.run(changes())
    for writer in writers:
        print(write(writer, arguments[0]).name)
    if not writers:
        print("models and migrations agree")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
