"""The declaration as a conversation: order, several answers at once, back, change, cancel, side questions, resume."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.conversation.forms import Step, Taken
from bot.message import Reply
from bot.store.database import Database
from bot.store.ids import is_receipt
from handlers.chat.declare import FORM
from tests.conversation.world import keys
from tests.handlers.chat.factory import AGREE, CHILD, DAYS, FIRST, HOME_LINES, LI, PERSON, Phone

EVERYTHING = "我叫李小梅，身份证420106199003074527，电话13900000001，住武汉江岸区百步亭社区12号楼301"


@pytest.fixture
def phone(database: Database) -> Phone:
    return Phone(database)


async def test_first_declaration_makes_a_resident_with_codes_and_a_receipt(phone: Phone) -> None:
    answer = await phone.say(*FIRST, "提交")
    receipt = next(word for word in answer.replace("\n", " ").split() if word.startswith("D200220"))
    assert is_receipt(receipt)
    assert await phone.rows("SELECT receipt, revision FROM declarations") == [(receipt, 1)]
    assert await phone.rows("SELECT division, certificate_kind FROM residents") == [("420102", "id_card")]
    assert await phone.rows("SELECT relation FROM account_residents") == [("self",)]
    schemes = {row[0] for row in await phone.rows("SELECT scheme FROM health_codes")}
    assert schemes == {"hubei", "wuhan", "national", "community"}
    assert "武汉健康码：🟢 绿码" in answer


async def test_what_is_personal_is_stored_sealed_and_opens_to_what_was_said(phone: Phone) -> None:
    await phone.say(*FIRST, "提交")
    columns = ("name", "certificate", "phone", "birth", "address")
    row = (await phone.rows(f"SELECT {', '.join(f'{each}_sealed' for each in columns)} FROM residents"))[0]
    opened = {
        column: keys().open(f"residents.{column}", blob) for column, blob in zip(columns, row, strict=True)
    }
    assert opened == {
        "name": LI["name"],
        "certificate": LI["certificate"],
        "phone": LI["phone"],
        "birth": "1990-03-07",
        "address": "百步亭社区 12号楼 301",
    }


async def test_numbers_are_never_shown_in_full(phone: Phone) -> None:
    shown = [await phone.say(line) for line in (*FIRST, "3", "上一步", "提交")]
    for answer in shown:
        assert LI["certificate"] not in answer
        assert LI["phone"] not in answer
    assert any("420106********4527" in answer for answer in shown)
    assert any("139****0001" in answer for answer in shown)


async def test_several_answers_in_one_message_fill_several_slots(phone: Phone) -> None:
    answer = await phone.say(*AGREE, "申报", EVERYTHING)
    assert "以外的地方" in answer
    known = phone.ctx.talk.answers
    assert known["name"] == "李小梅"
    assert known["certificate_number"] == LI["certificate"]
    assert known["phone"] == LI["phone"]
    assert known["division"] == "420102"
    assert "12号楼301" in known["address"]


async def test_symptoms_said_by_the_way_are_not_asked_again(phone: Phone) -> None:
    await phone.say(*AGREE, "申报", *PERSON, *HOME_LINES, *DAYS, "没有接触过，我也没有症状")
    answer = await phone.say("没有")
    assert "慢性病" in answer
    assert phone.ctx.talk.answers["symptoms"] == []


async def test_back_asks_the_question_before_again(phone: Phone) -> None:
    answer = await phone.say(*AGREE, "申报", "王小", "上一步")
    assert "姓名" in answer
    answer = await phone.say(LI["name"])
    assert "哪种证件" in answer
    assert phone.ctx.talk.answers["name"] == LI["name"]


async def test_back_at_the_first_question_says_so(phone: Phone) -> None:
    answer = await phone.say(*AGREE, "申报", "上一步")
    assert "第一题" in answer
    assert "姓名" in answer


async def test_number_at_the_review_changes_just_that_answer(phone: Phone) -> None:
    await phone.say(*FIRST)
    answer = await phone.say("4")
    assert "139****0001" in answer
    answer = await phone.say("13900000009")
    assert "4. 手机：139****0009" in answer
    assert "提交" in answer


@pytest.mark.parametrize("words", ["改 4", "修改第4项", "change 4", "改手机", "修改手机号"])
async def test_change_is_understood_by_number_and_by_name(phone: Phone, words: str) -> None:
    assert "手机号是多少" in await phone.say(*FIRST, words)


async def test_change_of_a_number_that_is_not_there_is_refused_kindly(phone: Phone) -> None:
    assert "第1到第13项" in await phone.say(*FIRST, "改 30")


async def test_giving_up_a_change_keeps_the_answer_and_the_form(phone: Phone) -> None:
    await phone.say(*FIRST)
    before = {name: value for name, value in phone.ctx.talk.answers.items() if not name.startswith("_")}
    answer = await phone.say("4", "取消")
    assert "还是原来的" in answer
    after = {name: value for name, value in phone.ctx.talk.answers.items() if not name.startswith("_")}
    assert after == before


async def test_another_home_asks_again_what_depends_on_it(phone: Phone) -> None:
    await phone.say(*FIRST)
    answer = await phone.say("5", "广州市天河区")
    assert "广东省广州市天河区" in answer
    assert "address" not in phone.ctx.talk.answers
    assert "schemes" not in phone.ctx.talk.answers


async def test_cancel_keeps_nothing_of_what_was_said(phone: Phone) -> None:
    answer = await phone.say(*FIRST[:-1], "取消")
    assert "没有保存" in answer
    assert await phone.rows("SELECT * FROM residents") == []
    assert await phone.rows("SELECT form, step, state_sealed FROM dialogues") == [("", "", None)]


async def test_side_question_is_answered_and_fills_nothing(phone: Phone) -> None:
    await phone.say(*AGREE, "申报", *PERSON)
    answer = await phone.say("为什么问这个？")
    assert "风险等级" in answer
    assert "哪个区县" in answer
    assert "division" not in phone.ctx.talk.answers


@pytest.mark.parametrize("words", ["我的码是什么颜色？", "帮助", "English", "我的码"])
async def test_request_in_the_middle_goes_to_its_own_conversation(phone: Phone, words: str) -> None:
    answer = await phone.say(*AGREE, "申报", words)
    assert "[aside]" in answer
    assert "姓名" in answer
    assert "name" not in phone.ctx.talk.answers


async def test_temperature_in_the_middle_is_not_taken_for_an_answer(phone: Phone) -> None:
    answer = await phone.say(*AGREE, "申报", *PERSON, *HOME_LINES, *DAYS, "36.5")
    assert "[aside]" in answer
    assert "case_contact" not in phone.ctx.talk.answers


async def test_declaring_twice_goes_on_where_it_was(phone: Phone) -> None:
    answer = await phone.say(*AGREE, "申报", LI["name"], "申报")
    assert "接着" in answer
    assert "哪种证件" in answer
    assert phone.ctx.talk.answers["name"] == LI["name"]


async def test_conversation_goes_on_at_the_exact_question_after_a_day(database: Database) -> None:
    phone = Phone(database)
    await phone.say(*AGREE, "申报", *PERSON)
    again = Phone(database, clock=phone.clock)
    again.wait(days=1)
    assert "哪个街道" in await again.say("武汉江岸区")


async def test_return_after_many_days_says_that_the_answers_are_kept(phone: Phone) -> None:
    await phone.say(*AGREE, "申报", *PERSON)
    phone.wait(days=5)
    answer = await phone.say("武汉江岸区")
    assert "都给您留着" in answer
    assert "哪个区县" in answer
    assert phone.ctx.talk.answers["name"] == LI["name"]
    assert "哪个街道" in await phone.say("武汉江岸区")


async def test_request_after_many_days_is_served_before_the_form_goes_on(phone: Phone) -> None:
    await phone.say(*AGREE, "申报", *PERSON)
    phone.wait(days=5)
    answer = await phone.say("36.5")
    assert answer.index("[aside]") < answer.index("都给您留着") < answer.index("哪个区县")


async def test_step_that_no_longer_exists_leads_to_the_next_open_one(database: Database) -> None:
    phone = Phone(database)
    await phone.say(*AGREE, "申报", *PERSON, *HOME_LINES, *DAYS, "没有")
    assert phone.ctx.talk.step == "risk_contact"
    shorter = replace(FORM, steps=tuple(step for step in FORM.steps if step.name != "risk_contact"))
    changed = Phone(database, forms=(shorter,), clock=phone.clock)
    answer = await changed.say("没有")
    assert "已经填的都在" in answer
    assert "不舒服" in answer
    assert "symptoms" not in changed.ctx.talk.answers


def _ask_new(ctx: object, answers: object) -> Reply:
    return Reply.of("新的问题？")


async def test_question_that_the_form_gained_is_asked_before_submitting(database: Database) -> None:
    phone = Phone(database)
    await phone.say(*FIRST)
    new = Step("new", _ask_new, lambda ctx, answers: Taken({"new": ctx.text}), ("new",))
    longer = replace(FORM, steps=(*FORM.steps, new))
    changed = Phone(database, forms=(longer,), clock=phone.clock)
    assert "新的问题" in await changed.say("提交")
    assert await changed.rows("SELECT * FROM declarations") == []
    assert "回执号" in await changed.say("答案", "提交")


async def test_minor_is_asked_less_and_needs_no_phone(phone: Phone) -> None:
    questions = [await phone.say(line) for line in (*AGREE, "申报", CHILD["name"], "1", CHILD["certificate"])]
    assert "也可以不留" in questions[-1]
    answers = [await phone.say(line) for line in (CHILD["phone"], *HOME_LINES, *DAYS, "没有", "没有")]
    assert "健康码" in answers[-1]
    assert not any("慢性病" in answer or "风险地区来的人" in answer for answer in answers)
    assert "回执号" in await phone.say("推荐", "提交")
    assert await phone.rows("SELECT phone_sealed, phone_index FROM residents") == [(None, None)]
    assert phone.ctx.resident is not None
    assert phone.ctx.resident.minor


async def test_english_conversation_runs_to_its_receipt(phone: Phone) -> None:
    lines = ("hello", "3", "agree", "declare", "Li Na", "2", "E12345678", "+44 20 7946 0958", "武汉江岸区")
    await phone.say(
        *lines, "百步亭社区 12号楼 301", "no", "no", "not sure", "no more than that", "I don't remember"
    )
    answer = await phone.say("no", "no", "none", "recommended")
    assert "Name: Li Na" in answer
    assert "E******78" in answer
    assert "Contact with a case: Not sure" in answer
    assert "Receipt D200220" in await phone.say("submit")


async def test_review_fits_into_one_message_with_everything_filled_in(phone: Phone) -> None:
    stays = "，".join(f"2月{day}日 在湖北省恩施土家族苗族自治州" for day in (8, 9, 10, 11, 12))
    await phone.say(*AGREE, "申报", *PERSON, "武汉江岸区", "百步亭社区" * 20 + "12号楼", stays, "没有了")
    for day in (8, 9, 10, 11, 12):
        await phone.say(f"2月{day}日 坐飞机CZ310{day % 10}从恩施土家族苗族自治州到黔西南布依族苗族自治州")
    await phone.say("没有了", "有，2月10日", "有", "2 3 4 5 6 7 8 9 10 11 12 13", "2 3 4 5 6 7")
    answer = await phone.say("全部")
    assert "提交" in answer
    assert len(answer.encode()) <= 2048
