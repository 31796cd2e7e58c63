"""Times of the day as people say them, and the same minute back from every way of saying it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.times import read_hours, read_times

_DIGITS = "零一二三四五六七八九"
minutes = st.integers(0, 24 * 60 - 1)


def spoken(value: int) -> str:
    """A number below 60 as it is said."""
    tens, ones = divmod(value, 10)
    if not tens:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def part_of(hour: int) -> str:
    for until, part in ((5, "凌晨"), (11, "早上"), (13, "中午"), (18, "下午"), (24, "晚上")):
        if hour < until:
            return part
    raise AssertionError


def forms(minute: int) -> list[str]:
    """Every way in which that minute may be said."""
    hour, rest = divmod(minute, 60)
    twelve = hour if hour <= 12 else hour - 12
    english = f"{hour % 12 or 12}:{rest:02}"
    noon = "am" if hour < 12 else "pm"
    said = [
        f"{hour:02}:{rest:02}", f"{hour}：{rest:02}", f"{hour}点{rest:02}分", f"{hour}点{rest:02}",
        f"{part_of(hour)}{twelve}点{rest:02}", f"{part_of(hour)}{spoken(twelve)}点{'零' if 0 < rest < 10 else ''}{spoken(rest)}分",
        f"{english} {noon}", f"{english}{noon.upper()}", f"{english} {noon[0]}.m.",
    ]  # fmt: skip
    if rest == 0:
        said += [f"{part_of(hour)}{twelve}点", f"{hour}点整", f"{hour}时", f"{hour % 12 or 12} {noon}"]
    if rest == 30:
        said += [f"{part_of(hour)}{spoken(twelve)}点半", f"{hour}点半"]
    if rest in (15, 45):
        said.append(f"{part_of(hour)}{twelve}点{'一' if rest == 15 else '三'}刻")
    return said


@given(minutes, st.sampled_from(["每天{}提醒我", "请{}提醒我打卡", "改到{}", "remind me at {} please"]))
def test_any_minute_said_in_any_form_is_read_back_the_same(minute: int, sentence: str) -> None:
    for words in forms(minute):
        times = read_times(plain(sentence.format(words)))
        assert [time.minute for time in times] == [minute], words


@given(minutes, minutes)
def test_range_of_any_two_minutes_is_read_back_the_same(first: int, last: int) -> None:
    said = f"{first // 60:02}:{first % 60:02}-{last // 60:02}:{last % 60:02}"
    assert read_hours(said) == (first, last)


@pytest.mark.parametrize(
    ("said", "minute"),
    [
        ("remind me at 8", 480), ("remind me at eight", 480), ("at half past 7", 450), ("half past seven", 450),
        ("at quarter to 8 in the evening", 1185), ("at noon", 720), ("at midnight", 0), ("at 8 o'clock", 480),
        ("at 9 at night", 1260), ("每天24点", 0), ("晚上1点", 60), ("晚上12点", 0), ("中午1点", 780), ("半夜3点", 180),
    ],
)  # fmt: skip
def test_times_are_read_as_people_say_them(said: str, minute: int) -> None:
    assert [time.minute for time in read_times(plain(said))] == [minute]


@pytest.mark.parametrize(
    "said",
    [
        "25点",
        "二十五点",
        "8:75",
        "24:30",
        "8:5",
        "100点",
        "13pm",
        "0 am",
        "8点75分",
        "早上20:30",
        "at 25",
        "8:755",
    ],
)
def test_time_that_no_clock_shows_is_named_and_has_no_minute(said: str) -> None:
    (time,) = read_times(said)
    assert time.minute is None
    assert time.words


@pytest.mark.parametrize(
    "said", ["打卡 36.5", "每天提醒我", "提醒8", "2020年3月20日", "13800000001", "", "8时区"]
)
def test_other_numbers_are_no_times(said: str) -> None:
    assert read_times(said) == ()


def test_hour_without_a_part_of_the_day_may_be_either() -> None:
    assert [read_times(said)[0].either for said in ("8点", "at 8", "早上8点", "8:00", "20点", "8 am")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
