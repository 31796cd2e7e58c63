"""Consent to what is kept: which text it was given to, what answers it, and how each answer is recorded."""

from __future__ import annotations

import re

from bot.store.database import Database
from bot.store.snapshot import Account
from bot.store.work import Work

CONSENT_VERSION = "2020-02"
"""Which consent text was agreed to; changes with the meaning of the text, not with its wording."""

GIVEN = "given"
_AGREE = re.compile(r"\s*我?(?:已阅读并)?(?:同意|(?:i )?agree)\s*[。.!！]?\s*", re.IGNORECASE)
_REFUSE = re.compile(r"\s*我?(?:不同意|disagree|i (?:don['’]t|do not) agree)\s*[。.!！]?\s*", re.IGNORECASE)
_SHORT = re.compile(r"\s*(?:yes|no|[12１２])\s*[。.!！]?\s*", re.IGNORECASE)


def agrees(text: str) -> bool:
    """It says in so many words that its writer agrees."""
    return _AGREE.fullmatch(text) is not None


def refuses(text: str) -> bool:
    """It says in so many words that its writer does not agree."""
    return _REFUSE.fullmatch(text) is not None


def answers_consent(text: str) -> bool:
    """It is nothing but an answer to the question of consent: it may be kept before there is any."""
    return agrees(text) or refuses(text) or _SHORT.fullmatch(text) is not None


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


async def withdraw(work: Work, database: Database, account: Account) -> None:
    """Take consent back for the whole person: every account of theirs, and what was being talked about there."""
    note_consent(work, account, "withdrawn")
    rows = await database.fetch(
        "SELECT a.id, d.version FROM accounts a LEFT JOIN dialogues d ON d.account_id = a.id"
        " WHERE a.person_id = ? AND a.id <> ? AND a.consent = 'given' ORDER BY a.id",
        [account.person_id, account.id],
    )
    for account_id, version in rows:
        work.update(
            "accounts",
            {"id": account_id},
            consent="withdrawn",
            consent_at=work.now,
            consent_version=CONSENT_VERSION,
        )
        if version is not None:
            work.expect("dialogues", account_id, version)
            work.delete("dialogues", {"account_id": account_id})
