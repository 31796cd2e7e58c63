"""The ledger of what platforms allow: windows, subscriptions and forms, as sends, refusals and consents change them.

Every change of a subscription is one row of `subscription_entries`. A refusal in a popup sets it to nothing without
knowing what was left, so that its entry says 0; after it the entries begin anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.channels.outbound import Effect, Way
from bot.notices.conditions import CONDITIONS, Ends
from bot.notices.outbox import notify
from bot.notices.reachability import Channel
from bot.notices.windows import UNCOUNTED
from bot.store.database import Session
from bot.store.ids import new_id, row_id
from bot.store.sealing import KeyRing
from bot.store.work import Work
from bot.store.writer import grouped

LOW = 1
"""A subscription with so many reminders left, or fewer, is running out."""
LOW_KIND = "subscription_low"

ACCEPTED, REJECTED, SENT, USED_UP = "accepted", "rejected", "sent", "used_up"

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_SPEND_WINDOW = {
    name: f"UPDATE accounts SET {name}_left = {name}_left - 1 WHERE id = ? AND {name}_left BETWEEN 1 AND {UNCOUNTED - 1}"  # noqa: S608 - our own names
    for name in ("window", "moment")
}
_NO_SENDS = {
    "window": "UPDATE accounts SET window_left = 0 WHERE id = ?",
    "moment": "UPDATE accounts SET moment_left = 0 WHERE id = ?",
    "": "UPDATE accounts SET window_left = 0, moment_left = 0 WHERE id = ?",
}
_CLOSE = "UPDATE accounts SET window_until = NULL, moment_until = NULL WHERE id = ?"
# a contact since the windows were read has opened them anew, and what was refused says nothing about that
_CLOSE_UNCHANGED = f"{_CLOSE} AND COALESCE(window_until, ?) = ? AND COALESCE(moment_until, ?) = ?"
_UNFOLLOWED = "UPDATE accounts SET following = ? WHERE id = ?"
_BLOCKED = "UPDATE accounts SET blocked = ? WHERE id = ?"
_SPEND_FORM = "DELETE FROM form_tokens WHERE id = ?"
_WHICH = "account_id = ? AND kind = ?"
_COUNTED = f"{_WHICH} AND standing = 'once' AND balance > 0"
_BALANCE = f"SELECT balance FROM subscriptions WHERE {_WHICH} AND standing = 'once'"  # noqa: S608 - our own names
# locked before its entry is made from it: what comes in between must be in both or in neither
_LOCK = f"UPDATE subscriptions SET updated_at = ? WHERE {_WHICH}"  # noqa: S608
_ENTER = (
    "INSERT INTO subscription_entries (id, account_id, kind, change, reason, at)"
    " SELECT ?, account_id, kind, {change}, '{reason}', ? FROM subscriptions WHERE {condition}"
)
_ENTER_SENT = _ENTER.format(change=-1, reason=SENT, condition=_COUNTED)
_COUNT_DOWN = f"UPDATE subscriptions SET balance = balance - 1 WHERE {_COUNTED}"  # noqa: S608
_ENTER_USED_UP = _ENTER.format(
    change="-balance", reason=USED_UP, condition=f"{_WHICH} AND (balance > 0 OR standing = 'always')"
)
_NOTHING_LEFT = (
    "UPDATE subscriptions SET balance = 0, standing = CASE standing WHEN 'always' THEN 'once' ELSE standing END"  # noqa: S608
    f" WHERE {_WHICH}"
)
_OWN = (
    "SELECT l.resident_id FROM accounts a JOIN account_residents l ON l.account_id = a.id"
    " WHERE a.person_id = ? AND l.relation = 'self' ORDER BY l.since, l.id LIMIT 1"
)
_WAKE = (
    "UPDATE notices SET try_at = CASE WHEN not_before > ? THEN not_before ELSE ? END"
    " WHERE person_id = ? AND state = 'queued' AND failures = 0"
)
_BY_EVENT = tuple(condition.reason for condition in CONDITIONS if condition.ends == Ends.EVENT)


async def spend(
    session: Session, used: Sequence[tuple[Channel, str]], *, now: datetime, wire: datetime, keys: KeyRing
) -> None:
    """Count every message that went out, or may have: (over which channel, of which kind).

    Where that leaves a counted subscription with one reminder or none, the person is told so by a notice.
    """
    statements = _Statements()
    low: list[tuple[Channel, str, int]] = []
    for channel, kind in sorted(used, key=_by_account):
        if channel.way == Way.CUSTOMER_SERVICE:
            statements.add(_SPEND_WINDOW[channel.window or "window"], channel.account_id)
        elif channel.way == Way.SUBSCRIPTION and channel.balance is not None:
            entry = row_id(now)
            statements.add(_LOCK, now, channel.account_id, kind)
            statements.add(_ENTER_SENT, entry, now, channel.account_id, kind)
            statements.add(_COUNT_DOWN, channel.account_id, kind)
            if channel.balance - 1 <= LOW:
                low.append((channel, kind, entry))
        elif channel.form_token_id is not None:
            statements.add(_SPEND_FORM, channel.form_token_id)
    await session.execute_many(statements.each())
    for channel, kind, entry in low:
        rows = await session.fetch(_BALANCE, [channel.account_id, kind])
        if rows and rows[0][0] <= LOW:  # it may have been renewed meanwhile
            await _tell_low(
                session, channel, {"left": rows[0][0], "kind": kind}, entry=entry, now=now, keys=keys
            )


async def _tell_low(
    session: Session, channel: Channel, params: dict[str, Any], *, entry: int, now: datetime, keys: KeyRing
) -> None:
    """Queue the notice that reminders run out; the entry that made it so names it, so that it comes once."""
    own = await session.fetch(_OWN, [channel.person_id])
    work = Work(now=now)
    notify(
        work,
        keys,
        resident_id=own[0][0] if own else 0,
        person_id=channel.person_id,
        account_id=channel.account_id,
        kind=LOW_KIND,
        params=params,
        dedup_key=f"low:{entry}",
    )
    await session.execute_many(grouped(work.writes))


async def learn(session: Session, learnt: Sequence[tuple[Channel, str, Effect]], *, now: datetime) -> None:
    """Keep what refusals say about the recipient: (over which channel, of which kind, what was learnt)."""
    statements = _Statements()
    for channel, kind, effect in sorted(learnt, key=_by_account):
        for sql, *row in _lessons(channel, kind, effect, now):
            statements.add(sql, *row)
    await session.execute_many(statements.each())


def _lessons(channel: Channel, kind: str, effect: Effect, now: datetime) -> Iterable[tuple[Any, ...]]:
    """The statements that keep one lesson, each with its parameters."""
    account = channel.account_id
    match effect:
        case Effect.WINDOW_CLOSED:
            yield _closed(channel)
        case Effect.WINDOW_USED_UP:
            yield _NO_SENDS[channel.window], account
        case Effect.SUBSCRIPTION_USED_UP:
            yield _LOCK, now, account, kind
            yield _ENTER_USED_UP, row_id(now), now, account, kind
            yield _NOTHING_LEFT, account, kind
        case Effect.FORM_USED_UP if channel.form_token_id is not None:
            yield _SPEND_FORM, channel.form_token_id
        case Effect.UNFOLLOWED:
            yield _UNFOLLOWED, False, account
        case Effect.BLOCKED | Effect.UNKNOWN_ACCOUNT:
            yield _BLOCKED, True, account


def _closed(channel: Channel) -> tuple[Any, ...]:
    if channel.windows is None:
        return _CLOSE, channel.account_id
    window, moment = (until or _NEVER for until in channel.windows)
    return _CLOSE_UNCHANGED, channel.account_id, _NEVER, window, _NEVER, moment


def note_consents(
    work: Work, account_id: int, consents: Iterable[tuple[str, bool]], *, now: datetime
) -> None:
    """Take down what somebody answered in the platform's popup: (kind of notice, agreed).

    Each yes allows one more notice of the kind; a no ends it, whatever was left.
    """
    for kind, given in consents:
        row: dict[str, Any] = {"id": new_id(), "account_id": account_id, "kind": kind, "updated_at": now}
        if given:
            work.add("subscriptions", ("account_id", "kind"), "balance", balance=1, standing="once", **row)
        else:
            work.upsert("subscriptions", ("account_id", "kind"), balance=0, standing="refused", **row)
        work.insert(
            "subscription_entries",
            id=row_id(now),
            account_id=account_id,
            kind=kind,
            change=int(given),
            reason=ACCEPTED if given else REJECTED,
            at=now,
        )


def wake_person(work: Work, person_id: int, reasons: Iterable[str] = _BY_EVENT) -> None:
    """The queued notices of a person that wait for one of these reasons to end are looked at again now."""
    for reason in reasons:
        key = {"person_id": person_id, "state": "queued", "failures": 0, "reason": reason}
        work.update("notices", key, try_at=work.now)


async def wake(session: Session, person_ids: Collection[int], *, now: datetime) -> None:
    """All queued notices of these persons are looked at again now, those for later at their time; what is tried
    again after a failure keeps its own."""
    await session.execute_many([(_WAKE, [(now, now, person_id) for person_id in sorted(person_ids)])])


class _Statements:
    """Statements with all their rows, in the order in which each came first."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def add(self, sql: str, *row: Any) -> None:
        self._rows.setdefault(sql, []).append(row)

    def each(self) -> list[tuple[str, list[tuple[Any, ...]]]]:
        return list(self._rows.items())


def _by_account(each: tuple[Any, ...]) -> int:
    """Rows are locked in one order by everybody, so that nobody waits in a circle."""
    account_id: int = each[0].account_id
    return account_id
