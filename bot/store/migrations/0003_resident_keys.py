"""On PostgreSQL: tables of a resident are keyed by resident, and the punch-in log knows its transactions."""

from tortoise import migrations

from bot.store.migrations._operations import KeyByResident, OnPostgresql


class Migration(migrations.Migration):
    dependencies = [("yima", "0002_checks")]  # noqa: RUF012 - the form that Tortoise reads

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        KeyByResident(
            {
                "access_log": "id",
                "account_residents": "id",
                "colour_changes": "id",
                "declarations": "id",
                "facts": "id",
                "guardianships": "id",
                "health_codes": "id",
                "identity_checks": "id",
                "notices": "id",
                "punch_in_log": "sequence",
                "punch_ins": "id",
            }
        ),
        OnPostgresql(
            'ALTER TABLE "punch_in_log" ALTER COLUMN "transaction"'
            " SET DEFAULT (pg_current_xact_id()::text::bigint)"
        ),
    ]
