"""The menu, privacy, and what can't be done here yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.conversation.understanding.understood import Intent
from bot.store.database import Database
from bot.store.ids import new_id
from handlers.chat.help import LATER, nothing_to_cancel, refuse_kindly, show_menu, show_privacy
from handlers.chat.reachable import asks_reach, sets_quiet_hours
from tests.handlers.chat.stage import NOON, Stage, resident

_TABLE = (
    "CREATE TABLE access_log (id BIGINT PRIMARY KEY, resident_id BIGINT, at TIMESTAMP, actor_kind TEXT,"
    " role TEXT, action TEXT, why TEXT DEFAULT '')"
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite://{tmp_path / 'yima.db'}")
    await opened.open()
    await opened.execute(_TABLE)
    yield opened
    await opened.close()


async def _look(database: Database, resident_id: int, hours: int, action: str = "view") -> None:
    await database.execute(
        "INSERT INTO access_log (id, resident_id, at, actor_kind, role, action) VALUES (?,?,?,?,?,?)",
        [new_id(), resident_id, NOON - timedelta(hours=hours), "worker", "", action],
    )


@pytest.mark.parametrize(("language", "other"), [("zh", "English"), ("en", "中文")])
async def test_menu_offers_everything_and_the_other_language(language: str, other: str) -> None:
    stage = Stage(resident(), language=language)
    await stage.say("帮助", show_menu)
    assert stage.reply is not None
    assert [choice.value for choice in stage.reply.choices] == [
        "打卡",
        "我的码",
        "为什么",
        "申报",
        "提醒",
        "我的家人",
        "隐私",
        other,
    ]


async def test_every_choice_of_the_menu_is_understood() -> None:
    stage = Stage(resident())
    await stage.say("帮助", show_menu)
    assert stage.reply is not None
    values = [choice.value for choice in stage.reply.choices]
    assert [stage.hear(value).understood.intent for value in values] == [
        Intent.PUNCH_IN,
        Intent.CODES,
        Intent.WHY,
        Intent.DECLARE,
        Intent.REMINDERS,
        Intent.HOUSEHOLD,
        Intent.PRIVACY,
        Intent.LANGUAGE,
    ]


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("亮码", "我的码"),
        ("我要申诉", "12345"),
        ("申诉进度", "12345"),
    ],
)
async def test_what_cannot_be_done_yet_says_what_to_do_today(text: str, instead: str) -> None:
    stage = Stage(resident())
    assert stage.hear(text).understood.intent in LATER
    assert instead in await stage.say(text, refuse_kindly)
    assert stage.ctx.work.writes == []


async def test_privacy_says_what_is_kept_even_to_a_stranger() -> None:
    answer = await Stage(None).say("隐私", show_privacy)
    assert "加密存放" in answer
    assert "看过您的资料" not in answer


async def test_privacy_says_that_nobody_looked(database: Database) -> None:
    who = resident()
    await _look(database, who.resident_id + 1, 1)
    assert "没有别人看过" in await Stage(who, database=database).say("隐私", show_privacy)


async def test_privacy_shows_the_ten_latest_views_the_newest_first(database: Database) -> None:
    who = resident()
    for hours in range(12):
        await _look(database, who.resident_id, hours)
    answer = await Stage(who, database=database).say("隐私", show_privacy)
    assert answer.count("社区工作者：查看") == 10
    assert answer.index("3月20日 12:00") < answer.index("3月20日 11:00")
    assert "3月20日 02:00" not in answer


async def test_privacy_shows_an_act_without_words_by_its_name(database: Database) -> None:
    who = resident()
    await _look(database, who.resident_id, 1, "rebuild_index")
    assert "rebuild_index" in await Stage(who, database=database).say("隐私", show_privacy)


async def test_cancel_without_anything_under_way_is_answered_kindly() -> None:
    stage = Stage(resident())
    assert "什么都没变" in await stage.say("取消", nothing_to_cancel)
    assert stage.ctx.work.writes == []


@pytest.mark.parametrize(
    ("language", "why", "hours"),
    [("zh", "为什么没收到提醒", "免打扰"), ("en", "why did I get no reminder", "quiet hours")],
)
async def test_what_help_names_about_notices_is_understood(language: str, why: str, hours: str) -> None:
    stage = Stage(resident(), language=language)
    answer = await stage.say("帮助", show_menu)
    assert why in answer
    assert hours in answer
    ctx = stage.hear(why)
    assert asks_reach(ctx.message, ctx)
    ctx = stage.hear(hours)
    assert sets_quiet_hours(ctx.message, ctx)
