"""What is said of a household's reports: who has which number, what was understood, what was saved, who is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.conversation.context import Context
from bot.conversation.forms import Answers
from bot.conversation.words import moment_in
from bot.core.model import Identity
from bot.message import Choice, Choices, Part
from bot.services.codes import coverage
from bot.services.punch_ins import Report, Saved
from handlers.chat.codes import change_words
from handlers.chat.family import Relative, Trouble, family_of
from handlers.chat.family_answers import SAID, follow
from handlers.chat.punch_in_words import report_in

OTHERS_ARE_WELL = "其他人也正常"
"""What the one tap stands for: it is read, and read back, like any other line."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one person's report, in words."""

    who: str
    report: str
    revision: int
    covered: str
    receipt: str
    verified: bool
    kept_fever: bool
    advice: str
    changes: tuple[str, ...]


def who_is_who(ctx: Context, family: Sequence[Relative]) -> str:
    """Everybody with their number."""
    return _listed(ctx, [f"{one.number} {one.label}" for one in family])


def trouble_lines(ctx: Context, troubles: Sequence[Trouble]) -> tuple[str, ...]:
    """What is unclear, one line each."""
    return tuple(ctx.say(trouble.key, words=trouble.words) for trouble in troubles)


def read_back_line(ctx: Context, answers: Answers, one: Relative) -> str:
    """What will be saved of one person, or why nothing will."""
    if str(one.id) not in answers.get(SAID, {}):
        return ctx.say("family.reported_already" if one.reported(ctx) else "family.not_mentioned")
    following = follow(ctx, answers, one)
    if following.report is None:
        return ctx.say("family.something_missing")
    words = spoken_report(ctx, following.heard, following.report)
    return f"{words}{ctx.say('family.amends')}" if one.reported(ctx) else words


def spoken_report(ctx: Context, heard: Answers, report: Report) -> str:
    """A report in words, with what of it was said earlier that day."""
    kept = tuple(code for code in heard.get("kept_symptoms", ()) if code in report.symptoms)
    words = report_in(
        ctx.texts,
        ctx.language,
        report,
        kept_symptoms=kept,
        kept_temperature=bool(heard.get("kept_temperature")),
        spoken=True,
    )
    if report.symptoms or heard.get("spoken") or report.no_change:
        return words
    temperature = "" if report.temperature_tenths is None else f"{report.temperature_tenths / 10:.1f}"
    return ctx.say("family.only_temperature", temperature=temperature)


def saved_line(ctx: Context, one: Relative, saved: Saved, heard: Answers) -> Line:
    """One person's receipt."""
    report = saved.report
    kind = "" if report.normal else "fever" if report.fever else "symptoms"
    hard = "dyspnea" in report.symptoms
    return Line(
        who=one.label,
        report=spoken_report(ctx, heard, report),
        revision=saved.revision,
        covered=_covered(ctx, one),
        receipt=saved.receipt,
        verified=one.resident.identity is Identity.VERIFIED,
        kept_fever=saved.kept_fever,
        advice=ctx.say(f"family.advice_{kind}", who=one.label, hard_breathing=hard) if kind else "",
        changes=tuple(change_words(ctx, change) for change in saved.changes),
    )


def _covered(ctx: Context, one: Relative) -> str:
    """Until when the report counts for every code of that person."""
    ends = [until for _, until in coverage(ctx.world, one.resident, ctx.now)]
    if not ends:
        return ctx.say("family.no_code")
    known: list[datetime] = [until for until in ends if until is not None]
    if not known:
        return ctx.say("family.no_end")
    at = moment_in(ctx.texts, ctx.language, min(known), one.resident.zone, this_year=ctx.today.year)
    return ctx.say("family.covered_until", at=at, first=len(set(ends)) > 1)


async def still_open(ctx: Context) -> list[Part]:
    """Who of the household hasn't reported today, with one tap for all of them; nothing where nobody is missing."""
    if len(ctx.residents) < 2:
        return []
    missing = [
        one for one in await family_of(ctx) if not one.reported(ctx) and one.resident.declared_at is not None
    ]
    if not missing:
        return []
    others = Choice(ctx.say("family.others_are_well"), OTHERS_ARE_WELL)
    return [Choices((others,), ctx.say("family.still_open", who=who_is_who(ctx, missing)))]


def _listed(ctx: Context, words: Sequence[str]) -> str:
    return ("、" if ctx.language == "zh" else ", ").join(words)
