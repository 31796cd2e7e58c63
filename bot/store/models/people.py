"""Who there is: accounts, residents, households, workers, and who looked at whose data."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Account(Model):
    """One person's presence on one platform; holds nothing but its sealed platform id until consent.

    Accounts of one person share `person_id`, which is the id of the first of them. `window_*` is the platform's
    customer-service window after a message (sends that are left, and until when), `moment_*` the short one
    after an event such as following. The windows are real time.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    channel = fields.CharField(max_length=32)
    external_index = fields.CharField(max_length=64)
    external_sealed = fields.BinaryField()
    language = fields.CharField(max_length=8, db_default="zh")
    consent = fields.CharField(max_length=16, db_default="none")  # none, asked, given, refused, withdrawn
    consent_at = fields.DatetimeField(null=True)
    consent_version = fields.CharField(max_length=16, db_default="")
    following = fields.BooleanField(db_default=True)
    created_at = fields.DatetimeField()
    person_id = fields.BigIntField(db_default=0)
    blocked = fields.BooleanField(db_default=False)
    window_until = fields.DatetimeField(null=True)
    window_left = fields.SmallIntField(db_default=0)
    moment_until = fields.DatetimeField(null=True)
    moment_left = fields.SmallIntField(db_default=0)

    class Meta:
        table = "accounts"
        unique_together = (("channel", "external_index"),)
        indexes = (("person_id",),)


class Resident(Model):
    """A person with a health code. `input_version` counts every change of what a colour is made from."""

    resident_id = fields.BigIntField(primary_key=True, generated=False)
    identity = fields.CharField(max_length=16, db_default="none")  # none, claimed, verified
    verified_by = fields.CharField(max_length=32, db_default="")
    verified_at = fields.DatetimeField(null=True)
    certificate_kind = fields.CharField(max_length=24, db_default="")
    certificate_index = fields.CharField(max_length=64, null=True, db_index=True)
    certificate_sealed = fields.BinaryField(null=True)
    phone_index = fields.CharField(max_length=64, null=True, db_index=True)
    phone_sealed = fields.BinaryField(null=True)
    name_sealed = fields.BinaryField(null=True)
    birth_sealed = fields.BinaryField(null=True)
    address_sealed = fields.BinaryField(null=True)
    division = fields.CharField(max_length=12, null=True, db_index=True)
    building_index = fields.CharField(max_length=64, null=True, db_index=True)
    zone = fields.CharField(max_length=64, db_default="Asia/Shanghai")
    household_id = fields.BigIntField(null=True, db_index=True)
    declared_at = fields.DatetimeField(null=True)
    last_punch_in = fields.DateField(null=True)
    input_version = fields.IntField(db_default=0)
    created_at = fields.DatetimeField()
    quiet_from = fields.SmallIntField(null=True)  # minutes after midnight in the zone; NULL: 22:00
    quiet_until = fields.SmallIntField(null=True)  # NULL: 07:00; the same as `quiet_from`: never quiet
    reminder_minute = fields.SmallIntField(null=True)  # after midnight; NULL: the community's
    reminder_days = fields.CharField(max_length=16, db_default="all")  # all, workdays, none
    hinted_on = fields.DateField(null=True)  # the day of the last hint about a series of reports
    erased_at = fields.DatetimeField(null=True)  # what the law lets remain is all that is here

    class Meta:
        table = "residents"
        indexes = (("zone",), ("reminder_minute",))


class AccountResident(Model):
    """An account speaks for a resident: as oneself, or as the guardian of a member."""

    id = fields.BigIntField(primary_key=True, generated=False)
    account_id = fields.BigIntField(db_index=True)
    resident_id = fields.BigIntField()
    relation = fields.CharField(max_length=16)  # self, guardian
    since = fields.DatetimeField()

    class Meta:
        table = "account_residents"
        unique_together = (("resident_id", "account_id"),)


