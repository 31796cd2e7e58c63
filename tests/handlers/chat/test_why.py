"""The why-card."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.channels.plain_text import render_text
from bot.conversation.words import colour_words
from bot.core.cases import Case
from bot.core.model import Colour, Fact, RiskEntry, RiskMap
from bot.core.rules import RuleBooks
from bot.message import Reply
from bot.services.punch_ins import Report, save
from bot.services.rescore import assess_code, rescore
from bot.services.rulebooks import load_cases
from bot.services.schemes import Schemes
from bot.store.snapshot import PunchIn, Resident
from bot.store.work import Work
from handlers.chat.asked_first import ask_or_take_answer
from handlers.chat.why import LINES, explain, why
from tests.handlers.chat.border import at_the_border, declared, seen_by_phone
from tests.handlers.chat.stage import NOON, ROOT, SIX, TODAY, Stage, fact, report, resident, world


def _feverish(*codes: str, verified: bool = True) -> Resident:
    who = resident(codes=codes or SIX, verified=verified)
    save(world(), Work(now=NOON), who, Report(379), origin="simulator", reported_by=11)
    return who


async def test_card_has_reason_fact_rule_and_what_ends_it() -> None:
    answer = await Stage(_feverish("hubei")).say("为什么", explain)
    assert "湖北健康码：🔴 红码，3月20日 12:00 起" in answer
    assert "原因：您报告了发烧" in answer
    assert "依据：3月20日 症状：发烧 37.9 °C（来自您的打卡）" in answer
    assert "湖北健康码规则 1.0.0 版" in answer
    assert "假定" in answer
    assert "什么时候结束：要先有“已出院或已排除感染”，从那天起再满 14 天；单靠等不会变" in answer
    assert answer.count("什么时候结束") == 1
    assert "改正后会变为 🟢 绿码" in answer


async def test_card_can_be_read_in_english() -> None:
    answer = await Stage(_feverish("hubei"), language="en").say("why", explain)
    assert "Hubei health code: 🔴 red, since 20 March 12:00" in answer
    assert "Based on: 20 March, symptom: fever 37.9 °C (from your daily report)" in answer
    assert "version 1.0.0" in answer


async def test_worst_code_is_explained_and_the_others_get_one_line_each() -> None:
    stage = Stage(_feverish())
    answer = await stage.say("为什么", explain)
    assert stage.reply is not None
    first, others = render_text(Reply((stage.reply.parts[0],))), render_text(Reply((stage.reply.parts[1],)))
    assert first.startswith("湖北健康码：🔴 红码")
    assert "武汉健康码：🔴 红码。" in others
    assert "穗康码：🟢 绿码。没有一条依据符合变色的规则。" in others
    assert len(others.splitlines()) == 5 + 2
    assert answer.count("什么时候结束：") == 1


async def test_named_code_is_explained_alone() -> None:
    stage = Stage(_feverish())
    answer = await stage.say("为什么 粤康码是绿的", explain)
    assert answer.startswith("粤康码：🟢 绿码")
    assert "湖北健康码" not in answer


async def test_code_that_is_not_held_is_not_explained() -> None:
    assert "您还没有粤康码" in await Stage(resident(codes=("hubei",))).say("为什么 粤康码红了", explain)


async def test_hold_is_explained_with_its_arithmetic_and_its_earliest_end() -> None:
    who = resident(codes=("hangzhou",))
    stage = Stage(who)
    await stage.say("为什么", explain)
    who.facts.append(fact("symptom", TODAY - timedelta(days=2), source="punch_in", code="cough"))
    who.punch_ins[TODAY] = report(TODAY)
    rescore(world(), Work(now=NOON), who, cause="test")
    answer = await stage.say("为什么", explain)
    assert "计算：从 3月18日（第 0 天）起 7 天" in answer
    assert "正常打卡连续 2/7 天" in answer or "正常打卡累计 2/7 天" in answer
    assert "最早 3月" in answer
    assert "变为 🟢 绿码" in answer


async def test_wait_for_normal_days_alone_speaks_of_no_other_days() -> None:
    who = resident(codes=("community",))
    save(world(), Work(now=NOON), who, Report(366, ("cough",)), origin="simulator", reported_by=11)
    answer = await Stage(who).say("为什么", explain)
    assert "计算：从 3月20日 之后算；正常打卡连续 0/3 天" in answer


async def test_code_that_rests_on_one_unconfirmed_place_asks_and_says_that_nothing_is_final() -> None:
    stage = at_the_border()
    answer = await stage.say("为什么", explain)
    assert stage.who is not None
    assert stage.who.codes["hangzhou"].state == "pending"
    assert "🟡 黄码（待确认）" in answer
    assert "可能的原因：您到过当时的高风险地区" in answer
    assert "3月19日 停留 湖北省黄冈市黄梅县（来自通信运营商）" in answer
    assert "还没有定论" in answer
    assert "最晚到 4月4日 00:00，这条依据就不再算数" in answer
    assert "计算：" not in answer
    assert stage.reply is not None
    assert [choice.label for choice in stage.reply.choices] == ["去过", "没去过", "记不清了"]


async def test_answered_question_is_not_asked_again_but_can_be_changed() -> None:
    stage = at_the_border()
    await stage.say("为什么", explain)
    await stage.say("2", ask_or_take_answer)
    answer = await stage.say("为什么", explain)
    assert "您回答过“没去过”" in answer
    assert "请社区的人证实您当时在哪里" in answer
    assert stage.reply is not None
    assert [choice.value for choice in stage.reply.choices] == ["回答", "打卡"]


async def test_green_code_says_that_no_rule_is_met_and_what_keeps_it() -> None:
    answer = await Stage(resident(codes=("hubei",))).say("为什么", explain)
    assert "没有一条符合变黄或变红的规则" in answer
    assert "打卡（现在有效到 3月22日 00:00）" in answer
    assert "申诉" not in answer


async def test_grey_code_says_what_is_missing_and_how_to_give_it() -> None:
    answer = await Stage(resident(codes=("hubei",), verified=False)).say("为什么", explain)
    assert "⚪ 灰码（无法判定）" in answer
    assert "缺身份核实：回复“核实身份”" in answer
    assert "重新判定" in answer
    assert "1. 核实身份" in answer


async def test_remote_code_sends_the_question_to_whoever_decides_it() -> None:
    stage = Stage(resident(codes=("hangzhou",)))
    remote = tuple(replace(each, decided="remotely", rulebook=None) for each in stage.world.schemes)
    stage.world.schemes = Schemes(remote)
    assert "由杭州市决定" in await stage.say("为什么", explain)


async def test_confirmed_rule_book_is_not_called_an_illustration() -> None:
    stage = Stage(resident(codes=("hubei",)))
    stage.world.confirmed_rulebooks = frozenset({"hubei/1.0.0"})
    answer = await stage.say("为什么", explain)
    assert "已由主管部门确认" in answer
    assert "假定" not in answer


async def test_confirming_another_version_confirms_nothing() -> None:
    stage = Stage(resident(codes=("hubei",)))
    stage.world.confirmed_rulebooks = frozenset({"hubei", "hubei/0.9.0", "wuhan/1.0.0"})
    assert "假定" in await stage.say("为什么", explain)


@pytest.mark.parametrize("who", [None, resident(declared_at=None, codes=())])
async def test_without_a_declaration_one_is_offered(who: Resident | None) -> None:
    stage = Stage(who)
    await stage.say("为什么", explain)
    assert stage.reply is not None
    assert [choice.value for choice in stage.reply.choices] == ["申报"]


async def test_without_codes_there_is_nothing_to_explain() -> None:
    assert "加码" in await Stage(resident(codes=())).say("为什么", explain)


def _cases() -> list[tuple[str, str, Case]]:
    """Every case of every shipped rule book, with the rule book and a scheme that it judges."""
    made, folder = world(), ROOT / "config" / "rulebooks"
    schemes = {scheme.rulebook: scheme.id for scheme in reversed(list(made.schemes))}
    return [
        (f"{book.scheme} {book.version}", schemes[book.scheme], case)
        for book in made.rulebooks
        if book.scheme in schemes
        for _, case in load_cases(folder, book)
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_shipped_case_fits_twelve_lines_and_names_its_rules(language: str) -> None:
    shown: set[tuple[str, str]] = set()
    for book, scheme, case in _cases():
        stage, text = _explained(scheme, case, language)
        lines = [line for line in text.splitlines() if line]
        assert len(lines) <= LINES, lines
        assert len(text.encode()) <= 2048
        assert all(line.strip() for line in lines)
        assert stage.who is not None
        code = stage.who.codes[scheme]
        assert colour_words(stage.ctx, code.colour, code.state) in lines[0]
        assert stage.reply is not None
        assert len(stage.reply.choices) <= 3
        seen = assess_code(stage.world, stage.who.person(), scheme, case.at)
        if seen.colour != Colour.GREEN and not seen.missing and seen.decisive is not None:
            assert seen.decisive.text[language] in text
        shown |= {(book, one.rule_id) for one in seen.findings if one.text[language] in text}
    assert _never_shown(shown) == []


def _explained(scheme: str, case: Case, language: str) -> tuple[Stage, str]:
    who = _of_case(scheme, case)
    stage = Stage(who, at=case.at, language=language, risk=case.risk)
    rescore(stage.world, Work(now=case.at), who, cause="test")
    stage.reply = Reply(why(stage.hear("为什么"), who, who.codes[scheme]))
    return stage, render_text(stage.reply)


def _never_shown(shown: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rules that change a colour and that no case's card has named."""
    judged = {scheme.rulebook for scheme in world().schemes}
    return [
        (f"{book.scheme} {book.version}", rule.id)
        for book in world().rulebooks
        if book.scheme in judged
        for rule in book.rules
        if rule.id in book.by_id
        and any(rule in rules for rules in book.by_kind.values())
        and (f"{book.scheme} {book.version}", rule.id) not in shown
    ]


