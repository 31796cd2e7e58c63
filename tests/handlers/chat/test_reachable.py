"""Asking why no notice came, how many are left, and setting the hours in which none may come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.conversation.context import Context
from bot.conversation.understanding.times import read_hours
from bot.message import Kind
from bot.notices.conditions import CONDITIONS, DAILY_CAP
from bot.notices.due import DUE
from bot.notices.kinds import KINDS
from bot.notices.reachability import Question
from bot.store.database import Database
from bot.store.writer import Writer
from handlers.chat.reachable import asks_reach, explain_reach, set_quiet_hours, sets_quiet_hours
from tests.conversation.world import texts
from tests.fakes.clock import FakeClock
from tests.handlers.chat.stage import NOON, Stage, resident
from tests.notices.persons import OFFERED, Persons

HOUR = timedelta(hours=1)


class Desk(Stage):
    """A stage whose account and resident are stored, on a channel of the test's choice."""

    def __init__(self, persons: Persons, channel: str, **more: Any) -> None:
        super().__init__(resident(), database=persons.database, **more)
        self.persons = persons
        self.account.channel = channel

    def hear(self, text: str = "", **more: Any) -> Context:
        ctx = super().hear(text, **more)
        ctx.reachability = self.persons.reachability
        object.__setattr__(ctx.message, "channel", self.account.channel)
        return ctx

    async def commit(self) -> None:
        assert await Writer(self.persons.database).commit(self.ctx.work) == "committed"


async def desk(
    database: Database, channel: str = "wechat_official", language: str = "zh", **account: Any
) -> Desk:
    persons = Persons(database, FakeClock(NOON))
    at = Desk(persons, channel, language=language)
    assert at.who is not None
    at.account.id = at.account.person_id = await persons.account(channel, **account)
    await persons.resident(at.account.id, resident_id=at.who.resident_id)
    return at


# -- what is understood --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "为什么没收到提醒", "为什么没收到通知？", "怎么没有通知", "收不到提醒", "我没收到变色通知", "推送怎么没来",
        "提醒还剩几次", "还剩几次提醒", "通知收不到", "为什麼沒收到提醒", "变红码了怎么没收到通知", "怎么才能收到提醒",
        "Why did I get no reminder?", "why haven't I got any notification", "How many reminders are left?",
        "reminders left", "how do I get notifications",
    ],
)  # fmt: skip
def test_question_after_notices_is_asked_in_many_words(words: str) -> None:
    ctx = Stage(resident()).hear(words)
    assert asks_reach(ctx.message, ctx)


@pytest.mark.parametrize(
    "words",
    [
        "为什么", "为什么变红", "为什么通知我变红了", "没通知就红码了，为什么", "提醒我打卡", "不要提醒我", "别提醒", "取消提醒",
        "没有症状", "没收到提醒，36.5 没有症状", "36.5", "没变化", "no reminders", "don't remind me", "why is my code red",
        "why red, no notice", "我要申诉", "", "通知" * 40 + "没收到",
    ],
)  # fmt: skip
def test_reports_and_other_questions_are_left_to_others(words: str) -> None:
    ctx = Stage(resident()).hear(words)
    assert not asks_reach(ctx.message, ctx)
    assert not sets_quiet_hours(ctx.message, ctx)


@pytest.mark.parametrize(
    "words",
    [
        "免打扰",
        "免打扰 22:00-07:00",
        "免打扰关",
        "关闭免打扰",
        "设置免打扰时间为23:00-06:00",
        "免打擾 關",
        "quiet hours",
        "Quiet hours off",
    ],
)
def test_quiet_hours_are_named_in_many_words(words: str) -> None:
    ctx = Stage(resident()).hear(words)
    assert sets_quiet_hours(ctx.message, ctx)


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("22:00-07:00", (1320, 420)),
        ("22-7", (1320, 420)),
        ("22点到7点", (1320, 420)),
        ("晚上10点到早上7点", (1320, 420)),
        ("晚上十一点半到第二天早上六点半", (1410, 390)),
        ("晚上12点到6点", (0, 360)),
        ("中午12点到下午2点", (720, 840)),
        ("10pm-7am", (1320, 420)),
        ("12am to 6am", (0, 360)),
        ("24:00-6:00", (0, 360)),
        ("25:00-7:00", None),
        ("24:30-7:00", None),
        ("12:70-1:00", None),
        ("13pm-2am", None),
        ("0am-2am", None),
        ("晚上", None),
        ("22:00", None),
    ],
)
def test_hours_are_read_as_people_write_them(words: str, hours: tuple[int, int] | None) -> None:
    assert read_hours(words) == hours


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_and_kind_has_its_words(language: str) -> None:
    for condition in CONDITIONS:
        assert texts().say(language, f"reachable.why_{condition.reason}")
    for each in DUE:
        assert texts().say(language, f"reachable.due_{each.reason}", at="08:00")
    named = {kind for offer in OFFERED.values() for kind in offer.templates if not KINDS[kind].asked}
    assert all(texts().has(f"reachable.kind_{kind}") for kind in named)


