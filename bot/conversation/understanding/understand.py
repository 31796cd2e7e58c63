"""One message in, what it says out: each topic is read by its own module, this one puts them together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.dates import read_dates
from bot.conversation.understanding.household import HouseholdLine, read_household
from bot.conversation.understanding.intents import read_intent
from bot.conversation.understanding.members import read_members
from bot.conversation.understanding.places import Found, Places
from bot.conversation.understanding.symptoms import Symptoms, read_symptoms
from bot.conversation.understanding.temperature import Reading, read_temperature
from bot.conversation.understanding.unchanged import find_no_change
from bot.conversation.understanding.understood import Intent, Understood

_ONLY_NUMBER = re.compile(r"[0-9.]+")
_NOT_THERE = re.compile(
    r"(?:没有?|未曾?|从未|从没有?|不曾|并未|并没有?)(?:再|有)?(?:去|到|来|回|接触|途?经|路过|住|在|待|呆)(?:过|到|了)?[^,，。;；!！?？\n但]*"
    r"|\b(?:never|not|didn't|haven't)\b[^,，。;；!！?？\n]*"
)
_UNREAD = Reading()
_SHORT = 24
_MOST_REPORTS = 4096
_reports_read: dict[tuple[str, date], Understood] = {}


def understand(text: str, *, today: date, places: Places, names: Sequence[str] = ()) -> Understood:
    """Read one message relative to the resident's day; never raises, leaves out what is ambiguous.

    `names` are those of the writer's household, to be recognised as members.
    """
    known = _reports_read.get((text, today)) if not names else None
    if known is not None:
        return known
    understood = _understand(text, today=today, places=places, names=names)
    if not names and _is_plain_report(text, understood):
        if len(_reports_read) >= _MOST_REPORTS:
            _reports_read.clear()
        _reports_read[text, today] = understood
    return understood


def _is_plain_report(text: str, understood: Understood) -> bool:
    """A short daily report that names nobody, no day and no place: thousands type the same words every
    morning, and nothing of one person stays in memory with it."""
    return (
        len(text) <= _SHORT
        and understood.intent is Intent.PUNCH_IN
        and understood.temperature_tenths is not None
        and not (understood.members or understood.places or understood.candidates or understood.dates)
    )


def _understand(text: str, *, today: date, places: Places, names: Sequence[str]) -> Understood:
    said = plain(text)
    reading = read_temperature(said)
    if _ONLY_NUMBER.fullmatch(said) and reading.tenths is not None:
        return Understood(Intent.PUNCH_IN, reading.tenths)
    symptoms = read_symptoms(said)
    same = find_no_change(said)
    # the yesterday of "same as yesterday" is not a date that anything happened on
    dates = read_dates(said if same is None else said[: same.start()] + said[same.end() :], today)
    found, denied = _places(said, today, places)
    members = read_members(said, names)
    household = read_household(text, names) if members else HouseholdLine()
    return Understood(
        read_intent(said, reports=same is not None or reading != _UNREAD or _reports(symptoms)),
        temperature_tenths=reading.tenths,
        symptoms=symptoms.present,
        no_symptoms=symptoms.general,
        no_change=same is not None,
        dates=dates.days,
        places=found.codes,
        candidates=found.candidates,
        members=members,
        implausible_temperature_tenths=reading.implausible_tenths,
        denied_symptoms=symptoms.denied,
        unclear_symptoms=symptoms.unclear,
        denied_places=denied,
        lunar_date=dates.lunar,
        several_temperatures=reading.several,
        reports=() if household.unread else household.parts,
    )


def _places(said: str, today: date, places: Places) -> tuple[Found, tuple[str, ...]]:
    """The places that are named, and apart from them those that the writer denies."""
    if said.isascii() or not _NOT_THERE.search(said):
        return places.find(said, today), ()
    denied = places.find(" ".join(match[0] for match in _NOT_THERE.finditer(said)), today)
    return places.find(_NOT_THERE.sub(" , ", said), today), denied.codes


def _reports(symptoms: Symptoms) -> bool:
    return bool(symptoms.general or symptoms.present or symptoms.denied)
