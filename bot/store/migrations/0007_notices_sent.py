"""Notices that were sent are looked up by account and platform id; nothing else looks for an account's notices."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("yima", "0006_what_happens_by_itself")]  # noqa: RUF012 - the form that Tortoise reads

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.AlterField(model_name="Notice", name="account_id", field=fields.BigIntField()),
        ops.RemoveIndex(model_name="Notice", name=None, fields=["platform_id"]),
        # a notice that isn't sent has no entry: what is written for a whole city has an index less, and
        # accounts, whose ids are random, would dirty another page of it for every row
        ops.RunSQL(
            'CREATE INDEX "idx_notices_sent" ON "notices" ("account_id", "platform_id")'
            ' WHERE "platform_id" IS NOT NULL'
        ),
    ]
