"""The time zone that one lives in: said in many words, read back, and days that are written stay."""

from __future__ import annotations

import pytest

from bot.store.database import Database
from handlers.chat.time_zone import set_zone, sets_zone
from tests.handlers.chat.stage import Stage, resident
from tests.handlers.chat.test_reachable import desk


@pytest.mark.parametrize(
    ("text", "zone", "now"),
    [
        ("我的时区 乌鲁木齐", "Asia/Urumqi", "10:00"),
        ("我的时区是新疆时间", "Asia/Urumqi", "10:00"),
        ("按新疆时间", "Asia/Urumqi", "10:00"),
        ("时区改成 Asia/Urumqi", "Asia/Urumqi", "10:00"),
        ("我的时区 纽约", "America/New_York", "00:00"),
        ("my time zone New York", "America/New_York", "00:00"),
        ("timezone: pacific/guam", "Pacific/Guam", "14:00"),
    ],
)
async def test_zone_is_kept_and_read_back_with_the_time_there(text: str, zone: str, now: str) -> None:
    stage = Stage(resident())
    assert stage.who is not None
    version = stage.who.input_version
    ctx = stage.hear(text)
    assert sets_zone(ctx.message, ctx)
    assert now in await stage.say(text, set_zone)
    written = {name: value for write in stage.writes("residents") for name, value in write.row.items()}
    assert written["zone"] == zone
    assert written["input_version"] == version + 1
    assert stage.ctx.work.rescored == {stage.who.resident_id}


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("我的时区 Asia/Shangai", "我的时区 Asia/Shanghai"),
        ("我的时区 美国", "我的时区 America/New_York"),
        ("my time zone urumchi", "我的时区 Asia/Urumqi"),
    ],
)
async def test_typo_offers_the_nearest_and_saves_nothing(text: str, offered: str) -> None:
    stage = Stage(resident())
    await stage.say(text, set_zone)
    assert stage.reply is not None
    assert offered in [choice.value for choice in stage.reply.choices]
    assert stage.ctx.work.writes == []
    ctx = stage.hear(offered)
    assert sets_zone(ctx.message, ctx)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("我的时区 哈哈哈哈", "没认出"),
        ("我的时区", "您的时区是北京时间，现在 12:00"),
        ("我的时区 北京", "已经是北京时间"),
    ],
)
async def test_what_changes_nothing_says_so(text: str, answer: str) -> None:
    stage = Stage(resident())
    assert answer in await stage.say(text, set_zone)
    assert stage.ctx.work.writes == []


async def test_zone_before_a_declaration_is_answered_kindly() -> None:
    stage = Stage(None)
    assert "先做一次健康申报" in await stage.say("我的时区 新疆", set_zone)
    assert stage.ctx.work.writes == []


async def test_written_days_are_never_converted(database: Database) -> None:
    at = await desk(database)
    assert at.who is not None
    days = dict(at.who.punch_ins)
    last = at.who.last_punch_in
    await at.say("我的时区 纽约", set_zone)
    assert at.who.punch_ins == days
    assert at.who.last_punch_in == last
    assert {write.table for write in at.ctx.work.writes} <= {"residents", "health_codes", "colour_changes"}
    assert at.writes("punch_ins") == []


@pytest.mark.parametrize("text", ["36.5", "时间", "北京", "什么时候提醒我", "去纽约", "", "我用了很长时间"])
def test_other_words_name_no_zone(text: str) -> None:
    ctx = Stage(resident()).hear(text)
    assert not sets_zone(ctx.message, ctx)
