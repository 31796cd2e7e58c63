"""Declaring again and changing: history stays, facts follow what is stated, identity follows the person."""

from __future__ import annotations

from typing import Any

import pytest

from bot.store.database import Database
from tests.conversation.world import keys
from tests.handlers.chat.factory import AGREE, FIRST, HEALTH, HOME_LINES, PERSON, Phone

WITH_STAY = (
    *AGREE,
    "申报",
    *PERSON,
    *HOME_LINES,
    "2月9日到11日在广州",
    "没有了",
    "没有",
    *HEALTH,
    "推荐",
    "提交",
)


@pytest.fixture
def phone(database: Database) -> Phone:
    return Phone(database)


async def standing(phone: Phone) -> list[tuple[Any, ...]]:
    rows = await phone.rows(
        "SELECT kind, start_day, end_day, division FROM facts WHERE withdrawn_at IS NULL ORDER BY start_day, kind"
    )
    return [(kind, str(start), str(end) if end else None, division) for kind, start, end, division in rows]


async def test_declaring_again_asks_only_what_may_have_changed(phone: Phone) -> None:
    await phone.say(*FIRST, "提交")
    phone.wait(days=1)
    answer = await phone.say("申报")
    assert "以外的地方" in answer
    answer = await phone.say("没有", "没有", "没有", "没有", "没有", "推荐")
    assert "420106********4527" in answer


async def test_second_declaration_is_another_revision_beside_the_first(phone: Phone) -> None:
    await phone.say(*FIRST, "提交", "申报", "没有", "没有", "没有", "没有", "咳嗽", "推荐", "提交")
    rows = await phone.rows("SELECT revision, answers_sealed FROM declarations ORDER BY revision")
    symptoms = [keys().open_json("declarations.answers", row[1])["symptoms"] for row in rows]
    assert [row[0] for row in rows] == [1, 2]
    assert symptoms == [[], ["cough"]]
    assert len(await phone.rows("SELECT * FROM residents")) == 1


async def test_same_statements_again_keep_their_facts_untouched(phone: Phone) -> None:
    await phone.say(*WITH_STAY)
    before = await phone.rows("SELECT id, withdrawn_at FROM facts ORDER BY id")
    await phone.say("申报", "2月9日到11日在广州", "没有了", "没有", "没有", "没有", "没有", "推荐", "提交")
    assert await phone.rows("SELECT id, withdrawn_at FROM facts ORDER BY id") == before


async def test_stay_that_is_no_longer_stated_is_withdrawn_with_the_reason(phone: Phone) -> None:
    await phone.say(*WITH_STAY)
    await phone.say("申报", "没有", "没有", "没有", "没有", "没有", "推荐", "提交")
    gone = await phone.rows("SELECT DISTINCT withdrawn_why FROM facts WHERE withdrawn_at IS NOT NULL")
    assert gone == [("declared_again",)]
    assert await standing(phone) == [("stay", "2020-02-07", "2020-02-20", "420102")]


async def test_days_before_the_window_stay_as_they_were_declared(phone: Phone) -> None:
    await phone.say(*WITH_STAY)
    phone.wait(days=3)
    await phone.say("申报", "没有", "没有", "没有", "没有", "没有", "推荐", "提交")
    assert await standing(phone) == [
        ("stay", "2020-02-07", "2020-02-08", "420102"),
        ("stay", "2020-02-09", "2020-02-09", "4401"),
        ("stay", "2020-02-10", "2020-02-23", "420102"),
    ]


async def test_living_on_at_home_is_one_longer_stay(phone: Phone) -> None:
    await phone.say(*FIRST, "提交")
    phone.wait(days=2)
    await phone.say("申报", "没有", "没有", "没有", "没有", "没有", "推荐", "提交")
    assert await standing(phone) == [("stay", "2020-02-07", "2020-02-22", "420102")]


