"""Setting when the daily reminder comes, and reading it back; what can't be done changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bot.store.database import Database
from handlers.chat.reminders import set_reminders, sets_reminders
from tests.handlers.chat.stage import Stage, resident
from tests.handlers.chat.test_reachable import Desk, desk


async def stored(at: Desk) -> tuple[int | None, str]:
    (row,) = await at.persons.rows("SELECT reminder_minute, reminder_days FROM residents")
    return row[0], row[1]


async def said(at: Desk, *texts: str) -> str:
    """The last answer, with everything committed."""
    answer = ""
    for text in texts:
        answer = await at.say(text, set_reminders)
        ctx = at.ctx
        assert sets_reminders(ctx.message, ctx), text
        await at.commit()
    return answer


@pytest.mark.parametrize(
    ("texts", "minute", "days"),
    [
        (["每天8点提醒我"], 480, "all"),
        (["早上七点半提醒"], 450, "all"),
        (["晚上9点提醒我打卡"], 1260, "all"),
        (["提醒改到20:30"], 1230, "all"),
        (["改到20:30"], 1230, "all"),
        (["不要提醒"], None, "none"),
        (["别提醒我了"], None, "none"),
        (["周末不提醒"], None, "workdays"),
        (["周末别提醒我"], None, "workdays"),
        (["工作日8点提醒我"], 480, "workdays"),
        (["周一到周五早上8点提醒我"], 480, "workdays"),
        (["20:30提醒我", "不要提醒", "恢复提醒"], 1230, "all"),
        (["周末不提醒", "每天都提醒"], None, "all"),
        (["周末不提醒", "9点提醒我"], 540, "workdays"),
        (["不要提醒", "9点提醒我"], 540, "all"),
        (["不要提醒", "提醒我打卡"], None, "all"),
        (["不要8点提醒，改成9点提醒"], None, "all"),
        (["20:30提醒我", "提醒恢复默认"], None, "all"),
        (["remind me at 8 am"], 480, "all"),
        (["remind me at 8:30 pm"], 1230, "all"),
        (["no reminders"], None, "none"),
        (["don't remind me"], None, "none"),
        (["no reminders on weekends"], None, "workdays"),
        (["remind me on weekdays at 7"], 420, "workdays"),
        (["no reminders", "turn on reminders"], None, "all"),
    ],
)
async def test_what_is_said_is_what_is_kept(
    database: Database, texts: list[str], minute: int | None, days: str
) -> None:
    at = await desk(database)
    await said(at, *texts)
    assert await stored(at) == (minute, days)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("25点提醒我", "钟上找不到"),
        ("每天8:75提醒我", "钟上找不到"),
        ("早上8点和晚上8点提醒我", "只能选一个"),
        ("每天提醒我两次", "只能选一个"),
        ("每周三8点提醒我", "每天，或者周一到周五"),
        ("只在周末提醒我", "每天，或者周一到周五"),
        ("每两小时提醒我", "每天，或者周一到周五"),
        ("明天8点提醒我", "只改某一天还不行"),
        ("今天别提醒我了", "只改某一天还不行"),
        ("8点提醒我妈妈打卡", "只能设您自己的"),
    ],
)
async def test_what_can_t_be_done_is_said_and_changes_nothing(
    database: Database, text: str, answer: str
) -> None:
    at = await desk(database)
    assert answer in await at.say(text, set_reminders)
    assert at.writes("residents") == []


async def test_hour_is_read_back_with_its_zone_and_what_is_already_past(database: Database) -> None:
    at = await desk(database)
    answer = await at.say("每天8点提醒我", set_reminders)
    assert "每天 08:00（北京时间）" in answer
    assert "今天的这个时间已经过了" in answer
    assert "回复“20:00提醒我”" in answer
    later = await at.say("晚上9点提醒我", set_reminders)
    assert "每天 21:00" in later
    assert "已经过了" not in later
    assert "回复“" not in later


async def test_chosen_hour_wins_over_quiet_hours_and_says_so(database: Database) -> None:
    at = await desk(database)
    assert "您自己选的时间算数" in await said(at, "每天23:30提醒我")
    assert await stored(at) == (1410, "all")
    assert "免打扰时间里" not in await said(at, "每天7点提醒我")
    assert "您自己选的时间算数" in await said(at, "每天6:59提醒我")


async def test_settings_show_hour_days_quiet_hours_and_zone(database: Database) -> None:
    at = await desk(database)
    answer = await said(at, "什么时候提醒我")
    for words in ("每天 08:00", "社区定的时间", "18:00", "22:00–07:00", "北京时间，现在 12:00", "不要提醒"):
        assert words in answer
    await said(at, "20:30提醒我", "周末不提醒")
    answer = await said(at, "提醒设置")
    assert "周一到周五 20:30" in answer
    assert "您自己选的时间" in answer
    assert "再轻轻提醒" not in answer
    await said(at, "不要提醒")
    assert "现在不提醒您打卡" in await said(at, "提醒")
    assert await stored(at) == (1230, "none")


async def test_showing_settings_changes_nothing(database: Database) -> None:
    at = await desk(database, language="en")
    for text in ("when do you remind me?", "my reminders", "reminder settings", "提醒设置"):
        assert "08:00" in await at.say(text, set_reminders)
        assert at.writes("residents") == []


@pytest.mark.parametrize("who", [None, {"declared_at": None}])
async def test_before_a_declaration_the_answer_is_kind(who: dict[str, Any] | None) -> None:
    stage = Stage(None if who is None else resident(**who))
    answer = await stage.say("每天8点提醒我", set_reminders)
    assert "先做一次健康申报" in answer
    assert stage.ctx.work.writes == []


@pytest.mark.parametrize(
    "text",
    [
        "36.5 没有症状",
        "没变化",
        "打卡 36.5 提醒",
        "我发烧了提醒我",
        "为什么",
        "改到",
        "改到武汉",
        "8点",
        "",
        "提醒" * 40,
    ],
)
def test_reports_and_other_words_are_no_settings(text: str) -> None:
    ctx = Stage(resident()).hear(text)
    assert not sets_reminders(ctx.message, ctx)
