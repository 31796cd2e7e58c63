"""The demo plays its stories through the real door and ends them with receipts."""

from __future__ import annotations

import pytest

from bot.demo import play
from bot.errors import NotFound


async def test_both_stories_run_and_end_with_receipts(capsys: pytest.CaptureFixture[str]) -> None:
    await play()
    told = capsys.readouterr().out
    first, six = told.split("=== 六个码")
    assert "申报好了，回执号 D" in first
    assert "我 > 同意" in first
    assert six.count("回执 P") == 3
    assert six.count("我 > ") == 7
    saved = six.partition("我 > 我的码")[0]
    assert saved.count("🟢") == 6
    assert "，到 " in saved
    assert "🔴 红码" in six
    assert "第 3 版" in six
    assert "粤康码" in six
    for apology in ("没看懂", "出了点问题", "正在办"):
        assert apology not in told


async def test_one_story_is_told_alone_after_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    await play("six-codes")
    told = capsys.readouterr().out
    assert "申报好了" not in told
    assert told.count("回执 P") == 3


async def test_story_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="first, six-codes"):
        await play("seven")
