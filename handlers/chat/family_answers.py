"""What a family's form keeps between messages, and the reports that follow from it on the day on which it is read.

Kept are the words, not the report: what follows from them is worked out when it is shown and again when it is
saved, so that whatever somebody else reported meanwhile is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.clock import resident_day
from bot.conversation.context import Context
from bot.conversation.forms import Answers
from bot.conversation.understanding.household import said_of
from bot.conversation.understanding.understood import Understood
from bot.conversation.words import degrees
from bot.services.honesty import wants_full
from bot.services.punch_ins import Report, unchanged_since
from bot.store.snapshot import PunchIn
from handlers.chat.family import Meant, Relative, Trouble
from handlers.chat.heard import go_on_as_before, hear, report_of, says_something
from handlers.chat.punch_in_words import symptom_words

SAID, FAMILY, OPEN, DETAILED, AGAIN = "said", "family", "open", "detailed", "again"


@dataclass(frozen=True, slots=True)
class Following:
    """What follows from words about one person: a whole report, or key of the question for what it lacks."""

    heard: Answers
    report: Report | None = None
    asks: str = ""


def keep_family(answers: Answers, family: Sequence[Relative]) -> None:
    """Remember who has which number, so that what was shown stays so while the form is under way."""
    answers[FAMILY] = [[one.id, one.label, one.minor] for one in family]


def family_in(ctx: Context, answers: Answers) -> list[Relative]:
    """The household as it was shown; whoever isn't spoken for any more is left out."""
    residents = {resident.resident_id: resident for resident in ctx.residents}
    own = ctx.resident.resident_id if ctx.resident else 0
    return [
        Relative(number, residents[id_], label, minor, own=id_ == own)
        for number, (id_, label, minor) in enumerate(answers.get(FAMILY, ()), start=1)
        if id_ in residents
    ]


def take_meant(ctx: Context, answers: Answers, meant: Meant, family: Sequence[Relative]) -> list[Trouble]:
    """Take what a message says over into the form; with any trouble nothing of it."""
    by_id = {one.id: one for one in family}
    troubles = list(meant.troubles)
    for id_, part in meant.said.items():
        troubles += troubles_of(ctx, by_id[id_], part.said)
    if troubles:
        return list(dict.fromkeys(troubles))
    for id_, part in meant.said.items():
        keep_words(ctx, answers, by_id[id_], part.text)
    open_what_is_missing(ctx, answers)
    return []


def troubles_of(ctx: Context, one: Relative, said: Understood) -> list[Trouble]:
    """What of a report can't be right, or can be read both ways."""
    found = []
    if one.resident.declared_at is None:
        found.append(Trouble("family.not_declared", one.label))
    if said.implausible_temperature_tenths is not None:
        temperature = degrees(said.implausible_temperature_tenths)
        found.append(Trouble("family.implausible", f"{one.label} {temperature}"))
    if said.several_temperatures:
        found.append(Trouble("family.several_temperatures", one.label))
    if said.unclear_symptoms:
        words = f"{one.label} {symptom_words(ctx, said.unclear_symptoms)}"
        found.append(Trouble("family.unclear_symptoms", words))
    return found


def keep_words(ctx: Context, answers: Answers, one: Relative, text: str) -> None:
    """Remember what was said of one person, on which day, and which report stood for them then."""
    today = _today(ctx, one)
    said = dict(answers.get(SAID, {}))
    said[str(one.id)] = [text, _day(ctx, one).isoformat(), today.revision if today else 0]
    answers[SAID] = said


def open_what_is_missing(ctx: Context, answers: Answers) -> None:
    """Note for whom something has to be asked before the review."""
    missing = [one.id for one in spoken_of(ctx, answers) if follow(ctx, answers, one).asks]
    answers[OPEN] = missing
    if missing:
        answers.pop(DETAILED, None)
    else:
        answers[DETAILED] = True


def spoken_of(ctx: Context, answers: Answers) -> list[Relative]:
    """Those of whom something was said, in the order of their numbers."""
    return [one for one in family_in(ctx, answers) if str(one.id) in answers.get(SAID, {})]


def follow(ctx: Context, answers: Answers, one: Relative) -> Following:
    """What follows now from the words about one person."""
    text = answers[SAID][str(one.id)][0]
    said, today = said_of(text), _today(ctx, one)
    heard = hear(said, text, _day(ctx, one), today)
    if said.no_change and not says_something(said) and today is None:
        earlier = unchanged_since(one.resident, _day(ctx, one))
        policy = ctx.world.policies.of(one.resident.division)
        if earlier is None:
            return Following(heard, asks="family.ask_no_earlier")
        if wants_full(policy, one.id, _day(ctx, one)):
            return Following(heard, asks="family.ask_full")
        go_on_as_before(heard, said, earlier)
    elif said.no_change and today is not None:
        go_on_as_before(heard, said, today)
    if "temperature" not in heard and "symptoms" not in heard:
        return Following(heard, asks="family.ask_minor" if one.minor else "family.ask_adult")
    if "symptoms" not in heard:
        # a child's guardian is asked less: what is missing is read back and confirmed
        if not one.minor:
            return Following(heard, asks="family.ask_symptoms")
        heard["symptoms"] = []
    heard.setdefault("temperature", None)
    return Following(heard, report_of(heard))


def is_of_another_day(ctx: Context, answers: Answers) -> bool:
    """Whether something was said on a day that is over where its person lives."""
    days = {one.id: _day(ctx, one).isoformat() for one in family_in(ctx, answers)}
    return any(days.get(int(id_), kept[1]) != kept[1] for id_, kept in answers.get(SAID, {}).items())


def forget_the_day(answers: Answers) -> None:
    """Let go of everything that was said."""
    for name in (SAID, OPEN, DETAILED):
        answers.pop(name, None)


def take_up_changes(ctx: Context, answers: Answers) -> list[str]:
    """Those of whom something was said and who aren't spoken for any more, or were reported for meanwhile."""
    spoken = {str(one.id): one for one in spoken_of(ctx, answers)}
    labels = {str(id_): label for id_, label, _ in answers.get(FAMILY, ())}
    changed, kept = [], {}
    for id_, (text, day, seen) in answers.get(SAID, {}).items():
        one = spoken.get(id_)
        today = None if one is None else _today(ctx, one)
        revision = today.revision if today else 0
        if one is None or revision != seen:
            changed.append(labels.get(id_, ""))
        if one is not None:
            kept[id_] = [text, day, revision]
    answers[SAID] = kept
    return changed


def _day(ctx: Context, one: Relative) -> date:
    return resident_day(ctx.now, one.resident.zone)


def _today(ctx: Context, one: Relative) -> PunchIn | None:
    return one.resident.punch_ins.get(_day(ctx, one))
