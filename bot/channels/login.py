"""Who is behind a code that a platform's front end got: the platform says so, to our server alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from bot.errors import Refused


class LoginRefused(Refused):
    """The platform doesn't know this code, or it was used before."""


@dataclass(frozen=True, slots=True)
class PlatformUser:
    """One person on one platform. `address` is the id that messages are sent to."""

    address: str = field(repr=False)


class Login(Protocol):
    """Exchanges codes of one channel."""

    channel: str

    async def log_in(self, code: str) -> PlatformUser:
        """The user behind a code; LoginRefused for a wrong one, Unavailable if the platform doesn't answer."""
