"""Asked first: shows what is asked about a lone record, takes the answer, and says plainly what it does."""

from __future__ import annotations

import re

from bot.conversation.context import Context
from bot.conversation.forms import open_question
from bot.conversation.words import (
    colour_words,
    days_words,
    in_language,
    moment_words,
    place_words,
    scheme_words,
    source_words,
)
from bot.core.assess import Assessment
from bot.core.model import State
from bot.message import Choice, Choices, Incoming, Reply
from bot.services.asking import ANSWERS, Answered, Effect, Question, answer, asked_now
from bot.services.rescore import assess_code
from bot.store.snapshot import Resident

WORD = "回答"
_ASKS = re.compile(
    r"(?:我要|我想|我来)?回答(?:一下)?(?:问题)?|去过没有|answer(?: it| the question)?", re.IGNORECASE
)
_PICKED = re.compile(r"answered:([0-9]{1,19}):(yes|no|unsure)")
_SAID = (
    (
        "yes",
        re.compile(
            r"我?(?:确实|真的|是)?去过(?:了|的|那里|那儿)?|(?:yes,? )?i was(?: there)?", re.IGNORECASE
        ),
    ),
    (
        "no",
        re.compile(
            r"我?(?:真的|从来|确实)?(?:没有?|从没|从未|未)去过?(?:那里|那儿)?|(?:no,? )?i was(?:n'?t| not)(?: there)?",
            re.IGNORECASE,
        ),
    ),
    (
        "unsure",
        re.compile(
            r"我?(?:记不清楚?|不记得|记不得|记不住|想不起来|不确定|忘记?)了?|(?:i )?(?:don'?t|do not|can'?t) remember|(?:i'?m )?not sure",
            re.IGNORECASE,
        ),
    ),
)
_SHORT = (
    ("yes", re.compile(r"是|是的|对|对的|去了|有|有的|yes|yeah", re.IGNORECASE)),
    ("no", re.compile(r"不是|不是的|没有|没|没有的|no|nope|never", re.IGNORECASE)),
    ("unsure", re.compile(r"不知道|不清楚|(?:i )?don'?t know|unsure", re.IGNORECASE)),
)
_EDGES = " \t\r\n,，。.!！~～?？"
_LONGEST = 40


def answers_question(message: Incoming, ctx: Context) -> bool:
    """The message picks an answer, asks for the question, or answers it in words where no form is under way."""
    return len(ctx.text) <= _LONGEST and (
        _PICKED.fullmatch(ctx.text) is not None
        or _ASKS.fullmatch(ctx.text.strip(_EDGES)) is not None
        or (not ctx.talk.form and _in_words(ctx) is not None)
    )


async def ask_or_take_answer(message: Incoming, ctx: Context) -> Reply:
    """Show the question, or take the answer; what a form was asking is asked again below."""
    if not ctx.talk.expired:
        ctx.aside = open_question(ctx)
    resident = ctx.resident
    if resident is None:
        return ctx.reply("asked.not_asked")
    picked = _PICKED.fullmatch(ctx.text)
    if picked is not None:
        return _take(ctx, resident, int(picked[1]), picked[2])
    asked = asked_now(ctx.world, resident, ctx.now)
    said = None if _ASKS.fullmatch(ctx.text.strip(_EDGES)) else _in_words(ctx)
    meant = _meant(ctx, asked)
    if said is not None and meant is not None:
        return _take(ctx, resident, meant, said)
    if not asked:
        return ctx.reply("asked.not_asked")
    return Reply.of(question_part(ctx, _next(asked) or asked[0]))


# -- what was said -------------------------------------------------------------------------------------------


def _in_words(ctx: Context) -> str | None:
    """The answer in words. "No" alone says nothing by itself: it counts right below the question only."""
    said = ctx.text.strip(_EDGES)
    table = (*_SAID, *_SHORT) if _offered(ctx) else _SAID
    return next((name for name, words in table if words.fullmatch(said)), None)


def _offered(ctx: Context) -> set[int]:
    """The facts that the last reply asked about."""
    found = (_PICKED.fullmatch(choice.value) for choice in ctx.talk.choices)
    return {int(each[1]) for each in found if each is not None}


