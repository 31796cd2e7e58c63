"""Steps that Tortoise has not. Migrations that were released use these: change nothing here, add beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State


class AddChecks(TortoiseOperation):
    """CHECK constraints, per model and by name; Tortoise emits none for a new table.

    They are outside of Tortoise's state, so that models need not repeat them; the SQLite editor keeps them
    when it rebuilds a table.
    """

    def __init__(self, checks: Mapping[str, Mapping[str, str]]) -> None:
        self.checks = checks

    def describe(self) -> str:
        return f"Add checks to {', '.join(self.checks)}"

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        if state_editor is None:
            return
        editor: Any = state_editor
        for model_name, checks in self.checks.items():
            model = new_state.apps.get_model(f"{app_label}.{model_name}")
            if editor.DIALECT == "sqlite":
                await editor.add_checks(model, checks)
                continue
            for name, check in checks.items():
                table = model._meta.db_table
                await editor._run_sql(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" CHECK ({check})')


class RemoveChecks(TortoiseOperation):
    """Take CHECK constraints away again, per model and by name."""

    def __init__(self, checks: Mapping[str, tuple[str, ...]]) -> None:
        self.checks = checks

    def describe(self) -> str:
        return f"Remove checks from {', '.join(self.checks)}"

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        if state_editor is None:
            return
        editor: Any = state_editor
        for model_name, names in self.checks.items():
            model = new_state.apps.get_model(f"{app_label}.{model_name}")
            if editor.DIALECT == "sqlite":
                await editor.remove_checks(model, names)
                continue
            for name in names:
                await editor._run_sql(f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{name}"')


class OnPostgresql(TortoiseOperation):
    """Statements for PostgreSQL only."""

    def __init__(self, *statements: str) -> None:
        self.statements = statements

    def describe(self) -> str:
        return "Run SQL on PostgreSQL"

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        if state_editor is None or state_editor.DIALECT != "postgres":
            return
        for statement in self.statements:
            await state_editor._run_sql(statement)


class KeyByResident(OnPostgresql):
    """On PostgreSQL the primary key becomes (resident_id, key): a table can only be distributed by a column
    that each of its unique keys contains."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        """`keys` is table -> the column that is the primary key so far."""
        super().__init__(
            *(
                f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey", ADD PRIMARY KEY ("resident_id", "{key}")'
                for table, key in keys.items()
            )
        )

    def describe(self) -> str:
        return "Key the tables of a resident by resident"
