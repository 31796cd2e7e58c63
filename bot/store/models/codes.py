"""What a colour is made from, and the colours."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Fact(Model):
    """One dated statement about one resident, with its source; withdrawn, never deleted."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    kind = fields.CharField(max_length=32)
    start_day = fields.DateField()
    end_day = fields.DateField(null=True)
    division = fields.CharField(max_length=12, null=True)
    source = fields.CharField(max_length=32)
    reference = fields.CharField(max_length=96)
    occurrence_id = fields.CharField(max_length=64, null=True, db_index=True)
    details = fields.TextField(db_default="{}")  # JSON of codes and numbers, never free text
    known_at = fields.DatetimeField()
    withdrawn_at = fields.DatetimeField(null=True)
    withdrawn_why = fields.CharField(max_length=48, db_default="")

    class Meta:
        table = "facts"
        unique_together = (("resident_id", "source", "reference"),)
        indexes = (("division", "start_day"),)


class HealthCode(Model):
    """One resident's code in one scheme; the colour is a cache of its assessment."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    scheme = fields.CharField(max_length=32)
    colour = fields.CharField(max_length=8)
    state = fields.CharField(max_length=16)
    since = fields.DatetimeField()
    version = fields.CharField(max_length=48, db_default="")  # the rule book's
    assessment = fields.TextField(db_default="{}")
    next_change_at = fields.DatetimeField(null=True)
    covered_until = fields.DatetimeField(null=True)
    held_since = fields.DatetimeField()

    class Meta:
        table = "health_codes"
        unique_together = (("resident_id", "scheme"),)
        indexes = (("next_change_at",), ("scheme", "colour"))


class ColourChange(Model):
    """One change of one code, with the assessment that made it."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    scheme = fields.CharField(max_length=32)
    at = fields.DatetimeField()
    old_colour = fields.CharField(max_length=8, null=True)
    old_state = fields.CharField(max_length=16, null=True)
    new_colour = fields.CharField(max_length=8)
    new_state = fields.CharField(max_length=16)
    cause = fields.CharField(max_length=48)
    assessment = fields.TextField()

    class Meta:
        table = "colour_changes"
        indexes = (("resident_id", "at"),)


class RiskLevel(Model):
    """The published risk level of a division over some days."""

    id = fields.BigIntField(primary_key=True, generated=False)
    division = fields.CharField(max_length=12)
    from_day = fields.DateField()
    to_day = fields.DateField(null=True)
    level = fields.CharField(max_length=8)  # low, medium, high
    source = fields.CharField(max_length=64)
    known_at = fields.DatetimeField()
    withdrawn_at = fields.DatetimeField(null=True)

    class Meta:
        table = "risk_levels"
        indexes = (("division", "from_day"),)


class RescoreQueue(Model):
    """A resident whose codes have to be made anew, because an input changed for many at once.

    `ticket` is another one for every filling, so that whoever has worked one off can't take a later one away;
    `lease_until` keeps others from the same work, and is real time.
    """

    resident_id = fields.BigIntField(primary_key=True, generated=False)
    cause = fields.CharField(max_length=48)
    queued_at = fields.DatetimeField(db_index=True)
    ticket = fields.BigIntField(db_default=0)
    attempts = fields.SmallIntField(db_default=0)
    lease_until = fields.DatetimeField(null=True)

    class Meta:
        table = "rescore_queue"


class RescoreRun(Model):
    """One run over everybody who holds a code, and how far it has come: a killed one goes on from there."""

    id = fields.BigIntField(primary_key=True, generated=False)
    scheme = fields.CharField(max_length=32)  # or "all"
    division = fields.CharField(max_length=12, db_default="")
    versions = fields.CharField(max_length=64)  # fingerprint of the rule books that judge
    at = fields.DatetimeField()
    state = fields.CharField(max_length=16)  # running, done, left
    cursor_id = fields.BigIntField(db_default=0)  # everybody up to this resident is done
    residents = fields.IntField(db_default=0)
    written = fields.IntField(db_default=0)
    changes = fields.IntField(db_default=0)
    gone = fields.IntField(db_default=0)
    failed = fields.IntField(db_default=0)
    disagreements = fields.IntField(db_default=0)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "rescore_runs"
        indexes = (("scheme", "division", "state"),)


class Stamp(Model):
    """What something that every process keeps in memory was when it last changed: risk levels, rule books."""

    name = fields.CharField(max_length=48, primary_key=True)
    value = fields.CharField(max_length=64)

    class Meta:
        table = "stamps"
