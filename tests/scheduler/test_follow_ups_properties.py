"""Whatever residents there are: whoever owed a report and made none is followed up once, and nobody else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.clock import resident_day
from bot.store.database import Database
from bot.store.ids import new_id
from scheduler.follow_ups import end_what_is_over, follow_up
from tests.conftest import in_thread
from tests.scheduler.a_run import run_at, tools_of
from tests.scheduler.test_follow_ups import NINE
from tests.services.stored import Stores

ONE_DAY = timedelta(days=1)
SLOTS = [NINE - timedelta(hours=24) + timedelta(hours=8) * number for number in range(16)]
TABLES = ("follow_ups", "residents", "health_codes", "notices", "accounts", "account_residents")
EVERY = {"hubei": 1, "huangshi": 3}


class Somebody(NamedTuple):
    """A resident; `back` is the day of the last report, `reminded` what became of the reminders that were written."""

    zone: str
    back: int
    schemes: tuple[str, ...]
    erased: bool
    reminded: str
    reports_on: int


PEOPLE = st.lists(
    st.builds(
        Somebody,
        zone=st.sampled_from(["Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Pacific/Kiritimati"]),
        back=st.integers(-1, 5),
        schemes=st.sampled_from([(), ("hubei",), ("huangshi",), ("hubei", "huangshi")]),
        erased=st.booleans(),
        reminded=st.sampled_from(["", "sent", "failed", "unknown", "expired"]),
        reports_on=st.integers(0, 30),
    ),
    min_size=1,
    max_size=8,
)


async def store(database: Database, who: Somebody, last: date) -> int:
    resident_id, account_id = new_id(), new_id()
    at = NINE - 30 * ONE_DAY
    await database.execute(
        "INSERT INTO residents (resident_id, zone, division, declared_at, last_punch_in, created_at, erased_at)"
        " VALUES (?, ?, '420106', ?, ?, ?, ?)",
        [resident_id, who.zone, at, last, at, at if who.erased else None],
    )
    await database.execute(
        "INSERT INTO accounts (id, person_id, channel, external_index, external_sealed, consent, created_at)"
        " VALUES (?, ?, 'simulator', ?, ?, 'given', ?)",
        [account_id, account_id, str(account_id), b"s", at],
    )
    await database.execute(
        "INSERT INTO account_residents (id, account_id, resident_id, relation, since) VALUES (?, ?, ?, 'self', ?)",
        [new_id(), account_id, resident_id, at],
    )
    for scheme in who.schemes:
        await database.execute(
            "INSERT INTO health_codes (id, resident_id, scheme, colour, state, since, held_since)"
            " VALUES (?, ?, ?, 'green', 'decided', ?, ?)",
            [new_id(), resident_id, scheme, at, at],
        )
    for number in range(-4, 8) if who.reminded else ():
        day = NINE.date() + number * ONE_DAY
        await database.execute(
            "INSERT INTO notices (id, resident_id, account_id, person_id, kind, params_sealed, state, dedup_key,"
            " not_before, expires_at, created_at) VALUES (?, ?, ?, ?, 'punch_in_reminder', ?, ?, ?, ?, ?, ?)",
            [
                new_id(), resident_id, account_id, account_id, b"s", who.reminded,
                f"{account_id}:reminder:{day}:1", at, at, at,
            ],
        )  # fmt: skip
    return resident_id


async def check(url: str, people: list[Somebody]) -> None:
    database = Database(url)
    await database.open()
    try:
        for table in TABLES:
            await database.execute(f"DELETE FROM {table}")
        today = NINE.date()
        last = {
            await store(database, who, today - who.back * ONE_DAY): today - who.back * ONE_DAY
            for who in people
        }
        known = dict(zip(last, people, strict=True))
        stores, since = Stores(database), SLOTS[0] - timedelta(hours=8)
        for number, slot in enumerate(SLOTS):
            for resident_id, who in known.items():
                if who.reports_on == number:
                    last[resident_id] = max(last[resident_id], resident_day(slot, who.zone))
                    await database.execute(
                        "UPDATE residents SET last_punch_in = ? WHERE resident_id = ?",
                        [last[resident_id], resident_id],
                    )
            await follow_up(tools_of(stores, slot), run_at(slot, since))
            await follow_up(tools_of(stores, slot), run_at(slot, since))
            await end_what_is_over(tools_of(stores, slot), run_at(slot))
            since = slot
        await expect(stores, known, last)
    finally:
        await database.close()


async def expect(stores: Stores, known: dict[int, Somebody], last: dict[int, date]) -> None:
    """The last hour that has come on each wall clock decides; a report since then has ended it."""
    rows = await stores.rows("SELECT resident_id, reason FROM follow_ups WHERE state = 'open'")
    assert len(rows) == len({row[0] for row in rows})
    found = dict(rows)
    for resident_id, who in known.items():
        local = resident_day(
            SLOTS[-1] - timedelta(hours=9), who.zone
        )  # yesterday's report is asked for at nine
        every = min((EVERY[scheme] for scheme in who.schemes), default=0)
        owed = bool(every) and not who.erased and last[resident_id] + every * ONE_DAY <= local - ONE_DAY
        assert (resident_id in found) == owed, (who, last[resident_id], local)
        if owed:
            assert found[resident_id] == ("silent" if who.reminded == "sent" else "not_reached")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE)
def test_each_missing_report_has_one_open_follow_up_and_no_other_resident_has(
    database_url: str, people: list[Somebody]
) -> None:
    in_thread(check(database_url, people))
