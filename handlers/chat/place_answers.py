"""Reads a place out of an answer: one division, or what has to be asked before it is one."""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation.context import Context
from bot.conversation.understanding.divisions import padded, unpadded
from bot.conversation.understanding.understand import understand
from bot.message import Kind

CITY = 4  # digits of a division that make a city
COUNTY = 6
_MOST_CHOICES = 20


@dataclass(frozen=True, slots=True)
class PlaceAsked:
    """What is still open about a place: one of these codes is meant, or something within that one."""

    among: tuple[str, ...] = ()
    within: str = ""

    def plain(self) -> dict[str, object]:
        return {"among": list(self.among), "within": self.within}


def asked_from(plain: dict[str, object]) -> PlaceAsked:
    """What `plain` made, from a draft."""
    among = plain.get("among", ())
    return PlaceAsked(
        tuple(str(code) for code in among) if isinstance(among, list | tuple) else (),
        str(plain.get("within", "")),
    )


def named_places(ctx: Context, text: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The unpadded divisions that a text names, and of each ambiguous name all that it may mean."""
    said = ctx.understood if text == ctx.text else understand(text, today=ctx.today, places=ctx.places)
    sure = tuple(unpadded(code) for code in said.places)
    return sure, tuple(tuple(unpadded(code) for code in codes) for codes in said.candidates.values())


def read_place(ctx: Context, asked: PlaceAsked, *, digits: int) -> str | PlaceAsked | None:
    """The division that the message names, at least so many digits deep; None if it names none.

    A picked choice is a code; a shared location is read by its label.
    """
    if ctx.choice is not None:
        return settle(ctx, (ctx.choice,), digits=digits) if ctx.places.known(ctx.choice) else None
    spot = ctx.message.spot if ctx.message.kind == Kind.LOCATION else None
    text = spot.label if spot is not None else ctx.text
    sure, candidates = named_places(ctx, text)
    among = tuple(code for codes in candidates for code in codes) or sure
    if candidates and sure:
        among = (*sure, *among)
    narrowed = tuple(code for code in among if _fits(code, asked)) or _below(ctx, text, asked)
    if narrowed:
        return settle(ctx, narrowed, digits=digits)
    wider = tuple(code for code in asked.among if any(code.startswith(each) for each in sure))
    return settle(ctx, wider or among, digits=digits) if wider or among else None


def settle(ctx: Context, codes: tuple[str, ...], *, digits: int) -> str | PlaceAsked:
    """One code if it is deep enough, or as deep as it goes; else what to ask."""
    distinct = tuple(dict.fromkeys(codes))
    deepest = tuple(
        code for code in distinct if not any(other != code and other.startswith(code) for other in distinct)
    )
    if len(deepest) != 1:
        return PlaceAsked(among=deepest)
    (code,) = deepest
    children = ctx.places.children(code)
    if len(code) >= digits or not children or (digits == CITY and len(children[0].code) == COUNTY):
        return code
    return PlaceAsked(within=code)


def place_options(ctx: Context, asked: PlaceAsked) -> list[tuple[str, str]]:
    """Codes and names to pick from; empty where there are too many, and the name is to be typed."""
    if asked.among:
        return [(code, ctx.places.name(code, ctx.language)) for code in asked.among[:_MOST_CHOICES]]
    children = ctx.places.children(asked.within) if asked.within else ()
    if len(children) > _MOST_CHOICES:
        return []
    return [(child.code, child.name) for child in children]


def full_name(ctx: Context, code: str) -> str:
    """The full path of a division, such as 湖北省武汉市江岸区."""
    return ctx.places.name(padded(code[:COUNTY]), ctx.language)


def short_name(ctx: Context, code: str) -> str:
    """City and county, without the province where there is a city."""
    name = full_name(ctx, code)
    province = full_name(ctx, code[:2])
    return name.removeprefix(province) or name


def _fits(code: str, asked: PlaceAsked) -> bool:
    if asked.among:
        return code in asked.among
    return bool(asked.within) and code.startswith(asked.within) and code != asked.within


def _below(ctx: Context, text: str, asked: PlaceAsked) -> tuple[str, ...]:
    """A short name that only means a place where one within that city was asked for."""
    if not asked.within:
        return ()
    said = text.strip()
    return tuple(
        child.code
        for child in ctx.places.children(asked.within)
        if said and (said == child.name or said == child.short or child.name in said)
    )
