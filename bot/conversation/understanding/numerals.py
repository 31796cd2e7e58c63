"""Chinese and Arabic numerals of matched spans; cn2an is loaded here, at start, not under a message."""

from __future__ import annotations

from functools import lru_cache

import cn2an

DIGITS = "零〇一二两三四五六七八九"
NUMERAL = "零〇一二两三四五六七八九十百"


@lru_cache(maxsize=512)
def number(span: str) -> int | None:
    """A whole number in Arabic or Chinese numerals; "三六" is 36; None where it is not a number."""
    if span.isascii():
        return int(span) if span.isdigit() and len(span) <= 18 else None
    try:
        return int(cn2an.cn2an(span.replace("〇", "零").replace("两", "二"), "smart"))
    except (ValueError, KeyError, IndexError):
        return None


def digit(span: str) -> int | None:
    """One digit, Arabic or Chinese."""
    return number(span) if len(span) == 1 else None
