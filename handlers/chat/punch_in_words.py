"""What is said of a report: read back, advised, covered until when. Made once for all who report the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from bot.conversation.context import Context
from bot.conversation.texts import Texts
from bot.conversation.words import DOTS, day_in, degrees, moment_in, scheme_in
from bot.services.codes import coverage
from bot.services.punch_ins import Report
from bot.services.schemes import Schemes
from bot.store.snapshot import Resident

_RECEIPT = "\0"


class Covered(NamedTuple):
    """The codes of one report: scheme, colour and end of cover of each, and what it takes to say them."""

    texts: Texts
    language: str
    schemes: Schemes
    zone: str
    day: date
    codes: tuple[tuple[str, str, datetime | None], ...]


def covered_by(ctx: Context, resident: Resident, day: date) -> Covered:
    """What the resident's report of that day covers."""
    codes = ((code.scheme, code.colour, until) for code, until in coverage(ctx.world, resident, ctx.now))
    return Covered(ctx.texts, ctx.language, ctx.world.schemes, resident.zone, day, tuple(codes))


def after_saving(
    covered: Covered,
    receipt: str,
    *,
    report: str,
    revision: int,
    verified: bool,
    advice: str = "",
    changes: tuple[str, ...] = (),
) -> str:
    """The whole answer to a report that was saved."""
    # the receipt alone differs between those who report the same, so it is put in last
    return _without_receipt(covered, report, revision, verified, advice, changes).replace(_RECEIPT, receipt)


@lru_cache(maxsize=1024)
def _without_receipt(
    covered: Covered, report: str, revision: int, verified: bool, advice: str, changes: tuple[str, ...]
) -> str:
    return covered.texts.say(
        covered.language,
        "punch_in.saved",
        day=day_in(covered.texts, covered.language, covered.day),
        report=report,
        revision=revision,
        advice=advice,
        changes=changes,
        verified=verified,
        covered=covered_lines(covered),
        receipt=_RECEIPT,
    )


def covered_lines(covered: Covered) -> list[tuple[str, str, str]]:
    """Dot, name and end of cover of each code; the end is empty where no rule says one."""
    texts, language, year = covered.texts, covered.language, covered.day.year
    lines = []
    for scheme, colour, until in covered.codes:
        ends = moment_in(texts, language, until, covered.zone, this_year=year) if until else ""
        lines.append((DOTS[colour], scheme_in(covered.schemes, language, scheme), ends))
    return lines


@lru_cache(maxsize=1024)
def report_in(
    texts: Texts,
    language: str,
    report: Report,
    *,
    kept_symptoms: tuple[str, ...] = (),
    kept_temperature: bool = False,
    spoken: bool = False,
) -> str:
    """A report in words; `kept_*` were said earlier that day, `spoken`: that there is no symptom was said."""
    return texts.say(
        language,
        "punch_in.read_back",
        no_change=report.no_change,
        temperature="" if report.temperature_tenths is None else degrees(report.temperature_tenths),
        kept_temperature=kept_temperature,
        symptoms=symptoms_in(texts, language, report.symptoms),
        kept_symptoms=symptoms_in(texts, language, kept_symptoms),
        spoken=spoken,
    )


def advise(ctx: Context, report: Report) -> str:
    """What to do now, for somebody who doesn't feel well; empty for everybody else."""
    if report.normal:
        return ""
    key = "fever" if report.fever else "symptoms"
    return ctx.say(f"punch_in.advice_{key}", hard_breathing="dyspnea" in report.symptoms)


def symptom_words(ctx: Context, symptoms: Iterable[str]) -> str:
    """Symptom codes in words."""
    return symptoms_in(ctx.texts, ctx.language, symptoms)


def symptoms_in(texts: Texts, language: str, symptoms: Iterable[str]) -> str:
    """Symptom codes in words of that language, with its comma between them."""
    words = [texts.say(language, f"punch_in.symptom_{code}") for code in symptoms]
    return ("、" if language == "zh" else ", ").join(words)
