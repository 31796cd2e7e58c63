"""Whom a community has to look after, and what was tried."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class FollowUp(Model):
    """A resident whom somebody of the community should look after, and why.

    `day` is the resident's day that it began with, `last_day` the last one for which it was so. `detail` is a reason
    code, such as why nobody was reached.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    reason = fields.CharField(max_length=16)  # not_reached, silent, abnormal, binding
    day = fields.DateField()
    last_day = fields.DateField()
    state = fields.CharField(max_length=16)  # open, closed
    division = fields.CharField(max_length=12, null=True)
    detail = fields.CharField(max_length=48, db_default="")
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    closed_why = fields.CharField(max_length=32, db_default="")  # reported, released, worker, ended

    class Meta:
        table = "follow_ups"
        unique_together = (("resident_id", "reason", "day"),)
        indexes = (("state", "division", "opened_at"), ("state", "last_day"))


class ContactAttempt(Model):
    """One try of a worker to speak with a resident."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    follow_up_id = fields.BigIntField(null=True)
    worker_id = fields.BigIntField(null=True)
    at = fields.DatetimeField()
    way = fields.CharField(max_length=16)  # phone, visit, chat, relative, other
    outcome = fields.CharField(max_length=16)  # reached, no_answer, wrong_number, moved, refused, other
    note_sealed = fields.BinaryField(null=True)

    class Meta:
        table = "contact_attempts"
        indexes = (("resident_id", "at"),)