# -- why and how many ----------------------------------------------------------------------------------------


async def test_somebody_who_can_be_reached_hears_in_which_way(database: Database) -> None:
    at = await desk(database)
    answer = await at.say("为什么没收到提醒", explain_reach)
    assert "现在能送到您：会直接发到这里" in answer
    assert "22:00–07:00" in answer


async def test_way_over_another_platform_is_named(database: Database) -> None:
    at = await desk(database, "wechat_official", window_until=None, following=False)
    mini = await at.persons.account("wechat_mini", person_id=at.account.id, window_until=None)
    await at.persons.subscription(mini, 2)
    answer = await at.say("提醒还剩几次", explain_reach)
    assert "订阅消息发到微信小程序" in answer
    assert "变色提醒：还剩 2 次" in answer


async def test_message_that_asks_has_opened_the_window_and_says_so(database: Database) -> None:
    at = await desk(database, "wechat_mini", window_until=NOON - HOUR)
    answer = await at.say("为什么没收到提醒", explain_reach)
    assert "刚才之前" in answer
    assert "说话后的一段时间" in answer
    assert "通知又能发到这里了" in answer
    assert "订阅提醒" in answer


@pytest.mark.parametrize("kind", [Kind.VIEW])
async def test_contact_that_opens_no_window_promises_nothing(database: Database, kind: Kind) -> None:
    at = await desk(database, "wechat_mini", window_until=None)
    answer = await at.say("为什么没收到提醒", explain_reach, kind=kind)
    assert "现在发不到您这里" in answer
    assert "又能发到这里了" not in answer


async def test_cap_is_told_with_the_time_from_which_notices_come_again(database: Database) -> None:
    at = await desk(database)
    for _ in range(DAILY_CAP):
        await at.persons.notice(at.account.id)
    answer = await at.say("为什么没收到提醒", explain_reach)
    assert "已经给您发过三条" in answer
    assert "3月21日 07:00 起" in answer
    assert "急事" in answer


async def test_used_up_subscription_says_how_to_renew_it(database: Database) -> None:
    at = await desk(database, "wechat_mini", language="en", window_until=None)
    await at.persons.subscription(at.account.id, 0)
    answer = await at.say("how many reminders are left", explain_reach)
    assert "All subscribed reminders have been used" in answer
    assert "Colour changes: 0 left" in answer
    assert 'tap "Subscribe"' in answer


async def test_what_is_not_set_up_here_is_nobodys_fault(database: Database) -> None:
    at = await desk(database, "a_channel_of_old")
    assert "不是您的问题" in await at.say("收不到通知", explain_reach)


async def test_explanation_changes_nothing(database: Database) -> None:
    at = await desk(database)
    await at.say("为什么没收到提醒", explain_reach)
    assert at.ctx.work.writes == []


# -- quiet hours ---------------------------------------------------------------------------------------------


async def stored_hours(at: Desk) -> list[tuple[Any, ...]]:
    return await at.persons.rows("SELECT quiet_from, quiet_until FROM residents")


async def test_hours_are_set_read_back_and_hold(database: Database) -> None:
    at = await desk(database)
    answer = await at.say("免打扰 11:00-13:30", set_quiet_hours)
    assert "11:00–13:30" in answer
    await at.commit()
    assert await stored_hours(at) == [(660, 810)]
    question = Question(at.account.id, "colour_changed")
    closed = (await at.persons.reachability.reach_many(database, [question], NOON))[0]
    assert [each.reason for each in getattr(closed, "reasons", ())] == ["quiet_hours"]
    assert "11:00–13:30" in await at.say("免打扰", set_quiet_hours)
    assert "免打扰时间" in await at.say("为什么没收到提醒", explain_reach)


