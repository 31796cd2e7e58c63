"""What the answers of a declaration may be, wherever they are given: the chat and the front end check by these."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

from bot.services.declared_facts import window

LONGEST_NAME = 50
SHORTEST_ADDRESS, LONGEST_ADDRESS = 3, 120
MOST_STAYS = 14
MOST_JOURNEYS = 14
EARLIEST_STAY = timedelta(days=60)
EARLIEST_CONTACT = timedelta(days=60)
MODES = ("flight", "train", "coach", "ship", "car")
NUMBERED = ("flight", "train")
"""Journeys whose number is asked for; empty where it is forgotten."""
DISEASES = ("hypertension", "diabetes", "heart", "lung", "kidney", "immune")
LONGEST_DISEASE = 100
KEPT = ("name", "certificate_kind", "certificate_number", "phone", "division", "address", "diseases")
"""What is not asked again in the next declaration."""

NAME = re.compile(
    r"[一-鿿㐀-䶿]{2,15}(?:[·•][一-鿿㐀-䶿]{1,15})*|[^\W\d_][^\W\d_ '\-.·]*(?:[ '\-.·]+[^\W\d_]+)*\.?"
)
TRAIN_NUMBER = re.compile(r"(?<![0-9A-Za-z])[GDCZTKSYLPgdcztksylp][0-9]{1,4}(?:次)?(?![0-9A-Za-z])")
FLIGHT_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])(?:[A-Za-z]{2}|[A-Za-z][0-9]|[0-9][A-Za-z]) ?[0-9]{3,4}(?![0-9A-Za-z])"
)


def is_name(text: str) -> bool:
    """Whether it can be somebody's whole name."""
    return NAME.fullmatch(text) is not None and 2 <= len(text) <= LONGEST_NAME


def address_problem(address: str, division_name: str) -> str | None:
    """Why it is no address within that division, as a reason; None if it can be one."""
    if len(address) < SHORTEST_ADDRESS or address == division_name:
        return "address_short"
    return "address_long" if len(address) > LONGEST_ADDRESS else None


def stay_problem(first: date, last: date, today: date) -> str | None:
    """Why these days can't be those of a stay, as a reason."""
    if last > today:
        return "day_to_come"
    if last < window(today)[0]:
        return "stay_long_ago"
    return "stay_too_early" if first < today - EARLIEST_STAY else None


def journey_problem(day: date, today: date) -> str | None:
    """Why a journey can't have been on that day, as a reason."""
    if day > today:
        return "day_to_come"
    return "journey_long_ago" if day < window(today)[0] else None


def contact_problem(day: date, today: date) -> str | None:
    """Why a contact can't be told of on that day, as a reason."""
    if day > today:
        return "day_to_come"
    return "contact_too_early" if day < today - EARLIEST_CONTACT else None


def leads_nowhere(mode: str, origin: str, destination: str) -> bool:
    """Whether a journey ends where it began; only a car may."""
    return origin == destination and mode != "car"


def journey_number(mode: str, text: str) -> str | None:
    """The number of a flight or train in one spelling; None if it can't be one."""
    normal = unicodedata.normalize("NFKC", text).strip()
    pattern = TRAIN_NUMBER if mode == "train" else FLIGHT_NUMBER
    return plain_number(normal) if mode in NUMBERED and pattern.fullmatch(normal) else None


def plain_number(found: str) -> str:
    """The number as it is kept, from what one of the patterns found."""
    return found.replace(" ", "").removesuffix("次").upper()
