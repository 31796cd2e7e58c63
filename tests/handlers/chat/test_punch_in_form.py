"""A daily report while something else is being asked, or before there is anything to report to."""

from __future__ import annotations

from datetime import date, timedelta

from bot.conversation.context import Context
from bot.conversation.forms import Form, Read, Step, Taken
from bot.message import Reply
from handlers.chat.punch_in import FORM, punch_in
from tests.handlers.chat.stage import Stage, resident


def _stage() -> Stage:
    return Stage(resident(), forms={FORM.name: FORM})


def _saved(stage: Stage) -> dict[str, object]:
    (row,) = stage.writes("punch_ins")
    return row.row


async def _submitted(ctx: Context, answers: dict[str, object]) -> Reply:
    return Reply.of("declared")


def _declare_form() -> Form:
    def ask(ctx: Context, answers: dict[str, object]) -> Reply:
        return Reply.of("What is your name?")

    def read(ctx: Context, answers: dict[str, object]) -> Read:
        return Taken({"name": ctx.text}) if ctx.text.startswith("name") else None

    return Form("declare", (Step("name", ask, read, ("name",)),), _submitted, title="punch_in.title")


async def test_naming_somebody_else_in_the_form_fills_nothing() -> None:
    stage = _stage()
    await stage.say("打卡", punch_in)
    answer = await stage.say("我妈 36.5")
    assert stage.ctx.work.writes == []
    assert "妈妈" in answer
    assert stage.talk.form == FORM.name


async def test_without_a_declaration_nothing_is_saved_and_it_says_so() -> None:
    stage = Stage(None, forms={FORM.name: FORM, "declare": _declare_form()})
    answer = await stage.say("36.5", punch_in)
    assert stage.ctx.work.writes == []
    assert "没有保存" in answer
    assert "What is your name?" in answer
    assert stage.talk.form == "declare"


async def test_declaration_under_way_goes_on_below_the_refusal() -> None:
    stage = Stage(None, forms={FORM.name: FORM, "declare": _declare_form()})
    await stage.say("36.5", punch_in)
    answer = await stage.say("36.5", punch_in)
    assert answer.count("What is your name?") == 1
    assert "没有保存" in answer


async def test_report_in_the_middle_of_another_form_is_saved_and_the_form_goes_on() -> None:
    stage = Stage(resident(), forms={FORM.name: FORM, "declare": _declare_form()})
    stage.talk.start("declare", "name")
    answer = await stage.say("36.5 没有症状", punch_in)
    assert _saved(stage)["temperature_tenths"] == 365
    assert answer.endswith("What is your name?")


async def test_question_of_a_punch_in_comes_before_the_form_that_waits() -> None:
    stage = Stage(resident(), forms={FORM.name: FORM, "declare": _declare_form()})
    stage.talk.start("declare", "name")
    answer = await stage.say("咳嗽", punch_in)
    assert "What is your name?" not in answer
    answer = await stage.say("36.9")
    assert _saved(stage)["symptoms"] == "cough"
    assert answer.endswith("What is your name?")


async def test_answers_of_yesterday_are_not_reported_for_today() -> None:
    stage = _stage()
    await stage.say("咳嗽", punch_in)
    stage.at += timedelta(days=1)
    await stage.say("36.5")
    row = _saved(stage)
    assert (row["day"], row["symptoms"]) == (date(2020, 3, 21), "")


async def test_report_after_a_form_was_left_alone_for_days_begins_anew() -> None:
    stage = _stage()
    await stage.say("咳嗽", punch_in)
    stage.at += timedelta(days=4)
    stage.talk.expired = True
    answer = await stage.say("36.5", punch_in)
    assert _saved(stage)["symptoms"] == ""
    assert stage.talk.form == ""
    assert "体温多少" not in answer


async def test_punch_in_again_while_it_is_asked_asks_once_more() -> None:
    stage = _stage()
    await stage.say("打卡", punch_in)
    answer = await stage.say("打卡", punch_in)
    assert answer.count("今天体温多少") == 1