class LinkRequest(Model):
    """Somebody verified on a newer account asks to be one person with who holds the certificate on an older one."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()  # who holds the certificate
    person_id = fields.BigIntField(db_index=True)  # the older accounts, which have to confirm
    account_id = fields.BigIntField(db_index=True)  # the newer one
    state = fields.CharField(max_length=16)  # asked, confirmed, denied, expired
    asked_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True)

    class Meta:
        table = "link_requests"
        indexes = (("resident_id", "asked_at"),)


class Session(Model):
    """One login of the mini-program's front end; the token itself is stored nowhere. Times are real time."""

    token_hash = fields.CharField(max_length=64, primary_key=True)
    account_id = fields.BigIntField(db_index=True)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(db_index=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "sessions"


class Household(Model):
    """People who live together and may be reported for in one message."""

    id = fields.BigIntField(primary_key=True, generated=False)
    division = fields.CharField(max_length=12, null=True, db_index=True)
    building_index = fields.CharField(max_length=64, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "households"


class Guardianship(Model):
    """A guardian reports for a member; it counts once it is confirmed.

    `confirmed_by` is member, worker or register; `ended_by` guardian, member, worker, coming of age, deletion.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()  # the member
    guardian_id = fields.BigIntField(db_index=True)
    state = fields.CharField(max_length=16)  # asked, active, refused, expired, ended
    label_sealed = fields.BinaryField(null=True)
    confirmed_by = fields.CharField(max_length=32, db_default="")
    since = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    waits_for = fields.CharField(max_length=16, db_default="")  # while asked: member, worker
    expires_at = fields.DatetimeField(null=True)  # while asked
    ended_by = fields.CharField(max_length=16, db_default="")

    class Meta:
        table = "guardianships"
        unique_together = (("resident_id", "guardian_id"),)


class Community(Model):
    """A community (9 or 12 digits) that workers have registered below a county."""

    code = fields.CharField(max_length=12, primary_key=True)
    name = fields.CharField(max_length=64)
    registered_at = fields.DatetimeField()

    class Meta:
        table = "communities"


class Worker(Model):
    """A person who acts for a community, with a role and a division prefix as scope."""

    id = fields.BigIntField(primary_key=True, generated=False)
    account_id = fields.BigIntField(null=True, db_index=True)
    role = fields.CharField(max_length=32)
    scope = fields.CharField(max_length=12)
    invitation_hash = fields.CharField(max_length=64, null=True, unique=True)
    invited_at = fields.DatetimeField()
    invited_by = fields.BigIntField(null=True)
    accepted_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "workers"


class AccessLog(Model):
    """One view of, or act on, a person's data by somebody else; the person can read it."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    at = fields.DatetimeField()
    actor_kind = fields.CharField(max_length=16)  # worker, guardian, operator, system
    actor_id = fields.BigIntField(null=True)
    role = fields.CharField(max_length=32, db_default="")
    action = fields.CharField(max_length=48)
    why = fields.CharField(max_length=48, db_default="")
    address = fields.CharField(max_length=64, db_default="")

    class Meta:
        table = "access_log"
        indexes = (("resident_id", "at"),)


class IdentityCheck(Model):
    """One try to verify an identity, so that tries can be counted and limited."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    at = fields.DatetimeField()
    outcome = fields.CharField(max_length=16)  # verified, mismatch, taken
    via = fields.CharField(max_length=32)

    class Meta:
        table = "identity_checks"
        indexes = (("resident_id", "at"),)


class DeletionRequest(Model):
    """A resident wants everything deleted; until `due_at` they may change their mind."""

    id = fields.BigIntField(primary_key=True, generated=False)
    resident_id = fields.BigIntField()
    person_id = fields.BigIntField()
    state = fields.CharField(max_length=16)  # asked, cancelled, done
    asked_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "deletion_requests"
        indexes = (("resident_id", "state"), ("state", "due_at"))


class DataLink(Model):
    """One link under which a resident gets a copy of their data; the token itself is stored nowhere.

    Times are real time.
    """

    token_hash = fields.CharField(max_length=64, primary_key=True)
    resident_id = fields.BigIntField()
    person_id = fields.BigIntField()
    language = fields.CharField(max_length=8, db_default="zh")
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(db_index=True)
    fetched = fields.SmallIntField(db_default=0)

    class Meta:
        table = "data_links"
        indexes = (("resident_id", "created_at"),)
