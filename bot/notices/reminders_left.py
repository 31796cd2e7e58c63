"""How many notices a person's accounts still allow, for those who show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channels.names import ALIPAY
from bot.channels.outbound import Way
from bot.notices.conditions import MOMENT_SENDS, WINDOW_SENDS
from bot.notices.windows import UNCOUNTED
from bot.store.database import Database, Row, instant

NEVER_ASKED = "none"

_ACCOUNTS = (
    "SELECT a.id, a.channel,"
    " (SELECT count(*) FROM form_tokens t WHERE t.account_id = a.id AND t.expires_at > ?)"
    " FROM accounts a WHERE a.person_id = ? ORDER BY a.created_at, a.id"
)
_OPEN = " UNION ALL ".join(
    f"SELECT a.id, a.channel, a.{name}_until, a.{name}_left FROM accounts a WHERE a.person_id = ? AND {sends}"  # noqa: S608 - our own names
    for name, sends in (
        ("window", WINDOW_SENDS.replace("c.wire", "?")),
        ("moment", MOMENT_SENDS.replace("c.wire", "?")),
    )
)
_SUBSCRIPTIONS = (
    "SELECT s.account_id, s.kind, s.standing, s.balance FROM accounts a"
    " JOIN subscriptions s ON s.account_id = a.id WHERE a.person_id = ?"
)


@dataclass(frozen=True, slots=True)
class Reminders:
    """What one account allows of one kind. `standing` is that of its subscription, "none" where it was never
    asked, "form" where each form allows one message of any kind. `left` None: as many as there are."""

    account_id: int
    channel: str
    kind: str
    standing: str
    left: int | None


@dataclass(frozen=True, slots=True)
class Sends:
    """What an open window of one account still allows, until when (business time); None: the platform doesn't count."""

    account_id: int
    channel: str
    left: int | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Left:
    """Everything that is left to one person."""

    reminders: tuple[Reminders, ...]
    sends: tuple[Sends, ...]


async def left_of(
    database: Database,
    person_id: int,
    *,
    wire: datetime,
    offset: timedelta,
    kinds: Mapping[tuple[str, Way], Sequence[str]],
) -> Left:
    """Read it as of that real time; `kinds` are those that go by subscription or template on each channel."""
    accounts = await database.fetch(_ACCOUNTS, [wire, person_id])
    stored = {
        (row[0], row[1]): (str(row[2]), int(row[3]))
        for row in await database.fetch(_SUBSCRIPTIONS, [person_id])
    }
    reminders: list[Reminders] = []
    for row in accounts:
        for kind in kinds.get((row[1], Way.SUBSCRIPTION), ()):
            standing, balance = stored.get((row[0], kind), (NEVER_ASKED, 0))
            left = None if standing == "always" else balance
            reminders.append(Reminders(row[0], row[1], kind, standing, left))
        if row[1] == ALIPAY:
            for kind in kinds.get((row[1], Way.TEMPLATE), ()):
                reminders.append(Reminders(row[0], row[1], kind, "form", row[2]))
    opened = await database.fetch(_OPEN, [person_id, wire, person_id, wire])
    return Left(tuple(reminders), tuple(_sends(opened, offset)))


def _sends(opened: Sequence[Row], offset: timedelta) -> list[Sends]:
    """The open windows, of each account the one that lasts longer."""
    longest: dict[int, Sends] = {}
    for account_id, channel, until, left in sorted(opened, key=lambda row: instant(row[2])):
        counted = None if left >= UNCOUNTED else left
        longest[account_id] = Sends(account_id, channel, counted, instant(until) + offset)
    return list(longest.values())
