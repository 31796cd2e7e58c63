"""Why a code has its colour: findings, facts, rule, the arithmetic of a hold, what ends it, what to do next."""

from __future__ import annotations

from bot.conversation.context import Context
from bot.conversation.explaining import explained
from bot.conversation.words import colour_words, in_language, missing_words, scheme_words
from bot.core.model import WORST_FIRST, Colour
from bot.message import Card, Choices, Incoming, Part, Reply
from bot.services.codes import review_due
from bot.services.rescore import assess_code
from bot.store.snapshot import Code, Resident
from handlers.chat.codes import named_scheme
from handlers.chat.next_steps import next_steps

LINES = 12
"""A card with its title and the choices below it."""


async def explain(message: Incoming, ctx: Context) -> Reply:
    """The why-card of the code that is named, else of the worst one, and one line for each of the others."""
    resident = ctx.resident
    if resident is None or resident.declared_at is None:
        return ctx.ask("codes.none_yet", ("申报", "codes.offer_declare"))
    if not resident.codes:
        return ctx.reply("why.no_codes")
    named = named_scheme(ctx, ctx.text)
    if named is not None and named.id not in resident.codes:
        return ctx.reply("why.not_held", scheme=scheme_words(ctx, named.id))
    review_due(ctx.world, ctx.work, resident)
    codes = sorted(resident.codes.values(), key=lambda code: WORST_FIRST.index(Colour(code.colour)))
    if named is not None:
        return Reply(why(ctx, resident, resident.codes[named.id]))
    card, *choices = why(ctx, resident, codes[0])
    others = [_in_one_line(ctx, resident, code) for code in codes[1:]]
    parts = [ctx.say("why.others", lines=others)] if others else []
    asks = any(isinstance(part, Choices) and part.text for part in choices)
    return Reply.of(card, *choices, *parts) if asks else Reply.of(card, *parts, *choices)


def why(ctx: Context, resident: Resident, code: Code) -> tuple[Part, ...]:
    """The whole explanation in at most twelve lines: a card, and below it what a reply does, as choices."""
    told = explained(ctx, resident, code)
    if told.assessment is None:
        return (Card(told.title, told.lines),)
    steps = next_steps(ctx, resident, code, told.assessment, question=told.question)
    return _fitted(told.title, list(told.lines), steps.lines, steps.choices)


def _fitted(
    title: str, lines: list[str], steps: tuple[str, ...], choices: Choices | None
) -> tuple[Part, ...]:
    """Never longer than twelve lines; what can be done next is not what is left out."""
    below = 0 if choices is None else len(choices.choices) + bool(choices.text)
    room = LINES - 1 - len(steps) - below
    card = Card(title, (*lines[:room], *steps))
    return (card,) if choices is None else (card, choices)


def _in_one_line(ctx: Context, resident: Resident, code: Code) -> str:
    assessment = assess_code(ctx.world, resident.person(), code.scheme, ctx.now)
    if assessment.missing:
        reason = missing_words(ctx, assessment.missing[0])
    elif assessment.decisive is not None:
        reason = in_language(ctx, assessment.decisive.text)
    else:
        reason = ctx.say("why.nothing_found")
    colour = colour_words(ctx, code.colour, code.state)
    return ctx.say("why.other", scheme=scheme_words(ctx, code.scheme), colour=colour, reason=reason)
