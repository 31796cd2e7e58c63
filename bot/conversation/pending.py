"""Messages that could not be answered in time: kept with a lease, taken up again by whoever is alive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.clock import Clock
from bot.conversation.recorded import incoming_from_plain, incoming_to_plain
from bot.message import Incoming
from bot.notices.outbox import notify
from bot.services.consent import GIVEN, answers_consent
from bot.store.database import Database, Session
from bot.store.sealing import KeyRing
from bot.store.work import Work
from bot.store.writer import grouped

CONTEXT = "inbox.incoming"
LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 5
_KEPT = timedelta(hours=48)


def storable(incoming: Incoming, consent: str | None) -> Incoming:
    """What may be kept of it: before consent nothing of the content but the answer to the consent itself."""
    if consent == GIVEN or answers_consent(incoming.text):
        return incoming
    return replace(incoming, text="", event_key="", media=None, spot=None)


class PendingMessages:
    """The pending rows of the inbox."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, owner: str) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self.owner = owner

    async def keep(self, key: str, incoming: Incoming, said: bytes, account_id: int | None = None) -> bool:
        """Commit the message as pending, with what is said meanwhile; False if it is claimed already."""
        wire = self._clock.wire()
        inserted = await self._database.execute(
            "INSERT INTO inbox (message_key, state, account_id, incoming_sealed, reply_sealed, owner, lease_until,"
            " attempts, received_at, expires_at) VALUES (?, 'pending', ?, ?, ?, ?, ?, 1, ?, ?)"
            " ON CONFLICT DO NOTHING",
            [
                key,
                account_id,
                self._keys.seal_json(CONTEXT, incoming_to_plain(incoming)),
                said,
                self.owner,
                wire + LEASE,
                wire,
                wire + _KEPT,
            ],
        )
        return inserted == 1

    async def take(self, limit: int = 20) -> list[tuple[str, Incoming]]:
        """Pending messages whose lease is over, now leased to this process."""
        wire = self._clock.wire()
        rows = await self._database.fetch(
            "SELECT message_key, owner, attempts, incoming_sealed FROM inbox WHERE state = 'pending'"
            " AND lease_until < ? AND attempts < ? ORDER BY lease_until LIMIT ?",
            [wire, MOST_ATTEMPTS, limit],
        )
        taken = []
        for key, owner, attempts, sealed in rows:
            if await self._lease(key, owner, attempts):
                taken.append((key, incoming_from_plain(self._keys.open_json(CONTEXT, sealed))))
        return taken

    async def _lease(self, key: str, owner: str, attempts: int) -> bool:
        wire = self._clock.wire()
        updated = await self._database.execute(
            "UPDATE inbox SET owner = ?, lease_until = ?, attempts = attempts + 1"
            " WHERE message_key = ? AND state = 'pending' AND owner = ? AND attempts = ?",
            [self.owner, wire + LEASE, key, owner, attempts],
        )
        return updated == 1

    async def give_up(self) -> int:
        """End the messages that failed as often as they may, and tell their senders that nothing was done."""

        async def body(session: Session) -> int:
            rows = await session.fetch(
                "SELECT i.message_key, a.id, a.person_id FROM inbox i LEFT JOIN accounts a ON a.id = i.account_id"
                " WHERE i.state = 'pending' AND i.lease_until < ? AND i.attempts >= ?",
                [self._clock.wire(), MOST_ATTEMPTS],
            )
            work = Work(now=self._clock.now())
            for key, account_id, person_id in rows:
                work.update(
                    "inbox",
                    {"message_key": key},
                    state="failed",
                    incoming_sealed=None,
                    owner="",
                    lease_until=None,
                )
                if account_id is not None:
                    notify(
                        work,
                        self._keys,
                        resident_id=0,
                        person_id=person_id,
                        account_id=account_id,
                        kind="not_done",
                        params={},
                        dedup_key=f"not_done:{key}",
                    )
            await session.execute_many(grouped(work.writes))
            return len(rows)

        return await self._database.transaction(body)

    async def forget_expired(self) -> int:
        """Delete replies that are older than a redelivery can be: they were kept for that alone."""
        return await self._database.execute(
            "DELETE FROM inbox WHERE expires_at < ? AND state <> 'pending'", [self._clock.wire()]
        )

    async def release_all(self) -> None:
        """At a clean stop: what is still pending may be taken up at once by another process."""
        await self._database.execute(
            "UPDATE inbox SET lease_until = ? WHERE state = 'pending' AND owner = ?",
            [self._clock.wire() - LEASE, self.owner],
        )
