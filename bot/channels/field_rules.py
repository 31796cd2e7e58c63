"""What the platforms take in a field of a template: WeChat's by the kind of field, Alipay's by length alone.

A value that breaks a rule is refused by the platform with 47003 (WeChat) or USER_KEYWORD_LENGTH_ERROR (Alipay), which
nobody would notice but the person who wasn't told. So every text is held against these at the start. Lengths are in
characters, as the platforms' documents give them; one beyond the basic plane (an emoji) counts as two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bot.channels.names import ALIPAY

ALIPAY_LONGEST = 50
_KIND = re.compile(r"([a-z_]+?)([0-9]*)")
_TIME = r"(?:\d{1,2}:\d{2}(?::\d{2})?)"
_DATE = r"(?:\d{4}(?:-\d{1,2}-\d{1,2}|年\d{1,2}月\d{1,2}日))"
_MOMENT = rf"(?:{_DATE}(?: {_TIME})?|{_TIME})"
_CHINESE = r"[\u4e00-\u9fff]"


def _length(value: str) -> int:
    return len(value.encode("utf-16-le")) // 2


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


_WECHAT: Mapping[str, Callable[[str], bool]] = {
    "thing": lambda value: _length(value) <= 20,
    "number": _matches(r"[0-9.]{1,32}"),
    "letter": _matches(r"[A-Za-z]{1,32}"),
    "symbol": lambda value: len(value) <= 5 and not any(character.isalnum() for character in value),
    "character_string": _matches(r"[\x21-\x7e]{1,32}"),
    "time": _matches(rf"{_MOMENT}(?:~{_MOMENT})?"),
    "date": _matches(rf"{_DATE}(?: {_TIME})?(?:~{_DATE}(?: {_TIME})?)?"),
    "amount": _matches(r"[^0-9]?[0-9]{1,10}(?:\.[0-9]{1,2})?元?"),
    "phone_number": _matches(r"[0-9+\-]{1,17}"),
    "car_number": lambda value: len(value) <= 8,
    "name": lambda value: (
        re.fullmatch(rf"{_CHINESE}{{1,10}}", value) is not None
        or re.fullmatch(r"[A-Za-z ]{1,20}", value) is not None
    ),
    "phrase": _matches(rf"{_CHINESE}{{1,5}}"),
    # what the template lists can't be known here; it is never longer than a thing
    "enum": lambda value: len(value) <= 20,
    # fields of older official-account templates, which have no kinds
    "first": lambda value: len(value) <= 200,
    "keyword": lambda value: len(value) <= 200,
    "remark": lambda value: len(value) <= 200,
}
LONGEST_THING = 20


def problem_of(channel: str, field: str, value: str) -> str | None:
    """Why that channel's platform would refuse this value in this field; None if it wouldn't."""
    if not value.strip():
        return "is empty"
    if "\n" in value or "\r" in value:
        return "has more than one line"
    if channel == ALIPAY:
        return None if _length(value) <= ALIPAY_LONGEST else f"is longer than {ALIPAY_LONGEST} characters"
    kind = _KIND.fullmatch(field)
    rule = _WECHAT.get(kind[1]) if kind else None
    if rule is None:
        return "is a field of no kind that the platform has"
    return None if rule(value) else f"breaks the rule of {kind[1] if kind else field}"
