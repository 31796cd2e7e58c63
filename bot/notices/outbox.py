"""Writes a notice in the transaction of what caused it; how it reaches the person is decided later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.store.ids import new_id
from bot.store.sealing import KeyRing
from bot.store.work import Work

CONTEXT = "notices.params"
KEPT = timedelta(days=3)  # later than that it is too old to be of use


def notify(
    work: Work,
    keys: KeyRing,
    *,
    resident_id: int,
    account_id: int,
    kind: str,
    params: dict[str, Any],
    dedup_key: str,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    urgent: bool = False,
) -> None:
    """Queue one message to one account; a second one with the same `dedup_key` is not written."""
    work.insert_once(
        "notices",
        id=new_id(),
        resident_id=resident_id,
        account_id=account_id,
        kind=kind,
        params_sealed=keys.seal_json(CONTEXT, params),
        priority=int(urgent),
        state="queued",
        dedup_key=f"{account_id}:{dedup_key}",
        not_before=not_before or work.now,
        expires_at=expires_at or work.now + KEPT,
        created_at=work.now,
    )


def mark_told(work: Work, notice_id: int, resident_id: int, channel: str) -> None:
    """The notice went out with an answer on that channel."""
    work.update(
        "notices",
        {"resident_id": resident_id, "id": notice_id},
        state="sent",
        sent_at=work.now,
        channel=channel,
    )
