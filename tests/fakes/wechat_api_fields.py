"""What a template's field may say, as the platform's documents put it; the name's letters give the rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.wechat_api_world import Refusal, Template

_DATE = r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日|\d{1,2}月\d{1,2}日)"
_TIME = r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
_MOMENT = rf"({_DATE}( ?{_TIME})?|{_TIME})"
_DAY = rf"{_DATE}( ?{_TIME})?"
_HAN = r"[\u3400-\u9fff]"


def _form(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII | re.DOTALL)
    return lambda value: compiled.fullmatch(value) is not None


RULES: Mapping[str, Callable[[str], bool]] = {
    "thing": lambda value: len(value) <= 20,
    "number": _form(r"-?\d{1,32}(\.\d{1,32})?"),
    "letter": _form(r"[A-Za-z]{1,32}"),
    "symbol": lambda value: len(value) <= 5 and not any(each.isalnum() or each.isspace() for each in value),
    "character_string": _form(r"[\x21-\x7e]{1,32}"),
    "time": _form(rf"{_MOMENT}( ?~ ?{_MOMENT})?"),
    "date": _form(rf"{_DAY}( ?~ ?{_DAY})?"),
    "amount": _form(r"[¥￥$€£]?\d{1,10}(\.\d{1,2})?元?"),
    "phone_number": _form(r"[\d+() -]{1,17}"),
    "car_number": _form(r"\S{1,8}"),
    "name": _form(rf"({_HAN}|·){{1,10}}|[A-Za-z .·-]{{1,20}}"),
    "phrase": _form(rf"{_HAN}{{1,5}}"),
}


def check_fields(template: Template, data: Any) -> None:
    """47003, naming the first wrong field, unless every field of the template has a value that it may have."""
    if not isinstance(data, dict):
        raise Refusal(47003, "argument invalid! data is not an object")
    for name in (*template.fields, *data):
        given = data.get(name)
        value = given.get("value") if isinstance(given, dict) else None
        if not isinstance(value, str) or not value.strip():
            # sic: the platform's own spelling
            raise Refusal(47003, f"argument invalid! data.{name}.value is emtpy")
        if name not in template.fields or not _may_say(template, name, value):
            raise Refusal(47003, f"argument invalid! data.{name}.value invalid")


def _may_say(template: Template, name: str, value: str) -> bool:
    if name in template.choices:
        return value in template.choices[name]
    rule = RULES.get(name.rstrip("0123456789"))
    return rule is not None and rule(value)
