"""What happens by itself: which slot of which job has run, and how far it has come."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class JobRun(Model):
    """One slot of one job; whoever inserts the row has claimed it for all processes.

    `since` is the slot before it that ran: what fell due after that and until `slot` is this run's. Both are business
    time; `started_at` and `finished_at` are real time. `counts` is JSON of what it came to.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    job = fields.CharField(max_length=48)
    slot = fields.DatetimeField()
    since = fields.DatetimeField()
    state = fields.CharField(max_length=16)  # running, done, failed, skipped
    shards = fields.SmallIntField(db_default=1)
    counts = fields.TextField(db_default="{}")
    started_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "job_runs"
        unique_together = (("job", "slot"),)
        indexes = (("state", "slot"),)


class JobShard(Model):
    """One part of a run: the residents from `from_id` to `to_id`, both included; done up to `cursor_id`, included.

    Any process takes it under a lease (real time) and goes on where the one before stopped.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    run_id = fields.BigIntField()
    number = fields.SmallIntField()
    from_id = fields.BigIntField(db_default=0)
    to_id = fields.BigIntField(db_default=0)
    cursor_id = fields.BigIntField(db_default=0)
    state = fields.CharField(max_length=16)  # waiting, running, done, failed
    attempts = fields.SmallIntField(db_default=0)
    owner = fields.CharField(max_length=40, db_default="")
    lease_until = fields.DatetimeField(null=True)
    counts = fields.TextField(db_default="{}")

    class Meta:
        table = "job_shards"
        unique_together = (("run_id", "number"),)
        indexes = (("state", "lease_until"),)
