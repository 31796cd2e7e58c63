"""Questions one after the other: several answers at once, going back, changing, side questions, a review.

A form is a list of steps over a dictionary of answers. The next question is always the first needed step
without an answer, so an old dialogue goes on where it stopped even after the form has gained or lost a step.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from bot.conversation.context import Context
from bot.conversation.form_state import (
    Answers,
    came_back,
    changing,
    draft_back,
    drafted,
    forget,
    keep_draft,
    leave_change,
    plain_answers,
    remember,
    start_change,
    without_last,
)
from bot.conversation.form_steps import CHANGE_WORD, Form, Partly, Read, Step, Taken, Wrong
from bot.conversation.routing import PASS, Answer
from bot.conversation.understanding.understood import Intent
from bot.message import Choice, Choices, Incoming, Reply

__all__ = [
    "REVIEW",
    "Answers",
    "Form",
    "Partly",
    "Read",
    "Step",
    "Taken",
    "Wrong",
    "begin",
    "continue_form",
    "drafted",
    "numbered",
    "open_question",
    "question",
    "review",
]

REVIEW = "review"
_CHANGE_VALUE = "change:"
_CHANGE = re.compile(
    rf"^\s*(?:(?P<word>{CHANGE_WORD})\s*)?(?:第\s*)?(?P<number>[0-9０-９]{{1,2}})\s*(?:(?:项|个|条|题)\s*)?$",
    re.IGNORECASE,
)
_ASKS_WHY = re.compile(
    r"^\s*(?:why|为什么|为啥|干嘛|干什么用|什么用)\s*[?？]*\s*$"
    r"|(?:为什么|为啥|为何|干嘛|凭什么).{0,4}(?:问|填|写|要我|需要|知道|收集)"
    r"|(?:问|填|要)(?:这个|这些)(?:干嘛|干什么|做什么|有什么用)"
    r"|why (?:do|are|would|must|should) (?:you|i|we)\b|why (?:ask|is this)",
    re.IGNORECASE,
)

SIDE_INTENTS = frozenset(
    {Intent.WHY, Intent.HELP, Intent.PRIVACY, Intent.CODES, Intent.LANGUAGE, Intent.WHICH_CODE}
)
_COMMANDS = SIDE_INTENTS | {
    Intent.DECLARE,
    Intent.PASS,
    Intent.APPEAL,
    Intent.APPEAL_STATUS,
    Intent.REMINDERS,
}
_NOT_A_REQUEST = frozenset({Intent.UNKNOWN, Intent.YES, Intent.NO, Intent.BACK})


async def begin(
    form: Form, ctx: Context, answers: Answers | None = None, *, opening: Reply | None = None
) -> Reply:
    """Start the form and ask its first open question; `answers` are known already."""
    ctx.talk.start(form.name, answers=answers)
    ctx.aside = None
    reply = await _go_on(form, ctx)
    return opening.then(*reply.parts) if opening else reply


async def review(form: Form, ctx: Context, answers: Answers, *, opening: Reply | None = None) -> Reply:
    """Start the form with earlier answers, at what the message wants changed or at the review."""
    reply = await begin(form, ctx, answers)
    step = form.named(ctx.text)
    if step is not None and ctx.talk.step == REVIEW and step.needed(ctx, ctx.talk.answers):
        reply = _change(form, step, ctx)
    return opening.then(*reply.parts) if opening else reply


async def continue_form(message: Incoming, ctx: Context) -> Answer:
    """Take the message as an answer of the form under way, or pass it on and ask again below the answer."""
    form = ctx.forms.get(ctx.talk.form)
    if form is None:
        ctx.talk.end()
        return PASS
    ctx.talk.answers = deepcopy(ctx.talk.answers)  # what was loaded stays as it was, to see what changed
    if ctx.talk.expired:
        return _return_after_long(form, ctx)
    step = form.step(ctx.talk.step)
    if ctx.talk.step != REVIEW and step is None:
        return ctx.reply("form.moved_on").then(*(await _go_on(form, ctx)).parts)
    control = await _control(form, step, ctx)
    if control is not None:
        return control
    if step is None:
        return await _answer_review(form, ctx)
    return await _answer_step(form, step, ctx)


def open_question(ctx: Context) -> Reply | None:
    """The question of the form under way, as it reads now; None where nothing is being asked."""
    form = ctx.forms.get(ctx.talk.form)
    return question(form, ctx) if form is not None else None


def question(form: Form, ctx: Context) -> Reply:
    """The question that is open now, or the review."""
    step = form.step(ctx.talk.step)
    if step is not None:
        return step.ask(ctx, ctx.talk.answers)
    lines = tuple(Choice(line, f"{_CHANGE_VALUE}{step.name}") for step, line in _shown(form, ctx))
    last = (Choice(ctx.say("form.submit"), "submit"), Choice(ctx.say("form.cancel"), "cancel"))
    return Reply.of(
        Choices(lines, ctx.say("form.review", title=ctx.say(form.title))),
        Choices(last, ctx.say("form.review_how")),
    )


def numbered(ctx: Context, key: str, options: Sequence[tuple[str, str]], **params: Any) -> Reply:
    """A question whose options are (value, label text already said)."""
    return Reply.of(Choices(tuple(Choice(label, value) for value, label in options), ctx.say(key, **params)))


def _return_after_long(form: Form, ctx: Context) -> Answer:
    """Say that the answers were kept; a request is served first, an answer is not taken for one of long ago."""
    ctx.talk.expired = False
    came_back(ctx.talk.answers, ctx.now)
    intent = ctx.understood.intent if ctx.text else Intent.UNKNOWN
    if intent == Intent.CANCEL:
        return _cancel(form, ctx)
    welcome_back = ctx.reply("form.back_after_long", title=ctx.say(form.title)).then(
        *question(form, ctx).parts
    )
    if ctx.choice is None and intent not in _NOT_A_REQUEST:
        ctx.aside = welcome_back
        return PASS
    return welcome_back


async def _control(form: Form, step: Step | None, ctx: Context) -> Reply | None:
    """Cancel, back and change, which mean the same at every step."""
    if ctx.choice is not None and ctx.choice not in ("back", "cancel"):
        return None
    intent = ctx.understood.intent if ctx.text else Intent.UNKNOWN
    if intent == Intent.CANCEL or ctx.choice == "cancel":
        return _cancel(form, ctx)
    if intent == Intent.BACK or ctx.choice == "back":
        return _back(form, step, ctx)
    wanted = _CHANGE.match(ctx.text)
    if wanted and (step is None or (wanted["word"] and form.review)):
        return _change_number(form, int(wanted["number"]), ctx)
    named = form.named(ctx.text)
    if named is not None and named is not step and named.answered(ctx.talk.answers):
        return _change(form, named, ctx)
    return None


def _cancel(form: Form, ctx: Context) -> Reply:
    """Give up the change under way, else the whole form."""
    if changing(ctx.talk.answers) and leave_change(ctx.talk.answers):
        ctx.talk.step = REVIEW
        return ctx.reply("form.unchanged").then(*question(form, ctx).parts)
    ctx.talk.end()
    return _with_parked(ctx, ctx.reply("form.cancelled", title=ctx.say(form.title)))


def _with_parked(ctx: Context, reply: Reply) -> Reply:
    """Below the reply, the question of the form that was set aside, if one was."""
    parked = ctx.forms.get(ctx.talk.form)
    if parked is None:
        return reply
    return reply.then(
        ctx.say("form.where_we_were", title=ctx.say(parked.title)), *question(parked, ctx).parts
    )


def _back(form: Form, step: Step | None, ctx: Context) -> Reply:
    """Take back the last part of an answer, a change, or the last answer."""
    answers = ctx.talk.answers
    if step is not None and draft_back(answers, step.name):
        return question(form, ctx)
    if step is not None and changing(answers) and leave_change(answers):
        ctx.talk.step = REVIEW
        return question(form, ctx)
    target = None
    while target is None:
        name = without_last(answers, step.name if step else "")
        if name is None:
            return ctx.reply("form.at_the_beginning").then(*question(form, ctx).parts)
        earlier = form.step(name)
        target = earlier if earlier is not None and earlier.needed(ctx, answers) else None
    forget(answers, target.name, target.slots)
    ctx.talk.step = target.name
    return question(form, ctx)


def _shown(form: Form, ctx: Context) -> list[tuple[Step, str]]:
    answers = ctx.talk.answers
    answered = [step for step in form.steps if step.needed(ctx, answers) and step.answered(answers)]
    lines = [(step, step.show(ctx, answers)) for step in answered]
    return [(step, line) for step, line in lines if line]


def _change_number(form: Form, number: int, ctx: Context) -> Reply:
    """The number is the one that was seen at the review; before it, the place among the answers given."""
    offered = [choice.value for choice in ctx.talk.choices]
    if any(value.startswith(_CHANGE_VALUE) for value in offered):
        value = offered[number - 1] if 1 <= number <= len(offered) else ""
        step = form.step(value.removeprefix(_CHANGE_VALUE)) if value.startswith(_CHANGE_VALUE) else None
        if step is not None:
            return _change(form, step, ctx)
    shown = _shown(form, ctx)
    if not 1 <= number <= len(shown):
        return ctx.reply("form.no_such_number", count=len(shown)).then(*question(form, ctx).parts)
    return _change(form, shown[number - 1][0], ctx)


def _change(form: Form, step: Step, ctx: Context) -> Reply:
    line = step.show(ctx, ctx.talk.answers)
    start_change(ctx.talk.answers, step.name, step.slots, whole=_is_whole(form, ctx))
    ctx.talk.step = step.name
    asked = question(form, ctx)
    return ctx.reply("form.was", line=line).then(*asked.parts) if line else asked


def _is_whole(form: Form, ctx: Context) -> bool:
    answers = ctx.talk.answers
    return all(step.answered(answers) or not step.needed(ctx, answers) for step in form.steps)


async def _answer_step(form: Form, step: Step, ctx: Context) -> Answer:
    if ctx.choice is None and _is_aside(step, ctx):
        return _set_aside(form, step, ctx)
    read = step.read(ctx, ctx.talk.answers)
    spotted = _spotted(form, step, ctx)
    if read is None and not spotted:
        return _set_aside(form, step, ctx)
    _take(step, ctx, read, spotted)
    if isinstance(read, Wrong):
        return ctx.reply(read.key, **dict(read.params)).then(*question(form, ctx).parts)
    reply = await _go_on(form, ctx)
    return reply if read is not None else ctx.reply("form.noted").then(*reply.parts)


def _is_aside(step: Step, ctx: Context) -> bool:
    """A question or a request that must not fill the slot."""
    if not ctx.text:
        return False
    if _ASKS_WHY.search(ctx.text):
        return True
    asks = ctx.text.rstrip().endswith(("?", "？"))
    if step.free:
        return asks or ctx.understood.intent in _COMMANDS
    return asks and ctx.understood.intent in SIDE_INTENTS


def _set_aside(form: Form, step: Step, ctx: Context) -> Answer:
    """A question in the middle: it fills nothing, and what was asked is asked again below its answer."""
    ctx.aside = question(form, ctx)
    if ctx.text and _ASKS_WHY.search(ctx.text):
        return ctx.reply(step.why)
    if not ctx.text or ctx.understood.intent in _NOT_A_REQUEST:
        return ctx.reply("form.not_understood")
    return PASS


def _spotted(form: Form, current: Step, ctx: Context) -> Answers:
    found: Answers = {}
    if ctx.choice is not None or not ctx.text:
        return found
    answers = ctx.talk.answers
    for step in form.steps:
        if step is not current and not step.answered(answers) and step.needed(ctx, {**answers, **found}):
            found.update(step.spot(ctx, {**answers, **found}))
    return found


def _take(step: Step, ctx: Context, read: Read, spotted: Answers) -> None:
    answers = ctx.talk.answers
    for slot, value in spotted.items():
        answers.setdefault(slot, value)
    form = ctx.forms.get(ctx.talk.form)
    for other in form.steps if form is not None and spotted else ():
        by_itself = other is step and isinstance(read, Taken)
        if not by_itself and all(slot in spotted for slot in other.slots):
            remember(answers, other.name, {slot: answers[slot] for slot in other.slots}, other.resets)
    if isinstance(read, Partly):
        keep_draft(answers, step.name, read.draft)
    if isinstance(read, Taken):
        remember(answers, step.name, read.values, step.resets)


async def _go_on(form: Form, ctx: Context) -> Reply:
    """Ask the next open question, show the review, or submit."""
    for step in form.steps:
        if step.needed(ctx, ctx.talk.answers) and not step.answered(ctx.talk.answers):
            ctx.talk.step = step.name
            return question(form, ctx)
    if form.review:
        ctx.talk.step = REVIEW
        return question(form, ctx)
    return await _submit(form, ctx)


async def _answer_review(form: Form, ctx: Context) -> Answer:
    if not _is_whole(form, ctx):
        return ctx.reply("form.moved_on").then(*(await _go_on(form, ctx)).parts)
    if ctx.choice is not None and ctx.choice.startswith(_CHANGE_VALUE):
        step = form.step(ctx.choice.removeprefix(_CHANGE_VALUE))
        if step is not None:
            return _change(form, step, ctx)
    if ctx.choice == "submit" or (ctx.text and ctx.understood.intent == Intent.YES):
        return await _submit(form, ctx)
    if ctx.text and ctx.understood.intent == Intent.NO:
        return ctx.reply("form.what_to_change").then(*question(form, ctx).parts)
    ctx.aside = question(form, ctx)
    if ctx.text and _ASKS_WHY.search(ctx.text):
        return ctx.reply("form.why")
    if not ctx.text or ctx.understood.intent == Intent.UNKNOWN:
        return ctx.reply("form.not_understood")
    return PASS


async def _submit(form: Form, ctx: Context) -> Reply:
    answers = plain_answers(ctx.talk.answers)
    ctx.talk.end()
    reply = await form.submit(ctx, answers)
    return _with_parked(ctx, reply)
