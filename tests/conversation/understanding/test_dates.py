"""Dates relative to the resident's day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.dates import read_dates

THURSDAY = date(2020, 2, 20)
NAMED = [
    ("今天", "2020-02-20"),
    ("昨天", "2020-02-19"),
    ("前天", "2020-02-18"),
    ("大前天", "2020-02-17"),
    ("三天前", "2020-02-17"),
    ("3天前", "2020-02-17"),
    ("上周五", "2020-02-14"),
    ("上星期五", "2020-02-14"),
    ("这周一", "2020-02-17"),
    ("本周一", "2020-02-17"),
    ("2月3号", "2020-02-03"),
    ("2月3日", "2020-02-03"),
    ("2020年2月3日", "2020-02-03"),
    ("2020-02-03", "2020-02-03"),
    ("2.3", ""),
    ("2.3从武汉回来", "2020-02-03"),
    ("2/3", "2020-02-03"),
    ("2月30号", ""),
    ("2月21号", "2019-02-21"),
    ("打算2月21号去", "2020-02-21"),
    ("二月三号", "2020-02-03"),
    ("二月二十三日", "2019-02-23"),
    ("二月十三日", "2020-02-13"),
    ("去年2月3号", "2019-02-03"),
    ("20200203", "2020-02-03"),
    ("2月3日至5日", "2020-02-03 2020-02-05"),
    ("2月3-5号", "2020-02-03 2020-02-05"),
    ("2.3-2.10", "2020-02-03 2020-02-10"),
    ("2.3到2.10去的", "2020-02-03 2020-02-10"),
    ("从1.23到2.5", "2020-01-23 2020-02-05"),
    ("昨晚", "2020-02-19"),
    ("36.5", ""),
    ("周五", "2020-02-14"),
    ("周四", "2020-02-20"),
    ("下周一", "2020-02-24"),
    ("上上周五", "2020-02-07"),
    ("两周前", "2020-02-06"),
    ("一周前", "2020-02-13"),
    ("10天前", "2020-02-10"),
    ("十四天前", "2020-02-06"),
    ("yesterday", "2020-02-19"),
    ("3 days ago", "2020-02-17"),
    ("two days ago", "2020-02-18"),
    ("last friday", "2020-02-14"),
    ("the day before yesterday", "2020-02-18"),
    ("feb 3", "2020-02-03"),
    ("3 february 2020", "2020-02-03"),
    ("february 3rd", "2020-02-03"),
    ("3号楼", ""),
    ("3号去的", "2020-02-03"),
    ("23号去的武汉", "2020-01-23"),
    ("上个月23号回来", "2020-01-23"),
    ("昨天和前天", "2020-02-19 2020-02-18"),
    ("110101199003076360", ""),
    ("2019年12月31日", "2019-12-31"),
    ("19年12月31日", "2019-12-31"),
    ("1990年5月1日", "1990-05-01"),
    ("以前", ""),
    ("目前天气", ""),
    ("一百天前", "2019-11-12"),
    ("明天", "2020-02-21"),
    ("2月3日 36.5", "2020-02-03"),
    ("2月3号36.5", "2020-02-03"),
    ("13800138000", ""),
    ("100分之2/3", ""),
    ("2020年2月30日", ""),
    ("2020/2/3", "2020-02-03"),
    ("2020.2.3", "2020-02-03"),
    ("二零二零年二月三日", "2020-02-03"),
    ("2月29号", "2016-02-29"),
    ("初三学生", ""),
    ("周三", "2020-02-19"),
    ("每周一次", ""),
    ("三天前昨天", "2020-02-17 2020-02-19"),
    ("高铁G79", ""),
    ("8点", ""),
    ("may", ""),
    ("i may 3", "2019-05-03"),
    ("12月25日", "2019-12-25"),
    ("1月23日离开武汉，1月24日到广州", "2020-01-23 2020-01-24"),
    ("2月3号到8号", "2020-02-03 2020-02-08"),
    ("1月底", ""),
]
LUNAR = [
    "正月初九",
    "除夕",
    "年三十",
    "大年初三",
]
PHRASES = [
    "昨天",
    "明天",
    "2月29号",
    "99周前",
    "上周五",
    "下下周日",
    "23号去",
    "1月1日",
    "last friday",
    "打算12月31日去",
    "上个月23号",
    "2.3到2.10",
]


@pytest.mark.parametrize(("text", "days"), NAMED)
def test_dates_are_read_relative_to_the_day(text: str, days: str) -> None:
    found = read_dates(plain(text), THURSDAY)

    assert [day.isoformat() for day in found.days] == days.split()
    assert found.lunar is False


@pytest.mark.parametrize("text", LUNAR)
def test_a_lunar_date_is_noticed_but_not_converted(text: str) -> None:
    found = read_dates(plain(text), THURSDAY)

    assert found.lunar is True
    assert found.days == ()


def test_a_day_of_the_month_that_last_month_lacks_is_left_out() -> None:
    assert read_dates("30号去的", date(2020, 3, 5)).days == ()


def test_last_month_of_january_is_december() -> None:
    assert read_dates("上个月23号", date(2020, 1, 5)).days == (date(2019, 12, 23),)


@pytest.mark.parametrize("today", [date.min, date.max])
@pytest.mark.parametrize("text", PHRASES)
def test_the_ends_of_the_calendar_are_survived(text: str, today: date) -> None:
    assert all(isinstance(day, date) for day in read_dates(text, today).days)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 99))
def test_days_ago_are_counted_from_the_day(today: date, count: int) -> None:
    assert read_dates(f"{count}天前", today).days == (today - timedelta(days=count),)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_a_date_without_a_year_is_the_nearest_that_is_not_to_come(today: date, day: date) -> None:
    (found,) = read_dates(f"{day.month}月{day.day}日", today).days

    assert (found.month, found.day) == (day.month, day.day)
    assert found <= today
    assert (today - found).days <= (366 if (day.month, day.day) != (2, 29) else 8 * 366)


@given(st.dates())
def test_an_iso_date_is_read_as_it_stands_within_two_centuries(day: date) -> None:
    expected = (day,) if 1900 <= day.year < 2100 else ()

    assert read_dates(day.isoformat(), THURSDAY).days == expected


@given(st.text(), st.dates())
def test_any_text_can_be_read_for_dates(text: str, today: date) -> None:
    found = read_dates(plain(text), today)

    assert len(set(found.days)) == len(found.days)