def _meant(ctx: Context, asked: tuple[Question, ...]) -> int | None:
    """The one fact that an answer in words can only be about."""
    offered = _offered(ctx)
    if len(offered) == 1:
        return offered.pop()
    return asked[0].fact_id if len(asked) == 1 else None


# -- the question --------------------------------------------------------------------------------------------


def question_part(ctx: Context, question: Question) -> Choices:
    """The whole question with place, days and who says so, and its three answers."""
    before = ctx.say(f"asked.{question.answer}") if question.answer else ""
    text = ctx.say("asked.question", before=before, **_named(ctx, question))
    return Choices(_choices(ctx, question), text)


def short_question(ctx: Context, question: Question) -> Choices:
    """The question in one line, below a card that has shown the rest."""
    named = _named(ctx, question)
    return Choices(_choices(ctx, question), ctx.say("asked.short", days=named["days"], place=named["place"]))


def _choices(ctx: Context, question: Question) -> tuple[Choice, ...]:
    return tuple(Choice(ctx.say(f"asked.{name}"), f"answered:{question.fact_id}:{name}") for name in ANSWERS)


def _named(ctx: Context, question: Question) -> dict[str, str | bool]:
    """Who says that the resident was where, and when."""
    return {
        "source": source_words(ctx, question.fact.source),
        "days": days_words(ctx, question.first, question.last),
        "single": question.first == question.last,
        "place": place_words(ctx, question.division),
    }


def _next(asked: tuple[Question, ...]) -> Question | None:
    """The first question that has no answer at all."""
    return next((question for question in asked if question.answer is None), None)


# -- the answer ----------------------------------------------------------------------------------------------


def _take(ctx: Context, resident: Resident, fact_id: int, said: str) -> Reply:
    before = {scheme: (code.colour, code.state) for scheme, code in resident.codes.items()}
    answered = answer(ctx.world, ctx.work, resident, fact_id, said=said)
    reply = Reply.of(_told(ctx, resident, answered, said, before))
    following = _next(asked_now(ctx.world, resident, ctx.now))
    if following is None or following.fact_id == fact_id:
        return reply
    return reply.then(ctx.say("asked.next"), question_part(ctx, following))


def _told(
    ctx: Context, resident: Resident, answered: Answered, said: str, before: dict[str, tuple[str, str]]
) -> str:
    question = answered.question
    if question is None:
        return ctx.say(f"asked.{answered.effect.value}")
    named = _named(ctx, question)
    if answered.effect is Effect.PENDING:
        return _still_pending(ctx, question, said, named)
    lines = [_code_line(ctx, resident, scheme, question, before) for scheme in question.schemes]
    return ctx.say(f"asked.{answered.effect.value}", days=named["days"], place=named["place"], lines=lines)


def _still_pending(ctx: Context, question: Question, said: str, named: dict[str, str | bool]) -> str:
    names = [scheme_words(ctx, scheme) for scheme in question.schemes]
    more = {"place": named["place"], "source": named["source"]} if said == "no" else {}
    return ctx.say(
        f"asked.noted_{said}",
        schemes=("、" if ctx.language == "zh" else ", ").join(names),
        colour=colour_words(ctx, question.colour) if question.colour else "",
        until=moment_words(ctx, question.ends_at(ctx.zone)),
        single=named["single"],
        **more,
    )


def _code_line(
    ctx: Context, resident: Resident, scheme: str, question: Question, before: dict[str, tuple[str, str]]
) -> str:
    """One code after the answer: from which colour to which, and by which rule if the record counts now."""
    code = resident.codes[scheme]
    old, now = before[scheme], (code.colour, code.state)
    return ctx.say(
        "asked.line",
        scheme=scheme_words(ctx, scheme),
        old=colour_words(ctx, *old) if old != now and old[1] != State.UNDECIDED else "",
        new=colour_words(ctx, *now),
        reason=_reason(ctx, assess_code(ctx.world, resident.person(), scheme, ctx.now), question.fact_id),
    )


def _reason(ctx: Context, assessment: Assessment, fact_id: int) -> str:
    texts = (finding.text for finding in assessment.findings if finding.fact_id == fact_id)
    text = next(texts, None)
    return "" if text is None else in_language(ctx, text)
