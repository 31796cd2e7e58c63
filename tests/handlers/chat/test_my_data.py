"""My data in the chat: what is stored and why, who looked, a copy, and where to put it right."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.services.data_links import LASTS, MOST_A_DAY, hash_of
from bot.store.database import Database
from bot.store.ids import new_id
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import LI, Phone
from tests.own_data import URL, declare, own_world, path_in, phone_of


@pytest.fixture
async def phone(database: Database) -> Phone:
    made = phone_of(database, FakeClock())
    await declare(made, LI["name"], LI["certificate"], LI["phone"])
    await made.say("36.5")
    return made


async def _look(phone: Phone, hours: int, *, why: str = "silent") -> None:
    resident_id = (await phone.rows("SELECT resident_id FROM residents"))[0][0]
    await phone.database.execute(
        "INSERT INTO access_log (id, resident_id, at, actor_kind, role, action, why) VALUES (?,?,?,?,?,?,?)",
        [new_id(), resident_id, phone.clock.now() - timedelta(hours=hours), "worker", "", "view", why],
    )


async def test_my_data_tells_kinds_with_counts_since_when_and_why(phone: Phone) -> None:
    answer = await phone.say("我的数据")
    assert "打卡：1 条，2月20日起。您每天的打卡，保留一年" in answer
    assert "身份和住址：1 条" in answer
    assert "社区关心您的记录" not in answer  # of which there is nothing
    for choice in ("导出一份", "谁看过我", "更正", "删除", "撤回同意"):
        assert choice in answer


async def test_my_data_is_told_in_english_too(phone: Phone) -> None:
    await phone.say("English")
    assert "Daily reports: 1 entry, since" in await phone.say("my data")


async def test_my_data_asks_a_form_under_way_again_below(phone: Phone) -> None:
    question = await phone.say("修改电话")
    answer = await phone.say("我的数据")
    assert answer.endswith(question.splitlines()[-1])


async def test_strangers_are_asked_for_consent_before_anything_is_told(database: Database) -> None:
    answer = await phone_of(database, FakeClock()).say("我的数据")
    assert "同意这样做吗" in answer


async def test_views_come_ten_at_a_time_with_their_reason(phone: Phone) -> None:
    for hours in range(12):
        await _look(phone, hours)
    first = await phone.say("谁看过我")
    assert first.count("社区工作者：查看（因为没有打卡）") == 10
    assert "更早的" in first
    second = await phone.say("更早的")
    assert second.count("社区工作者：查看") == 2
    assert "没有更早的" in await phone.say("谁看过我 3")


async def test_nobody_looked_is_said_so(phone: Phone) -> None:
    assert "没有别人看过" in await phone.say("谁看过我的数据？")


async def test_copy_is_a_link_of_which_only_a_hash_is_stored(phone: Phone) -> None:
    answer = await phone.say("导出我的数据")
    assert f"{URL}/my-data/" in answer
    token = path_in(answer).rpartition("/")[2]
    row = (await phone.rows("SELECT token_hash, fetched, language FROM data_links"))[0]
    assert row == (hash_of(token), 0, "zh")
    columns = await phone.rows("SELECT * FROM data_links")
    assert token not in str(columns)


async def test_a_new_link_ends_the_one_before_it(phone: Phone) -> None:
    first = hash_of(path_in(await phone.say("导出我的数据")).rpartition("/")[2])
    phone.wait(minutes=1)
    await phone.say("导出我的数据")
    assert await phone.rows(
        "SELECT token_hash FROM data_links WHERE expires_at <= ?", phone.clock.wire()
    ) == [(first,)]


async def test_links_are_bounded_by_day_and_nothing_is_saved_beyond(phone: Phone) -> None:
    for _ in range(MOST_A_DAY):
        assert URL in await phone.say("导出我的数据")
    assert "明天再来" in await phone.say("导出我的数据")
    assert len(await phone.rows("SELECT 1 FROM data_links")) == MOST_A_DAY
    phone.wait(days=1)
    assert URL in await phone.say("导出我的数据")


async def test_without_an_address_of_ours_no_link_is_promised(database: Database) -> None:
    clock = FakeClock()
    world = own_world(clock)
    world.public_url = ""
    phone = phone_of(database, clock, world=world)
    await declare(phone, LI["name"], LI["certificate"], LI["phone"])
    assert "发不出下载链接" in await phone.say("导出我的数据")
    assert await phone.rows("SELECT 1 FROM data_links") == []


async def test_who_has_not_declared_has_nothing_to_copy(database: Database) -> None:
    phone = phone_of(database, FakeClock())
    assert "没有别的可以导出" in await phone.say("你好", "同意", "导出我的数据")


async def test_correction_leads_to_the_ways_that_exist(phone: Phone) -> None:
    answer = await phone.say("更正我的资料")
    assert "刚才量错了，36.6" in answer
    await phone.say("修改电话")
    assert phone.ctx.talk.form == "declare"
    await phone.say("取消")
    await phone.say("刚才量错了，36.6")
    assert await phone.rows("SELECT temperature_tenths, revision FROM punch_ins") == [(366, 2)]


async def test_link_of_real_time_does_not_follow_a_moved_clock(phone: Phone) -> None:
    await phone.say("导出我的数据")
    (expires_at,) = (await phone.rows("SELECT expires_at FROM data_links"))[0]
    assert str(expires_at)[:16].replace("T", " ") == str(phone.clock.wire() + LASTS)[:16]