async def test_hours_are_turned_off_and_on_again(database: Database) -> None:
    at = await desk(database)
    assert "免打扰关了" in await at.say("免打扰 关", set_quiet_hours)
    await at.commit()
    assert await stored_hours(at) == [(0, 0)]
    assert "现在关着" in await at.say("免打扰", set_quiet_hours)
    assert "22:00–07:00" in await at.say("打开免打扰", set_quiet_hours)
    await at.commit()
    assert await stored_hours(at) == [(None, None)]


@pytest.mark.parametrize(
    "words", ["免打扰 25:00-07:00", "免打扰 晚上", "免打扰 07:00-07:00", "quiet hours maybe"]
)
async def test_hours_that_cannot_be_read_change_nothing(database: Database, words: str) -> None:
    at = await desk(database)
    assert "22:00-07:00" in await at.say(words, set_quiet_hours)
    assert at.ctx.work.writes == []


async def test_notices_that_waited_for_the_old_hours_are_looked_at_anew(database: Database) -> None:
    at = await desk(database)
    later = NOON + 3 * HOUR
    await at.persons.notice(at.account.id, state="queued", sent_at=None, reason="quiet_hours", try_at=later)
    await at.say("免打扰 关", set_quiet_hours)
    await at.commit()
    rows = await database.fetch("SELECT 1 FROM notices WHERE try_at = ?", [NOON])
    assert len(rows) == 1


async def test_before_the_declaration_there_is_nowhere_to_keep_hours(database: Database) -> None:
    at = await desk(database)
    at.who = None
    assert "申报" in await at.say("免打扰 23:00-06:00", set_quiet_hours)
    assert at.ctx.work.writes == []
    assert "22:00–07:00" in await at.say("免打扰", set_quiet_hours)


# -- why no daily reminder ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("declared_at = NULL", "还没有做健康申报"),
        ("reminder_days = 'none'", "您选了不要打卡提醒"),
        ("last_punch_in = '2020-03-20'", "今天的卡已经打过了"),
        ("reminder_minute = 1230", "20:30 会来"),
        ("reminder_minute = 480", "提醒时间是 08:00，已经过了"),
    ],
)
async def test_question_after_reminders_is_answered_by_who_is_due(
    database: Database, changes: str, words: str
) -> None:
    at = await desk(database)
    assert at.who is not None
    for code in at.who.codes.values():
        await at.persons.insert(
            "health_codes", id=code.id, resident_id=at.who.resident_id, scheme=code.scheme, colour=code.colour,
            state=code.state, since=code.since, version=code.version, assessment=code.assessment, held_since=code.held_since,
        )  # fmt: skip
    await database.execute(
        f"UPDATE residents SET declared_at = '2020-03-01 00:00:00+00:00', {changes}"
        if "declared_at" not in changes
        else f"UPDATE residents SET {changes}"
    )
    assert words in await at.say("为什么没收到提醒", explain_reach)


async def test_way_of_a_reminder_is_not_told_where_none_is_due(database: Database) -> None:
    at = await desk(database, window_until=None)
    answer = await at.say("为什么没收到提醒", explain_reach)
    assert "还没有做健康申报" in answer
    assert "另外算" not in answer


async def test_reminder_that_reaches_in_another_way_is_explained_apart(database: Database) -> None:
    at = await desk(database, "wechat_mini", window_until=None)
    assert at.who is not None
    await at.persons.subscription(at.account.id)  # to news of colours alone
    await at.persons.insert(
        "health_codes", id=1, resident_id=at.who.resident_id, scheme="hubei", colour="green", state="decided",
        since=NOON, version="1", assessment="{}", held_since=NOON,
    )  # fmt: skip
    await database.execute("UPDATE residents SET declared_at = ?", [NOON - 20 * 24 * HOUR])
    answer = await at.say("为什么没收到提醒", explain_reach)
    assert "每天打卡的提醒另外算" in answer
    assert "用订阅消息" in answer.split("另外算")[0]
