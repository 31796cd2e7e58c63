"""Abnormal reports are followed up at once, workers hear of it without a name, and every look is on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.errors import BadRequest, NotFound, Refused
from bot.notices.outbox import CONTEXT
from bot.services.follow_ups import (
    LONGEST_NOTE,
    Attempt,
    close,
    contacts_of,
    in_scope,
    log_attempt,
    note_abnormal,
    note_seen,
    open_in_scope,
)
from bot.services.policy import Policies, Policy
from bot.services.punch_ins import Report, save
from bot.services.worker_scope import ActingWorker, acting_worker
from bot.store.database import Database, day
from bot.store.ids import new_id
from bot.store.work import Work
from tests.fakes.clock import MORNING
from tests.services.stored import TODAY, Stores

FEVER = Report(382)
COUGH = Report(365, ("cough",))
NORMAL = Report(365)
HOUR = timedelta(hours=1)
ONE_DAY = timedelta(days=1)


@pytest.fixture
def stores(database: Database) -> Stores:
    return Stores(database)


async def worker(
    stores: Stores, scope: str = "4201", *, accepted: bool = True, revoked: bool = False
) -> ActingWorker:
    """A worker with an account and a resident of their own, in another province."""
    own = await stores.add(division="330106", schemes=["hangzhou"])
    ((account_id,),) = await stores.rows(
        "SELECT account_id FROM account_residents WHERE resident_id = ?", own
    )
    worker_id = new_id()
    await stores.database.execute(
        "INSERT INTO workers (id, account_id, role, scope, invited_at, accepted_at, revoked_at)"
        " VALUES (?, ?, 'community', ?, ?, ?, ?)",
        [worker_id, account_id, scope, MORNING, MORNING if accepted else None, MORNING if revoked else None],
    )
    return ActingWorker(worker_id, "community", scope)


async def report(stores: Stores, resident_id: int, said: Report, *, at: Any = MORNING) -> None:
    """Save a report as a handler does, with all that follows from it."""
    (resident,) = await stores.loader.residents([resident_id], at)
    work = Work(now=at)
    saved = save(stores.world, work, resident, said, origin="simulator", reported_by=1, corrects=True)
    await note_abnormal(stores.world, work, stores.database, resident, saved=saved)
    assert await stores.writer.commit(work) == "committed"


async def rows_of(stores: Stores) -> list[tuple[Any, ...]]:
    rows = await stores.rows(
        "SELECT reason, day, last_day, state, detail, closed_why FROM follow_ups ORDER BY day"
    )
    return [(row[0], day(row[1]), day(row[2]), *row[3:]) for row in rows]


async def told(stores: Stores) -> list[tuple[Any, ...]]:
    return await stores.rows(
        "SELECT person_id, resident_id, params_sealed FROM notices WHERE kind = 'follow_up'"
    )


# -- abnormal reports ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "detail"), [(FEVER, "fever"), (COUGH, "symptoms")])
async def test_abnormal_report_is_followed_up_in_its_own_transaction(
    stores: Stores, said: Report, detail: str
) -> None:
    resident_id = await stores.add()
    await report(stores, resident_id, said)
    assert await rows_of(stores) == [("abnormal", TODAY, TODAY, "open", detail, "")]


async def test_normal_report_opens_nothing_and_closes_nothing(stores: Stores) -> None:
    resident_id = await stores.add()
    await report(stores, resident_id, NORMAL)
    assert await rows_of(stores) == []
    await report(stores, resident_id, FEVER)
    await report(stores, resident_id, NORMAL, at=MORNING + HOUR)
    await report(stores, resident_id, NORMAL, at=MORNING + ONE_DAY)
    assert await rows_of(stores) == [("abnormal", TODAY, TODAY, "open", "fever", "")]


async def test_abnormal_days_that_follow_go_on_with_one_follow_up(stores: Stores) -> None:
    resident_id = await stores.add()
    await report(stores, resident_id, FEVER)
    await report(stores, resident_id, COUGH, at=MORNING + HOUR)
    await report(stores, resident_id, COUGH, at=MORNING + ONE_DAY)
    assert await rows_of(stores) == [("abnormal", TODAY, TODAY + ONE_DAY, "open", "symptoms", "")]


async def test_abnormal_report_after_it_was_closed_opens_it_again(stores: Stores) -> None:
    resident_id, desk = await stores.add(), await worker(stores)
    await report(stores, resident_id, COUGH)
    (found,) = await open_in_scope(stores.database, desk)
    work = Work(now=MORNING)
    close(work, desk, found)
    await stores.writer.commit(work)
    assert [row[3::2] for row in await rows_of(stores)] == [("closed", "worker")]
    await report(stores, resident_id, FEVER, at=MORNING + HOUR)
    assert await rows_of(stores) == [("abnormal", TODAY, TODAY, "open", "fever", "")]
    await stores.database.execute("UPDATE follow_ups SET state = 'closed'")
    await report(stores, resident_id, FEVER, at=MORNING + ONE_DAY)
    assert [row[1:4] for row in await rows_of(stores)] == [
        (TODAY, TODAY, "closed"),
        (TODAY + ONE_DAY, TODAY + ONE_DAY, "open"),
    ]


# -- workers are told ----------------------------------------------------------------------------------------


async def test_worker_in_scope_is_told_once_an_hour_and_of_nobody_by_name(stores: Stores) -> None:
    desk = await worker(stores)
    first, second = await stores.add(), await stores.add()
    await report(stores, first, FEVER)
    await report(stores, second, COUGH, at=MORNING + HOUR / 2)
    ((person_id, kept_under, sealed),) = await told(stores)
    ((account_id,),) = await stores.rows("SELECT account_id FROM workers WHERE id = ?", desk.id)
    assert (person_id, kept_under not in (first, second)) == (account_id, True)
    assert stores.world.keys.open_json(CONTEXT, sealed) == {"reason": "abnormal"}
    await report(stores, first, COUGH, at=MORNING + HOUR)
    assert len(await told(stores)) == 2


async def test_workers_of_other_places_and_former_ones_hear_nothing(stores: Stores) -> None:
    await worker(stores, "4202")
    await worker(stores, "42010600")  # no prefix of the county's code, but inside of it
    await worker(stores, "42", accepted=False)
    await worker(stores, "42", revoked=True)
    await report(stores, await stores.add(), FEVER)
    assert await told(stores) == []


async def test_worker_who_took_back_the_consent_hears_nothing(stores: Stores) -> None:
    await worker(stores)
    await stores.database.execute("UPDATE accounts SET consent = 'withdrawn'")
    await report(stores, await stores.add(), FEVER)
    assert await told(stores) == []


async def test_policy_may_keep_workers_from_being_told_but_not_the_follow_up(stores: Stores) -> None:
    await worker(stores)
    stores.world.policies = Policies(Policy(workers_hear_of="none"))
    await report(stores, await stores.add(), FEVER)
    assert await told(stores) == []
    assert len(await rows_of(stores)) == 1


async def test_resident_without_a_home_is_followed_up_and_told_to_nobody(stores: Stores) -> None:
    await worker(stores)
    resident_id = await stores.add()
    await stores.database.execute("UPDATE residents SET division = NULL WHERE resident_id = ?", [resident_id])
    await report(stores, resident_id, FEVER)
    assert (len(await rows_of(stores)), await told(stores)) == (1, [])


# -- what workers do -----------------------------------------------------------------------------------------


async def test_worker_sees_what_is_open_in_scope_alone_and_it_is_on_record(stores: Stores) -> None:
    desk, elsewhere = await worker(stores), await worker(stores, "4202")
    resident_id = await stores.add()
    await report(stores, resident_id, FEVER)
    (found,) = await open_in_scope(stores.database, desk)
    assert (found.resident_id, found.reason, found.detail, found.attempts) == (
        resident_id,
        "abnormal",
        "fever",
        0,
    )
    assert await open_in_scope(stores.database, elsewhere) == []
    with pytest.raises(NotFound):
        await in_scope(stores.database, elsewhere, found.id)
    work = Work(now=MORNING)
    note_seen(work, desk, [found])
    assert await contacts_of(stores.database, stores.world.keys, work, desk, follow_up=found) == ("", "")
    await stores.writer.commit(work)
    assert await stores.rows(
        "SELECT resident_id, actor_kind, actor_id, role, action, why FROM access_log ORDER BY action"
    ) == [
        (resident_id, "worker", desk.id, "community", "follow_up_contact", "abnormal"),
        (resident_id, "worker", desk.id, "community", "follow_up_list", "abnormal"),
    ]


async def test_list_is_read_page_by_page(stores: Stores) -> None:
    desk = await worker(stores)
    for _ in range(3):
        await report(stores, await stores.add(), FEVER)
    first = await open_in_scope(stores.database, desk, limit=2)
    rest = await open_in_scope(stores.database, desk, limit=2, after=first[-1].id)
    assert len({each.id for each in (*first, *rest)}) == 3
    assert (len(first), len(rest)) == (2, 1)


async def test_resident_who_reported_since_is_not_called_any_more(stores: Stores) -> None:
    desk, resident_id = await worker(stores), await stores.add(punch_ins=(2,), days_ago=2)
    await stores.database.execute(
        "INSERT INTO follow_ups (id, resident_id, reason, day, last_day, state, division, opened_at)"
        " VALUES (7, ?, 'silent', ?, ?, 'open', '420106', ?)",
        [resident_id, TODAY - ONE_DAY, TODAY - ONE_DAY, MORNING],
    )
    assert [each.id for each in await open_in_scope(stores.database, desk)] == [7]
    await report(stores, resident_id, NORMAL)
    assert await open_in_scope(stores.database, desk) == []


async def test_attempts_are_kept_with_their_note_sealed_and_close_nothing(stores: Stores) -> None:
    desk, resident_id = await worker(stores), await stores.add()
    await report(stores, resident_id, FEVER)
    (found,) = await open_in_scope(stores.database, desk)
    work = Work(now=MORNING + HOUR)
    log_attempt(work, stores.world.keys, desk, found, attempt=Attempt("phone", "no_answer", "邻居说在家"))
    await stores.writer.commit(work)
    ((way, outcome, sealed, worker_id),) = await stores.rows(
        "SELECT way, outcome, note_sealed, worker_id FROM contact_attempts"
    )
    assert (way, outcome, worker_id) == ("phone", "no_answer", desk.id)
    assert stores.world.keys.open("contact_attempts.note", bytes(sealed)) == "邻居说在家"
    (again,) = await open_in_scope(stores.database, desk)
    assert (again.attempts, again.tried_at) == (1, MORNING + HOUR)
    assert await stores.rows("SELECT action FROM access_log") == [("contact_attempt",)]


@pytest.mark.parametrize(
    "attempt", [("pigeon", "reached"), ("phone", "perhaps"), ("phone", "reached", "x" * (LONGEST_NOTE + 1))]
)
def test_attempt_that_nobody_could_read_is_refused(attempt: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest):
        Attempt(*attempt)


async def test_only_workers_in_office_may_act(stores: Stores) -> None:
    desk = await worker(stores)
    assert await acting_worker(stores.database, desk.id) == desk
    for out in (await worker(stores, accepted=False), await worker(stores, revoked=True)):
        with pytest.raises(Refused):
            await acting_worker(stores.database, out.id)
