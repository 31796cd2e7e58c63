"""My codes, adding and removing one, and which one a place wants."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.core.model import RiskEntry, RiskMap
from bot.services.schemes import Schemes
from handlers.chat.codes import (
    add_code,
    adds_code,
    remove_code,
    removes_code,
    show_codes,
    tell_which_code,
)
from tests.handlers.chat.stage import NOON, SIX, TODAY, Stage, fact, resident


async def test_every_code_is_shown_with_colour_since_and_cover() -> None:
    stage = Stage(resident())
    answer = await stage.say("我的码", show_codes)
    for scheme in SIX:
        found = stage.world.schemes.get(scheme)
        assert found is not None
        assert f"{found.name['zh']}：🟢 绿码" in answer
    assert "3月19日 12:00 起" in answer
    assert "打卡有效到 3月22日 00:00" in answer


async def test_codes_can_be_read_in_english() -> None:
    answer = await Stage(resident(), language="en").say("my codes", show_codes)
    assert "Hubei health code: 🟢 green" in answer
    assert "since 19 March 12:00" in answer
    assert "report valid until 22 March 00:00" in answer


async def test_next_review_is_said_in_the_residents_zone() -> None:
    who = resident(codes=("hangzhou",))
    who.facts.append(fact("symptom", date(2020, 3, 18), source="punch_in", code="cough"))
    who.codes["hangzhou"].next_change_at = NOON - timedelta(minutes=1)
    stage = Stage(who)
    answer = await stage.say("我的码", show_codes)
    due = who.codes["hangzhou"].next_change_at
    assert due is not None
    assert due > NOON
    assert "下次复核：3月" in answer
    assert "00:00" in answer


async def test_colour_that_the_clock_has_changed_is_made_anew_before_it_is_shown() -> None:
    who = resident(codes=("hubei",))
    stage = Stage(who, at=NOON + timedelta(days=10))
    assert who.codes["hubei"].colour == "green"
    answer = await stage.say("我的码", show_codes)
    assert "湖北健康码：🟡 黄码" in answer
    assert "打卡已在 3月22日 00:00 过期" in answer
    assert stage.writes("colour_changes")


async def test_grey_code_says_what_is_missing_and_how_to_give_it() -> None:
    answer = await Stage(resident(verified=False)).say("我的码", show_codes)
    assert "⚪ 灰码（无法判定）" in answer
    assert "缺身份核实：回复“核实身份”" in answer
    assert "🟢" not in answer


async def test_unknown_risk_is_said_with_the_name_of_the_place() -> None:
    who = resident(codes=("guangdong",))
    who.facts.append(fact("stay", TODAY - timedelta(days=3), division="420102"))
    who.codes["guangdong"].next_change_at = NOON
    risk = RiskMap([RiskEntry("44", date(2020, 1, 1), None, "low", NOON - timedelta(days=60))])
    answer = await Stage(who, risk=risk).say("我的码", show_codes)
    assert ("江岸区的风险等级" in answer) is (who.codes["guangdong"].colour == "grey")


@pytest.mark.parametrize("who", [None, resident(declared_at=None, codes=())])
async def test_without_a_declaration_one_is_offered(who: object) -> None:
    stage = Stage(who)  # type: ignore[arg-type]
    await stage.say("我的码", show_codes)
    assert stage.reply is not None
    assert [choice.value for choice in stage.reply.choices] == ["申报"]


async def test_without_codes_those_of_the_place_are_offered_first() -> None:
    stage = Stage(resident(codes=()))
    answer = await stage.say("我的码", show_codes)
    assert stage.reply is not None
    assert [choice.label for choice in stage.reply.choices][:2] == ["湖北健康码", "武汉健康码"]
    assert len(stage.reply.choices) == 8
    assert "添加 粤康码" in answer
    for choice in stage.reply.choices:
        ctx = stage.hear(choice.value)
        assert adds_code(ctx.message, ctx)


async def test_remote_code_says_who_decides_it() -> None:
    who = resident(codes=("hangzhou",))
    stage = Stage(who)
    remote = tuple(
        replace(each, decided="remotely", rulebook=None) if each.id == "hangzhou" else each
        for each in stage.world.schemes
    )
    stage.world.schemes = Schemes(remote)
    assert "由杭州市决定" in await stage.say("我的码", show_codes)


@pytest.mark.parametrize(
    ("text", "adds"),
    [
        ("加码", True),
        ("添加 粤康码", True),
        ("添加穗康码", True),
        ("加一个杭州码", True),
        ("我要加 Suikang", True),
        ("add Suikang", True),
        ("add code", True),
        ("add a health code", True),
        ("添加 火星码", False),
        ("加油", False),
        ("粤康码", False),
        ("", False),
        ("address 粤康码", False),
    ],
)
def test_asking_for_one_more_code_is_recognised(text: str, adds: bool) -> None:
    ctx = Stage(resident()).hear(text)
    assert adds_code(ctx.message, ctx) is adds


@pytest.mark.parametrize(
    ("text", "removes"),
    [
        ("不用 粤康码", True),
        ("删除穗康码", True),
        ("取消 粤康码", True),
        ("remove Suikang", True),
        ("不用", False),
        ("取消", False),
        ("为什么 粤康码红了", False),
    ],
)
def test_wanting_one_code_less_is_recognised(text: str, removes: bool) -> None:
    ctx = Stage(resident()).hear(text)
    assert removes_code(ctx.message, ctx) is removes


async def test_added_code_is_scored_in_the_same_message() -> None:
    who = resident(codes=())
    stage = Stage(who)
    answer = await stage.say("添加 粤康码", add_code)
    assert "已添加粤康码" in answer
    assert "粤康码：🟢 绿码" in answer
    assert who.codes["guangdong"].colour == "green"
    assert stage.writes("health_codes")
    assert stage.ctx.work.rescored == {who.resident_id}


async def test_added_code_of_a_claimed_resident_stays_grey() -> None:
    who = resident(codes=(), verified=False)
    answer = await Stage(who).say("添加 粤康码", add_code)
    assert who.codes["guangdong"].colour == "grey"
    assert "缺身份核实" in answer


async def test_code_that_is_there_is_not_added_again() -> None:
    stage = Stage(resident())
    assert "您已经有粤康码了" in await stage.say("添加 粤康码", add_code)
    assert stage.ctx.work.writes == []


async def test_adding_needs_a_declaration_first() -> None:
    stage = Stage(None)
    assert "请先申报" in await stage.say("添加 粤康码", add_code)
    assert stage.ctx.work.writes == []


async def test_removed_code_is_gone_and_can_come_back() -> None:
    who = resident()
    stage = Stage(who)
    assert "添加 粤康码" in await stage.say("不用 粤康码", remove_code)
    assert "guangdong" not in who.codes
    await stage.say("添加 粤康码", add_code)
    assert "guangdong" in who.codes


async def test_code_that_is_not_held_needs_no_removing() -> None:
    assert "您现在没有粤康码" in await Stage(resident(codes=())).say("不用 粤康码", remove_code)


async def test_which_code_names_those_of_the_place_the_most_local_first() -> None:
    answer = await Stage(resident(codes=("guangdong",))).say("去广州上班用哪个码", tell_which_code)
    assert "广东省广州市（上班）" in answer
    assert "＋ 穗康码：您还没有" in answer
    assert "✔ 粤康码：您已有，🟢 绿码" in answer
    assert answer.index("穗康码") < answer.index("粤康码") < answer.index("国家防疫健康信息码")
    assert "湖北健康码" not in answer
    assert "社区电子通行证" not in answer


async def test_which_code_for_a_compound_names_the_pass_only() -> None:
    answer = await Stage(resident()).say("进武汉的小区用哪个码", tell_which_code)
    assert "社区电子通行证" in answer
    assert "国家防疫健康信息码" not in answer


async def test_which_code_without_a_place_asks_for_it() -> None:
    assert "您要去哪里" in await Stage(resident()).say("用哪个码", tell_which_code)


async def test_which_code_for_an_ambiguous_place_asks_for_the_full_name() -> None:
    stage = Stage(resident())
    ctx = stage.hear("去朝阳区用哪个码")
    assert ctx.understood.candidates
    assert "省和市" in await stage.say("去朝阳区用哪个码", tell_which_code)


async def test_place_without_a_scheme_gets_an_honest_answer() -> None:
    stage = Stage(resident())
    stage.world.schemes = Schemes(tuple(each for each in stage.world.schemes if each.place))
    assert "还没有接入" in await stage.say("去拉萨用哪个码", tell_which_code)
