"""The tables. Every instant is UTC, every day a DATE in the resident's zone, every id random.

Rows refer to each other by id without database foreign keys: a resident's rows can then live on any shard,
and nothing cascades. What is personal is sealed (`*_sealed`) or reduced to an exact HMAC (`*_index`).
"""

from bot.store.models.codes import ColourChange, Fact, HealthCode, RescoreQueue, RescoreRun, RiskLevel, Stamp
from bot.store.models.follow_ups import ContactAttempt, FollowUp
from bot.store.models.messages import (
    ClockOffset,
    Dialogue,
    FormToken,
    Inbox,
    Notice,
    PlatformState,
    Subscription,
    SubscriptionEntry,
)
from bot.store.models.people import (
    AccessLog,
    Account,
    AccountResident,
    Community,
    DataLink,
    DeletionRequest,
    Guardianship,
    Household,
    IdentityCheck,
    LinkRequest,
    Resident,
    Session,
    Worker,
)
from bot.store.models.reports import Declaration, PunchIn, PunchInLog
from bot.store.models.runs import JobRun, JobShard

__all__ = [
    "AccessLog",
    "Account",
    "AccountResident",
    "ClockOffset",
    "ColourChange",
    "Community",
    "ContactAttempt",
    "DataLink",
    "Declaration",
    "DeletionRequest",
    "Dialogue",
    "Fact",
    "FollowUp",
    "FormToken",
    "Guardianship",
    "HealthCode",
    "Household",
    "IdentityCheck",
    "Inbox",
    "JobRun",
    "JobShard",
    "LinkRequest",
    "Notice",
    "PlatformState",
    "PunchIn",
    "PunchInLog",
    "RescoreQueue",
    "RescoreRun",
    "Resident",
    "RiskLevel",
    "Session",
    "Stamp",
    "Subscription",
    "SubscriptionEntry",
    "Worker",
]
