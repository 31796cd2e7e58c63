"""The question about a lone record in chat: shown with its place and days, answered once, never in a form's way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.channels.plain_text import render_text
from bot.conversation.routing import respond
from bot.conversation.told import notice_text
from bot.message import Choice
from bot.store.work import Work
from handlers.chat.asked_first import WORD
from handlers.chat.routes import FORMS, ROUTES
from tests.conversation.world import texts
from tests.handlers.chat.border import YESTERDAY, at_the_border, seen_by_phone
from tests.handlers.chat.stage import NOON, TODAY, Stage, fact, resident


async def talk(stage: Stage, *lines: str) -> tuple[str, str]:
    """The route and the answer of the last line, through the real table."""
    route, answer = "", ""
    for line in lines:
        ctx = stage.hear(line)
        route, reply = await respond(ctx.message, ctx, ROUTES)
        ctx.work.check()
        stage.talk.offer(reply)
        answer = "" if reply is None else render_text(reply)
        stage.at += timedelta(minutes=1)
    return route, answer


def code(stage: Stage) -> tuple[str, str]:
    assert stage.who is not None
    held = stage.who.codes["hangzhou"]
    return held.colour, held.state


def border(*, covered: bool = False, language: str = "zh") -> Stage:
    return at_the_border(covered=covered, language=language, forms=FORMS)


@pytest.mark.parametrize(
    "word", ["回答", "我要回答", "回答问题", "去过没有？", " 回答。", "answer", "Answer it"]
)
async def test_reply_word_shows_place_days_source_and_three_answers(word: str) -> None:
    stage = border()
    route, answer = await talk(stage, word)
    assert route == "asked_first"
    assert "通信运营商的记录说，您 3月19日 在湖北省黄冈市黄梅县" in answer
    assert answer.endswith("1. 去过\n2. 没去过\n3. 记不清了")
    assert stage.ctx.work.writes == []


async def test_question_can_be_read_in_english() -> None:
    _, answer = await talk(border(language="en"), "answer")
    assert "the phone operators says that you were in 湖北省黄冈市黄梅县 on 19 March" in answer
    assert answer.endswith("1. I was there\n2. I was not\n3. I don't remember")


@pytest.mark.parametrize("picked", ["1", "去过", "我去过", "是的"])
async def test_yes_confirms_and_says_colour_and_why(picked: str) -> None:
    stage = border()
    route, answer = await talk(stage, WORD, picked)
    assert route == "asked_first"
    assert "杭州健康码：🟡 黄码（待确认） → 🔴 红码。您到过当时的高风险地区" in answer
    assert "谢谢您如实告诉我" in answer
    assert code(stage) == ("red", "decided")


@pytest.mark.parametrize("picked", ["2", "没去过", "我没去过", "没有去过", "没有", "不是"])
async def test_no_that_agrees_with_what_was_declared_before_clears_at_once(picked: str) -> None:
    stage = border(covered=True)
    _, answer = await talk(stage, WORD, picked)
    assert answer.startswith("核对上了：3月19日 您在别处")
    assert "杭州健康码：🟡 黄码（待确认） → 🟢 绿码" in answer
    assert code(stage) == ("green", "decided")


async def test_no_alone_is_noted_with_the_last_day_and_what_would_help() -> None:
    stage = border()
    _, answer = await talk(stage, WORD, "2")
    assert "杭州健康码先保持 🟡 黄码（待确认），不会因为回答变差" in answer
    assert "最晚到 4月4日 00:00" in answer
    assert "请社区的人证实您那天在哪里；或者打 12345，请通信运营商更正这条记录" in answer
    assert "申诉" not in answer
    assert code(stage) == ("yellow", "pending")


@pytest.mark.parametrize("picked", ["3", "记不清了", "不确定", "忘了", "不知道"])
async def test_unsure_is_no_fault_and_can_be_answered_later(picked: str) -> None:
    stage = border()
    _, answer = await talk(stage, WORD, picked)
    assert "记不清很正常，不怪您" in answer
    assert "想起来了，随时回复“回答”" in answer
    assert code(stage) == ("yellow", "pending")
    _, again = await talk(stage, WORD)
    assert "您上次回答的是“记不清了”" in again
    assert "红码" in (await talk(stage, "去过"))[1]


async def test_answer_in_words_needs_no_question_in_sight_where_one_is_open() -> None:
    stage = border()
    route, _ = await talk(stage, "我没去过")
    assert route == "asked_first"
    assert len(stage.writes("facts")) == 1


@pytest.mark.parametrize("said", ["没有", "是", "不是", "yes", "no"])
async def test_bare_yes_or_no_out_of_sight_of_the_question_answers_nothing(said: str) -> None:
    stage = border()
    route, _ = await talk(stage, said)
    assert route == "fallback"
    assert stage.ctx.work.writes == []
    assert code(stage) == ("yellow", "pending")


@pytest.mark.parametrize(
    "words", [("回答",), ("去过",), ("没去过",), ("answered:7:yes",), ("answered:7:no",)]
)
async def test_answering_when_nothing_is_asked_says_so_kindly(words: tuple[str, ...]) -> None:
    for who in (resident(codes=("hangzhou",)), None):
        stage = Stage(who, forms=FORMS)
        route, answer = await talk(stage, *words)
        assert (route, stage.ctx.work.writes) == ("asked_first", [])
        assert answer.startswith("现在没有要问您的事，什么都没变")


async def test_second_no_is_the_same_and_a_no_after_a_yes_changes_nothing() -> None:
    stage = border()
    _, first = await talk(stage, WORD, "2")
    _, second = await talk(stage, "没去过")
    assert second == first
    assert stage.writes("facts") == []
    await talk(stage, "去过")
    assert code(stage) == ("red", "decided")
    assert stage.who is not None
    (about,) = {one.details["about"] for one in stage.who.facts if one.kind == "answer"}
    _, answer = await talk(stage, f"answered:{about}:no")
    assert answer.startswith("您之前回答过“去过”，那个回答算数")
    assert stage.ctx.work.writes == []
    assert code(stage) == ("red", "decided")


async def test_button_of_yesterday_about_a_corrected_record_changes_nothing() -> None:
    stage = border()
    _, _ = await talk(stage, WORD)
    assert stage.who is not None
    stage.who.facts = [one for one in stage.who.facts if one.source != "telecom"]
    _, answer = await talk(stage, "1")
    assert answer.startswith("现在没有要问您的事")
    assert stage.writes("facts") == []


async def test_fact_of_somebody_else_cannot_be_answered_by_its_number() -> None:
    theirs = seen_by_phone()
    stage = border()
    _, answer = await talk(stage, f"answered:{theirs.id}:yes")
    assert answer.startswith("现在没有要问您的事")
    assert code(stage) == ("yellow", "pending")


async def test_guardian_is_not_asked_about_a_member_s_record() -> None:
    stage = border()
    member, stage.who = stage.who, None
    ctx = stage.hear(WORD)
    assert member is not None
    ctx.residents = [member]
    _, reply = await respond(ctx.message, ctx, ROUTES)
    assert reply is not None
    assert "现在没有要问您的事" in render_text(reply)


async def test_two_records_are_asked_one_after_the_other() -> None:
    other = seen_by_phone("421126", YESTERDAY - timedelta(days=1))
    stage = at_the_border(seen_by_phone(), other, forms=FORMS)
    _, first = await talk(stage, WORD)
    _, second = await talk(stage, "3")
    assert "还有一件事想问您" in second
    places = ("黄梅县", "蕲春县")
    assert {place for place in places if place in first} | {
        place for place in places if place in second.partition("还有一件")[2]
    } == set(places)
    _, third = await talk(stage, "3")
    assert "还有一件" not in third


async def test_words_that_could_be_about_either_of_two_records_are_asked_back() -> None:
    stage = at_the_border(seen_by_phone(), seen_by_phone("421126"), forms=FORMS)
    _, answer = await talk(stage, "没去过")
    assert "1. 去过" in answer
    assert stage.ctx.work.writes == []


@pytest.mark.parametrize(("picked", "effect"), [("1", "谢谢您如实告诉我"), ("2", "记下了"), ("3", "没关系")])
async def test_answer_in_the_middle_of_a_form_fills_nothing_and_the_form_goes_on(
    picked: str, effect: str
) -> None:
    stage = border()
    await talk(stage, "打卡")
    form, step, answers = stage.talk.form, stage.talk.step, dict(stage.talk.answers)
    _, asked = await talk(stage, WORD)
    assert asked.rstrip().endswith("4. 没变化")
    route, answer = await talk(stage, picked)
    assert route == "asked_first"
    assert effect in answer
    assert "今天体温多少" in answer
    assert (stage.talk.form, stage.talk.step, stage.talk.answers) == (form, step, answers)
    assert (await talk(stage, "36.5 没有症状"))[0] == "form"
    assert stage.writes("punch_ins")


@pytest.mark.parametrize("said", ["没去过", "没有", "去过", "记不清了"])
async def test_what_a_form_asks_is_not_taken_for_the_answer(said: str) -> None:
    stage = border()
    stage.talk.start("declare", "stays")
    stage.talk.choices = (Choice("没有，一直在这里", "no"),)
    ctx = stage.hear(said)
    route = next(route.name for route in ROUTES if route.matches(ctx.message, ctx))
    assert route == "form"


async def test_reply_word_does_not_collide_with_proving_who_one_is() -> None:
    assert (await talk(border(), "核实身份"))[0] == "verify"
    assert (await talk(border(), "核实"))[0] == "verify"


@pytest.mark.parametrize("kind", ["contact", "diagnosis"])
@pytest.mark.parametrize("said", ["去过", "没去过", "记不清了"])
async def test_answers_do_not_change_a_code_that_is_not_pending(kind: str, said: str) -> None:
    details = {"contact": {"degree": 1, "certainty": "sure"}, "diagnosis": {"status": "confirmed"}}[kind]
    stage = at_the_border(fact(kind, YESTERDAY, **details), forms=FORMS)  # type: ignore[arg-type]
    assert code(stage) == ("red", "decided")
    assert stage.who is not None
    for line in (said, f"answered:{stage.who.facts[-1].id}:no"):
        _, answer = await talk(stage, line)
        assert answer.startswith("现在没有要问您的事")
        assert stage.ctx.work.writes == []
    assert code(stage) == ("red", "decided")


async def test_answers_recorded_are_the_resident_s_own_and_of_today() -> None:
    stage = border()
    await talk(stage, WORD, "2")
    (write,) = stage.writes("facts")
    assert (write.row["kind"], write.row["source"], write.row["start_day"]) == ("answer", "resident", TODAY)
    assert stage.ctx.work.touched == {stage.who.resident_id if stage.who else 0}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("new", "others"), [("yellow", 0), ("yellow", 2), ("", 0)])
def test_notice_says_scheme_colour_and_how_to_reply_alone(language: str, new: str, others: int) -> None:
    made = border().world
    params = {"scheme": "hangzhou", "others": others, "new": new}
    sealed = made.keys.seal_json("notices.params", params)
    said = notice_text(made, texts(), language, kind="asked_first", params_sealed=sealed)
    assert ("杭州健康码" if language == "zh" else "Hangzhou health code") in said
    assert ("“回答”" if language == "zh" else '"answer"') in said
    assert ("🟡" in said) is bool(new)
    assert len(said.splitlines()) == 2


async def test_question_that_time_has_ended_is_no_longer_asked() -> None:
    stage = border()
    stage.at = NOON + timedelta(days=15)
    _, answer = await talk(stage, WORD)
    assert answer.startswith("现在没有要问您的事")


async def test_recording_an_answer_scores_in_the_same_unit_of_work() -> None:
    stage = border(covered=True)
    await talk(stage, WORD, "2")
    work: Work = stage.ctx.work
    assert [change.new_colour for _, change in work.changes] == ["green"]
    assert stage.writes("colour_changes")
