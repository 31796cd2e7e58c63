"""My data through the signed door: a copy by a link, a deletion that can be taken back, and one that is carried out."""

from __future__ import annotations

import re
from datetime import timedelta

from handlers.http.keys import CLOCK_MOVER
from tests.service import LI, Service, running

DAY = timedelta(days=1)


async def named(service: Service) -> list[bool]:
    """Whether a name is stored, of every resident."""
    rows = await service.rows("SELECT name_sealed IS NOT NULL FROM residents")
    return [bool(row[0]) for row in rows]


async def test_copy_is_fetched_by_whoever_has_the_link_and_holds_what_is_stored(database_url: str) -> None:
    async with running(database_url) as service:
        await service.declare("o_li", codes="武汉健康码")
        link = re.search(r"/my-data/\S+", await service.say("o_li", "导出我的数据"))
        assert link is not None
        opened = await service.client.get(link[0])
        assert opened.status == 200
        assert LI["name"] not in await opened.text()  # nothing personal before the button is pressed
        copy = await service.client.post(f"{link[0]}/json")
        assert LI["name"] in await copy.text()


async def test_deletion_can_be_taken_back_and_is_carried_out_when_its_time_has_come(
    database_url: str,
) -> None:
    async with running(database_url) as service:
        live = service.app[CLOCK_MOVER]  # with everything that happens by itself
        await service.declare("o_li", codes="武汉健康码")
        await service.say("o_li", "36.5 没有症状")
        explained = await service.say("o_li", "删除我的数据")
        assert "确认删除" in explained
        assert await service.rows("SELECT 1 FROM deletion_requests") == []
        await service.say("o_li", "确认删除")
        await service.say("o_li", "撤回删除")
        await live(9 * DAY)
        assert await named(service) == [True]

        await service.talk("o_li", "删除我的数据", "确认删除")
        await live(6 * DAY)
        assert await named(service) == [True]
        await live(2 * DAY)
        assert await named(service) == [False]
        assert await service.rows("SELECT 1 FROM punch_ins") == []
        assert "同意" in await service.say("o_li", "你好")  # a stranger again, who is asked anew
