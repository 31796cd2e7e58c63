"""Reads dates relative to the resident's day; what no calendar has, or only a guess could complete, is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from bot.conversation.understanding.numerals import NUMERAL, number

_N = rf"[0-9]{{1,2}}|[{NUMERAL}]{{1,3}}"
_DAYS_AWAY = {
    "大前": -3,
    "前": -2,
    "昨": -1,
    "今": 0,
    "明": 1,
    "后": 2,
    "大后": 3,
    "the day before yesterday": -2,
    "yesterday": -1,
    "last night": -1,
    "today": 0,
    "this morning": 0,
    "tonight": 0,
    "the day after tomorrow": 2,
    "tomorrow": 1,
}
_WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6} | {
    str(n): n - 1 for n in range(1, 8)
}
_DAY_NAMES = "mon tue wed thu fri sat sun"
_ENGLISH_DAYS = {name: at for at, name in enumerate(_DAY_NAMES.split())}
_MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: at for at, name in enumerate(_MONTH_NAMES.split(), start=1)}
_NUMBER_WORDS = "a two three four five six seven eight nine ten"
_ENGLISH_NUMBERS = {word: at for at, word in enumerate(_NUMBER_WORDS.split(), start=1)}
_YEARS_AWAY = {"前年": -2, "去年": -1, "今年": 0, "明年": 1}

_YEAR = (
    rf"(?:(?P<year>(?:19|20)[0-9]{{2}}|[0-9]{{2}}|[{NUMERAL}]{{4}})\s*年|(?P<nearyear>前年|去年|今年|明年))"
)
_MONTH_NAME = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_ROUND = r"(?<![0-9.])(?<!第)"

_LUNAR = re.compile(
    rf"正月|腊月|冬月|闰[{NUMERAL}]+月|[大年]初[{NUMERAL}]|初[{NUMERAL}]{{1,2}}(?![学生班毕的同级])|除夕|年三十|大年|农历|阴历|元宵|春节"
)
_MAYBE = re.compile(
    r"[0-9]|[天日号月晚早晨夜年今昨夕初]|周|星期|礼拜|day|night|morning|ago|tomorrow|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
)
_FUTURE = re.compile(
    r"将|打算|准备|计划|预计|要去|要回|要到|即将|会去|会回|预订|订了|will|going to|plan|next"
)


class Dates(NamedTuple):
    """`days` in the order of the text without repeats; `lunar` = a lunar date was named, which is not converted."""

    days: tuple[date, ...] = ()
    lunar: bool = False


_NOTHING = Dates()


def read_dates(text: str, today: date) -> Dates:
    """The dates that a plain text names; without a year the nearest one that is not to come, unless it says so."""
    if not _MAYBE.search(text):
        return _NOTHING
    lunar = list(_LUNAR.finditer(text))
    if lunar:
        text = re.sub(
            rf"(?:农历|阴历|正月|腊月|冬月|闰[{NUMERAL}]+月)?(?:{_N})?月?(?:大年)?初[{NUMERAL}]{{1,2}}",
            " ",
            text,
        )
    found: dict[date, None] = {}
    for spot in sorted(_spots(text, today)):
        found.setdefault(spot.day)
    return Dates(tuple(found), bool(lunar))


class _Spot(NamedTuple):
    start: int
    order: int
    day: date


def _spots(text: str, today: date) -> Iterator[_Spot]:
    taken: list[tuple[int, int]] = []
    for pattern, read in _READERS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < stop and begin < end for begin, stop in taken):
                continue
            taken.append((start, end))
            for order, day in enumerate(read(match, today)):
                yield _Spot(start, order, day)


def _made(year: int, month: int, day: int) -> list[date]:
    try:
        return [date(year, month, day)]
    except ValueError:
        return []


def _shifted(today: date, days: int) -> list[date]:
    try:
        return [today + timedelta(days=days)]
    except OverflowError:
        return []


def _nearest(month: int, day: int, today: date, *, coming: bool) -> list[date]:
    """That day of the nearest year which has it (29 February is up to eight years away)."""
    for away in range(9):
        for day_found in _made(today.year + (away if coming else -away), month, day):
            if (day_found >= today) if coming else (day_found <= today):
                return [day_found]
    return []


def _says_future(match: re.Match[str]) -> bool:
    return bool(_FUTURE.search(match.string[max(0, match.start() - 8) : match.end() + 8]))


def _full(match: re.Match[str], today: date) -> list[date]:
    year, month, day = match["y"], match["m"], match["d"]
    return _made(int(year), int(month), int(day))


def _month_day(match: re.Match[str], today: date) -> list[date]:
    month, day = number(match["m"]), number(match["d"])
    if month is None or day is None:
        return []
    year = _year(match["year"], match["nearyear"], today)
    future = _says_future(match)

    def at(day_of_month: int) -> list[date]:
        if year is not None:
            return _made(year, month, day_of_month)
        return _nearest(month, day_of_month, today, coming=future)

    to = number(match["to"]) if match["to"] else None
    return at(day) + (at(to) if to is not None else [])


def _year(year: str | None, near: str | None, today: date) -> int | None:
    if near:
        return today.year + _YEARS_AWAY[near]
    if not year:
        return None
    if year.isascii():
        return int(year) + (2000 if len(year) == 2 else 0)
    digits = [number(one) for one in year]
    return (
        int("".join(str(one) for one in digits))
        if all(one is not None and one < 10 for one in digits)
        else None
    )


def _two_numbers(match: re.Match[str], today: date) -> list[date]:
    coming = _says_future(match)
    first = _nearest(int(match["m"]), int(match["d"]), today, coming=coming)
    if match["m2"]:
        return first + _nearest(int(match["m2"]), int(match["d2"]), today, coming=coming)
    return first


def _away(match: re.Match[str], today: date) -> list[date]:
    return _shifted(today, _DAYS_AWAY[match["word"]])


def _count_away(match: re.Match[str], today: date) -> list[date]:
    count = number(match["n"])
    if count is None:
        return []
    days = count * (7 if match["unit"] not in ("天", "日") else 1)
    return _shifted(today, -days if match["side"].endswith("前") else days)


def _count_ago(match: re.Match[str], today: date) -> list[date]:
    count = _ENGLISH_NUMBERS.get(match["n"]) or (int(match["n"]) if match["n"].isdigit() else None)
    return [] if count is None else _shifted(today, -count * (7 if match["unit"] == "week" else 1))


def _weekday(match: re.Match[str], today: date) -> list[date]:
    weeks = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}
    day = _WEEKDAYS[match["day"]]
    if match["which"]:
        return _shifted(today, weeks[match["which"]] * 7 + day - today.weekday())
    return _shifted(today, -((today.weekday() - day) % 7))


def _english_weekday(match: re.Match[str], today: date) -> list[date]:
    day = _ENGLISH_DAYS[match["day"][:3]]
    back = (today.weekday() - day) % 7
    if match["which"] == "last":
        return _shifted(today, -(back or 7))
    if match["which"] == "next":
        return _shifted(today, 7 - today.weekday() + day)
    return _shifted(today, day - today.weekday() if match["which"] == "this" else -back)


def _english_month(match: re.Match[str], today: date) -> list[date]:
    month, day = _MONTHS[match["month"]], int(match["d"])
    if match["y"]:
        return _made(int(match["y"]), month, day)
    return _nearest(month, day, today, coming=_says_future(match))


def _day_of_month(match: re.Match[str], today: date) -> list[date]:
    """A bare "23号": the nearest such day that is not to come; "上个月23号" of last month."""
    day = number(match["d"])
    if day is None:
        return []
    year, month = today.year, today.month
    if match["last"]:
        return _made(*_month_before(year, month), day)
    for _ in range(2):
        made = _made(year, month, day)
        if made and made[0] <= today:
            return made
        year, month = _month_before(year, month)
    return []


def _month_before(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, 12)


_SEPARATED = r"(?P<m>[0-9]{1,2})(?P<s>[/.])(?P<d>[0-9]{1,2})(?:\s*(?:-|~|—|–|至|到)\s*(?P<m2>[0-9]{1,2})(?P=s)(?P<d2>[0-9]{1,2}))?(?![0-9./])"
_READERS: list[tuple[re.Pattern[str], Callable[[re.Match[str], date], list[date]]]] = [
    (
        re.compile(
            r"(?<![0-9])(?P<y>(?:19|20)[0-9]{2})(?P<s>[-/.])(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})(?![0-9])"
        ),
        _full,
    ),
    (
        re.compile(
            r"(?<![0-9a-z])(?P<y>(?:19|20)[0-9]{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12][0-9]|3[01])(?![0-9a-z])"
        ),
        _full,
    ),
    (
        re.compile(
            rf"(?:{_YEAR}\s*)?(?<![0-9.{NUMERAL}])(?P<m>{_N})\s*月\s*(?:份的?)?(?P<d>{_N})(?:\s*(?:号|日)|(?=$|[\s,，。;；!、\-~至到从去回]))"
            rf"(?:\s*(?:-|~|—|–|至|到)\s*(?P<to>{_N})\s*(?:号|日))?(?![楼线])"
        ),
        _month_day,
    ),
    (
        re.compile(
            r"(?P<year>(?!))?(?P<nearyear>(?!))?(?<![0-9.])(?P<m>[0-9]{1,2})月(?P<d>[0-9]{1,2})\s*[-~至到]\s*(?P<to>[0-9]{1,2})\s*[号日]"
        ),
        _month_day,
    ),
    (
        re.compile(
            r"(?P<word>大前|大后|前|昨|今|明|后)(?<!以前)(?<!之前)(?<!目前)(?<!从前)(?<!以后)(?<!之后)(?:天|日|晚|早|夜|晨)(?!报)"
        ),
        _away,
    ),
    (
        re.compile(
            rf"(?<![0-9.{NUMERAL}])(?P<n>{_N})\s*(?P<unit>天|日|周|个?星期|个?礼拜)(?P<side>以前|之前|前|以后|之后|后)"
        ),
        _count_away,
    ),
    (
        re.compile(
            r"\b(?P<word>the day before yesterday|the day after tomorrow|yesterday|last night|today|this morning|tonight|tomorrow)\b"
        ),
        _away,
    ),
    (
        re.compile(
            r"\b(?P<n>[0-9]{1,2}|a|two|three|four|five|six|seven|eight|nine|ten) (?P<unit>day|week)s? ago\b"
        ),
        _count_ago,
    ),
    (
        re.compile(
            r"(?P<which>上上|下下|上|这|本|下)?个?(?:周|星期|礼拜)(?P<day>[一二三四五六日天1-7])(?![年期天0-9次个])"
        ),
        _weekday,
    ),
    (
        re.compile(
            r"\b(?:(?P<which>last|this|next|on)\s+)(?P<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun)\b"
        ),
        _english_weekday,
    ),
    (
        re.compile(
            rf"\b{_MONTH_NAME}\s+(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?(?![0-9.:])(?:,?\s+(?P<y>(?:19|20)[0-9]{{2}}))?"
        ),
        _english_month,
    ),
    (
        re.compile(
            rf"(?<![0-9.])(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH_NAME}(?:,?\s+(?P<y>(?:19|20)[0-9]{{2}}))?\b"
        ),
        _english_month,
    ),
    (
        re.compile(
            rf"{_ROUND}(?<![0-9/$¥])(?P<m>[0-9]{{1,2}})(?P<s>\.)(?P<d>[0-9]{{1,2}})\s*(?:-|~|—|–|至|到)\s*"
            rf"(?P<m2>[0-9]{{1,2}})\.(?P<d2>[0-9]{{1,2}})(?![0-9.%万亿元度岁人米公斤k])"
        ),
        _two_numbers,
    ),
    (re.compile(rf"{_ROUND}(?<![0-9/之])(?=[0-9]{{1,2}}/){_SEPARATED}(?![%的])"), _two_numbers),
    (
        re.compile(
            rf"(?:从|在|于|自|到|至|日期[:是为]?|时间[:是为]?|\bon\s|\bfrom\s|\bto\s|\bdate:?\s)\s*{_ROUND}{_SEPARATED}(?![%万亿元度岁人米公斤])"
        ),
        _two_numbers,
    ),
    (
        re.compile(
            rf"{_ROUND}(?<![0-9$¥])(?=[0-9]{{1,2}}\.){_SEPARATED}(?=\s*(?:去|到|从|回|离开|抵达|坐|乘|出发|来|至|起|开始|以后|之后|日|号|那天|早|晚|上午|下午))"
        ),
        _two_numbers,
    ),
    (
        re.compile(
            rf"(?:(?P<last>上个?月)|(?<![0-9月第{NUMERAL}a-z]))(?P<d>{_N})(?:号|日)(?(last)(?![楼线])|(?=\s*(?:去|回|到|从|来|离开|坐|乘|早|上午|下午|晚|那天|开始|就|出发|抵达|的时候|至)))"
        ),
        _day_of_month,
    ),
]
