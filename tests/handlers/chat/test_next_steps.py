"""What can be done next: as choices where a reply does it, never more than three, with whoever can help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.core.assess import Finding
from bot.core.model import Colour
from bot.services.rescore import assess_code, rescore
from bot.store.work import Work
from handlers.chat.next_steps import next_steps
from handlers.chat.routes import FORMS
from handlers.chat.why import explain
from tests.handlers.chat.stage import NOON, TODAY, Stage, fact, resident


async def test_choices_are_left_out_where_a_form_would_take_them_for_its_answers() -> None:
    stage = Stage(resident(codes=("hubei",)), forms=FORMS)
    stage.talk.start("punch_in", "report")
    await stage.say("为什么 湖北健康码红了", explain)
    assert stage.reply is not None
    assert "打卡" not in [choice.value for choice in stage.reply.choices]
    assert stage.talk.form == "punch_in"


async def test_colour_of_another_place_sends_to_that_place() -> None:
    who = resident(codes=("hubei",))
    assessment_of = Finding(
        "other_place", 5, None, 0, Colour.RED, None, False, "1.0.0", {"zh": "外地给了红码。", "en": "x"}, None, firm=True
    )  # fmt: skip
    set_there = replace(fact("other_place_colour", TODAY, division="610902", colour="red"), id=5)
    who.facts = [set_there]
    ctx = Stage(who).hear("为什么")
    seen = assess_code(ctx.world, who.person(), "hubei", NOON)
    seen.findings, seen.colour = (assessment_of,), Colour.RED
    steps = next_steps(ctx, who, who.codes["hubei"], seen, question=None)
    assert "只有陕西省安康市" in steps.lines[0]
    assert "12345" in steps.lines[0]


async def test_override_sends_to_whoever_set_it() -> None:
    who = resident(codes=("hangzhou",))
    set_by = fact("override", TODAY, colour="red", reason_code="r", issuer="某街道办", second_person="x")
    who.facts = [replace(set_by, end=TODAY + timedelta(days=3))]
    stage = Stage(who)
    rescore(stage.world, Work(now=NOON), who, cause="test")
    answer = await stage.say("为什么", explain)
    assert "请找某街道办，或打 12345" in answer
    assert "最早 3月24日 00:00 变为 🟢 绿码" in answer


async def test_declared_fact_is_put_right_by_declaring_again() -> None:
    who = resident(codes=("hangzhou",))
    who.facts = [fact("contact", TODAY, source="declaration", degree=1, certainty="sure")]
    stage = Stage(who)
    rescore(stage.world, Work(now=NOON), who, cause="test")
    answer = await stage.say("为什么", explain)
    assert "申报有误，重新申报" in answer
    assert "先不要出门" in answer
    assert stage.reply is not None
    assert [choice.value for choice in stage.reply.choices] == ["申报", "打卡"]


async def test_after_today_s_punch_in_the_codes_are_offered_instead() -> None:
    stage = Stage(resident(codes=("hubei",), last_punch_in=TODAY))
    await stage.say("为什么", explain)
    assert stage.reply is not None
    assert [choice.value for choice in stage.reply.choices] == ["我的码", "申报"]


async def test_missing_identity_and_address_are_offered_to_be_given() -> None:
    stage = Stage(resident(codes=("hubei",), verified=False))
    await stage.say("为什么", explain)
    assert stage.reply is not None
    assert [choice.value for choice in stage.reply.choices] == ["核实身份", "我的码"]


async def test_never_more_than_three_things_are_offered() -> None:
    who = resident(codes=("community",), verified=False, declared_at=NOON, division=None)
    stage = Stage(who)
    await stage.say("为什么", explain)
    assert stage.reply is not None
    assert 2 <= len(stage.reply.choices) <= 3


async def test_report_of_another_day_is_put_right_through_the_community() -> None:
    who = resident(codes=("hangzhou",))
    who.facts = [fact("symptom", TODAY - timedelta(days=1), source="punch_in", code="cough")]
    stage = Stage(who)
    rescore(stage.world, Work(now=NOON), who, cause="test")
    answer = await stage.say("为什么", explain)
    assert "如果依据不对，请找社区或打 12345" in answer
    assert "量错了" not in answer
