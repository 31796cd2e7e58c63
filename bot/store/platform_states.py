"""What all processes share about one app at a platform: its token, who fetches the next one, and why it rests.

Everything is in real time. A rest is a *pause* (the platform said when to come back) or a *break* (the app is
wrongly set up; each break in a row is twice as long as the one before, until something works again).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.errors import Unsealable
from bot.store.database import Database, Row, Session, instant_or_none
from bot.store.sealing import KeyRing

FIRST_BREAK = timedelta(minutes=1)
LONGEST_BREAK = timedelta(minutes=30)
_READ_AGAIN = timedelta(seconds=1)
_SAME_PAUSE = timedelta(seconds=5)
_TOKEN = "platform_states.token"  # noqa: S105 - the context of the column
_COLUMNS = "token_sealed, token_expires_at, paused_until, paused_why, broken_until, broken_why"
# how many breaks in a row stands behind the reason, where an operator who looks at the table reads it too
_TIMES = re.compile(r"^(?P<why>.*?)(?: x(?P<times>[0-9]+))?$")
_LONGEST_WHY = 40


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when, in real time, nothing is sent, and the reason code of that."""

    until: datetime
    why: str
    broken: bool


@dataclass(frozen=True, slots=True)
class AppState:
    """What is stored about one app. `breaks` counts those in a row; the last may be over."""

    token: str = field(default="", repr=False)
    token_expires_at: datetime | None = None
    paused_until: datetime | None = None
    paused_why: str = ""
    broken_until: datetime | None = None
    broken_why: str = ""
    breaks: int = 0

    def rest(self, at: datetime) -> Rest | None:
        """Why nothing may be sent at that instant; a break before a pause."""
        if self.broken_until is not None and self.broken_until > at:
            return Rest(self.broken_until, self.broken_why, broken=True)
        if self.paused_until is not None and self.paused_until > at:
            return Rest(self.paused_until, self.paused_why, broken=False)
        return None


