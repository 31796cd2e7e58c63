"""Why a code has its colour: findings, facts, rule, the arithmetic of a hold, what ends it, what to do next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from bot.conversation.context import Context
from bot.core.assess import Assessment, Finding
from bot.core.facts import FactKind
from bot.core.model import Colour, Fact, State
from bot.message import Card, Incoming, Reply
from bot.services.codes import covered_until
from bot.services.rescore import assess_code
from bot.services.rulebooks import is_confirmed
from bot.store.snapshot import Code, Resident
from handlers.chat.codes import (
    colour_words,
    day_words,
    missing_words,
    moment_words,
    named_scheme,
    place_words,
    review_due,
    scheme_words,
)
from handlers.chat.punch_in_words import degrees

LINES = 12
_FINDINGS = 2
_MISSING = 3
_WORST_FIRST = (Colour.RED, Colour.YELLOW, Colour.GREY, Colour.GREEN)


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
    review_due(ctx, resident)
    codes = sorted(resident.codes.values(), key=lambda code: _WORST_FIRST.index(Colour(code.colour)))
    if named is not None:
        return Reply.of(card(ctx, resident, resident.codes[named.id]))
    reply = Reply.of(card(ctx, resident, codes[0]))
    if len(codes) == 1:
        return reply
    others = [_in_one_line(ctx, resident, code) for code in codes[1:]]
    return reply.then(ctx.say("why.others", lines=others))


def card(ctx: Context, resident: Resident, code: Code) -> Card:
    """The whole explanation in at most twelve lines, its title included."""
    title = ctx.say(
        "why.title",
        scheme=scheme_words(ctx, code.scheme),
        colour=colour_words(ctx, code.colour, code.state),
        since=moment_words(ctx, code.since),
    )
    scheme = ctx.world.schemes.get(code.scheme)
    if scheme is None or not scheme.local:
        issuer = scheme.issuer.get(ctx.language, scheme.issuer["zh"]) if scheme else code.scheme
        return Card(title, (ctx.say("why.decided_elsewhere", issuer=issuer),))
    assessment = assess_code(ctx.world, resident.person(), code.scheme, ctx.now)
    lines = [
        *_reasons(ctx, resident, assessment),
        *_hold_lines(ctx, assessment),
        *_ends(ctx, assessment),
        *_rule(ctx, assessment),
        *_next_steps(ctx, resident, code, assessment),
    ]
    return Card(title, tuple(lines[: LINES - 1]))


def _in_one_line(ctx: Context, resident: Resident, code: Code) -> str:
    assessment = assess_code(ctx.world, resident.person(), code.scheme, ctx.now)
    if assessment.missing:
        reason = missing_words(ctx, assessment.missing[0])
    elif assessment.decisive is not None:
        reason = _text(ctx, assessment.decisive)
    else:
        reason = ctx.say("why.nothing_found")
    colour = colour_words(ctx, code.colour, code.state)
    return ctx.say("why.other", scheme=scheme_words(ctx, code.scheme), colour=colour, reason=reason)


# -- reasons -------------------------------------------------------------------------------------------------


def _reasons(ctx: Context, resident: Resident, assessment: Assessment) -> list[str]:
    if assessment.missing:
        return [
            ctx.say("why.missing"),
            *(f"· {missing_words(ctx, each)}" for each in assessment.missing[:_MISSING]),
        ]
    findings = _decisive_first(assessment)
    if not findings:
        return [ctx.say("why.green" if assessment.colour == Colour.GREEN else "why.nothing_found")]
    facts = {fact.id: fact for fact in resident.facts}
    lines = []
    for finding in findings[:_FINDINGS]:
        lines.append(ctx.say("why.reason", text=_text(ctx, finding)))
        fact = facts.get(finding.fact_id) if finding.fact_id is not None else None
        if fact is not None:
            lines.append(fact_words(ctx, fact))
    if len(findings) > _FINDINGS:
        lines.append(ctx.say("why.more_findings", count=len(findings) - _FINDINGS))
    return lines


def _decisive_first(assessment: Assessment) -> list[Finding]:
    decisive = assessment.decisive
    others = [finding for finding in assessment.findings if finding is not decisive]
    return others if decisive is None else [decisive, *others]


def _text(ctx: Context, finding: Finding) -> str:
    return finding.text.get(ctx.language) or finding.text["zh"]


def fact_words(ctx: Context, fact: Fact) -> str:
    """One fact in words: what, when, where, and who said so."""
    source = f"why.source_{fact.source}"
    return ctx.say(
        "why.fact",
        kind=ctx.say(f"why.kind_{fact.kind}"),
        day=_days(ctx, fact.start, fact.end),
        place=place_words(ctx, fact.division) if fact.division else "",
        detail=_detail(ctx, fact),
        source=ctx.say(source) if ctx.texts.has(source) else fact.source,
    )


def _days(ctx: Context, start: date, end: date | None) -> str:
    first = day_words(ctx, start)
    return first if end is None or end == start else f"{first}–{day_words(ctx, end)}"


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
    FactKind.ANSWER: _worded("answer"),
    FactKind.OTHER_PLACE_COLOUR: _other_colour,
    FactKind.OVERRIDE: _issued,
}


# -- how long ------------------------------------------------------------------------------------------------


def _hold_lines(ctx: Context, assessment: Assessment) -> list[str]:
    hold = assessment.hold
    if hold is None or assessment.missing:
        return []
    if hold.anchor is None or hold.days_end_at is None:
        return [
            ctx.say("why.hold_waits", days=hold.days, until=_rule_text(ctx, assessment, hold.waits_for or ""))
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
    return rule_id if rule is None else (rule.text.get(ctx.language) or rule.text["zh"]).rstrip("。.")


def _ends(ctx: Context, assessment: Assessment) -> list[str]:
    """What ends the colour, and the earliest time."""
    if assessment.missing or assessment.colour == Colour.GREEN:
        return []
    at, colour = assessment.next_change_at, assessment.next_colour
    needs = dict(_split(need) for need in assessment.next_change_needs)
    if at is None or colour is None:
        relief = needs.get("relief")
        return (
            [ctx.say("why.ends_with", what=_rule_text(ctx, assessment, relief))]
            if relief
            else [ctx.say("why.no_end")]
        )
    return [
        ctx.say(
            "why.ends",
            now=at <= ctx.now,
            at=moment_words(ctx, at),
            colour=colour_words(ctx, colour),
            punch_ins=int(needs.get("normal_punch_ins", "0")),
        )
    ]


def _split(need: str) -> tuple[str, str]:
    name, _, value = need.partition(":")
    return name, value


def _rule(ctx: Context, assessment: Assessment) -> list[str]:
    book = assessment.book
    if book is None:
        return []
    confirmed = is_confirmed(book, ctx.world.confirmed_rulebooks)
    return [
        ctx.say(
            "why.rule",
            scheme=scheme_words(ctx, book.scheme),
            version=book.version,
            assumed=len(book.assumed) if book.illustrative else 0,
            confirmed=confirmed,
        )
    ]


# -- what to do ----------------------------------------------------------------------------------------------


def _next_steps(ctx: Context, resident: Resident, code: Code, assessment: Assessment) -> list[str]:
    if assessment.missing:
        return [ctx.say("why.do_provide")]
    until = covered_until(ctx.world, resident, code, ctx.now)
    keep = ctx.say("why.do_punch_in", until=moment_words(ctx, until) if until and until > ctx.now else "")
    if assessment.colour == Colour.GREEN:
        return [keep]
    steps = [keep]
    if assessment.state == State.PENDING:
        steps.append(ctx.say("why.do_unsettled"))
    decisive = assessment.decisive
    if decisive is not None and decisive.fact_id is not None:
        otherwise = assessment.without(decisive.fact_id)
        differs = otherwise.colour != assessment.colour
        colour = colour_words(ctx, otherwise.colour, otherwise.state) if differs else ""
        steps.append(ctx.say("why.do_correct", colour=colour))
    if assessment.colour == Colour.RED:
        steps.append(ctx.say("why.do_stay_in"))
    return steps
