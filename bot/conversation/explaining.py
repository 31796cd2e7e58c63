"""Why a code has its colour, read off its assessment: findings, facts, the arithmetic of a hold, what ends it, rule."""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation.context import Context
from bot.conversation.fact_words import fact_words
from bot.conversation.words import (
    colour_words,
    day_words,
    in_language,
    missing_words,
    moment_words,
    scheme_words,
)
from bot.core.assess import Assessment, Finding
from bot.core.model import Colour, State
from bot.services.asking import Question, questions
from bot.services.rescore import assess_code
from bot.services.rulebooks import is_confirmed
from bot.store.snapshot import Code, Resident

_FINDINGS = 2
_MISSING = 3


@dataclass(frozen=True, slots=True)
class Explained:
    """The explanation of one code: in words, and the assessment that they were read off (None: decided
    elsewhere). `question` is what the code asks about, `ends` alone the lines that say what ends it."""

    title: str
    lines: tuple[str, ...]
    assessment: Assessment | None = None
    question: Question | None = None
    ends: tuple[str, ...] = ()


def explained(ctx: Context, resident: Resident, code: Code) -> Explained:
    """Everything that is to be said about the colour of a code, the most important first."""
    title = ctx.say(
        "why.title",
        scheme=scheme_words(ctx, code.scheme),
        colour=colour_words(ctx, code.colour, code.state),
        since=moment_words(ctx, code.since),
    )
    scheme = ctx.world.schemes.get(code.scheme)
    if scheme is None or not scheme.local:
        issuer = in_language(ctx, scheme.issuer) if scheme else code.scheme
        return Explained(title, (ctx.say("why.decided_elsewhere", issuer=issuer),))
    assessment = assess_code(ctx.world, resident.person(), code.scheme, ctx.now)
    asked = questions(ctx.world, [assessment], resident.facts, resident.zone)
    question = next((one for one in asked if one.answer is None), asked[0] if asked else None)
    ends = (*_hold_lines(ctx, assessment), *_ends(ctx, assessment, question))
    lines = (*_reasons(ctx, resident, assessment, question), *ends, *_rule(ctx, code, assessment))
    return Explained(title, lines, assessment, question, ends)


# -- reasons -------------------------------------------------------------------------------------------------


def _reasons(
    ctx: Context, resident: Resident, assessment: Assessment, question: Question | None
) -> list[str]:
    if assessment.missing:
        return [
            ctx.say("why.missing"),
            *(f"· {missing_words(ctx, each)}" for each in assessment.missing[:_MISSING]),
        ]
    findings = decisive_first(assessment)
    if not findings:
        return [ctx.say("why.green" if assessment.colour == Colour.GREEN else "why.nothing_found")]
    facts = {fact.id: fact for fact in resident.facts}
    lines = []
    shown = _FINDINGS if question is None else 1  # the question and its answers take the room
    for finding in findings[:shown]:
        lines.append(ctx.say("why.reason", text=in_language(ctx, finding.text), pending=finding.pending))
        fact = facts.get(finding.fact_id) if finding.fact_id is not None else None
        if fact is not None:
            lines.append(fact_words(ctx, fact))
    if len(findings) > shown:
        lines.append(ctx.say("why.more_findings", count=len(findings) - shown))
    if question is not None and question.answer is not None:
        lines.append(ctx.say("why.answered", answer=ctx.say(f"asked.{question.answer}")))
    return lines


def decisive_first(assessment: Assessment) -> list[Finding]:
    """A green code is explained by what made it green in spite of all else, every other by what keeps it."""
    first = assessment.decisive
    if assessment.colour == Colour.GREEN:
        first = next((one for one in assessment.findings if one.at_most is not None), first)
    others = [finding for finding in assessment.findings if finding is not first]
    return others if first is None else [first, *others]


# -- how long ------------------------------------------------------------------------------------------------


def _hold_lines(ctx: Context, assessment: Assessment) -> list[str]:
    decisive = assessment.decisive
    hold = None if decisive is None or decisive.pending else decisive.hold
    if hold is None or assessment.missing:
        return []
    if hold.anchor is None or hold.days_end_at is None:
        return [
            ctx.say(
                "why.hold_waits",
                days=hold.days,
                until=_rule_text(ctx, assessment, hold.waits_for or ""),
                step=hold.step + 1,
                steps=hold.steps,
            )
        ]
    return [
        ctx.say(
            "why.hold",
            anchor=day_words(ctx, hold.anchor),
            days=hold.days,
            ends=moment_words(ctx, hold.days_end_at),
            over=hold.days_end_at <= ctx.now,
            wanted=hold.normal_wanted,
            have=min(hold.normal_have, hold.normal_wanted),
            consecutive=hold.consecutive,
            step=hold.step + 1,
            steps=hold.steps,
        )
    ]


def _rule_text(ctx: Context, assessment: Assessment, rule_id: str) -> str:
    rule = assessment.book.by_id.get(rule_id) if assessment.book else None
    return rule_id if rule is None else in_language(ctx, rule.text).rstrip("。.")


def _ends(ctx: Context, assessment: Assessment, question: Question | None) -> list[str]:
    """What ends the colour, and the earliest time."""
    if assessment.missing or assessment.colour == Colour.GREEN:
        return []
    if question is not None and assessment.state is State.PENDING:
        return [ctx.say("why.ends_asking", at=moment_words(ctx, question.ends_at(ctx.zone)))]
    at, colour = assessment.next_change_at, assessment.next_colour
    needs = [_split(need) for need in assessment.next_change_needs]
    if at is None or colour is None:
        relief = next((value for name, value in needs if name == "relief"), None)
        hold = assessment.hold
        if relief is None:
            return [ctx.say("why.no_end")]
        if hold is not None and hold.waits_for == relief:
            return []  # the hold's own line has said so
        return [ctx.say("why.ends_with", what=_rule_text(ctx, assessment, relief))]
    return [
        ctx.say(
            "why.ends",
            now=at <= ctx.now,
            at=moment_words(ctx, at),
            colour=colour_words(ctx, colour),
            punch_ins=int(dict(needs).get("normal_punch_ins", "0")),
        )
    ]


def _split(need: str) -> tuple[str, str]:
    name, _, value = need.partition(":")
    return name, value


def _rule(ctx: Context, code: Code, assessment: Assessment) -> list[str]:
    book = assessment.book
    if book is None:
        return []
    confirmed = is_confirmed(book, ctx.world.confirmed_rulebooks)
    return [
        ctx.say(
            "why.rule",
            scheme=scheme_words(ctx, book.scheme if ctx.world.schemes.get(book.scheme) else code.scheme),
            version=book.version,
            assumed=len(book.assumed) if book.illustrative else 0,
            confirmed=confirmed,
        )
    ]
