"""Writes a notice in the transaction of what caused it; how it reaches the person is decided later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.store.ids import row_id
from bot.store.sealing import KeyRing
from bot.store.snapshot import WaitingNotice
from bot.store.work import Work

CONTEXT = "notices.params"
WITH_ANSWER = "with_answer"
"""The way of a notice that went out together with the answer to a message."""
KEPT = timedelta(days=3)  # later than that it is too old to be of use


def notify(  # noqa: PLR0913 - the columns of a row, each by its name
    work: Work,
    keys: KeyRing,
    *,
    resident_id: int,
    person_id: int,
    kind: str,
    params: dict[str, Any],
    dedup_key: str,
    account_id: int | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    urgent: bool = False,
) -> None:
    """Queue one message to one person; a second one with the same `dedup_key` is not written.

    `account_id` is given where only that account of theirs will do: the answer to what was said there.
    """
    due = not_before or work.now
    work.insert_once(
        "notices",
        id=row_id(work.now),
        resident_id=resident_id,
        person_id=person_id,
        account_id=account_id or person_id,
        kind=kind,
        params_sealed=keys.seal_json(CONTEXT, params),
        priority=int(urgent),
        state="queued",
        dedup_key=f"{person_id}:{dedup_key}",
        not_before=due,
        try_at=due,
        expires_at=expires_at or work.now + KEPT,
        created_at=work.now,
    )


def try_again(work: Work, notice: WaitingNotice) -> None:
    """A notice that failed is queued once more: its person is here, and another way may be open now."""
    work.expect("notices", notice.id, notice.attempts)
    work.update(
        "notices",
        {"resident_id": notice.resident_id, "id": notice.id},
        attempts=notice.attempts + 1,
        state="queued",
        try_at=work.now,
        failures=0,
        reason="",
        way="",
    )


def mark_told(work: Work, notice: WaitingNotice, channel: str) -> None:
    """The notice goes out with an answer on that channel, unless it has been claimed since it was read: then the
    whole answer is made anew."""
    work.expect("notices", notice.id, notice.attempts)
    work.update(
        "notices",
        {"resident_id": notice.resident_id, "id": notice.id},
        attempts=notice.attempts + 1,
        state="sent",
        sent_at=work.now,
        channel=channel,
        way=WITH_ANSWER,
        reason="",
    )
