"""Reads a time of the day as people say it: "早上七点半", "20:30", "8 am", "half past seven"; and a range of two."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.conversation.understanding.numerals import number

_PART = r"(?P<part{n}>凌晨|早上?|早晨|清晨|上午|中午|下午|傍晚|晚上?|夜里|半夜|夜间)?"
_NUMERAL = r"[零〇一二两三四五六七八九十]"
_HOUR = _PART + rf"\s*(?P<hour{{n}}>(?<![\d.:])\d{{{{1,3}}}}|{_NUMERAL}{{{{1,3}}}})"
_MINUTES = (
    r"(?P<half{n}>半)|(?P<quarter{n}>[一三]刻)"
    rf"|(?P<spoken{{n}}>\d{{{{1,3}}}}|{_NUMERAL}{{{{1,4}}}})(?!\d)分?"
)
_NOON = r"\s*(?P<noon{n}>[ap]\.?m(?![a-z])\.?)?"
_LOOSE = (
    _HOUR + rf"(?:[:.](?P<minute{{n}}>\d{{{{2}}}})|[点时](?:{_MINUTES})?(?:钟|整)?)?" + _NOON
)  # in a range a bare hour will do
_STRICT = (
    _HOUR + rf"(?:\s*(?::(?P<minute{{n}}>\d{{{{1,3}}}})|[点时](?!区|间|候|段)(?:{_MINUTES})?(?:钟|整)?)" + _NOON
    + r"|\s*(?P<noonly{n}>[ap]\.?m(?![a-z])\.?))"
)  # fmt: skip
_RANGE = re.compile(
    rf"^{_LOOSE.format(n=1)}\s*(?:-|–|—|~|到|至|to|until|till)+\s*(?:第二天|次日|明天)?{_LOOSE.format(n=2)}[。.!！]?$"
)
_CLOCK = re.compile(_STRICT.format(n=1))
_AT = re.compile(
    r"\b(?:at|to)\s+(?:(?P<past>half past|a? ?quarter past|a? ?quarter to)\s+)?(?P<hour>\d{1,3})(?![\d:.])"
    r"(?:\s*o'?clock)?(?!\s*[ap]\.?m(?![a-z]))|\b(?P<past2>half past|quarter past|quarter to)\s+(?P<hour2>\d{1,2})(?![\d:.])"
    r"|\b(?P<hour3>\d{1,2})\s*o'?clock|\b(?P<named>noon|midnight)\b"
)
_ENGLISH_PART = re.compile(r"in the (?P<part>morning|afternoon|evening)|at (?P<night>night)")
_PAST = {"half past": 30, "quarter past": 15, "quarter to": -15}
_NAMED = {"noon": 12 * 60, "midnight": 0}
_ENGLISH_NUMBERS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_ENGLISH_NUMBER = re.compile(rf"\b(?:{'|'.join(_ENGLISH_NUMBERS)})\b")
_ENGLISH_PARTS = {"morning": "早上", "afternoon": "下午", "evening": "晚上", "night": "晚上"}

_EARLY = ("凌晨", "早", "早上", "早晨", "清晨", "上午")
_LATE = ("中午", "下午", "傍晚", "晚", "晚上", "夜里", "夜间", "半夜")
_AFTER_MIDNIGHT = ("晚", "晚上", "夜里", "夜间", "半夜")
_NIGHT = (*_AFTER_MIDNIGHT, "凌晨")
_MIDDAY = 12


@dataclass(frozen=True, slots=True)
class Time:
    """One time of the day in a sentence: in minutes after midnight, None where no clock shows it.

    `either`: an hour from 1 to 11 that was said without the part of the day, which is taken as in the morning.
    `words` are those that say it.
    """

    minute: int | None
    either: bool
    words: str


def read_hours(text: str) -> tuple[int, int] | None:
    """From when to when, in minutes after midnight; None where it can't be read or is no time of the day."""
    found = _RANGE.match(text)
    if found is None:
        return None
    first, last = (_minutes(found, place) for place in (1, 2))
    return None if first is None or last is None else (first, last)


def read_times(text: str) -> tuple[Time, ...]:
    """Every time of the day that a plain text names, in its order; a bare number is none, except after "at"."""
    text = _ENGLISH_NUMBER.sub(lambda found: str(_ENGLISH_NUMBERS.index(found[0]) + 1), text)
    part = _ENGLISH_PART.search(text)
    said = _ENGLISH_PARTS[part["part"] or part["night"]] if part else ""
    times = [(found.start(), _chinese(found, said)) for found in _CLOCK.finditer(text)]
    taken = [range(found.start(), found.end()) for found in _CLOCK.finditer(text)]
    for found in _AT.finditer(text):
        if not any(found.start() < each.stop and each.start < found.end() for each in taken):
            times.append((found.start(), _english(found, said)))
    return tuple(time for _, time in sorted(times, key=lambda each: each[0]))


def _chinese(found: re.Match[str], said: str) -> Time:
    noon, part = found["noon1"] or found["noonly1"], found["part1"] or said
    minute = _minutes(found, 1, said)
    spoken = not found["minute1"] and not noon and not part
    return Time(minute, _either(minute, spoken=spoken), found[0].strip())


def _english(found: re.Match[str], said: str) -> Time:
    if found["named"]:
        return Time(_NAMED[found["named"]], False, found[0])
    hour = int(found["hour"] or found["hour2"] or found["hour3"])
    past = _PAST.get((found["past"] or found["past2"] or "").removeprefix("a").strip(), 0)
    clock = _on_the_clock(hour, 0, said, "")
    minute = None if clock is None else (clock + past) % (24 * 60)
    return Time(minute, _either(minute, spoken=not said), found[0])


def _either(minute: int | None, *, spoken: bool) -> bool:
    return spoken and minute is not None and 60 <= minute < _MIDDAY * 60


def _minutes(found: re.Match[str], place: int, said: str = "") -> int | None:
    groups = found.groupdict()
    part = groups[f"part{place}"] or said
    noon = (groups[f"noon{place}"] or groups.get(f"noonly{place}") or "").replace(".", "")
    hour = number(groups[f"hour{place}"])
    if groups[f"half{place}"]:
        minute: int | None = 30
    elif groups[f"quarter{place}"]:
        minute = 15 if groups[f"quarter{place}"][0] == "一" else 45
    else:
        digits = groups[f"minute{place}"]
        minute = number(digits or groups[f"spoken{place}"] or "0")
        if digits is not None and len(digits) != 2:
            return None
    return None if hour is None or minute is None else _on_the_clock(hour, minute, part, noon)


def _on_the_clock(hour: int, minute: int, part: str, noon: str) -> int | None:
    """In minutes after midnight; None for what no clock shows, and for a part of the day that doesn't go with it."""
    if minute > 59 or hour > 24 or (hour == 24 and minute) or (noon and not 1 <= hour <= _MIDDAY):
        return None
    if noon:
        hour = hour % _MIDDAY + (_MIDDAY if noon == "pm" else 0)
    elif part in _EARLY and _MIDDAY < hour < 24:
        return None
    elif hour == _MIDDAY and part in _NIGHT:
        hour = 0
    elif part in _LATE and 1 <= hour < _MIDDAY and not _stays(part, hour):
        hour += _MIDDAY
    return hour % 24 * 60 + minute


def _stays(part: str, hour: int) -> bool:
    """Whether that hour of that part of the day is one after midnight, or at noon one before it."""
    if part == "中午":
        return hour > 2
    return part in _AFTER_MIDNIGHT and hour < (5 if part in ("晚", "晚上") else 6)
