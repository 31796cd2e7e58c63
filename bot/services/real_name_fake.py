"""A real-name service for development and tests: it knows nobody and judges by the form of what is claimed."""

from __future__ import annotations

from bot.services.certificates import CertificateKind
from bot.services.real_name import Claim, Verdict

MISMATCHING = "不符"
"""A name that contains this is not that of the holder."""

UNREACHABLE = "不通"
"""A name that contains this finds the service out of order."""

_KINDS = frozenset(kind.value for kind in CertificateKind)


class FakeRealNameService:
    """Says MATCH to every well-formed claim; the two names above give the other answers."""

    name = "fake"

    async def verify(self, claim: Claim) -> Verdict:
        """The verdict, by the name alone where kind and number have the form of a certificate."""
        if UNREACHABLE in claim.name:
            return Verdict.UNAVAILABLE
        well_formed = claim.certificate_kind in _KINDS and claim.certificate_number.isalnum()
        if not well_formed or not claim.name.strip() or MISMATCHING in claim.name:
            return Verdict.MISMATCH
        return Verdict.MATCH
