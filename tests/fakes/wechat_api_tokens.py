"""The platform's two kinds of access tokens: the old one, of which the newest counts, and the stable one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Literal

LIFETIME_SECONDS = 7200
GRACE_SECONDS = 300
FORCED_A_DAY = 20
FORCED_APART_SECONDS = 30
DAY_SECONDS = 24 * 3600

Standing = Literal["valid", "illegal", "expired", "replaced"]
Force = Literal["done", "too_soon", "too_often"]


@dataclass(slots=True)
class _Issued:
    """One token: when it ends by itself, and when because a newer one was fetched."""

    expires_at: float
    replaced_at: float = float("inf")


@dataclass(slots=True)
class Tokens:
    """The tokens of one app. Fetching one kind never touches the other.

    `grace_seconds` is how long an old token lives on after a newer one was fetched: 0 is the strictest reading
    of the documents. A token has at least 512 characters where `long` is set, which callers must expect.
    """

    grace_seconds: float = GRACE_SECONDS
    lifetime_seconds: float = LIFETIME_SECONDS
    long: bool = False
    newest: str = field(default="", repr=False)
    stable: str = field(default="", repr=False)
    forced: list[float] = field(default_factory=list)
    _issued: dict[str, _Issued] = field(default_factory=dict, repr=False)

    def fetch(self, now: float) -> tuple[str, int]:
        """A new token of the old kind; the one before it ends with the grace."""
        self._replace(self.newest, now + self.grace_seconds)
        self.newest = self._issue(now)
        return self.newest, int(self.lifetime_seconds)

    def fetch_stable(self, now: float) -> tuple[str, int]:
        """The stable token and the seconds it has left; renewed in its last five minutes."""
        issued = self._issued.get(self.stable)
        if issued is None or issued.replaced_at <= now or issued.expires_at - now <= GRACE_SECONDS:
            self.stable = self._issue(now)
        return self.stable, int(self._issued[self.stable].expires_at - now)

    def force(self, now: float) -> Force:
        """Replace the stable token at once, if the limits of the day and of half a minute allow it."""
        self.forced = [at for at in self.forced if now - at < DAY_SECONDS]
        if self.forced and now - self.forced[-1] < FORCED_APART_SECONDS:
            return "too_soon"
        if len(self.forced) >= FORCED_A_DAY:
            return "too_often"
        self.forced.append(now)
        self._replace(self.stable, now)
        self.stable = self._issue(now)
        return "done"

    def invalidate(self, now: float) -> None:
        """Somebody else fetched new tokens of both kinds: every token that we know is dead at once."""
        for issued in self._issued.values():
            issued.replaced_at = min(issued.replaced_at, now)
        self.newest = self.stable = ""

    def standing(self, token: str, now: float) -> Standing:
        """What a token is worth at this instant."""
        issued = self._issued.get(token)
        if issued is None:
            return "illegal"
        if issued.expires_at <= now:
            return "expired"
        return "replaced" if issued.replaced_at <= now else "valid"

    def knows(self, token: str) -> bool:
        """Whether this app ever had this token."""
        return token in self._issued

    def _issue(self, now: float) -> str:
        token = secrets.token_urlsafe(420 if self.long else 102)
        self._issued[token] = _Issued(now + self.lifetime_seconds)
        return token

    def _replace(self, token: str, at: float) -> None:
        if token in self._issued:
            self._issued[token].replaced_at = min(self._issued[token].replaced_at, at)