async def test_symptom_of_an_earlier_day_is_not_undone_by_being_well_today(phone: Phone) -> None:
    await phone.say(*FIRST[:-3], "咳嗽", "没有", "推荐", "提交")
    phone.wait(days=1)
    await phone.say("申报", "没有", "没有", "没有", "没有", "没有", "推荐", "提交")
    assert ("symptom", "2020-02-20", None, None) in await standing(phone)


async def test_wrong_symptom_is_put_right_by_changing_it(phone: Phone) -> None:
    await phone.say(*FIRST[:-3], "咳嗽", "没有", "推荐", "提交")
    phone.wait(days=1)
    answer = await phone.say("修改症状", "没有", "提交")
    assert "改好了" in answer
    assert not any(kind == "symptom" for kind, *_ in await standing(phone))


async def test_change_shows_the_earlier_answer_and_leaves_the_rest(phone: Phone) -> None:
    await phone.say(*WITH_STAY)
    answer = await phone.say("修改地址")
    assert "百步亭社区 12号楼 301" in answer
    answer = await phone.say("花桥社区 3号楼 201")
    assert "广州市（2月9日到2月11日）" in answer
    await phone.say("提交")
    rows = await phone.rows("SELECT address_sealed FROM residents")
    assert keys().open("residents.address", rows[0][0]) == "花桥社区 3号楼 201"
    assert ("stay", "2020-02-09", "2020-02-11", "4401") in await standing(phone)


async def test_change_without_a_name_begins_at_the_review(phone: Phone) -> None:
    answer = await phone.say(*FIRST, "提交", "修改申报")
    assert "请您核对" in answer


@pytest.mark.parametrize("words", ["搬家了", "改住址", "我要修改地区"])
async def test_moving_house_is_a_change_of_the_home(phone: Phone, words: str) -> None:
    assert "哪个区县" in await phone.say(*FIRST, "提交", words)


async def test_nobody_can_change_what_was_never_declared(phone: Phone) -> None:
    answer = await phone.say(*AGREE, "修改地址")
    assert "姓名" in answer or "[aside]" in answer
    assert await phone.rows("SELECT * FROM residents") == []


async def test_change_that_is_given_up_leaves_the_declaration_alone(phone: Phone) -> None:
    await phone.say(*FIRST, "提交", "修改手机", "取消", "取消")
    assert await phone.rows("SELECT revision FROM declarations") == [(1,)]


async def test_contact_without_a_day_is_not_renewed_by_stating_it_again(phone: Phone) -> None:
    await phone.say(*AGREE, "申报", *PERSON, *HOME_LINES, "没有", "没有", "不确定", "不记得")
    await phone.say("没有", "没有", "没有", "推荐", "提交")
    phone.wait(days=1)
    await phone.say("申报", "没有", "没有", "不确定", "不记得", "没有", "没有", "推荐", "提交")
    contacts = await phone.rows("SELECT start_day, withdrawn_at FROM facts WHERE kind = 'contact'")
    assert [(str(start), gone) for start, gone in contacts] == [("2020-02-20", None)]


async def test_meeting_people_from_risk_areas_is_kept_without_a_fact(phone: Phone) -> None:
    answer = await phone.say(*AGREE, "申报", *PERSON, *HOME_LINES, "没有", "没有", "没有", "有")
    answer = await phone.say("没有", "没有", "推荐", "提交")
    assert "🟢" in answer
    assert not any(kind == "contact" for kind, *_ in await standing(phone))


async def test_fever_gives_advice_and_colours_at_once(phone: Phone) -> None:
    answer = await phone.say(*FIRST[:-3], "发烧", "没有", "推荐", "提交")
    assert "发热门诊" in answer
    assert "🔴 红码" in answer


async def test_building_is_found_again_however_it_is_written(database: Database) -> None:
    first, second = Phone(database), Phone(database, user="neighbour")
    await first.say(*FIRST, "提交")
    lines = [line.replace("百步亭社区 12号楼 301", "百步亭社区１２号楼-502室") for line in FIRST]
    lines = [line.replace("420106199003074527", "420106199503071111") for line in lines]
    await second.say(*lines, "提交")
    rows = await first.rows("SELECT DISTINCT building_index FROM residents")
    assert len(rows) == 1
