"""Names and instants in the words that residents read: codes, colours, days, places, sources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache

from bot.clock import zone
from bot.conversation.context import Context
from bot.conversation.texts import Texts
from bot.core.model import Colour, State
from bot.services.schemes import Schemes

DOTS: Mapping[str, str] = {Colour.GREEN: "🟢", Colour.YELLOW: "🟡", Colour.RED: "🔴", Colour.GREY: "⚪"}
_MISSING = frozenset({"identity", "declaration", "home", "report", "rule_book"})


def in_language(ctx: Context, text: Mapping[str, str]) -> str:
    """The text of a rule book or a scheme in the language that is spoken, in Chinese where it has no other."""
    return text.get(ctx.language) or text["zh"]


def days_words(ctx: Context, first: date, last: date | None) -> str:
    """From which day to which; one day alone where it is only one."""
    day = day_words(ctx, first)
    return day if last is None or last == first else f"{day}–{day_words(ctx, last)}"


def day_words(ctx: Context, day: date) -> str:
    """The day as people say it, with the year only where it isn't this one."""
    return day_in(ctx.texts, ctx.language, day, day.year != ctx.today.year)


def moment_words(ctx: Context, at: datetime) -> str:
    """Day and time in the resident's zone."""
    return moment_in(ctx.texts, ctx.language, at, ctx.zone, this_year=ctx.today.year)


@lru_cache(maxsize=4096)
def day_in(texts: Texts, language: str, day: date, with_year: bool = False) -> str:
    """The day in that language."""
    month = texts.say(language, f"codes.month_{day.month}")
    return texts.say(language, "codes.day", year=day.year if with_year else 0, month=month, day=day.day)


@lru_cache(maxsize=4096)
def moment_in(texts: Texts, language: str, at: datetime, zone_name: str, *, this_year: int) -> str:
    """Day and time in that language and zone."""
    local = at.astimezone(zone(zone_name))
    return f"{day_in(texts, language, local.date(), local.year != this_year)} {local:%H:%M}"


def scheme_words(ctx: Context, scheme_id: str) -> str:
    """The name of a scheme in the account's language."""
    return scheme_in(ctx.world.schemes, ctx.language, scheme_id)


def scheme_in(schemes: Schemes, language: str, scheme_id: str) -> str:
    """The name of a scheme in that language; its id if it is no longer configured."""
    scheme = schemes.get(scheme_id)
    return scheme_id if scheme is None else scheme.name.get(language) or scheme.name["zh"]


def colour_words(ctx: Context, colour: str, state: str = State.DECIDED) -> str:
    """A colour as a dot and a word; what isn't decided says so."""
    said = f"{DOTS[colour]} {ctx.say(f'codes.{colour}')}"
    return said if state == State.DECIDED else f"{said}{ctx.say(f'codes.state_{state}')}"


def missing_words(ctx: Context, missing: str) -> str:
    """What a code needs and hasn't got, and how to give it."""
    if missing in _MISSING:
        return ctx.say(f"codes.missing_{missing}")
    _, _, division = missing.partition(":")
    return ctx.say("codes.missing_risk", place=place_words(ctx, division) if division else "")


def place_words(ctx: Context, division: str) -> str:
    """The name of a division: of its county where the code goes deeper; the code itself where it has no name."""
    county = division[:6]
    name = ctx.places.name(county.ljust(6, "0"), ctx.language)
    return name or division


def source_words(ctx: Context, source: str) -> str:
    """Who stated a fact; its own name where there is no word for it."""
    key = f"why.source_{source}"
    return ctx.say(key) if ctx.texts.has(key) else source


def degrees(tenths: int) -> str:
    """Tenths of a degree as people write them: 365 is 36.5."""
    return f"{tenths // 10}.{tenths % 10}"
