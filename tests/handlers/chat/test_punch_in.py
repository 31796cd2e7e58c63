"""The daily report in one message."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.store.snapshot import Resident
from handlers.chat.punch_in import FORM, punch_in, reports
from tests.handlers.chat.stage import NOON, TODAY, Stage, report, resident


def _stage(who: Resident | None = None, **more: object) -> Stage:
    return Stage(who or resident(), forms={FORM.name: FORM}, **more)  # type: ignore[arg-type]


def _saved(stage: Stage) -> dict[str, object]:
    (row,) = stage.writes("punch_ins")
    return row.row


@pytest.mark.parametrize(
    ("text", "tenths", "symptoms", "said"),
    [
        ("36.5", 365, "", "没有提到不舒服"),
        ("体温36度8 没有症状", 368, "", "没有症状"),
        ("37.9 咳嗽", 379, "cough", "咳嗽"),
        ("三十六度五，一切正常", 365, "", "没有症状"),
        ("打卡 36.6", 366, "", "没有提到不舒服"),
    ],
)
async def test_every_way_to_report_in_one_message_is_saved_and_read_back(
    text: str, tenths: int, symptoms: str, said: str
) -> None:
    stage = _stage()
    answer = await stage.say(text, punch_in)
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"], row["day"]) == (tenths, symptoms, TODAY)
    assert f"{tenths // 10}.{tenths % 10} °C" in answer
    assert said in answer
    assert "3月20日" in answer
    assert str(row["receipt"]) in answer
    assert stage.talk.form == ""


async def test_plain_report_offers_nothing_so_that_no_dialogue_is_written() -> None:
    stage = _stage()
    await stage.say("36.5", punch_in)
    assert stage.talk.plain() == {}


async def test_bare_punch_in_asks_both_in_one_question_and_saves_nothing() -> None:
    stage = _stage()
    answer = await stage.say("打卡", punch_in)
    assert "体温" in answer
    assert "不舒服" in answer
    assert stage.ctx.work.writes == []
    answer = await stage.say("36.5 没有症状")
    assert _saved(stage)["temperature_tenths"] == 365
    assert "没有症状" in answer
    assert stage.talk.form == ""


async def test_bare_temperature_completes_the_question_about_both() -> None:
    stage = _stage()
    await stage.say("打卡", punch_in)
    answer = await stage.say("36.7")
    assert _saved(stage)["temperature_tenths"] == 367
    assert "没有提到不舒服" in answer


async def test_symptom_alone_asks_for_the_temperature_only() -> None:
    stage = _stage()
    answer = await stage.say("咳嗽", punch_in)
    assert "咳嗽" in answer
    assert "体温多少" in answer
    assert stage.ctx.work.writes == []
    await stage.say("37.1")
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"], row["normal"]) == (371, "cough", False)


@pytest.mark.parametrize("words", ["没量体温", "没有体温计", "1"])
async def test_not_measured_is_an_honest_answer(words: str) -> None:
    stage = _stage()
    await stage.say("咳嗽", punch_in)
    answer = await stage.say(words)
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"]) == (None, "cough")
    assert "没量体温" in answer


async def test_not_measured_without_a_word_on_symptoms_asks_for_them() -> None:
    stage = _stage()
    answer = await stage.say("没量体温", punch_in)
    assert stage.ctx.work.writes == []
    assert "有没有不舒服" in answer
    await stage.say("没有不舒服")
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"], row["normal"]) == (None, "", True)


@pytest.mark.parametrize(("text", "read"), [("体温 50", "50.0"), ("33.9", "33.9"), ("43.1度", "43.1")])
async def test_implausible_temperature_asks_again_and_saves_nothing(text: str, read: str) -> None:
    stage = _stage()
    answer = await stage.say(text, punch_in)
    assert read in answer
    assert "34.0" in answer
    assert stage.ctx.work.writes == []
    assert await stage.say("98.6")
    assert stage.ctx.work.writes == []
    await stage.say("36.6")
    assert _saved(stage)["temperature_tenths"] == 366


@pytest.mark.parametrize(("text", "tenths"), [("34.0", 340), ("43.0 头疼", 430)])
async def test_edges_of_the_plausible_range_are_saved(text: str, tenths: int) -> None:
    stage = _stage()
    await stage.say(text, punch_in)
    assert _saved(stage)["temperature_tenths"] == tenths


async def test_second_punch_in_on_one_day_counts_once_and_says_so() -> None:
    who = resident()
    stage = _stage(who)
    first = await stage.say("36.5", punch_in)
    receipt = who.punch_ins[TODAY].receipt
    again = await stage.say("36.8 没有症状", punch_in)
    assert _saved(stage)["revision"] == 2
    assert "更新（第 2 版），只算一次" in again
    assert receipt in first
    assert receipt in again
    assert [each.day for each in who.person().punch_in_days].count(TODAY) == 1


async def test_later_message_adds_to_what_was_said_earlier_that_day() -> None:
    stage = _stage()
    await stage.say("36.8", punch_in)
    answer = await stage.say("咳嗽", punch_in)
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"]) == (368, "cough")
    assert "今天早些时候报的" in answer
    await stage.say("37.0 头疼", punch_in)
    assert _saved(stage)["symptoms"] == "cough,headache"


async def test_symptom_that_is_over_is_taken_back() -> None:
    who = resident()
    stage = _stage(who)
    await stage.say("36.8 咳嗽", punch_in)
    answer = await stage.say("不咳嗽了", punch_in)
    assert _saved(stage)["symptoms"] == ""
    assert who.facts == []
    assert "没有提到不舒服" in answer


async def test_no_symptoms_replaces_all_that_was_said_earlier() -> None:
    who = resident()
    stage = _stage(who)
    await stage.say("37.9 咳嗽", punch_in)
    await stage.say("刚才量错了，36.6 没有症状", punch_in)
    assert who.facts == []
    assert who.codes["hubei"].colour == "green"


@pytest.mark.parametrize("later", ["36.6", "36.6 没有症状", "36.5 不发烧了"])
async def test_lower_reading_later_that_day_takes_no_fever_back(later: str) -> None:
    who = resident()
    stage = _stage(who)
    await stage.say("37.9", punch_in)
    answer = await stage.say(later, punch_in)
    assert who.codes["hubei"].colour == "red"
    assert [fact.details for fact in who.facts] == [{"code": "fever", "temperature_tenths": 379}]
    assert not who.punch_ins[TODAY].normal
    assert "先按发热算" in answer


async def test_punch_in_after_todays_report_shows_it_and_saves_nothing() -> None:
    who = resident()
    stage = _stage(who)
    await stage.say("36.5", punch_in)
    for text in ("打卡", "没变化"):
        answer = await stage.say(text, punch_in)
        assert "已经打过卡" in answer
        assert who.punch_ins[TODAY].receipt in answer
        assert stage.ctx.work.writes == []


async def test_no_change_makes_up_no_temperature() -> None:
    stage = _stage()
    answer = await stage.say("没变化", punch_in)
    row = _saved(stage)
    assert (row["temperature_tenths"], row["no_change"], row["normal"]) == (None, True, True)
    assert "与上次相比没有变化，今天没量体温" in answer


async def test_no_change_carries_the_symptoms_of_the_last_report_on() -> None:
    who = resident(last_punch_in=None)
    who.punch_ins[date(2020, 3, 19)] = report(date(2020, 3, 19), 385, "cough")
    stage = _stage(who)
    answer = await stage.say("没变化", punch_in)
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"], row["normal"]) == (None, "fever,cough", False)
    assert "上次报的症状还在：发烧、咳嗽" in answer


@pytest.mark.parametrize("last", [None, date(2020, 3, 16)])
async def test_no_change_without_a_recent_report_asks_for_everything(last: date | None) -> None:
    stage = _stage(resident(last_punch_in=last))
    answer = await stage.say("没变化", punch_in)
    assert "没有完整的打卡" in answer
    assert "体温多少" in answer
    assert stage.ctx.work.writes == []


async def test_no_change_answers_the_question_after_punch_in() -> None:
    stage = _stage()
    assert "没变化" in await stage.say("打卡", punch_in)
    await stage.say("1")
    assert _saved(stage)["no_change"] is True


async def test_measured_temperature_with_no_change_is_a_full_report() -> None:
    who = resident(last_punch_in=None)
    who.punch_ins[date(2020, 3, 19)] = report(date(2020, 3, 19), 366, "cough")
    stage = _stage(who)
    await stage.say("36.5 没变化", punch_in)
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"], row["no_change"]) == (365, "cough", False)


async def test_no_change_later_that_day_brings_no_symptom_of_yesterday_back() -> None:
    who = resident(last_punch_in=None)
    who.punch_ins[date(2020, 3, 19)] = report(date(2020, 3, 19), 366, "cough")
    stage = _stage(who)
    await stage.say("36.5 没有症状", punch_in)
    await stage.say("36.7 没变化", punch_in)
    assert _saved(stage)["symptoms"] == ""


@pytest.mark.parametrize(
    ("answer", "symptoms"), [("有", "cough"), ("1", "cough"), ("没有", ""), ("2", ""), ("不咳嗽", "")]
)
async def test_symptom_that_can_be_read_both_ways_is_asked(answer: str, symptoms: str) -> None:
    stage = _stage()
    asked = await stage.say("36.8 没有发烧，咳嗽", punch_in)
    assert stage.ctx.work.writes == []
    assert "咳嗽，现在有吗" in asked
    await stage.say(answer)
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"]) == (368, symptoms)


async def test_unclear_symptom_without_a_temperature_asks_for_one_thing_after_the_other() -> None:
    stage = _stage()
    assert "体温多少" in await stage.say("没有发烧，咳嗽", punch_in)
    assert "现在有吗" in await stage.say("37.0")
    await stage.say("有")
    assert (_saved(stage)["temperature_tenths"], _saved(stage)["symptoms"]) == (370, "cough")


async def test_several_symptoms_can_follow_the_question_about_the_temperature() -> None:
    stage = _stage()
    await stage.say("咳嗽", punch_in)
    assert "咳嗽、头疼" in await stage.say("还有头疼")
    await stage.say("37.0")
    assert _saved(stage)["symptoms"] == "cough,headache"


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(max_size=30),
        st.lists(
            st.sampled_from(
                [
                    "36.5",
                    "37度9",
                    "三十六度五",
                    "咳嗽",
                    "不",
                    "没有症状",
                    "没变化",
                    "没量",
                    "我妈",
                    "50度",
                    " ",
                    "，",
                ]
            ),
            max_size=6,
        ).map("".join),
    )
)
def test_whatever_is_said_only_a_temperature_that_was_said_is_saved(text: str) -> None:
    async def check() -> None:
        stage = Stage(resident(codes=("hubei",)), forms={FORM.name: FORM})
        ctx = stage.hear(text)
        if not reports(ctx.message, ctx):
            return
        await stage.say(text, punch_in)
        for write in stage.writes("punch_ins"):
            assert write.row["temperature_tenths"] in (None, stage.ctx.understood.temperature_tenths)
            assert not stage.ctx.understood.members

    asyncio.run(check())


async def test_report_for_somebody_else_saves_nothing_and_asks_whose_it_is() -> None:
    stage = _stage()
    answer = await stage.say("我妈 37.9 咳嗽", punch_in)
    assert stage.ctx.work.writes == []
    assert "妈妈" in answer
    assert stage.reply is not None
    mine, theirs = stage.reply.choices
    assert mine.value == "37.9 咳嗽"
    stage.hear(theirs.value)
    assert stage.ctx.understood.intent == "household"


async def test_report_that_turns_out_to_be_ones_own_is_saved_as_understood() -> None:
    stage = _stage()
    await stage.say("我妈 37.9 咳嗽", punch_in)
    await stage.say("1", punch_in)
    row = _saved(stage)
    assert (row["temperature_tenths"], row["symptoms"]) == (379, "cough")


async def test_other_intents_are_no_report() -> None:
    stage = _stage()
    for text in ("我的码", "为什么", "你好"):
        ctx = stage.hear(text)
        assert not reports(ctx.message, ctx)
    ctx = stage.hear("36.5")
    assert reports(ctx.message, ctx)
    assert stage.at == NOON
