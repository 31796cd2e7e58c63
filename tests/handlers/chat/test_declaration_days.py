"""Stays and journeys: whole entries, entries in parts, several at once, what is asked back and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from bot.store.database import Database
from tests.handlers.chat.factory import AGREE, HOME_LINES, PERSON, Phone

START = (*AGREE, "申报", *PERSON, *HOME_LINES)
TRAVEL = (*START, "没有")


@pytest.fixture
def phone(database: Database) -> Phone:
    return Phone(database)


def entries(phone: Phone, step: str) -> list[dict[str, Any]]:
    drafts = phone.ctx.talk.answers["_drafts"][step]
    found: list[dict[str, Any]] = drafts[-1]["entries"]
    return found


@pytest.mark.parametrize("said", ["没有", "1", "没去过", "一直在家", "14天都在家", "没有出过门"])
async def test_who_stayed_at_home_needs_one_word(phone: Phone, said: str) -> None:
    assert "飞机" in await phone.say(*START, said)
    assert phone.ctx.talk.answers["stays"] == []


async def test_stay_is_taken_from_one_sentence(phone: Phone) -> None:
    answer = await phone.say(*START, "2月8日到2月10日 在广州")
    assert "广州市（2月8日到2月10日）" in answer
    assert entries(phone, "stays") == [{"from": "2020-02-08", "to": "2020-02-10", "place": "4401"}]


async def test_several_stays_are_taken_from_one_message(phone: Phone) -> None:
    await phone.say(*START, "2月8日到10日在广州，2月11日到12日在杭州", "没有了")
    assert [each["place"] for each in phone.ctx.talk.answers["stays"]] == ["4401", "3301"]


async def test_ride_in_the_same_sentence_spoils_no_stay(phone: Phone) -> None:
    answer = await phone.say(*START, "2月10日到2月12日在温州，2月14日坐G1234从温州到武汉", "没有了")
    assert [each["place"] for each in phone.ctx.talk.answers["stays"]] == ["3303"]
    assert "飞机" in answer  # the ride is asked for next


async def test_stay_is_asked_for_part_by_part(phone: Phone) -> None:
    assert "什么时候" in await phone.say(*START, "去过")
    assert "哪几天" in await phone.say("广州")
    assert "还有别的地方吗" in await phone.say("2月8日到10日")
    assert "飞机" in await phone.say("没有了")


async def test_days_before_the_place_are_asked_for_it(phone: Phone) -> None:
    assert "您在哪里" in await phone.say(*START, "2月8日到10日")
    assert "广州市" in await phone.say("广州")


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("2月15日开始在广州", "2020-02-15", "2020-02-20"),
        ("2月9日之前在广州", "2020-02-07", "2020-02-09"),
        ("2月9日在广州", "2020-02-09", "2020-02-09"),
        ("昨天在广州", "2020-02-19", "2020-02-19"),
    ],
)
async def test_one_day_is_a_beginning_an_end_or_a_visit(
    phone: Phone, said: str, first: str, last: str
) -> None:
    await phone.say(*START, said)
    assert entries(phone, "stays") == [{"from": first, "to": last, "place": "4401"}]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("2020年3月1日到3月3日在广州", "还没到"),
        ("1月2日到1月5日在广州", "2月7日以后"),
        ("2019年10月1日到2020年2月10日在广州", "以后说起"),
        ("正月初九在广州", "农历"),
        ("哪里都不是的地方", "没认出来"),
    ],
)
async def test_stay_that_cannot_be_right_is_answered_with_why(phone: Phone, said: str, words: str) -> None:
    assert words in await phone.say(*START, said)
    assert "stays" not in phone.ctx.talk.answers


async def test_stay_to_come_is_refused_kindly(phone: Phone) -> None:
    assert "还没到" in await phone.say(*START, "明天到广州")


async def test_ambiguous_place_of_a_stay_is_asked_back(phone: Phone) -> None:
    answer = await phone.say(*START, "2月8日到10日 鼓楼区")
    assert "江苏省南京市鼓楼区" in answer
    await phone.say("1")
    assert entries(phone, "stays")[0]["place"] == "320106"


async def test_province_of_a_stay_is_followed_by_its_cities(phone: Phone) -> None:
    answer = await phone.say(*START, "2月8日到10日 在浙江")
    assert "温州市" in answer
    await phone.say("温州")
    assert entries(phone, "stays")[0]["place"] == "3303"


async def test_nothing_more_does_not_drop_an_entry_that_was_begun(phone: Phone) -> None:
    answer = await phone.say(*START, "2月8日到10日", "没有")
    assert "上一步" in answer
    assert "stays" not in phone.ctx.talk.answers
    assert "以外的地方" in await phone.say("上一步")


async def test_back_takes_back_the_last_stay_only(phone: Phone) -> None:
    await phone.say(*START, "2月8日到10日在广州", "2月11日到12日在杭州", "上一步")
    assert [each["place"] for each in entries(phone, "stays")] == ["4401"]


async def test_same_stay_said_twice_counts_once(phone: Phone) -> None:
    await phone.say(*START, "2月8日到10日在广州", "2月8日到10日在广州")
    assert len(entries(phone, "stays")) == 1


async def test_journey_is_taken_from_one_sentence(phone: Phone) -> None:
    answer = await phone.say(*TRAVEL, "2月15日坐G1234从武汉到广州")
    assert "2月15日 火车 G1234 武汉市→广州市" in answer
    assert entries(phone, "journeys") == [
        {"mode": "train", "day": "2020-02-15", "from": "4201", "to": "4401", "number": "G1234"}
    ]


async def test_journey_is_asked_for_part_by_part(phone: Phone) -> None:
    assert "哪一天" in await phone.say(*TRAVEL, "坐过飞机")
    assert "出发" in await phone.say("昨天")
    assert "到哪里" in await phone.say("武汉")
    assert "航班号" in await phone.say("广州")
    assert "CZ3101" in await phone.say("cz3101")
    await phone.say("没有了")
    assert phone.ctx.talk.answers["journeys"] == [
        {"mode": "flight", "day": "2020-02-19", "from": "4201", "to": "4401", "number": "CZ3101"}
    ]


async def test_forgotten_number_is_accepted(phone: Phone) -> None:
    await phone.say(*TRAVEL, "2月15日坐火车从武汉到广州", "不记得了")
    assert entries(phone, "journeys")[0]["number"] == ""


async def test_car_has_no_number_to_be_asked_for(phone: Phone) -> None:
    answer = await phone.say(*TRAVEL, "2月15日自驾从武汉到黄石")
    assert "自驾" in answer
    assert entries(phone, "journeys")[0] == {
        "mode": "car", "day": "2020-02-15", "from": "4201", "to": "4202", "number": ""
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("2月1日坐G1234从武汉到广州", "2月7日以后"),
        ("明天坐G1234从武汉到广州", "还没到"),
        ("2月15日坐G1234从武汉到武汉", "都是武汉市"),
        ("正月初九坐火车", "农历"),
        ("呱呱呱", "没看明白"),
    ],
)
async def test_journey_that_cannot_be_right_is_answered_with_why(phone: Phone, said: str, words: str) -> None:
    answer = await phone.say(*TRAVEL, said)
    if "农历" in words and "农历" not in answer:
        answer = await phone.say("正月初九")
    assert words in answer
    assert "journeys" not in phone.ctx.talk.answers


async def test_wrong_train_number_says_what_one_looks_like(phone: Phone) -> None:
    answer = await phone.say(*TRAVEL, "2月15日坐火车从武汉到广州", "一二三四")
    assert "字母加数字" in answer


async def test_ambiguous_end_of_a_journey_is_asked_back(phone: Phone) -> None:
    answer = await phone.say(*TRAVEL, "2月15日坐CZ3101从西湖区到武汉")
    assert "浙江省杭州市西湖区" in answer
    assert "CZ3101" in await phone.say("1")
    assert entries(phone, "journeys")[0]["from"] == "330106"


async def test_provinces_of_a_journey_are_asked_down_to_cities(phone: Phone) -> None:
    await phone.say(*TRAVEL, "2月15日坐CZ3101从浙江到湖北", "杭州", "武汉")
    journey = entries(phone, "journeys")[0]
    assert (journey["from"], journey["to"]) == ("3301", "4201")


async def test_codes_of_where_a_journey_went_are_suggested(phone: Phone) -> None:
    lines = (*TRAVEL, "2月15日坐G1234从武汉到广州", "没有了", "没有", "没有", "没有", "没有")
    answer = await phone.say(*lines)
    assert "穗康码" in answer
    assert "杭州健康码" not in answer
