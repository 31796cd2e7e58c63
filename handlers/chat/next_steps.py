"""What a resident can do next about a code: never more than three things, as choices where a reply does it."""

from __future__ import annotations

from typing import NamedTuple

from bot.conversation.context import Context
from bot.conversation.words import colour_words, moment_words, place_words
from bot.core.assess import Assessment, Finding
from bot.core.facts import FactKind
from bot.core.model import Colour, Fact
from bot.message import Choice, Choices
from bot.services.asking import Question
from bot.services.codes import covered_until
from bot.store.snapshot import Code, Resident
from handlers.chat.asked_first import WORD, short_question

MOST = 3
_FEWEST = 2
_PROVIDES = {
    "identity": ("核实身份", "why.choose_verify"),
    "declaration": ("申报", "why.choose_declare"),
    "home": ("申报", "why.choose_declare"),
    "report": ("打卡", "why.choose_punch_in"),
}
_DECLARED, _REPORTED = "declaration", "punch_in"


class NextSteps(NamedTuple):
    """Lines that close the card, and choices below it."""

    lines: tuple[str, ...] = ()
    choices: Choices | None = None


def next_steps(
    ctx: Context, resident: Resident, code: Code, assessment: Assessment, *, question: Question | None
) -> NextSteps:
    """The two or three things that fit this assessment; `question` is what its code asks about."""
    if question is not None and question.answer is None:
        return NextSteps((ctx.say("why.do_answer"),), short_question(ctx, question))
    if assessment.missing:
        return NextSteps((ctx.say("why.do_provide"),), _choices(ctx, _to_provide(ctx, assessment)))
    lines, choices = _things(ctx, resident, code, assessment, question)
    if len(lines) + len(choices) < _FEWEST:
        choices = _with_codes(ctx, choices)
    return NextSteps(tuple(lines), _choices(ctx, choices[: MOST - len(lines)]))


def _choices(ctx: Context, choices: list[Choice]) -> Choices | None:
    """Below a form's question they would be taken for its answers, so they are not offered there."""
    return Choices(tuple(choices)) if choices and ctx.aside is None and not ctx.talk.form else None


def _to_provide(ctx: Context, assessment: Assessment) -> list[Choice]:
    found = dict(_PROVIDES[one] for one in assessment.missing if one in _PROVIDES)
    choices = [Choice(ctx.say(label), value) for value, label in found.items()]
    return choices[:MOST] if len(choices) >= _FEWEST else _with_codes(ctx, choices)


def _with_codes(ctx: Context, choices: list[Choice]) -> list[Choice]:
    codes = _codes(ctx)
    return choices if codes in choices else [*choices, codes]


def _things(
    ctx: Context, resident: Resident, code: Code, assessment: Assessment, question: Question | None
) -> tuple[list[str], list[Choice]]:
    lines: list[str] = []
    choices: list[Choice] = []
    if question is not None:
        lines.append(ctx.say("why.do_support"))
        choices.append(Choice(ctx.say("why.choose_answer"), WORD))
    elif assessment.colour != Colour.GREEN:
        _correct(ctx, resident, assessment, lines, choices)
    if assessment.colour == Colour.RED:
        lines.append(ctx.say("why.do_stay_in"))
    choices.append(_report(ctx, resident, code))
    if assessment.colour == Colour.GREEN:
        choices.append(Choice(ctx.say("why.choose_renew"), "申报"))
    return lines, choices


def _report(ctx: Context, resident: Resident, code: Code) -> Choice:
    """Today's punch-in if it is still to be made, else a look at the codes."""
    if resident.last_punch_in is not None and resident.last_punch_in >= ctx.today:
        return _codes(ctx)
    until = covered_until(ctx.world, resident, code, ctx.now)
    covered = moment_words(ctx, until) if until is not None and until > ctx.now else ""
    return Choice(ctx.say("why.choose_report", until=covered), "打卡")


def _codes(ctx: Context) -> Choice:
    return Choice(ctx.say("why.choose_codes"), "我的码")


def _correct(
    ctx: Context, resident: Resident, assessment: Assessment, lines: list[str], choices: list[Choice]
) -> None:
    """What to do if the decisive fact is wrong: with whoever stated it."""
    decisive = assessment.decisive
    fact = None if decisive is None else _fact(resident, decisive)
    if decisive is None or fact is None:
        return
    if fact.source == _DECLARED:
        choices.append(Choice(ctx.say("why.choose_redeclare"), "申报"))
    elif fact.source == _REPORTED and fact.start == ctx.today:
        lines.append(ctx.say("why.do_retell", colour=_without(ctx, assessment, fact)))
    elif decisive.firm:
        place = place_words(ctx, fact.division) if fact.division else ""
        lines.append(ctx.say("why.do_ask_there", place=place))
    elif fact.kind == FactKind.OVERRIDE:
        lines.append(ctx.say("why.do_ask_issuer", issuer=str(fact.details.get("issuer", ""))))
    else:
        lines.append(ctx.say("why.do_correct", colour=_without(ctx, assessment, fact)))


def _without(ctx: Context, assessment: Assessment, fact: Fact) -> str:
    """The colour without that fact in words; empty if that would be the same."""
    otherwise = assessment.without(fact.id)
    if otherwise.colour == assessment.colour:
        return ""
    return colour_words(ctx, otherwise.colour, otherwise.state)


def _fact(resident: Resident, finding: Finding) -> Fact | None:
    return next((fact for fact in resident.facts if fact.id == finding.fact_id), None)
