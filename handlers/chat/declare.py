"""The health declaration: what is asked in which order, and what its answers become.

Minors, as their ID card tells, are asked less: no underlying diseases, nothing about people from risk areas, and
a phone only if they have one.
"""

from __future__ import annotations

import re
from datetime import date

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Form, begin, open_question, review
from bot.conversation.routing import Answer
from bot.conversation.words import colour_words, scheme_words
from bot.core.model import Colour
from bot.message import Card, Choice, Choices, Incoming, Reply
from bot.services import declarations
from bot.services.declaration_rules import KEPT
from bot.services.declarations import Submitted
from bot.services.declared_answers import declared_from
from bot.services.identities import Outcome
from handlers.chat.declaration_codes import STEP as SCHEMES
from handlers.chat.declaration_health import STEPS as HEALTH
from handlers.chat.declaration_home import STEPS as HOME
from handlers.chat.declaration_person import STEPS as PERSON
from handlers.chat.declaration_stays import STEP as STAYS
from handlers.chat.declaration_travel import STEP as JOURNEYS
from handlers.chat.identity import outcome_reply

_CORRECTS = "corrects"
_CHANGE = re.compile(
    r"^\s*(?:我?[要想]|帮我|i want to |please )*(?:修改|更改|改|换|搬家|change|edit|correct)"
    r"(?:一?下|了)?\s*(?:我的|my )?\s*(?:申报|信息|资料|答案|declaration|information|answers?|details)?\s*[。.!！]?\s*$",
    re.IGNORECASE,
)


async def start_declaration(message: Incoming, ctx: Context) -> Reply:
    """Begin, or go on with one that is under way; who has declared before is asked what may have changed."""
    if ctx.talk.form == FORM.name:
        return _go_on(ctx)
    if any(parked.form == FORM.name for parked in ctx.talk.parked):
        return await _take_up(ctx)
    earlier = await _earlier(ctx)
    if not earlier:
        return await begin(FORM, ctx, opening=ctx.reply("declare.opening"))
    known = {slot: earlier[slot] for slot in KEPT if slot in earlier}
    return await begin(FORM, ctx, known, opening=ctx.reply("declare.opening_again"))


def wants_change(message: Incoming, ctx: Context) -> bool:
    """ "修改地址", "change phone", "搬家了": something of what was declared; within the form it is the form's."""
    if not ctx.text or ctx.choice is not None or ctx.resident is None or ctx.talk.form == FORM.name:
        return False
    return _CHANGE.match(ctx.text) is not None or FORM.named(ctx.text) is not None


async def change_declaration(message: Incoming, ctx: Context) -> Answer:
    """The last declaration again, at what is to be changed; submitting it adds a revision."""
    answers = await _earlier(ctx)
    if not answers:
        return await start_declaration(message, ctx)
    answers[_CORRECTS] = answers.get("symptoms_on", ctx.today.isoformat())
    return await review(FORM, ctx, answers, opening=ctx.reply("declare.opening_change"))


def _go_on(ctx: Context) -> Reply:
    reply = ctx.reply("declare.under_way")
    asked = open_question(ctx) if ctx.aside is None else None
    return reply.then(*asked.parts) if asked is not None else reply


async def _take_up(ctx: Context) -> Reply:
    """The declaration that was set aside comes forward with its answers."""
    parked = next(each for each in ctx.talk.parked if each.form == FORM.name)
    return await begin(FORM, ctx, parked.answers, opening=ctx.reply("declare.under_way"))


async def _earlier(ctx: Context) -> Answers:
    """The answers of the last declaration without what this form no longer asks; empty if there is none."""
    if ctx.resident is None:
        return {}
    earlier = await declarations.latest(ctx.world, ctx.database, ctx.resident.resident_id)
    slots = {slot for step in FORM.steps for slot in step.slots}
    return {slot: value for slot, value in earlier.answers.items() if slot in slots} if earlier else {}


async def submit_declaration(ctx: Context, answers: Answers) -> Reply:
    """Write the declaration with all that follows, and say what came of it."""
    corrects = answers.get(_CORRECTS)
    plain = {slot: value for slot, value in answers.items() if slot != _CORRECTS}
    submitted = await declarations.submit(
        ctx.world,
        ctx.work,
        ctx.database,
        account=ctx.account,
        resident=ctx.resident,
        declared=declared_from(
            plain,
            today=ctx.today,
            schemes=ctx.world.schemes,
            corrected_day=date.fromisoformat(corrects) if corrects else None,
        ),
    )
    if ctx.resident is None:
        ctx.resident = submitted.resident
        ctx.residents.append(submitted.resident)
    return _told(ctx, submitted, answers)


def _told(ctx: Context, submitted: Submitted, answers: Answers) -> Reply:
    """Receipt, codes, what to do about symptoms, and the next step."""
    corrected = _CORRECTS in answers
    lines = tuple(
        f"{scheme_words(ctx, code.scheme)}：{colour_words(ctx, code.colour, code.state)}"
        for code in submitted.resident.codes.values()
    )
    title = ctx.say("declare.corrected" if corrected else "declare.submitted", receipt=submitted.receipt)
    reply = Reply.of(Card(title, lines))
    if answers["symptoms"] and not corrected:
        reply = reply.then(ctx.say("declare.symptom_advice"))
    if submitted.identity != Outcome.VERIFIED:
        outcome = outcome_reply(ctx, submitted.identity)
        reply = reply.then(ctx.say("declare.still_grey"), *outcome.parts)
    elif any(code.colour == Colour.GREY for code in submitted.resident.codes.values()):
        reply = reply.then(ctx.say("declare.some_grey"))
    next_steps = (Choice(ctx.say("welcome.punch_in"), "打卡"), Choice(ctx.say("welcome.codes"), "我的码"))
    return reply.then(Choices(next_steps, ctx.say("declare.next_step")))


FORM = Form(
    name="declare",
    steps=(*PERSON, *HOME, STAYS, JOURNEYS, *HEALTH, SCHEMES),
    submit=submit_declaration,
    review=True,
    title="declare.title",
)
