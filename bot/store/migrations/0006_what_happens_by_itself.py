"""What happens by itself: runs of jobs, reminders, households, follow-ups, deletion."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from bot.store.migrations._operations import AddChecks, KeyByResident, OnPostgresql, RemoveChecks


class Migration(migrations.Migration):
    dependencies = [("yima", "0005_notices_that_arrive")]  # noqa: RUF012 - the form that Tortoise reads

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="ContactAttempt",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("resident_id", fields.BigIntField()),
                ("follow_up_id", fields.BigIntField(null=True)),
                ("worker_id", fields.BigIntField(null=True)),
                ("at", fields.DatetimeField()),
                ("way", fields.CharField(max_length=16)),
                ("outcome", fields.CharField(max_length=16)),
                ("note_sealed", fields.BinaryField(null=True)),
            ],
            options={"table": "contact_attempts", "indexes": [Index(fields=["resident_id", "at"])]},
        ),
        ops.CreateModel(
            name="DataLink",
            fields=[
                ("token_hash", fields.CharField(primary_key=True, max_length=64)),
                ("resident_id", fields.BigIntField()),
                ("person_id", fields.BigIntField()),
                ("language", fields.CharField(db_default="zh", max_length=8)),
                ("created_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField(db_index=True)),
                ("fetched", fields.SmallIntField(db_default=0)),
            ],
            options={"table": "data_links", "indexes": [Index(fields=["resident_id", "created_at"])]},
        ),
        ops.CreateModel(
            name="DeletionRequest",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("resident_id", fields.BigIntField()),
                ("person_id", fields.BigIntField()),
                ("state", fields.CharField(max_length=16)),
                ("asked_at", fields.DatetimeField()),
                ("due_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "deletion_requests",
                "indexes": [Index(fields=["resident_id", "state"]), Index(fields=["state", "due_at"])],
            },
        ),
        ops.CreateModel(
            name="FollowUp",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("resident_id", fields.BigIntField()),
                ("reason", fields.CharField(max_length=16)),
                ("day", fields.DateField()),
                ("last_day", fields.DateField()),
                ("state", fields.CharField(max_length=16)),
                ("division", fields.CharField(null=True, max_length=12)),
                ("detail", fields.CharField(db_default="", max_length=48)),
                ("opened_at", fields.DatetimeField()),
                ("closed_at", fields.DatetimeField(null=True)),
                ("closed_why", fields.CharField(db_default="", max_length=32)),
            ],
            options={
                "table": "follow_ups",
                "unique_together": (("resident_id", "reason", "day"),),
                "indexes": [
                    Index(fields=["state", "division", "opened_at"]),
                    Index(fields=["state", "last_day"]),
                ],
            },
        ),
        ops.CreateModel(
            name="JobRun",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("job", fields.CharField(max_length=48)),
                ("slot", fields.DatetimeField()),
                ("since", fields.DatetimeField()),
                ("state", fields.CharField(max_length=16)),
                ("shards", fields.SmallIntField(db_default=1)),
                ("counts", fields.TextField(db_default="{}")),
                ("started_at", fields.DatetimeField()),
                ("finished_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "job_runs",
                "unique_together": (("job", "slot"),),
                "indexes": [Index(fields=["state", "slot"])],
            },
        ),
        ops.CreateModel(
            name="JobShard",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False)),
                ("run_id", fields.BigIntField()),
                ("number", fields.SmallIntField()),
                ("from_id", fields.BigIntField(db_default=0)),
                ("to_id", fields.BigIntField(db_default=0)),
                ("cursor_id", fields.BigIntField(db_default=0)),
                ("state", fields.CharField(max_length=16)),
                ("attempts", fields.SmallIntField(db_default=0)),
                ("owner", fields.CharField(db_default="", max_length=40)),
                ("lease_until", fields.DatetimeField(null=True)),
                ("counts", fields.TextField(db_default="{}")),
            ],
            options={
                "table": "job_shards",
                "unique_together": (("run_id", "number"),),
                "indexes": [Index(fields=["state", "lease_until"])],
            },
        ),
        ops.AddField(
            model_name="Guardianship",
            name="ended_by",
            field=fields.CharField(db_default="", max_length=16),
        ),
        ops.AddField(
            model_name="Guardianship",
            name="expires_at",
            field=fields.DatetimeField(null=True),
        ),
        ops.AddField(
            model_name="Guardianship",
            name="waits_for",
            field=fields.CharField(db_default="", max_length=16),
        ),
        ops.AddField(
            model_name="Resident",
            name="erased_at",
            field=fields.DatetimeField(null=True),
        ),
        ops.AddField(
            model_name="Resident",
            name="hinted_on",
            field=fields.DateField(null=True),
        ),
        ops.AddField(
            model_name="Resident",
            name="reminder_days",
            field=fields.CharField(db_default="all", max_length=16),
        ),
        ops.AddField(
            model_name="Resident",
            name="reminder_minute",
            field=fields.SmallIntField(null=True),
        ),
        ops.AddIndex(model_name="Resident", index=Index(fields=["zone"])),
        ops.AddIndex(model_name="Resident", index=Index(fields=["reminder_minute"])),
        RemoveChecks({"Guardianship": ("ck_guardianships_state",)}),
        AddChecks(
            {
                "Guardianship": {
                    "ck_guardianships_state": "state IN ('asked', 'active', 'refused', 'expired', 'ended')",
                    "ck_guardianships_waits_for": "waits_for IN ('', 'member', 'worker')",
                },
                "Resident": {
                    "ck_residents_reminder_minute": "reminder_minute IS NULL OR reminder_minute BETWEEN 0 AND 1439",
                    "ck_residents_reminder_days": "reminder_days IN ('all', 'workdays', 'none')",
                },
                "FollowUp": {
                    "ck_follow_ups_reason": "reason IN ('not_reached', 'silent', 'abnormal', 'binding')",
                    "ck_follow_ups_state": "state IN ('open', 'closed')",
                    "ck_follow_ups_days": "last_day >= day",
                },
                "ContactAttempt": {
                    "ck_contact_attempts_way": "way IN ('phone', 'visit', 'chat', 'relative', 'other')",
                    "ck_contact_attempts_outcome": "outcome IN ('reached', 'no_answer', 'wrong_number', 'moved',"
                    " 'refused', 'other')",
                },
                "DeletionRequest": {"ck_deletion_requests_state": "state IN ('asked', 'cancelled', 'done')"},
                "JobRun": {
                    "ck_job_runs_state": "state IN ('running', 'done', 'failed', 'skipped')",
                    "ck_job_runs_shards": "shards >= 0",
                },
                "JobShard": {
                    "ck_job_shards_state": "state IN ('waiting', 'running', 'done', 'failed')",
                    "ck_job_shards_range": "to_id >= from_id",
                },
            }
        ),
        KeyByResident(
            {
                "contact_attempts": "id",
                "data_links": "token_hash",
                "deletion_requests": "id",
                "follow_ups": "id",
            }
        ),
        # whoever opens a link brings nothing but its token
        OnPostgresql('CREATE INDEX "idx_data_links_token" ON "data_links" ("token_hash")'),
    ]
