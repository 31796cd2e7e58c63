"""Runs over everybody, leases on the queue, and stamps of what every process keeps in memory."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from bot.store.migrations._operations import AddChecks


class Migration(migrations.Migration):
    dependencies = [("yima", "0003_resident_keys")]  # noqa: RUF012 - the form that Tortoise reads

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="RescoreRun",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("scheme", fields.CharField(max_length=32)),
                ("division", fields.CharField(db_default="", max_length=12)),
                ("versions", fields.CharField(max_length=64)),
                ("at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=16)),
                ("cursor_id", fields.BigIntField(db_default=0)),
                ("residents", fields.IntField(db_default=0)),
                ("written", fields.IntField(db_default=0)),
                ("changes", fields.IntField(db_default=0)),
                ("gone", fields.IntField(db_default=0)),
                ("failed", fields.IntField(db_default=0)),
                ("disagreements", fields.IntField(db_default=0)),
                ("updated_at", fields.DatetimeField()),
            ],
            options={"table": "rescore_runs", "indexes": [Index(fields=["scheme", "division", "state"])]},
        ),
        ops.CreateModel(
            name="Stamp",
            fields=[
                ("name", fields.CharField(primary_key=True, max_length=48)),
                ("value", fields.CharField(max_length=64)),
            ],
            options={"table": "stamps"},
        ),
        ops.AddField(
            model_name="RescoreQueue",
            name="attempts",
            field=fields.SmallIntField(db_default=0),
        ),
        ops.AddField(
            model_name="RescoreQueue",
            name="lease_until",
            field=fields.DatetimeField(null=True),
        ),
        ops.AddField(
            model_name="RescoreQueue",
            name="ticket",
            field=fields.BigIntField(db_default=0),
        ),
        AddChecks(
            {
                "RescoreQueue": {"ck_rescore_queue_attempts": "attempts >= 0"},
                "RescoreRun": {"ck_rescore_runs_state": "state IN ('running', 'done', 'left')"},
            }
        ),
    ]
