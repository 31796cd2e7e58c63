"""My codes, and why each has its colour: the very explanation of the chat, and what it was read off."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from bot.conversation.explaining import Explained, decisive_first, explained
from bot.conversation.fact_words import fact_words
from bot.conversation.words import in_language, missing_words, place_words, scheme_words, source_words
from bot.core.assess import Assessment, Finding
from bot.core.model import Fact
from bot.services.asking import Question
from bot.services.codes import covered_until, missing_of, review_due
from bot.services.rulebooks import is_confirmed
from bot.store.snapshot import Code, Resident
from handlers.http.api.bodies import Told
from handlers.http.api.calls import Call
from handlers.http.api.me import Missing, missing_kind
from handlers.http.api.problems import Problem

Colour = Literal["green", "yellow", "red", "grey"]
CodeState = Literal["decided", "pending", "undecided", "expired"]
SCHEME = Field(pattern="^[a-z][a-z0-9_]{1,31}$", examples=["wuhan"])


class MissingTold(Told):
    """Something without which a code stays grey, and how to give it."""

    what: Missing
    text: str


class CodeTold(Told):
    """One health code."""

    scheme: str = SCHEME
    name: str
    issuer: str
    decided_here: bool = Field(description="False: the colour is another system's, and only passed on.")
    colour: Colour
    state: CodeState
    since: datetime
    missing: list[MissingTold]
    next_review_at: datetime | None
    covered_until: datetime | None = Field(description="Until when the last report counts for this code.")


class Codes(Told):
    """All codes of oneself, in the order in which they were added."""

    codes: list[CodeTold]


class FactTold(Told):
    """The fact that a rule met."""

    kind: str
    first: date
    last: date | None
    place: str
    source: str
    text: str


class FindingTold(Told):
    """One rule that one fact met, the decisive one first."""

    rule: str
    text: str
    dimension: str | None
    points: int
    at_least: Colour | None
    pending: bool = Field(description="It waits for an answer first, and doesn't count in full yet.")
    fact: FactTold | None


class HoldTold(Told):
    """The arithmetic of a hold."""

    anchor: date | None
    days: int
    days_end_at: datetime | None
    normal_wanted: int
    normal_have: int
    consecutive: bool
    step: int
    steps: int


class NextChange(Told):
    """The earliest instant at which the clock and normal punch-ins alone change the colour."""

    at: datetime
    colour: Colour
    normal_punch_ins: int


class QuestionTold(Told):
    """What the code asks about before it counts."""

    place: str
    first: date
    last: date
    answer: Literal["yes", "no", "unsure"] | None
    asked_until: date


class RuleBookTold(Told):
    """By which rules; `assumed` figures were never published."""

    scheme: str
    version: str
    assumed: int
    confirmed: bool


class Why(Told):
    """Why a code has its colour. `title` and `lines` are the words of the chat; the rest is what they say."""

    scheme: str = SCHEME
    title: str
    lines: list[str]
    colour: Colour
    state: CodeState
    since: datetime
    missing: list[MissingTold]
    findings: list[FindingTold]
    question: QuestionTold | None
    hold: HoldTold | None
    ends: list[str] = Field(description="What ends the colour, in words.")
    next_change: NextChange | None
    rule_book: RuleBookTold | None


async def list_codes(call: Call) -> Codes:
    """Every code that one holds; none before the first declaration."""
    resident = call.ctx.resident
    if resident is None:
        return Codes(codes=[])
    review_due(call.ctx.world, call.ctx.work, resident)
    return Codes(codes=[code_told(call, resident, code) for code in resident.codes.values()])


def code_told(call: Call, resident: Resident, code: Code) -> CodeTold:
    """One code as the front end shows it."""
    ctx = call.ctx
    scheme = ctx.world.schemes.get(code.scheme)
    return CodeTold.model_validate(
        {
            "scheme": code.scheme,
            "name": scheme_words(ctx, code.scheme),
            "issuer": code.scheme if scheme is None else in_language(ctx, scheme.issuer),
            "decided_here": scheme is not None and scheme.local,
            "colour": code.colour,
            "state": code.state,
            "since": code.since,
            "missing": _missing(call, missing_of(code)),
            "next_review_at": code.next_change_at,
            "covered_until": covered_until(ctx.world, resident, code, ctx.now),
        }
    )


def _missing(call: Call, missing: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"what": missing_kind(each), "text": missing_words(call.ctx, each)} for each in missing]


async def explain_code(call: Call) -> Why:
    """The explanation of one code that one holds."""
    ctx, resident = call.ctx, call.ctx.resident
    if resident is None or call.names["scheme"] not in resident.codes:
        raise Problem("not_found")
    review_due(ctx.world, ctx.work, resident)
    code = resident.codes[call.names["scheme"]]
    told = explained(ctx, resident, code)
    shown = _read_off(call, resident, told, told.assessment) if told.assessment is not None else _NOTHING
    return Why.model_validate(
        {
            "scheme": code.scheme,
            "title": told.title,
            "lines": list(told.lines),
            "colour": code.colour,
            "state": code.state,
            "since": code.since,
            "ends": list(told.ends),
            **shown,
        }
    )


_NOTHING: dict[str, Any] = {
    "missing": [], "findings": [], "question": None, "hold": None, "next_change": None, "rule_book": None,
}  # fmt: skip


def _read_off(call: Call, resident: Resident, told: Explained, assessment: Assessment) -> dict[str, Any]:
    facts = {fact.id: fact for fact in resident.facts}
    book, hold, at = assessment.book, assessment.hold, assessment.next_change_at
    needs = dict(need.partition(":")[::2] for need in assessment.next_change_needs)
    return {
        "missing": _missing(call, assessment.missing),
        "findings": [_finding(call, facts, one) for one in decisive_first(assessment)],
        "question": None if told.question is None else _question(call, told.question),
        "hold": None if hold is None else {name: getattr(hold, name) for name in HoldTold.model_fields},
        "next_change": None
        if at is None or assessment.next_colour is None
        else {
            "at": at,
            "colour": assessment.next_colour.value,
            "normal_punch_ins": int(needs.get("normal_punch_ins", "0")),
        },
        "rule_book": None
        if book is None
        else {
            "scheme": book.scheme,
            "version": book.version,
            "assumed": len(book.assumed) if book.illustrative else 0,
            "confirmed": is_confirmed(book, call.ctx.world.confirmed_rulebooks),
        },
    }


def _finding(call: Call, facts: dict[int, Fact], finding: Finding) -> dict[str, Any]:
    fact = None if finding.fact_id is None else facts.get(finding.fact_id)
    return {
        "rule": finding.rule_id,
        "text": in_language(call.ctx, finding.text),
        "dimension": finding.dimension,
        "points": finding.points,
        "at_least": None if finding.at_least is None else finding.at_least.value,
        "pending": finding.pending,
        "fact": None if fact is None else _fact(call, fact),
    }


def _fact(call: Call, fact: Fact) -> dict[str, Any]:
    return {
        "kind": fact.kind,
        "first": fact.start,
        "last": fact.end,
        "place": place_words(call.ctx, fact.division) if fact.division else "",
        "source": source_words(call.ctx, fact.source),
        "text": fact_words(call.ctx, fact).strip(),
    }


def _question(call: Call, question: Question) -> dict[str, Any]:
    return {
        "place": place_words(call.ctx, question.division),
        "first": question.first,
        "last": question.last,
        "answer": question.answer,
        "asked_until": question.asked_until,
    }
