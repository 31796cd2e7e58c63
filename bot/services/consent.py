"""Consent to what is kept: which text it was given to, and how each answer to it is recorded."""

from __future__ import annotations

from bot.store.snapshot import Account
from bot.store.work import Work

CONSENT_VERSION = "2020-02"
"""Which consent text was agreed to; changes with the meaning of the text, not with its wording."""

GIVEN = "given"


def note_consent(work: Work, account: Account, consent: str) -> None:
    """Record asked, given, refused or withdrawn."""
    account.consent = consent
    work.update(
        "accounts",
        {"id": account.id},
        consent=consent,
        consent_at=work.now,
        consent_version=CONSENT_VERSION,
    )
