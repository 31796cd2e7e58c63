"""One message has one effect, however often it is delivered, to however many processes; no update is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from bot.store.migrate import migrate
from bot.store.writer import Writer
from bot.town import publish_town_levels
from tests.fakes.clock import FakeClock
from tests.service import Service, running


async def counts(service: Service) -> tuple[int, int]:
    """How many punch-ins there are, and how often they were saved."""
    rows = await service.rows("SELECT (SELECT COUNT(*) FROM punch_ins), (SELECT COUNT(*) FROM punch_in_log)")
    return int(rows[0][0]), int(rows[0][1])


async def test_concurrent_redeliveries_have_one_effect_and_one_answer(database_url: str) -> None:
    async with running(database_url) as service:
        await service.declare("o_li", codes="穗康码")
        wire = service.clock.wire()
        again = [service.sender.text("o_li", "36.5", at=wire, msg_id="77") for _ in range(4)]
        answers = await asyncio.gather(*(service.answer(push) for push in [*again, again[0]]))
        assert len(set(answers)) == 1
        assert "回执 P200220" in answers[0]
        assert await counts(service) == (1, 1)


async def test_redelivery_long_after_gets_the_identical_stored_reply(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        await service.declare("o_li", codes="穗康码")
        first = await service.say("o_li", "36.5", msg_id="77")
        await service.say("o_li", "37.9 咳嗽", msg_id="78")
    clock.advance(timedelta(hours=20))
    async with running(database_url, clock=clock) as service:
        assert await service.say("o_li", "36.5", msg_id="77") == first
        # the id decides, not what stands beside it
        assert await service.say("o_li", "38.8", msg_id="77") == first
        assert await counts(service) == (1, 2)
        repeated = 'yima_messages_total{channel="wechat_official",kind="text",outcome="repeated"}'
        assert await service.metric(repeated) == 2


async def test_event_without_an_id_is_known_by_its_sender_and_time(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        await service.declare("o_li", codes="穗康码")
        first = await service.event("o_li", "CLICK", "PUNCH_IN")
        assert await service.say("o_li", "36.5")
        assert await service.event("o_li", "CLICK", "PUNCH_IN") == first
        assert await service.event("o_other", "CLICK", "PUNCH_IN") != first
        clock.advance(timedelta(seconds=1))
        later = await service.event("o_li", "CLICK", "PUNCH_IN")
        assert "已经打过卡" in later
        assert later != first


async def test_different_punch_ins_at_once_count_once_each_and_amend_one_day(database_url: str) -> None:
    async with running(database_url) as service:
        await service.declare("o_li", codes="穗康码")
        await asyncio.gather(*(service.say("o_li", text) for text in ("36.5", "36.6", "36.7", "36.8")))
        assert await counts(service) == (1, 4)
        revisions = await service.rows("SELECT revision FROM punch_in_log ORDER BY revision")
        assert revisions == [(1,), (2,), (3,), (4,)]


async def correct(service: Service, resident_id: int) -> None:
    """A source takes its fact back, as another process would: the fact, and the count of what changed."""
    database = service.database
    await database.execute(
        "UPDATE facts SET withdrawn_at = ?, withdrawn_why = 'corrected' WHERE kind = 'contact'",
        [service.clock.now()],
    )
    await database.execute(
        "UPDATE residents SET input_version = input_version + 1 WHERE resident_id = ?", [resident_id]
    )


async def test_correction_that_races_a_punch_in_is_not_overwritten(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as service:
        await publish_town_levels(service.app)
        await service.declare("o_li", codes="武汉健康码")
        (resident_id,) = (await service.rows("SELECT resident_id FROM residents"))[0]
        await accuse(service, resident_id)
        assert "湖北健康码：🟡" in await service.say("o_li", "添加 湖北健康码")
        assert "🟡 武汉健康码" in await service.say("o_li", "36.5")
        await withdraw_before_the_next_commit(service, resident_id, monkeypatch)
        answer = await service.say("o_li", "36.6")
        assert "武汉健康码：🟡 黄码 → 🟢 绿码" in answer
        assert await service.rows("SELECT DISTINCT colour FROM health_codes") == [("green",)]
        assert await counts(service) == (1, 2)
        assert await service.metric("yima_conflicts_total") == 1


async def accuse(service: Service, resident_id: int) -> None:
    """A contact becomes known to the health commission; the next full scoring sees it."""
    now = service.clock.now()
    await service.database.execute(
        "INSERT INTO facts (id, resident_id, kind, start_day, source, reference, details, known_at)"
        " VALUES (1, ?, 'contact', ?, 'health_commission', 'case 1', '{\"degree\": 1}', ?)",
        [resident_id, now.date(), now],
    )
    await service.database.execute(
        "UPDATE residents SET input_version = input_version + 1 WHERE resident_id = ?", [resident_id]
    )


async def withdraw_before_the_next_commit(
    service: Service, resident_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The correction lands when the message has loaded the fact and has not yet been written."""
    commit = Writer.commit

    async def corrected_first(self: Writer, work: Any) -> Any:
        monkeypatch.setattr(Writer, "commit", commit)
        await correct(service, resident_id)
        return await commit(self, work)

    monkeypatch.setattr(Writer, "commit", corrected_first)


@asynccontextmanager
async def two_instances(url: str) -> AsyncIterator[tuple[Service, Service]]:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running(url))
        second = await stack.enter_async_context(running(url))
        yield first, second


@pytest.mark.postgresql
async def test_two_instances_on_one_database_share_one_effect_and_one_answer(
    postgres_database_url: str,
) -> None:
    await migrate(postgres_database_url)
    async with two_instances(postgres_database_url) as both:
        await both[0].declare("o_li", codes="穗康码")
        for number in range(8):
            push = both[0].sender.text("o_li", f"36.{number}", at=both[0].clock.wire(), msg_id=str(number))
            answers = await asyncio.gather(*(service.answer(push) for service in (*both, *both)))
            assert len(set(answers)) == 1
            assert "回执 P200220" in answers[0]
            assert await counts(both[1]) == (1, number + 1)


@pytest.mark.postgresql
async def test_two_instances_lose_no_update_of_one_resident(postgres_database_url: str) -> None:
    await migrate(postgres_database_url)
    async with two_instances(postgres_database_url) as both:
        await both[0].declare("o_li", codes="穗康码")
        wanted = []
        for number in range(6):
            texts = (f"36.{number} 没有症状", f"37.{number + 3} 咳嗽")
            await asyncio.gather(*(each.say("o_li", text) for each, text in zip(both, texts, strict=True)))
            wanted += [2 * number + 1, 2 * number + 2]
            assert await both[0].rows("SELECT revision FROM punch_ins") == [(wanted[-1],)]
        log = await both[0].rows("SELECT revision FROM punch_in_log ORDER BY revision")
        assert [row[0] for row in log] == wanted
        assert await amount_of_conflicts(both) > 0


async def amount_of_conflicts(both: tuple[Service, Service]) -> float:
    return sum([await service.metric("yima_conflicts_total") for service in both])
