"""Lists page by page: everything once, the newest first, whatever comes in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.notices.outbox import notify
from bot.store.work import Work
from tests.fakes.clock import FakeClock
from tests.handlers.http.api.front import Front
from tests.service import Service, running


async def pages(front: Front, path: str, name: str, *, limit: int) -> list[Any]:
    """All entries, read page by page."""
    found: list[Any] = []
    after = ""
    while True:
        answer = await front.get(f"{path}?limit={limit}{after}")
        assert answer.status == 200, answer.body
        assert len(answer.body[name]) <= limit
        found += answer.body[name]
        if answer.body["next"] is None:
            return found
        after = f"&after={answer.body['next']}"


async def test_history_in_pages_is_the_whole_history(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        front = await Front(service).declared()
        for tenths in (365, 385):
            clock.advance(timedelta(minutes=20))
            await front.post("/punch-ins", {"reports": [{"temperature_tenths": tenths, "symptoms": []}]})
        whole = await pages(front, "/history", "entries", limit=100)
        assert await pages(front, "/history", "entries", limit=1) == whole
        assert [each["at"] for each in whole] == sorted((each["at"] for each in whole), reverse=True)
        kinds = [each["what"] for each in whole]
        assert (kinds.count("declaration"), kinds.count("punch_in")) == (1, 1)
        assert kinds.count("colour_changed") >= 3


async def test_history_before_a_declaration_is_empty(front: Front) -> None:
    await front.agreed()
    assert (await front.get("/history")).body == {"entries": [], "next": None}


async def queue(service: Service, user_account: int, number: int) -> None:
    """A notice to that person."""
    work = Work(now=service.clock.now() + timedelta(seconds=number))
    notify(
        work,
        service.tools.world.keys,
        resident_id=1,
        person_id=user_account,
        kind="result",
        params={"text": f"第{number}条"},
        dedup_key=f"test:{number}",
    )
    row = work.writes[0].row
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    await service.database.execute(f"INSERT INTO notices ({columns}) VALUES ({marks})", list(row.values()))


async def test_notices_are_told_with_words_state_and_reason_to_their_person_alone(front: Front) -> None:
    await front.agreed()
    ((account,),) = await front.service.rows("SELECT id FROM accounts")
    for number in range(3):
        await queue(front.service, account, number)
    await queue(front.service, account + 1, 9)
    await front.service.database.execute(
        "UPDATE notices SET state = 'expired', reason = 'too_old' WHERE dedup_key LIKE '%:test:0'"
    )
    told = await pages(front, "/notices", "notices", limit=2)
    assert [each["text"].splitlines()[-1] for each in told] == ["第2条", "第1条", "第0条"]
    assert [(each["state"], each["reason"]) for each in told][2] == ("expired", "too_old")


async def test_notice_that_can_no_longer_be_read_hides_no_other(front: Front) -> None:
    await front.agreed()
    ((account,),) = await front.service.rows("SELECT id FROM accounts")
    for number in range(2):
        await queue(front.service, account, number)
    await front.service.database.execute(
        "UPDATE notices SET kind = 'unheard' WHERE dedup_key LIKE '%:test:0'"
    )
    told = (await front.get("/notices")).body["notices"]
    assert [each["text"] is None for each in told] == [False, True]
