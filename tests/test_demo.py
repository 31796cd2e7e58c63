"""The demo plays its stories through the real doors: receipts, what is asked before it counts, what comes unasked."""

from __future__ import annotations

import asyncio
import sys
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest

from bot.channels.names import MINI
from bot.clock import Clock
from bot.demo import play
from bot.demo_phones import StoryClock
from bot.demo_script import Story
from bot.errors import NotFound

_TITLE = "=== "


async def test_every_story_runs_and_ends_as_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    await play()
    told = capsys.readouterr().out
    _, first, six, *others = told.split(f"\n{_TITLE}")
    assert "申报好了，回执号 D" in first
    assert "我 > 同意" in first
    assert six.startswith("六个码")
    assert six.count("回执 P") == 3
    assert six.count("我 > ") == 7
    saved = six.partition("我 > 我的码")[0]
    assert saved.count("🟢") == 6
    assert "，到 " in saved
    assert "湖北健康码：🟢 绿码 → " in six
    assert "第 3 版" in six
    assert "粤康码" in six
    assert len(others) == 10
    for apology in ("没看懂", "出了点问题", "正在办"):
        assert apology not in told


async def test_one_story_is_told_alone_after_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    await play("six-codes")
    told = capsys.readouterr().out
    assert "申报好了" not in told
    assert told.count("回执 P") == 3


