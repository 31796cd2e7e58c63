"""The why-card."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.channels.plain_text import render_text
from bot.core.cases import Case
from bot.core.facts import KINDS, FactKind
from bot.core.model import Detail, RiskEntry, RiskMap
from bot.message import Reply
from bot.services.punch_ins import Report, save
from bot.services.rescore import rescore
from bot.services.rulebooks import load_cases
from bot.services.schemes import Schemes
from bot.store.snapshot import PunchIn, Resident
from bot.store.work import Work
from handlers.chat.codes import colour_words
from handlers.chat.why import LINES, card, explain, fact_words
from tests.conversation.world import texts
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
    assert "什么时候结束：有了“已出院或已排除感染”" in answer
    assert "更正后会变为 🟢 绿码" in answer


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
    assert answer.count("计算：") == 1


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


async def test_code_that_rests_on_one_unconfirmed_place_says_that_nothing_is_final() -> None:
    stage = Stage(
        resident(codes=("hangzhou",)),
        risk=RiskMap([RiskEntry("42", date(2020, 1, 1), None, "high", NOON - timedelta(days=60))]),
    )
    assert stage.who is not None
    seen = fact("stay", TODAY - timedelta(days=1), source="telecom", division="421127", bordering=True)
    stage.who.facts.append(seen)
    rescore(stage.world, Work(now=NOON), stage.who, cause="test")
    answer = await stage.say("为什么", explain)
    assert stage.who.codes["hangzhou"].state == "pending"
    assert "🟡 黄码（待确认）" in answer
    assert "通信运营商" in answer
    assert "还在核实" in answer


async def test_green_code_says_that_no_rule_is_met_and_what_keeps_it() -> None:
    answer = await Stage(resident(codes=("hubei",))).say("为什么", explain)
    assert "没有一条符合变黄或变红的规则" in answer
    assert "每天打一次卡，现在有效到 3月22日 00:00" in answer
    assert "申诉" not in answer


async def test_grey_code_says_what_is_missing_and_how_to_give_it() -> None:
    answer = await Stage(resident(codes=("hubei",), verified=False)).say("为什么", explain)
    assert "⚪ 灰码（无法判定）" in answer
    assert "缺身份核实：回复“核实身份”" in answer
    assert "重新判定" in answer


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


def _cases() -> list[tuple[str, Case]]:
    folder = ROOT / "config" / "rulebooks"
    return [(book.scheme, case) for book in world().rulebooks for _, case in load_cases(folder, book)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_card_has_at_most_twelve_lines_in_every_case_that_ships(language: str) -> None:
    shown = 0
    for scheme, case in _cases():
        who = _of_case(scheme, case)
        stage = Stage(who, at=case.at, language=language, risk=case.risk)
        rescore(stage.world, Work(now=case.at), who, cause="test")
        code = who.codes[scheme]
        made = card(stage.hear("为什么"), who, code)
        lines = render_text(Reply((made,))).splitlines()
        assert len(lines) <= LINES, lines
        assert all(line.strip() for line in lines)
        assert colour_words(stage.ctx, code.colour, code.state) in lines[0]
        shown += 1
    assert shown > 100


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


_EXAMPLES: dict[str, dict[str, Detail]] = {
    FactKind.JOURNEY: {"mode": "train", "number": "G1234"},
    FactKind.CONTACT: {"degree": 1},
    FactKind.SHARED_BUILDING: {"scope": "unit"},
    FactKind.SYMPTOM: {"code": "fever", "temperature_tenths": 385},
    FactKind.TEST: {"result": "negative"},
    FactKind.DIAGNOSIS: {"status": "suspected"},
    FactKind.MEASURE: {"measure": "home"},
    FactKind.MEASURE_LIFTED: {"reason": "completed"},
    FactKind.OTHER_PLACE_COLOUR: {"colour": "red"},
    FactKind.ANSWER: {"about": 1, "answer": "no"},
    FactKind.OVERRIDE: {"colour": "green", "reason_code": "r", "issuer": "街道办", "second_person": "x"},
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_fact_has_words_in_every_language(kind: str, language: str) -> None:
    one = fact(kind, TODAY, source="worker", division="420102", **_EXAMPLES.get(kind, {}))
    said = fact_words(Stage(resident(), language=language).hear("为什么"), one)
    assert "武汉市江岸区" in said
    assert ("依据" if language == "zh" else "Based on") in said


def test_every_word_of_every_detail_has_a_text() -> None:
    missing = [
        f"{name}_{choice}"
        for kind in KINDS.values()
        for name, field in kind.fields.items()
        for choice in field.choices
        if name in {"scope", "result", "status", "measure", "reason", "answer", "mode"}
        and not texts().has(f"why.{name}_{choice}")
    ]
    assert missing == []


async def test_fact_of_an_unknown_source_is_shown_with_its_name() -> None:
    one = fact("stay", TODAY, source="harbour", division="4201")
    assert "（来自harbour）" in fact_words(Stage(resident()).hear("为什么"), one)
