"""Asking before a lone location counts: what is asked about now, the question unasked, and what answers do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.clock import day_begins, resident_day
from bot.core.assess import Assessment, Finding
from bot.core.facts import FactKind, last_day
from bot.core.model import Fact, State
from bot.notices.outbox import notify
from bot.services.facts import record
from bot.services.rescore import Change, assess_code, rescore
from bot.services.world import World
from bot.store.ids import new_id
from bot.store.snapshot import Resident
from bot.store.work import Work

KIND = "asked_first"
SOURCE = "resident"
"""The source of what somebody answers about themselves."""
ANSWERS = ("yes", "no", "unsure")


@dataclass(frozen=True, slots=True)
class Question:
    """One fact that waits for an answer: were you there on these days?

    `asked_until` is the last day on which it stays open without one; `answer` is what the resident said last.
    `colour` is what the first of the codes has for it meanwhile, empty if that has another reason.
    """

    fact: Fact
    division: str
    first: date
    last: date
    asked_until: date
    schemes: tuple[str, ...]
    colour: str
    answer: str | None = None

    @property
    def fact_id(self) -> int:
        return self.fact.id

    def ends_at(self, zone_name: str) -> datetime:
        """The instant at which it is no longer asked, and the fact no longer counts, if nothing else comes."""
        return day_begins(self.asked_until + timedelta(days=1), zone_name)


class Effect(StrEnum):
    """What an answer did."""

    CONFIRMED = "confirmed"
    CLEARED = "cleared"
    PENDING = "pending"
    STANDS = "stands"  # an earlier "yes" has confirmed it
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer; `question` is the one that it was given to."""

    effect: Effect
    question: Question | None = None
    changes: tuple[Change, ...] = ()


# -- what is asked -------------------------------------------------------------------------------------------


def asked_now(world: World, resident: Resident, now: datetime) -> tuple[Question, ...]:
    """What the resident's codes ask about at this instant, one question a fact, the fact known first first."""
    person = resident.person()
    assessments = [assess_code(world, person, scheme, now) for scheme in resident.codes]
    return questions(world, assessments, resident.facts, resident.zone)


def questions(
    world: World, assessments: Iterable[Assessment], facts: Sequence[Fact], zone_name: str
) -> tuple[Question, ...]:
    """The same, read off assessments: every fact on which a pending finding rests."""
    by_id = {fact.id: fact for fact in facts}
    found: dict[int, Question] = {}
    for assessment in assessments:
        for finding in assessment.findings:
            fact = by_id.get(finding.fact_id) if finding.pending and finding.fact_id is not None else None
            if fact is not None and fact.division is not None:
                asked = _question(world, assessment, finding, fact, zone_name)
                found[fact.id] = _together(found.get(fact.id), asked)
    asked_about = [replace(one, answer=_last_answer(facts, one.fact_id)) for one in found.values()]
    return tuple(sorted(asked_about, key=lambda one: (one.fact.known_at, one.fact_id)))


def _question(world: World, assessment: Assessment, finding: Finding, fact: Fact, zone_name: str) -> Question:
    days = timedelta(days=_days_of_asking(world, assessment.scheme, finding))
    return Question(
        fact=fact,
        division=fact.division or "",
        first=fact.start,
        last=last_day(fact, zone_name, resident_day(assessment.at, zone_name)),
        asked_until=resident_day(fact.known_at, zone_name) + days,
        schemes=(assessment.scheme,),
        colour=assessment.colour.value if assessment.state is State.PENDING else "",
    )


def _days_of_asking(world: World, scheme: str, finding: Finding) -> int:
    """By the version that made the finding, which for a hold may be older than the one in force."""
    books = world.books(scheme)
    for book in () if books is None else books.versions:
        rule = book.by_id.get(finding.rule_id) if book.version == finding.version else None
        if rule is not None and rule.ask_first is not None:
            return rule.ask_first.days
    return 0


def _together(one: Question | None, other: Question) -> Question:
    """Several codes that ask about the same fact ask once, as long as one of them does."""
    if one is None:
        return other
    if other.colour and not one.colour:
        one, other = other, one
    schemes = tuple(dict.fromkeys((*one.schemes, *other.schemes)))
    return replace(one, schemes=schemes, asked_until=max(one.asked_until, other.asked_until))


def _answers(facts: Iterable[Fact], fact_id: int) -> list[Fact]:
    """What the resident has answered about that fact, the first answer first."""
    about = [
        one
        for one in facts
        if one.kind == FactKind.ANSWER and one.source == SOURCE and one.details.get("about") == fact_id
    ]
    return sorted(about, key=lambda one: (one.known_at, one.id))


def _last_answer(facts: Iterable[Fact], fact_id: int) -> str | None:
    said = _answers(facts, fact_id)
    return str(said[-1].details["answer"]) if said else None


# -- asking at once ------------------------------------------------------------------------------------------


def ask_at_once(
    world: World, work: Work, resident: Resident, person_ids: Iterable[int], *, about: int | None = None
) -> tuple[Question, ...]:
    """Queue the question to everybody who speaks for the resident, in the transaction that made it arise.

    `about` asks about that fact alone. A fact is asked about unasked only once; the notice says neither the
    fact nor the place, because platforms and whoever looks over a shoulder read it too.
    """
    asked = [
        question
        for question in asked_now(world, resident, work.now)
        if question.answer is None and about in (None, question.fact_id)
    ]
    for person_id in person_ids:
        for question in asked:
            _tell(world, work, resident, person_id, question)
    return tuple(asked)


def _tell(world: World, work: Work, resident: Resident, person_id: int, question: Question) -> None:
    notify(
        work,
        world.keys,
        resident_id=resident.resident_id,
        person_id=person_id,
        kind=KIND,
        params={
            "scheme": question.schemes[0],
            "others": len(question.schemes) - 1,
            "new": question.colour,
        },
        dedup_key=f"asked:{question.fact_id}",
        expires_at=question.ends_at(resident.zone),
        urgent=bool(question.colour),  # one that changed no colour can wait for the morning
    )


# -- answering -----------------------------------------------------------------------------------------------


def answer(world: World, work: Work, resident: Resident, fact_id: int, *, said: str) -> Answered:
    """Take the resident's own answer about one of their facts as a fact, and score anew.

    Only what is asked about now is answered: nothing else is recorded, so that no answer changes a code that
    waits for none. The same answer again is the same; a "yes" stands. ValueError for a word that is no answer.
    """
    if said not in ANSWERS:
        raise ValueError(f"not an answer: {said!r}")
    question = _asked(world, resident, fact_id, work.now)
    if question is None:
        said_yes = any(one.details["answer"] == "yes" for one in _answers(resident.facts, fact_id))
        standing = any(fact.id == fact_id for fact in resident.facts)
        return Answered(Effect.STANDS if said_yes and standing else Effect.NOT_ASKED)
    if question.answer == said:
        return Answered(Effect.PENDING, question)
    record(
        work,
        resident,
        kind=FactKind.ANSWER,
        start=resident_day(work.now, resident.zone),
        source=SOURCE,
        reference=f"answer:{new_id()}",
        details={"about": fact_id, "answer": said},
    )
    changes = rescore(world, work, resident, cause="answer")
    left = _asked(world, resident, fact_id, work.now)
    if left is not None:
        return Answered(Effect.PENDING, left, changes)
    effect = Effect.CONFIRMED if said == "yes" else Effect.CLEARED
    return Answered(effect, replace(question, answer=said), changes)


def _asked(world: World, resident: Resident, fact_id: int, now: datetime) -> Question | None:
    return next((one for one in asked_now(world, resident, now) if one.fact_id == fact_id), None)
