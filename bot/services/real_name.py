"""Is this name the holder of this certificate? The question goes to a real-name service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Verdict(StrEnum):
    """What the service says; `unavailable` says nothing about the person."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says they are. Hidden in `repr`, because it is what must not reach a log."""

    certificate_kind: str
    certificate_number: str
    name: str
    phone: str

    def __repr__(self) -> str:
        return f"Claim(certificate_kind={self.certificate_kind!r})"


class RealNameService(Protocol):
    """Compares a claim with the register. Never raises for an outage: that is `unavailable`."""

    name: str

    async def verify(self, claim: Claim) -> Verdict: ...


class NoRealNameService:
    """Where no service is configured everybody stays claimed, and a worker verifies."""

    name = "none"

    async def verify(self, claim: Claim) -> Verdict:
        return Verdict.UNAVAILABLE