_LONGEST_PLACE = "652871"  # 新疆维吾尔自治区巴音郭楞蒙古自治州库尔勒经济技术开发区
_LONG_NAME = {
    "zh": "某某省某某市疫情防控与复工复产电子健康通行码",
    "en": "Epidemic control and return to work pass of Somewhere",
}
_LONG_TEXT = {"zh": "一" * 80, "en": "a word and " * 16}
_SOMEWHERE: dict[str, list[Fact]] = {
    "green": [],
    "yellow": [
        fact("symptom", TODAY - timedelta(days=2), source="punch_in", code="cough"),
        fact("contact", TODAY - timedelta(days=2), division=_LONGEST_PLACE, degree=2, certainty="unsure"),
        fact("shared_building", TODAY - timedelta(days=3), division=_LONGEST_PLACE, scope="unit"),
    ],
    "red": [
        fact("stay", TODAY - timedelta(days=2), division=_LONGEST_PLACE),
        fact("contact", TODAY - timedelta(days=2), division=_LONGEST_PLACE, degree=1, certainty="sure"),
        fact("symptom", TODAY - timedelta(days=2), source="punch_in", code="cough"),
    ],
    "waiting": [
        fact("diagnosis", TODAY - timedelta(days=3), source="hospital", status="asymptomatic"),
        fact("measure", TODAY - timedelta(days=3), division=_LONGEST_PLACE, measure="centralised"),
        fact("contact", TODAY - timedelta(days=2), division=_LONGEST_PLACE, degree=1, certainty="sure"),
    ],
    "override": [
        replace(
            fact("override", TODAY, colour="red", reason_code="r", issuer="某" * 64, second_person="x"),
            end=TODAY + timedelta(days=3),
        )
    ],
    "pending": [declared("620102", TODAY - timedelta(days=5)), seen_by_phone(_LONGEST_PLACE)],
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("state", [*_SOMEWHERE, "answered", "missing"])
async def test_card_with_the_longest_names_fits_lines_and_bytes(language: str, state: str) -> None:
    stage = _with_long_names(state, language)
    if state == "answered":
        await stage.say("why", explain)
        await stage.say("3", ask_or_take_answer)
    text = await stage.say("why", explain)
    lines = [line for line in text.splitlines() if line]
    assert len(lines) <= LINES, lines
    assert len(text.encode()) <= 2048
    assert _LONG_NAME[language] in text
    assert stage.reply is not None
    assert 1 <= len(stage.reply.choices) <= 3


def _with_long_names(state: str, language: str) -> Stage:
    """Scheme, places and rules with names as long as they come, and every level of risk high."""
    who = resident(codes=("hangzhou",), verified=state != "missing")
    who.facts = list(_SOMEWHERE.get("pending" if state == "answered" else state, []))
    risk = RiskMap([RiskEntry("65", date(2020, 1, 1), None, "high", NOON - timedelta(days=60))])
    stage = Stage(who, language=language, risk=risk)
    schemes = [replace(one, name=_LONG_NAME) if one.id == "hangzhou" else one for one in stage.world.schemes]
    stage.world.schemes = Schemes(tuple(schemes))
    stage.world.rulebooks = RuleBooks(
        replace(book, rules=tuple(replace(rule, text=_LONG_TEXT) for rule in book.rules))
        for book in stage.world.rulebooks
    )
    rescore(stage.world, Work(now=NOON), who, cause="test")
    return stage


def _of_case(scheme: str, case: Case) -> Resident:
    person = case.person
    who = resident(codes=(scheme,), at=case.at, last_punch_in=None)
    who.identity, who.division, who.zone, who.minor = person.identity, person.home, person.zone, person.minor
    who.declared_at = who.declared_at if person.declared else None
    who.facts = list(person.facts)
    who.punch_ins = {
        one.day: PunchIn(number, one.day, 1, "", 366, () if one.normal else ("cough",), False, one.normal)
        for number, one in enumerate(person.punch_in_days, start=1)
    }
    who.last_punch_in = max(who.punch_ins, default=None)
    return who
