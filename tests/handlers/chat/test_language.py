"""Chinese or English."""

from __future__ import annotations

import pytest

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Form, Read, Step
from bot.message import Reply
from handlers.chat.language import choose_language
from tests.handlers.chat.stage import Stage, resident


@pytest.mark.parametrize("text", ["English", "英文", "说英语", "in english please"])
async def test_english_is_kept_with_the_account_and_answered_in_english(text: str) -> None:
    stage = Stage(resident())
    assert "English from now on" in await stage.say(text, choose_language)
    (write,) = stage.writes("accounts")
    assert write.row == {"language": "en", "id": stage.account.id}
    assert stage.account.language == "en"


@pytest.mark.parametrize("text", ["中文", "Chinese", "换中文"])
async def test_chinese_is_kept_with_the_account_and_answered_in_chinese(text: str) -> None:
    stage = Stage(resident(), language="en")
    assert "现在用中文" in await stage.say(text, choose_language)
    assert stage.writes("accounts")[0].row["language"] == "zh"


async def test_language_that_is_spoken_already_writes_nothing() -> None:
    stage = Stage(resident())
    assert await stage.say("中文", choose_language)
    assert stage.ctx.work.writes == []


@pytest.mark.parametrize("text", ["语言", "中文还是English"])
async def test_unclear_wish_is_asked_back_in_both(text: str) -> None:
    stage = Stage(resident())
    await stage.say(text, choose_language)
    assert stage.ctx.work.writes == []
    assert stage.reply is not None
    assert [choice.value for choice in stage.reply.choices] == ["中文", "English"]


async def test_question_that_waits_is_asked_again_in_the_new_language() -> None:
    def ask(ctx: Context, answers: Answers) -> Reply:
        return Reply.of(f"asked in {ctx.language}")

    def read(ctx: Context, answers: Answers) -> Read:
        return None

    async def submit(ctx: Context, answers: Answers) -> Reply:
        return Reply.of("done")

    form = Form("test", (Step("one", ask, read, ("one",)),), submit)
    stage = Stage(resident(), forms={"test": form})
    stage.talk.start("test", "one")
    answer = await stage.say("English", choose_language)
    assert answer.endswith("asked in en")
    assert "asked in zh" not in answer