class PlatformStates:
    """The rows of `platform_states`. `owner` is this process, at most 40 characters, different for each."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, *, owner: str) -> None:
        self.database = database
        self.keys = keys
        self.clock = clock
        self.owner = owner

    def of(self, name: str) -> SharedApp:
        """The state of the app with this name, `<channel>:<app id>`."""
        return SharedApp(self, name)


class SharedApp:
    """The shared state of one app, as one process sees it."""

    def __init__(self, states: PlatformStates, name: str) -> None:
        self.name = name
        self.clock = states.clock
        self._database = states.database
        self._keys = states.keys
        self._owner = states.owner
        self._seen = AppState()
        self._seen_at: datetime | None = None

    async def read(self) -> AppState:
        """What is stored now."""
        self._seen_at = self.clock.wire()
        rows = await self._database.fetch(
            f"SELECT {_COLUMNS} FROM platform_states WHERE name = ?",  # noqa: S608 - our own columns
            (self.name,),
        )
        self._seen = self._state(rows[0]) if rows else AppState()
        return self._seen

    async def rest(self) -> Rest | None:
        """Why nothing may be sent now; read from the database once a second, since others set it too."""
        now = self.clock.wire()
        if self._seen_at is None or abs(now - self._seen_at) >= _READ_AGAIN:
            await self.read()
        return self._seen.rest(now)

    async def take_lease(self, seconds: float) -> bool:
        """Whether this process alone may fetch a token now; a dead process's lease ends by time."""
        now = self.clock.wire()

        async def take(session: Session) -> bool:
            await self._ensure(session)
            taken = await session.execute(
                "UPDATE platform_states SET refresher = ?, refresh_until = ? WHERE name = ?"
                " AND (refresh_until IS NULL OR refresh_until <= ? OR refresher = ?)",
                (self._owner, now + timedelta(seconds=seconds), self.name, now, self._owner),
            )
            return taken == 1

        return await self._database.transaction(take)

    async def drop_lease(self) -> None:
        """Let another process fetch at once."""
        await self._database.execute(
            "UPDATE platform_states SET refresher = '', refresh_until = NULL WHERE name = ? AND refresher = ?",
            (self.name, self._owner),
        )

    async def store_token(self, token: str, expires_at: datetime, *, keep_lease: bool = False) -> bool:
        """Store a token that was fetched under the lease, and drop the lease; False if the lease was lost."""
        drop = "" if keep_lease else ", refresher = '', refresh_until = NULL"
        stored = await self._database.execute(
            f"UPDATE platform_states SET token_sealed = ?, token_expires_at = ?{drop}"  # noqa: S608 - constants
            " WHERE name = ? AND refresher = ?",
            (self._keys.seal(_TOKEN, token), expires_at, self.name, self._owner),
        )
        return stored == 1

    async def forget_token(self, token: str) -> None:
        """Forget a token that was refused, unless another one is stored by now."""
        rows = await self._database.fetch(
            "SELECT token_sealed FROM platform_states WHERE name = ?", (self.name,)
        )
        sealed = rows[0][0] if rows else None
        if sealed is not None and self._opened(sealed) == token:
            await self._database.execute(
                "UPDATE platform_states SET token_sealed = NULL, token_expires_at = NULL"
                " WHERE name = ? AND token_sealed = ?",
                (self.name, sealed),
            )

    async def pause(self, until: datetime, why: str) -> None:
        """Send nothing until then; a longer pause stays."""
        paused = self._seen.paused_until
        if paused is not None and paused > until - _SAME_PAUSE:
            return
        # at once, so that of many calls which are refused together one writes
        self._seen = replace(self._seen, paused_until=until, paused_why=why)

        async def write(session: Session) -> None:
            await self._ensure(session)
            await session.execute(
                "UPDATE platform_states SET paused_until = ?, paused_why = ?"
                " WHERE name = ? AND (paused_until IS NULL OR paused_until < ?)",
                (until, why[:_LONGEST_WHY], self.name, until),
            )

        await self._database.transaction(write)
        await self.read()

    async def break_off(self, why: str) -> None:
        """Send nothing for one minute, two, four ... up to thirty; a break that is running stays as it is."""
        now = self.clock.wire()
        if self._breaking(now):
            return

        async def write(session: Session) -> None:
            await self._ensure(session)
            rows = await session.fetch(
                "SELECT broken_why FROM platform_states WHERE name = ?"
                " AND (broken_until IS NULL OR broken_until <= ?)",
                (self.name, now),
            )
            if not rows:
                return
            stored = rows[0][0]
            times = _breaks(stored)[1] + 1
            # compared with what was read: of two processes that fail together one counts
            await session.execute(
                "UPDATE platform_states SET broken_until = ?, broken_why = ? WHERE name = ?"
                " AND broken_why = ? AND (broken_until IS NULL OR broken_until <= ?)",
                (now + break_length(times), f"{why[:_LONGEST_WHY]} x{times}", self.name, stored, now),
            )

        await self._database.transaction(write)
        await self.read()

    async def mend(self) -> None:
        """Something worked: the next break is a short one again. Costs nothing while there was none."""
        now = self.clock.wire()
        if not self._seen.breaks or self._breaking(now):
            return
        self._seen = replace(self._seen, broken_until=None, broken_why="", breaks=0)
        await self._database.execute(
            "UPDATE platform_states SET broken_until = NULL, broken_why = '' WHERE name = ?"
            " AND (broken_until IS NULL OR broken_until <= ?)",
            (self.name, now),
        )
        await self.read()

    def _breaking(self, now: datetime) -> bool:
        until = self._seen.broken_until
        return until is not None and until > now

    async def _ensure(self, session: Session) -> None:
        await session.execute(
            "INSERT INTO platform_states (name) VALUES (?) ON CONFLICT (name) DO NOTHING", (self.name,)
        )

    def _state(self, row: Row) -> AppState:
        sealed, expires_at, paused_until, paused_why, broken_until, broken_why = row
        why, breaks = _breaks(broken_why)
        return AppState(
            token=self._opened(sealed) if sealed is not None else "",
            token_expires_at=instant_or_none(expires_at),
            paused_until=instant_or_none(paused_until),
            paused_why=paused_why,
            broken_until=instant_or_none(broken_until),
            broken_why=why,
            breaks=breaks,
        )

    def _opened(self, sealed: bytes) -> str:
        """A token under a key that is gone is a token that has to be fetched anew."""
        try:
            return self._keys.open(_TOKEN, sealed)
        except Unsealable:
            return ""


def break_length(times: int) -> timedelta:
    """How long a break lasts, the first in a row being number 1."""
    return min(FIRST_BREAK * (1 << min(times - 1, 10)), LONGEST_BREAK)


def _breaks(stored: str) -> tuple[str, int]:
    """The reason and how many breaks in a row, as they stand in `broken_why`."""
    found = _TIMES.match(stored)
    if found is None or not stored:
        return "", 0
    return found["why"], int(found["times"] or 1)
