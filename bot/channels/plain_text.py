"""A reply as plain text, and what somebody typed back as one of its choices."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import count

from bot.message import Card, Choice, Choices, Part, Picture, Reply, Text

CHINESE_DIGITS = "〇一二三四五六七八九"
NUMBER_FORM = re.compile(r"\(?([0-9]{1,2})[.、。,，)]?")
CHINESE_FORM = re.compile(r"([一二三四五六七八九])?(十)?([一二三四五六七八九])?[.、。,，]?")
BLANKS = re.compile(r"\s+")


def render_text(reply: Reply) -> str:
    """The reply as text: parts apart by a blank line, choices numbered throughout the reply from 1.

    The numbers are the positions in `reply.choices`, so that `picked` finds what was meant.
    """
    numbers = count(1)
    paragraphs = (_paragraph(part, numbers) for part in reply.parts)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _paragraph(part: Part, numbers: count[int]) -> str:
    match part:
        case Text() | Picture():
            return part.text
        case Card():
            return "\n".join(line for line in (part.title, *part.lines, part.url) if line)
        case Choices():
            lines = [f"{next(numbers)}. {choice.label}" for choice in part.choices]
            return "\n".join([part.text, *lines] if part.text else lines)


def picked(choices: Sequence[Choice], text: str) -> str | None:
    """The value of the choice that was meant: by its words, by its number, or by the value itself; else None.

    Words come first, so that a label which is a number means itself; a number that is seen on the screen comes
    before a value that is not.
    """
    typed = _plain(text)
    if not typed:
        return None
    for choice in choices:
        if _plain(choice.label) == typed:
            return choice.value
    number = _number(typed)
    if number is not None and 1 <= number <= len(choices):
        return choices[number - 1].value
    return next((choice.value for choice in choices if _plain(choice.value) == typed), None)


def _plain(text: str) -> str:
    """Full-width and circled characters as plain ones, without blanks and case."""
    return BLANKS.sub("", unicodedata.normalize("NFKC", text)).casefold()


def _number(typed: str) -> int | None:
    digits = NUMBER_FORM.fullmatch(typed)
    if digits is not None:
        return int(digits[1])
    chinese = CHINESE_FORM.fullmatch(typed)
    return None if chinese is None else _chinese_number(chinese[1], chinese[2], chinese[3])


def _chinese_number(tens: str | None, ten: str | None, ones: str | None) -> int | None:
    if ten is None:
        return None if tens is None or ones is not None else CHINESE_DIGITS.index(tens)
    return 10 * (CHINESE_DIGITS.index(tens) if tens else 1) + (CHINESE_DIGITS.index(ones) if ones else 0)
