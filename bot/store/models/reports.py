"""What residents state: declarations and punch-ins, with their history."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Declaration(Model):
    """One submitted declaration; a later one or a change adds a revision, nothing is overwritten."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    revision = fields.IntField()
    receipt = fields.CharField(max_length=24)
    form_version = fields.CharField(max_length=16)
    answers_sealed = fields.BinaryField()
    reported_by = fields.BigIntField()
    submitted_at = fields.DatetimeField()

    class Meta:
        table = "declarations"
        unique_together = (("resident_id", "revision"), ("resident_id", "receipt"))


class PunchIn(Model):
    """The report of one resident for one day; a second message of the day amends it."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    day = fields.DateField()
    revision = fields.IntField(db_default=1)
    receipt = fields.CharField(max_length=24)
    temperature_tenths = fields.SmallIntField(null=True)
    symptoms = fields.CharField(max_length=200, db_default="")  # codes joined by a comma
    no_change = fields.BooleanField(db_default=False)
    normal = fields.BooleanField()
    reported_by = fields.BigIntField()
    created_at = fields.DatetimeField()
    amended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "punch_ins"
        unique_together = (("resident_id", "day"),)
        indexes = (("day",),)


class PunchInLog(Model):
    """Every save and amendment of a punch-in, in order; remote schemes follow it with their own cursor.

    `transaction` is the writing transaction on PostgreSQL (0 elsewhere): sequences commit out of order there,
    so a reader takes only rows of transactions that are settled.
    """

    sequence = fields.BigIntField(primary_key=True, generated=True)
    transaction = fields.BigIntField(db_default=0)
    resident_id = fields.BigIntField()
    punch_in_id = fields.BigIntField()
    day = fields.DateField()
    revision = fields.IntField()
    temperature_tenths = fields.SmallIntField(null=True)
    symptoms = fields.CharField(max_length=200, db_default="")
    origin = fields.CharField(max_length=32)
    at = fields.DatetimeField()

    class Meta:
        table = "punch_in_log"
        indexes = (("transaction", "sequence"),)
