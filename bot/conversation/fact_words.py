"""One fact in words: what, when, where, and who said so."""

from __future__ import annotations

from collections.abc import Callable

from bot.conversation.context import Context
from bot.conversation.words import colour_words, days_words, degrees, place_words, source_words
from bot.core.facts import FactKind
from bot.core.model import Colour, Fact


def fact_words(ctx: Context, fact: Fact) -> str:
    """One fact in words: what, when, where, and who said so."""
    return ctx.say(
        "why.fact",
        kind=ctx.say(f"why.kind_{fact.kind}"),
        day=days_words(ctx, fact.start, fact.end),
        place=place_words(ctx, fact.division) if fact.division else "",
        detail=_detail(ctx, fact),
        source=source_words(ctx, fact.source),
    )


def _detail(ctx: Context, fact: Fact) -> str:
    describe = _DETAILS.get(fact.kind)
    return describe(ctx, fact) if describe else ""


def _symptom(ctx: Context, fact: Fact) -> str:
    tenths, code = fact.details.get("temperature_tenths"), fact.details.get("code")
    words = [ctx.say(f"punch_in.symptom_{code}")] if code else []
    if isinstance(tenths, int):
        words.append(f"{degrees(tenths)} °C")
    return " ".join(words)


def _journey(ctx: Context, fact: Fact) -> str:
    words = [ctx.say(f"why.mode_{fact.details.get('mode', 'other')}"), str(fact.details.get("number", ""))]
    return " ".join(word for word in words if word)


def _worded(name: str) -> Callable[[Context, Fact], str]:
    """The detail of that name in words."""

    def describe(ctx: Context, fact: Fact) -> str:
        key = f"why.{name}_{fact.details.get(name)}"
        return ctx.say(key) if ctx.texts.has(key) else ""

    return describe


def _other_colour(ctx: Context, fact: Fact) -> str:
    return colour_words(ctx, str(fact.details.get("colour", Colour.YELLOW)))


def _issued(ctx: Context, fact: Fact) -> str:
    return f"{_other_colour(ctx, fact)} {fact.details.get('issuer', '')}".rstrip()


_DETAILS: dict[str, Callable[[Context, Fact], str]] = {
    FactKind.SYMPTOM: _symptom,
    FactKind.JOURNEY: _journey,
    FactKind.CONTACT: _worded("degree"),
    FactKind.SHARED_BUILDING: _worded("scope"),
    FactKind.TEST: _worded("result"),
    FactKind.DIAGNOSIS: _worded("status"),
    FactKind.MEASURE: _worded("measure"),
    FactKind.MEASURE_LIFTED: _worded("reason"),
    FactKind.CARE: _worded("what"),
    FactKind.ANSWER: _worded("answer"),
    FactKind.OTHER_PLACE_COLOUR: _other_colour,
    FactKind.OVERRIDE: _issued,
}
