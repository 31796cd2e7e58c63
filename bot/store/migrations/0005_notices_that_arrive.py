"""What notices need to arrive by themselves: persons, windows, subscriptions, claims, tokens, logins, links."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from bot.store.migrations._operations import AddChecks, KeyByResident, OnPostgresql


class Migration(migrations.Migration):
    dependencies = [("yima", "0004_population")]  # noqa: RUF012 - the form that Tortoise reads

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="FormToken",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("account_id", fields.BigIntField()),
                ("form_sealed", fields.BinaryField()),
                ("expires_at", fields.DatetimeField()),
            ],
            options={"table": "form_tokens", "indexes": [Index(fields=["account_id", "expires_at"])]},
        ),
        ops.CreateModel(
            name="LinkRequest",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("resident_id", fields.BigIntField()),
                ("person_id", fields.BigIntField(db_index=True)),
                ("account_id", fields.BigIntField(db_index=True)),
                ("state", fields.CharField(max_length=16)),
                ("asked_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("answered_at", fields.DatetimeField(null=True)),
            ],
            options={"table": "link_requests", "indexes": [Index(fields=["resident_id", "asked_at"])]},
        ),
        ops.CreateModel(
            name="PlatformState",
            fields=[
                ("name", fields.CharField(primary_key=True, max_length=96)),
                ("token_sealed", fields.BinaryField(null=True)),
                ("token_expires_at", fields.DatetimeField(null=True)),
                ("refresher", fields.CharField(db_default="", max_length=40)),
                ("refresh_until", fields.DatetimeField(null=True)),
                ("paused_until", fields.DatetimeField(null=True)),
                ("paused_why", fields.CharField(db_default="", max_length=48)),
                ("broken_until", fields.DatetimeField(null=True)),
                ("broken_why", fields.CharField(db_default="", max_length=48)),
            ],
            options={"table": "platform_states"},
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                ("token_hash", fields.CharField(primary_key=True, max_length=64)),
                ("account_id", fields.BigIntField(db_index=True)),
                ("created_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField(db_index=True)),
                ("revoked_at", fields.DatetimeField(null=True)),
            ],
            options={"table": "sessions"},
        ),
        ops.CreateModel(
            name="Subscription",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("account_id", fields.BigIntField()),
                ("kind", fields.CharField(max_length=32)),
                ("standing", fields.CharField(max_length=16)),
                ("balance", fields.SmallIntField(db_default=0)),
                ("updated_at", fields.DatetimeField()),
            ],
            options={"table": "subscriptions", "unique_together": (("account_id", "kind"),)},
        ),
        ops.CreateModel(
            name="SubscriptionEntry",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("account_id", fields.BigIntField()),
                ("kind", fields.CharField(max_length=32)),
                ("change", fields.SmallIntField()),
                ("reason", fields.CharField(max_length=32)),
                ("at", fields.DatetimeField()),
            ],
            options={"table": "subscription_entries", "indexes": [Index(fields=["account_id", "at"])]},
        ),
        ops.AddField(
            model_name="Account",
            name="blocked",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Account",
            name="moment_left",
            field=fields.SmallIntField(db_default=0),
        ),
        ops.AddField(
            model_name="Account",
            name="moment_until",
            field=fields.DatetimeField(null=True),
        ),
        ops.AddField(
            model_name="Account",
            name="person_id",
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name="Account",
            name="window_left",
            field=fields.SmallIntField(db_default=0),
        ),
        ops.AddField(
            model_name="Account",
            name="window_until",
            field=fields.DatetimeField(null=True),
        ),
        ops.RemoveIndex(
            model_name="Notice",
            name=None,
            fields=["account_id", "state", "not_before"],
        ),
        ops.RemoveIndex(
            model_name="Notice",
            name=None,
            fields=["state", "not_before"],
        ),
        ops.AddField(
            model_name="Notice",
            name="failures",
            field=fields.SmallIntField(db_default=0),
        ),
        ops.AddField(
            model_name="Notice",
            name="lease_until",
            field=fields.DatetimeField(null=True),
        ),
        ops.AddField(
            model_name="Notice",
            name="owner",
            field=fields.CharField(db_default="", max_length=40),
        ),
        ops.AddField(
            model_name="Notice",
            name="person_id",
            field=fields.BigIntField(db_default=0),
        ),
        ops.AddField(
            model_name="Notice",
            name="platform_id",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="Notice",
            name="try_at",
            field=fields.DatetimeField(null=True),
        ),
        ops.AddField(
            model_name="Notice",
            name="way",
            field=fields.CharField(db_default="", max_length=24),
        ),
        ops.AddIndex(
            model_name="Notice",
            index=Index(fields=["person_id", "state", "sent_at"]),
        ),
        ops.AddIndex(
            model_name="Notice",
            index=Index(fields=["state", "priority", "try_at", "id"]),
        ),
        ops.AddField(
            model_name="Resident",
            name="quiet_from",
            field=fields.SmallIntField(null=True),
        ),
        ops.AddField(
            model_name="Resident",
            name="quiet_until",
            field=fields.SmallIntField(null=True),
        ),
        ops.AddIndex(model_name="Account", index=Index(fields=["person_id"])),
        ops.AddIndex(model_name="Notice", index=Index(fields=["platform_id"])),
        ops.RunSQL('UPDATE "accounts" SET "person_id" = "id"'),
        ops.RunSQL('UPDATE "notices" SET "person_id" = "account_id", "try_at" = "not_before"'),
        AddChecks(
            {
                "Account": {
                    "ck_accounts_window_left": "window_left >= 0",
                    "ck_accounts_moment_left": "moment_left >= 0",
                },
                "LinkRequest": {
                    "ck_link_requests_state": "state IN ('asked', 'confirmed', 'denied', 'expired')"
                },
                "Notice": {"ck_notices_failures": "failures >= 0"},
                "Resident": {
                    "ck_residents_quiet_from": "quiet_from IS NULL OR quiet_from BETWEEN 0 AND 1439",
                    "ck_residents_quiet_until": "quiet_until IS NULL OR quiet_until BETWEEN 0 AND 1439",
                },
                "Subscription": {
                    "ck_subscriptions_balance": "balance >= 0",
                    "ck_subscriptions_standing": "standing IN ('once', 'always', 'refused', 'banned')",
                },
            }
        ),
        KeyByResident({"link_requests": "id"}),
        # what sends and what tells finds a notice by its id alone
        OnPostgresql('CREATE INDEX "idx_notices_id" ON "notices" ("id")'),
    ]