async def test_who_declared_before_is_asked_and_cleared_at_once_and_who_did_not_stays_pending(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await play("asked-first")
    told = capsys.readouterr().out
    _, settled, alone = told.split(f"\n{_TITLE}")
    assert "申报好了" not in told
    notice = "您的杭州健康码先变为 🟡 黄码（待确认）：有一件事想先问问您。"
    for story in (settled, alone):
        before, _, asked = story.partition(notice)
        assert asked
        read = [line for line in before.splitlines() if line.startswith("     ")]
        assert not any("黄冈" in line for line in read)
    assert "2. 没去过" in settled
    assert "核对上了" in settled
    assert "杭州健康码：🟡 黄码（待确认） → 🟢 绿码" in settled
    assert "杭州健康码先保持 🟡 黄码（待确认），不会因为回答变差" in alone
    assert "您回答过“没去过”，已经记下" in alone
    taken_back = alone.partition("更正了这条记录")[2]
    assert "杭州健康码：🟢 绿码" in taken_back
    assert "🔴" not in told


@pytest.fixture(scope="module")
def notices() -> list[str]:
    """The transcript of each story of notices."""
    told = StringIO()
    with redirect_stdout(told):
        asyncio.run(play("notices"))
    return told.getvalue().split(f"\n{_TITLE}")[1:]


def test_worse_colour_comes_at_night_by_itself_and_better_one_waits_for_the_morning(
    notices: list[str],
) -> None:
    agreed = notices[0]
    assert "申报好了" not in agreed
    before, night, *mornings = agreed.split("  手机 < ")
    morning = "".join(mornings)
    assert before.rpartition("\n  * ")[2].startswith("医院报来")
    assert night.startswith("23:40 服务通知")
    assert "     │ 健康码：湖北健康码\n     │ 变化：🟢 绿码 → 🟡 黄码\n" in night
    card, _, answers = night.partition("我 > 为什么")
    assert "发热" not in card
    assert "还能主动提醒您 1 次" in morning
    assert "还能主动提醒您" not in answers
    assert "依据：" in answers
    assert "变色提醒：还剩 1 次" in answers.partition("我 > 提醒还剩几次")[2]
    assert all(each.startswith("07:00 聊天消息") for each in mornings)
    assert "湖北健康码有变化：🟡 黄码 → 🟢 绿码" in morning


def test_notice_of_an_outage_arrives_once_when_the_platform_is_back(notices: list[str]) -> None:
    outage = notices[1]
    down, _, back = outage.partition("it is back\n")
    assert "a fever, today" in down
    assert "手机 <" not in down
    assert back.count("手机 < 10:") == outage.count("手机 <") == 1
    assert "湖北健康码有变化：🟢 绿码 → 🟡 黄码" in back


def test_who_never_agreed_is_told_with_the_next_answer_and_why_nothing_came(notices: list[str]) -> None:
    refused = notices[2]
    assert "手机 <" not in refused
    answer = refused.partition("我 > 为什么没收到提醒")[2]
    assert "湖北健康码有变化：🟢 绿码 → 🟡 黄码" in answer
    assert "还没有打开这类提醒" in answer


def _told(story: str) -> list[str]:
    """The transcript of each story of that name."""
    told = StringIO()
    with redirect_stdout(told):
        asyncio.run(play(story))
    return told.getvalue().split(f"\n{_TITLE}")[1:]


def test_honest_no_change_counts_and_a_series_brings_one_kind_hint_and_no_reward() -> None:
    (story,) = _told("honest")
    assert story.count("手机 < 08:00") == story.count("手机 <") == 4
    unchanged, full, series, unmeasured = story.split("手机 < 08:00")[1:]
    assert "与上次相比没有变化，今天没量体温" in unchanged
    assert unchanged.count("🟢") == unmeasured.count("🟢") == 2
    asked, _, answered = full.partition("我 > 没量体温，没有症状")
    assert "今天就是" in asked
    assert "打卡已保存" not in asked
    assert "打卡已保存" in answered
    assert series.count("顺便说一句") == story.count("顺便说一句") == 1
    assert "没量体温，没有症状。" in unmeasured
    for reward in ("积分", "奖", "太棒", "连续打卡", "🟡", "🔴"):
        assert reward not in story


@pytest.fixture(scope="module")
def family() -> list[str]:
    return _told("family")


def test_member_is_asked_before_anybody_reports_for_him(family: list[str]) -> None:
    bound = family[0]
    asked, _, answered = bound.partition("老王 > 绑定")
    rung = asked.partition("老王的手机 < ")[2]
    assert "有人想加您为家人" in rung
    assert "刘" not in rung
    assert "刘**" in answered
    assert "刘芳的手机 < " in answered.partition("老王 > 同意")[2]
    assert " 老公：🟢" in bound.partition("刘芳 > 我的家人")[2]


def test_one_turns_red_overnight_with_a_reason_and_the_family_stays_green(family: list[str]) -> None:
    night = family[1]
    assert "老王的手机 < 23:40" in night
    assert "停留 浙江省温州市鹿城区（来自铁路部门）" in night
    listed = night.partition("刘芳 > 我的家人")[2]
    assert " 孩子：🟢国家防疫健康信息码 🟢杭州健康码" in listed
    assert " 老公：🟢国家防疫健康信息码 🔴杭州健康码" in listed
    assert "杭州健康码：🟢 绿码" in listed.partition("老王 > 我的码")[2]


def test_reminder_comes_by_itself_and_one_line_reports_for_those_whom_it_names(family: list[str]) -> None:
    line = family[2]
    assert line.count("刘芳的手机 < 08:00") == 2
    assert line.count("家庭打卡已保存，3 个人") == 2
    assert line.count("一模一样") == 1
    assert "孩子：体温 37.8 °C，咳嗽。" in line


def test_day_without_a_report_is_followed_up_until_the_report_comes(family: list[str]) -> None:
    missed, _, reported = family[3].partition("刘芳 > 全家正常")
    assert missed.count("刘芳的手机 < 18:00") == 1
    assert missed.count(" silent ") == 3
    assert "silent" not in reported
    assert " abnormal (fever) " in reported


async def test_without_the_fakes_what_needs_them_is_left_out_and_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tests.fakes.wechat_api", None)
    monkeypatch.setattr("bot.demo.stories", _short_stories)
    await play()
    told = capsys.readouterr().out
    assert "(not told here: notices; " in told
    assert told.count(_TITLE) == 1
    with pytest.raises(NotFound, match="a checkout has it"):
        await play("notices")


def _short_stories(today: date) -> tuple[Story, ...]:
    mini = Story("notices", "by itself", "o_demo_mini_li", ("你好",), channel=MINI)
    return (Story("first", "hello", "o_demo_li", ("你好",)), mini)


@pytest.mark.parametrize(("hour", "minute", "hours"), [(7, 0, 21.5), (9, 30, 24.0), (23, 40, 14 + 1 / 6)])
def test_story_goes_on_to_the_next_time_that_the_wall_clock_shows(
    monkeypatch: pytest.MonkeyPatch, hour: int, minute: int, hours: float
) -> None:
    at = datetime(2020, 2, 20, 1, 30, tzinfo=UTC)  # half past nine in Shanghai
    monkeypatch.setattr(Clock, "wire", lambda clock: at)
    clock = StoryClock()
    clock.forward(clock.until(hour, minute))
    assert clock.wire() == clock.now() == at + timedelta(hours=hours)


async def test_story_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="there are: first, six-codes, asked-first, notices, honest, family"):
        await play("seven")
