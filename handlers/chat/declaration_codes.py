"""The question of a declaration about which health codes somebody uses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Read, Step, Taken, Wrong, numbered
from bot.conversation.words import scheme_words
from bot.message import Reply
from bot.services.schemes import Scheme
from handlers.chat.declaration_health import several_picked

RECOMMENDED = "recommended"
_RECOMMENDED = re.compile(r"推荐|建议|合适的|按推荐|recommend|suggest", re.IGNORECASE)
_ALL = re.compile(
    r"^\s*(?:全部|全都?要?|所有的?|都要|都选|全选|all(?: of them)?)\s*[。.!！]?\s*$", re.IGNORECASE
)


def suggested(ctx: Context, answers: Answers) -> tuple[str, ...]:
    """The codes that rule where somebody lives and where their journeys went, nationwide ones, and those held."""
    places = [answers.get("division", ""), *(each["to"] for each in answers.get("journeys", []))]
    found = {scheme.id for place in places if place for scheme in ctx.world.schemes.for_place(place)}
    found |= {scheme.id for scheme in ctx.world.schemes if not scheme.place}
    found |= set(ctx.resident.codes) if ctx.resident else set()
    return tuple(scheme.id for scheme in ctx.world.schemes if scheme.id in found)


def _ask(ctx: Context, answers: Answers) -> Reply:
    """Those that fit as choices; there are too many to list, so others are picked by name."""
    marked = suggested(ctx, answers)
    options = [(RECOMMENDED, ctx.say("declare.recommended", count=len(marked)))]
    options += [(scheme_id, scheme_words(ctx, scheme_id)) for scheme_id in marked]
    return numbered(ctx, "declare.ask_schemes", options)


def _read(ctx: Context, answers: Answers) -> Read:
    marked = suggested(ctx, answers)
    options = [RECOMMENDED, *marked]
    wanted = several_picked(ctx, options) or ([ctx.choice] if ctx.choice else [])
    if wanted:
        if not set(wanted) <= set(options):
            return None
        return _taken(ctx, [*wanted, *marked] if RECOMMENDED in wanted else wanted)
    if _ALL.match(ctx.text):
        return _taken(ctx, marked)
    named = [scheme.id for scheme in _named(ctx)]
    if _RECOMMENDED.search(ctx.text):
        return _taken(ctx, [*marked, *named])
    if named:
        return _taken(ctx, named)
    return Wrong("declare.schemes_needed") if re.search(r"^\s*(?:没有|不要|都不|none|no)", ctx.text) else None


def _named(ctx: Context) -> list[Scheme]:
    """The schemes whose names stand in the message; a name inside a longer one doesn't count."""
    rest = ctx.text.casefold()
    words = [
        (word.casefold(), scheme)
        for scheme in ctx.world.schemes
        for word in (*scheme.name.values(), *(one for alias in scheme.aliases.values() for one in alias))
    ]
    found: list[Scheme] = []
    for word, scheme in sorted(words, key=lambda each: -len(each[0])):
        if word in rest:
            rest = rest.replace(word, " ")
            found.append(scheme)
    return found


def _taken(ctx: Context, wanted: Iterable[str]) -> Read:
    chosen = set(wanted)
    schemes = [scheme.id for scheme in ctx.world.schemes if scheme.id in chosen]
    return Taken({"schemes": schemes}) if schemes else Wrong("declare.schemes_needed")


def _show(ctx: Context, answers: Answers) -> str:
    names = ctx.say("declare.between").join(scheme_words(ctx, each) for each in answers["schemes"])
    return ctx.say("declare.line_schemes", schemes=names)


STEP = Step(
    "schemes",
    _ask,
    _read,
    ("schemes",),
    show=_show,
    why="declare.why_schemes",
    names=("健康码", "码种", "码", "codes", "health codes"),
)
