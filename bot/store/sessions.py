"""Logins of the front end: opaque tokens of which only a hash is stored, with an end, and revocable.

A token is made from the login itself under the index key, so that the same login, repeated because its answer was
lost, gets the same token although it is stored nowhere. Times are real time.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.store.database import Database, instant
from bot.store.sealing import KeyRing
from bot.store.work import Work

_KIND = "session"
_TIDIED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login that stands, and whose it is. `external` is the account's id on its platform."""

    token_hash: str
    account_id: int
    channel: str
    external: str = field(repr=False)
    language: str
    consent: str
    expires_at: datetime


class Sessions:
    """Finds, begins and ends logins."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, *, lasts: timedelta) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._lasts = lasts
        self._tidied_at: datetime | None = None

    def token_for(self, channel: str, code: str, key: str) -> str:
        """The token of a login with that code under that Idempotency-Key: 64 hexadecimal digits."""
        halves = (self._keys.index(_KIND, f"{half}\0{channel}\0{key}\0{code}") for half in "01")
        return "".join(half.rpartition(":")[2] for half in halves)

    def begin(self, work: Work, token: str, account_id: int) -> datetime:
        """Record a login; returns when it ends."""
        now = self._clock.wire()
        work.insert(
            "sessions",
            token_hash=hash_of(token),
            account_id=account_id,
            created_at=now,
            expires_at=now + self._lasts,
        )
        return now + self._lasts

    def end(self, work: Work, session: LoggedIn) -> None:
        """Revoke a login."""
        work.update("sessions", {"token_hash": session.token_hash}, revoked_at=self._clock.wire())

    async def find(self, token: str) -> LoggedIn | None:
        """The login of that token; None if there is none, or it has ended."""
        token_hash = hash_of(token)
        rows = await self._database.fetch(
            "SELECT a.id, a.channel, a.external_sealed, a.language, a.consent, s.expires_at"
            " FROM sessions s JOIN accounts a ON a.id = s.account_id"
            " WHERE s.token_hash = ? AND s.revoked_at IS NULL AND s.expires_at > ?",
            [token_hash, self._clock.wire()],
        )
        if not rows:
            return None
        account_id, channel, external, language, consent, expires_at = rows[0]
        return LoggedIn(
            token_hash,
            account_id,
            channel,
            self._keys.open("accounts.external", external),
            language,
            consent,
            instant(expires_at),
        )

    async def known(self, token: str) -> bool:
        """Whether a login with that token was ever begun and is still on record."""
        rows = await self._database.fetch("SELECT 1 FROM sessions WHERE token_hash = ?", [hash_of(token)])
        return bool(rows)

    async def tidy(self) -> int:
        """Forget the logins that are over, at most every ten minutes; returns how many there were."""
        now = self._clock.wire()
        if self._tidied_at is not None and now - self._tidied_at < _TIDIED_EVERY:
            return 0
        self._tidied_at = now
        return await self._database.execute("DELETE FROM sessions WHERE expires_at <= ?", [now])


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
