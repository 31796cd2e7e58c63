"""What is said of a report."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.store.snapshot import Resident
from handlers.chat.punch_in import FORM, punch_in
from tests.handlers.chat.stage import SIX, Stage, resident


def _stage(who: Resident | None = None, **more: object) -> Stage:
    return Stage(who or resident(), forms={FORM.name: FORM}, **more)  # type: ignore[arg-type]


def _saved(stage: Stage) -> dict[str, object]:
    (row,) = stage.writes("punch_ins")
    return row.row


async def test_report_names_every_code_and_until_when_it_is_covered() -> None:
    stage = _stage()
    answer = await stage.say("36.5", punch_in)
    for scheme in SIX:
        found = stage.world.schemes.get(scheme)
        assert found is not None
        assert found.name["zh"] in answer
    assert "湖北健康码，到 3月23日 00:00" in answer
    assert "穗康码，到 3月21日 00:00" in answer


async def test_report_can_be_read_in_english() -> None:
    stage = _stage(language="en")
    answer = await stage.say("36.5 no symptoms", punch_in)
    assert "Temperature 36.5 °C; no symptoms." in answer
    assert "Hubei health code, until 23 March 00:00" in answer


async def test_fever_gives_advice_and_each_codes_new_colour_at_once() -> None:
    who = resident()
    stage = _stage(who)
    answer = await stage.say("37.9 咳嗽", punch_in)
    assert "发热门诊" in answer
    assert "口罩" in answer
    assert "湖北健康码：🟢 绿码 → 🔴 红码" in answer
    assert {write.row["scheme"] for write in stage.writes("colour_changes")} >= {"hubei", "wuhan"}
    assert "🔴 湖北健康码，到" in answer


@pytest.mark.parametrize(("text", "advised"), [("37.2", False), ("37.3", True), ("37.4", True)])
async def test_advice_begins_at_37_3_degrees(text: str, advised: bool) -> None:
    assert ("发热门诊" in await _stage().say(text, punch_in)) is advised


async def test_trouble_breathing_is_sent_to_the_emergency_number() -> None:
    assert "请马上打 120" in await _stage().say("36.9 呼吸困难", punch_in)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_longest_answer_fits_into_one_message_of_the_platform(language: str) -> None:
    stage = _stage(resident(codes=(*SIX, "hangzhou")), language=language)
    await stage.say("36.5", punch_in)
    answer = await stage.say("39.9 咳嗽 头疼 乏力 呼吸困难 腹泻", punch_in)
    assert len(answer.encode()) <= 2048


async def test_claimed_resident_is_saved_and_told_how_to_verify() -> None:
    stage = _stage(resident(verified=False))
    answer = await stage.say("36.5", punch_in)
    assert _saved(stage)["temperature_tenths"] == 365
    assert "⚪ 湖北健康码" in answer
    assert "核实身份" in answer
    assert "🟢" not in answer


async def test_resident_without_codes_is_told_how_to_add_one() -> None:
    answer = await _stage(resident(codes=())).say("36.5", punch_in)
    assert "加码" in answer


async def test_report_at_five_past_midnight_says_the_new_day() -> None:
    stage = _stage(at=datetime(2020, 3, 20, 16, 5, tzinfo=UTC))
    answer = await stage.say("36.5", punch_in)
    assert "3月21日" in answer
    assert _saved(stage)["day"] == date(2020, 3, 21)


async def test_days_of_another_year_say_their_year() -> None:
    at = datetime(2020, 12, 31, 4, tzinfo=UTC)
    answer = await _stage(resident(at=at), at=at).say("36.5", punch_in)
    assert "2021年1月1日 00:00" in answer
