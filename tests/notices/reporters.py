"""People who report every day: declared, with codes, reminded at eight, and again at six in the evening."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.notices.due import Asked, DueReports, Hours, Wanted
from bot.notices.reminders import Reminders
from bot.store.database import Database
from bot.store.ids import new_id
from tests.conversation.world import keys
from tests.fakes.clock import FakeClock
from tests.notices.persons import SERVICE_ONLY, Persons

EIGHT = datetime(2020, 3, 20, 0, tzinfo=UTC)  # 08:00 in Shanghai, a Friday
TODAY = date(2020, 3, 20)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
QUARTER = 15 * MINUTE
WANTED = Wanted(
    (Asked("daily", 1), Asked("third", 3), Asked("held", 1, held=True)),
    (Hours("3301", 7 * 60, None), Hours("33", 9 * 60, 19 * 60), Hours("", 8 * 60, 18 * 60)),
)


class Reporters(Persons):
    """Adds people and asks the table about them."""

    def __init__(self, database: Database, at: datetime = EIGHT) -> None:
        super().__init__(database, FakeClock(at), SERVICE_ONLY)
        self.due = DueReports(database, WANTED)
        self.reminders = Reminders(database, keys(), self.due, self.clock)

    async def code(self, resident_id: int, scheme: str = "daily", colour: str = "green") -> None:
        """A health code of that resident."""
        await self.insert(
            "health_codes", id=new_id(), resident_id=resident_id, scheme=scheme, colour=colour,
            state="decided", since=EIGHT - 9 * DAY, held_since=EIGHT - 9 * DAY,
        )  # fmt: skip

    async def person(
        self, *, codes: tuple[str, ...] = ("daily",), contact: dict[str, Any] | None = None, **changes: Any
    ) -> int:
        """Somebody who is due: the id of the account, of the person, and of the resident is one."""
        person_id = await self.account(**(contact or {}))
        await self.member(person_id, codes=codes, relation="self", resident_id=person_id, **changes)
        return person_id

    async def member(
        self, account_id: int, *, codes: tuple[str, ...] = ("daily",), relation: str = "guardian", **changes: Any
    ) -> int:  # fmt: skip
        """A resident for whom that account speaks; a known one where its id is given again."""
        row = {"declared_at": EIGHT - 9 * DAY, "last_punch_in": TODAY - DAY}
        known = await self.rows(
            "SELECT 1 FROM residents WHERE resident_id = ?", changes.get("resident_id", 0)
        )
        resident_id = await self.resident(account_id, relation, **row | changes)
        for code in () if known else codes:
            scheme, _, colour = code.partition(":")
            await self.code(resident_id, scheme, colour or "green")
        return resident_id

    async def change(self, resident_id: int, **changes: Any) -> None:
        """Change columns of a resident."""
        sets = ", ".join(f"{name} = ?" for name in changes)
        await self.database.execute(
            f"UPDATE residents SET {sets} WHERE resident_id = ?", [*changes.values(), resident_id]
        )

    async def report(self, resident_id: int, day: date = TODAY) -> None:
        """The resident's report of that day is there."""
        await self.change(resident_id, last_punch_in=day)

    async def remind(self, at: datetime = EIGHT, since: datetime | None = None) -> int:
        """Do one slot over everybody; how many reminders that wrote."""
        slot = await self.reminders.slot(at, since or at - QUARTER)
        written = 0
        async for batch in self.reminders.batches(slot, 0, 2**63 - 1):
            for chosen in await self.reminders.choose(slot, batch):
                written += await self.database.transaction(
                    lambda session, chosen=chosen: self.reminders.write(session, slot, chosen)  # type: ignore[misc]
                )
        return written

    async def reminded(self) -> list[tuple[int, str]]:
        """Who was reminded, and the day and number of each reminder, in their order."""
        rows = await self.rows("SELECT person_id, dedup_key FROM notices ORDER BY created_at, id")
        return [(row[0], row[1].split(":reminder:")[1]) for row in rows]
