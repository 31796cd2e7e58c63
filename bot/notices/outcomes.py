"""What becomes of a notice after a send: the table of what each kind of trouble does, and the one write of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.channels.outbound import Effect, SendFailed, Sent, Trouble
from bot.notices import ledger
from bot.notices.claims import Claimed
from bot.notices.reachability import Channel
from bot.store.database import Session
from bot.store.sealing import KeyRing

_STEPS = (10.0, 30.0, 120.0, 600.0)  # seconds until the next try, by how often it failed
_LAST_STEP = 1800.0
_JITTER = 0.2  # of a step, to both sides
_REFUSALS = 30  # claims after which a notice that recipients' refusals send round is given up
_PLATFORM_ID = 64  # characters of the column

_WRITE = (
    "UPDATE notices SET state = ?, reason = ?, failures = ?, try_at = ?, way = ?, sent_at = ?, platform_id = ?,"
    " owner = '', lease_until = NULL"
    " WHERE resident_id = ? AND id = ? AND state = 'sending' AND owner = ? AND attempts = ?"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of trouble does. `again`: it is queued again; then `counts` says whether that was a failure, which
    grows the wait and holds back later notices of the person, and `pause` is the wait in seconds where the platform
    names none (None: the wait grows with the failures). `spends`: it may have arrived."""

    again: bool
    state: str
    counts: bool = False
    pause: float | None = None
    spends: bool = False


RULES: Mapping[Trouble, Rule] = {
    Trouble.RETRY: Rule(True, "queued", counts=True),
    Trouble.TOKEN: Rule(True, "queued", pause=60),
    Trouble.QUOTA: Rule(True, "queued", pause=3600),
    Trouble.PERMISSION: Rule(True, "queued", pause=600),
    Trouble.RECIPIENT: Rule(True, "queued", pause=0),
    Trouble.CONTENT: Rule(False, "failed"),
    Trouble.UNKNOWN: Rule(False, "unknown", spends=True),
}
_UNKNOWN_BUT_SAFE = Rule(True, "queued", counts=True, spends=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """One send that is over. `idempotent`: on its way the platform drops a second one."""

    notice: Claimed
    channel: Channel
    result: Sent | SendFailed
    idempotent: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a notice becomes. `spent`: one message of what the account allows is used up."""

    state: str
    reason: str = ""
    failures: int = 0
    try_at: datetime | None = None
    way: str = ""
    spent: bool = False


def decide(ended: Ended, now: datetime) -> Verdict:
    """What becomes of this notice."""
    notice, result, way = ended.notice, ended.result, ended.channel.way.value
    if isinstance(result, Sent):
        return Verdict("sent", failures=notice.failures, way=way, spent=True)
    rule = RULES[result.trouble]
    if result.trouble is Trouble.UNKNOWN and ended.idempotent:
        rule = _UNKNOWN_BUT_SAFE
    reason = result.reason[:48]
    if not rule.again or (result.trouble is Trouble.RECIPIENT and _in_vain(ended, reason)):
        state = rule.state if not rule.again else "failed"
        return Verdict(state, reason, notice.failures, way=way, spent=rule.spends)
    failures = notice.failures + rule.counts
    wait = backoff(notice.id, failures) if rule.pause is None else rule.pause
    if rule.pause is None:
        wait = max(wait, result.retry_after or 0.0)
    elif result.retry_after is not None and result.trouble is not Trouble.RECIPIENT:
        wait = result.retry_after
    try_at = now + timedelta(seconds=wait)
    if rule.counts and try_at >= notice.expires_at:
        return Verdict("failed", reason, failures, way=way)
    # the way stays where the next try depends on it; a pause of the app holds nobody back
    kept = way if rule.counts or result.trouble is Trouble.RECIPIENT else ""
    return Verdict("queued", reason, failures, try_at, kept)


def _in_vain(ended: Ended, reason: str) -> bool:
    """The ledger has learnt nothing from the same refusal before, or refusals go round in a circle."""
    notice, channel = ended.notice, ended.channel
    same = (channel.way.value, channel.account_id) == (notice.last_way, notice.account_id)
    return (same and reason == notice.last_reason) or notice.attempts >= _REFUSALS


def backoff(notice_id: int, failures: int) -> float:
    """Seconds until the next try after so many failures (1: the first), spread by the notice so that those which
    failed together don't come back together."""
    step = _STEPS[failures - 1] if failures <= len(_STEPS) else _LAST_STEP
    spread = (notice_id * 2654435761 + failures * 40503) % 2001 / 1000 - 1
    return step * (1 + _JITTER * spread)


async def write(
    session: Session,
    ended: Sequence[Ended],
    *,
    owner: str,
    now: datetime,
    wire: datetime,
    keys: KeyRing,
) -> list[Verdict]:
    """Write all of them, and what they say about the recipients; a claim that has been taken away stays as it is."""
    verdicts = [decide(each, now) for each in ended]
    pairs = list(zip(ended, verdicts, strict=True))
    await write_rows(session, pairs, owner=owner, now=now)
    used = [(each.channel, each.notice.kind) for each, verdict in pairs if verdict.spent]
    if used:
        await ledger.spend(session, used, now=now, wire=wire, keys=keys)
    learnt = [
        (each.channel, each.notice.kind, each.result.effect)
        for each in ended
        if isinstance(each.result, SendFailed) and each.result.effect is not Effect.NONE
    ]
    if learnt:
        await ledger.learn(session, learnt, now=now)
    return verdicts


async def write_rows(
    session: Session, pairs: Iterable[tuple[Ended, Verdict]], *, owner: str, now: datetime
) -> None:
    """The notices alone, in the order of their keys, so that nobody waits in a circle."""
    rows = sorted((_row(each, verdict, owner, now) for each, verdict in pairs), key=lambda row: row[7:9])
    await session.execute_many([(_WRITE, rows)])


def _row(each: Ended, verdict: Verdict, owner: str, now: datetime) -> tuple[Any, ...]:
    platform_id = each.result.platform_id if isinstance(each.result, Sent) else ""
    return (
        verdict.state,
        verdict.reason,
        verdict.failures,
        verdict.try_at,
        verdict.way,
        now if verdict.spent else None,
        platform_id[:_PLATFORM_ID] or None,
        each.notice.resident_id,
        each.notice.id,
        owner,
        each.notice.attempts,
    )
