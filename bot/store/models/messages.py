"""What comes in, what is being talked about, what goes out."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Inbox(Model):
    """One inbound message. The row is the claim: whoever inserts it has the effect, all others its reply."""

    message_key = fields.CharField(max_length=64, primary_key=True)
    state = fields.CharField(max_length=16)  # done, pending, failed
    account_id = fields.BigIntField(null=True)
    incoming_sealed = fields.BinaryField(null=True)  # while pending
    reply_sealed = fields.BinaryField(null=True)  # NULL: nothing to say
    owner = fields.CharField(max_length=40, db_default="")
    lease_until = fields.DatetimeField(null=True)
    attempts = fields.SmallIntField(db_default=0)
    received_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "inbox"
        indexes = (("state", "lease_until"),)


class Dialogue(Model):
    """Where one account's conversation stands; survives restarts and replicas."""

    account_id = fields.BigIntField(primary_key=True, generated=False)
    form = fields.CharField(max_length=32, db_default="")
    step = fields.CharField(max_length=32, db_default="")
    state_sealed = fields.BinaryField(null=True)
    version = fields.IntField(db_default=0)
    updated_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True, db_index=True)

    class Meta:
        table = "dialogues"


class Notice(Model):
    """One message that the system sends by itself to one account, written with what caused it."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    account_id = fields.BigIntField(db_index=True)
    kind = fields.CharField(max_length=32)
    params_sealed = fields.BinaryField()
    priority = fields.SmallIntField(db_default=0)  # 1: urgent
    state = fields.CharField(max_length=16)  # queued, sending, sent, failed, unknown, expired, replaced
    reason = fields.CharField(max_length=48, db_default="")
    dedup_key = fields.CharField(max_length=96)
    not_before = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField()
    sent_at = fields.DatetimeField(null=True)
    channel = fields.CharField(max_length=32, db_default="")
    attempts = fields.SmallIntField(db_default=0)

    class Meta:
        table = "notices"
        unique_together = (("resident_id", "dedup_key"),)
        indexes = (("account_id", "state", "not_before"), ("state", "not_before"))


class ClockOffset(Model):
    """How far development has moved its clock forward."""

    id = fields.IntField(primary_key=True, generated=False)
    seconds = fields.BigIntField()

    class Meta:
        table = "clock_offset"
