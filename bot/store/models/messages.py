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
    """One message that the system sends by itself to one person, written with what caused it.

    `person_id` is to whom; `account_id` the account it was written for, and once sent the one it went over.
    `not_before` is when it may first be told in any way, `try_at` when the dispatcher looks at it next (NULL:
    not by itself). `attempts` counts every claim, `failures` the sends that failed and are tried again.
    `owner` and `lease_until` (real time) belong to the process that is sending. What was sent is found by
    `account_id` and `platform_id`: `idx_notices_sent`, for which Tortoise has no form on both databases.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    account_id = fields.BigIntField()
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
    person_id = fields.BigIntField(db_default=0)
    try_at = fields.DatetimeField(null=True)
    failures = fields.SmallIntField(db_default=0)
    way = fields.CharField(max_length=24, db_default="")
    owner = fields.CharField(max_length=40, db_default="")
    lease_until = fields.DatetimeField(null=True)
    platform_id = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "notices"
        unique_together = (("resident_id", "dedup_key"),)
        indexes = (("person_id", "state", "sent_at"), ("state", "priority", "try_at", "id"))


class Subscription(Model):
    """How many notices of one kind an account's subscription still allows."""

    id = fields.BigIntField(primary_key=True, generated=False)
    account_id = fields.BigIntField()
    kind = fields.CharField(max_length=32)  # of notice
    standing = fields.CharField(max_length=16)  # once, always, refused, banned
    balance = fields.SmallIntField(db_default=0)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "subscriptions"
        unique_together = (("account_id", "kind"),)


class SubscriptionEntry(Model):
    """One change of a subscription: what the platform or the person said, or one notice sent."""

    id = fields.BigIntField(primary_key=True, generated=False)
    account_id = fields.BigIntField()
    kind = fields.CharField(max_length=32)
    change = fields.SmallIntField()
    reason = fields.CharField(max_length=32)
    at = fields.DatetimeField()

    class Meta:
        table = "subscription_entries"
        indexes = (("account_id", "at"),)


class FormToken(Model):
    """One form that somebody submitted on Alipay: it allows one template message within seven days."""

    id = fields.BigIntField(primary_key=True, generated=False)
    account_id = fields.BigIntField()
    form_sealed = fields.BinaryField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "form_tokens"
        indexes = (("account_id", "expires_at"),)


class PlatformState(Model):
    """What all processes share about one app id: its token, who fetches the next one, and why it rests.

    Every instant is real time.
    """

    name = fields.CharField(max_length=96, primary_key=True)
    token_sealed = fields.BinaryField(null=True)
    token_expires_at = fields.DatetimeField(null=True)
    refresher = fields.CharField(max_length=40, db_default="")
    refresh_until = fields.DatetimeField(null=True)
    paused_until = fields.DatetimeField(null=True)
    paused_why = fields.CharField(max_length=48, db_default="")
    broken_until = fields.DatetimeField(null=True)
    broken_why = fields.CharField(max_length=48, db_default="")

    class Meta:
        table = "platform_states"


class ClockOffset(Model):
    """How far development has moved its clock forward."""

    id = fields.IntField(primary_key=True, generated=False)
    seconds = fields.BigIntField()

    class Meta:
        table = "clock_offset"
