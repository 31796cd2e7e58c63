"""The demo plays its stories through the real door: receipts, and what is asked before it counts."""

from __future__ import annotations

import pytest

from bot.demo import play
from bot.errors import NotFound

_TITLE = "=== "


async def test_every_story_runs_and_ends_as_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    await play()
    told = capsys.readouterr().out
    _, first, six, *asked = told.split(f"\n{_TITLE}")
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
    assert len(asked) == 2
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


async def test_story_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="there are: first, six-codes, asked-first"):
        await play("seven")
