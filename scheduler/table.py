"""The one table of what happens by itself."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import Misconfigured
from scheduler import bindings, colours, deletions, follow_ups, purge, reminders
from scheduler.job import Job

# where a clock is moved they run in this order at one slot; otherwise beside each other, and what is sent is looked at
# again when it is claimed
JOBS: tuple[Job, ...] = (
    *colours.JOBS,
    bindings.JOB,
    reminders.JOB,
    *follow_ups.JOBS,
    deletions.JOB,
    purge.JOB,
)

_LONGEST_ID = 48


def check_jobs(jobs: Sequence[Job]) -> None:
    """Refuse what would fail at night: two jobs of one name, a name that is too long, slots that differ by process."""
    names = [job.id for job in jobs]
    for name in names:
        if names.count(name) > 1:
            raise Misconfigured(f"two jobs are called {name!r}")
        if not 0 < len(name) <= _LONGEST_ID:
            raise Misconfigured(f"the name of a job has at most {_LONGEST_ID} characters: {name!r}")
    for job in jobs:
        if getattr(job.trigger, "jitter", None):
            raise Misconfigured(f"{job.id}: with a jitter every process has other slots")
        if job.grace.total_seconds() <= 0 or job.shard < 0:
            raise Misconfigured(f"{job.id}: grace is positive and shard at least 0")
