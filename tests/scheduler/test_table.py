from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from apscheduler.triggers.cron import CronTrigger

from bot.errors import Misconfigured
from scheduler.table import JOBS, check_jobs
from tests.scheduler.desk import Diary, job

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
DIARY = Diary()


def test_jobs_of_the_table_are_well_formed() -> None:
    assert JOBS
    check_jobs(JOBS)


def test_operators_are_told_of_exactly_the_jobs_that_exist() -> None:
    section = DOCUMENT.read_text(encoding="utf-8").split("## What happens by itself")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == [each.id for each in JOBS]


@pytest.mark.parametrize(
    "jobs",
    [
        (job(DIARY.write), job(DIARY.walk)),
        (job(DIARY.write, "x" * 49),),
        (job(DIARY.write, ""),),
        (job(DIARY.write, grace=timedelta(0)),),
        (job(DIARY.write, shard=-1),),
        (job(DIARY.write, trigger=CronTrigger(minute=0, jitter=30, timezone="UTC")),),
    ],
    ids=["twice", "long", "nameless", "without grace", "negative", "jitter"],
)
def test_table_that_would_fail_at_night_is_refused(jobs: tuple[object, ...]) -> None:
    with pytest.raises(Misconfigured):
        check_jobs(jobs)  # type: ignore[arg-type]  # all of them are jobs
