"""Somebody who lives at the border of Hubei, in a conversation on a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from bot.conversation.forms import Form
from bot.core.model import Fact, RiskEntry, RiskMap
from bot.services.rescore import rescore
from bot.store.work import Work
from tests.handlers.chat.stage import NOON, TODAY, Stage, fact, resident

JIUJIANG, HUANGGANG = "360403", "421127"
YESTERDAY = TODAY - timedelta(days=1)
KNOWN = NOON - timedelta(hours=3)
_LEVELS = {"36": "low", "42": "high"}
RISK = RiskMap(
    RiskEntry(division, date(2020, 1, 1), None, level, NOON - timedelta(days=60))
    for division, level in _LEVELS.items()
)


def declared(division: str, until: date) -> Fact:
    """A declaration, made before any record came, to have been there until that day."""
    made = fact("stay", until - timedelta(days=13), source="declaration", division=division)
    return replace(made, end=until, known_at=KNOWN - timedelta(days=1))


def seen_by_phone(division: str = HUANGGANG, day: date = YESTERDAY) -> Fact:
    """The phone company's record of one day."""
    return replace(fact("stay", day, source="telecom", division=division), end=day, known_at=KNOWN)


def at_the_border(
    *records: Fact,
    covered: bool = False,
    language: str = "zh",
    forms: Mapping[str, Form] | None = None,
    **who: Any,
) -> Stage:
    """A resident of Jiujiang whose phone was seen in Huanggang; `covered`: yesterday was declared before."""
    person = resident(**({"codes": ("hangzhou",)} | who))
    until = YESTERDAY if covered else YESTERDAY - timedelta(days=1)
    person.facts = [declared(JIUJIANG, until), *(records or [seen_by_phone()])]
    stage = Stage(person, risk=RISK, language=language, forms=forms)
    rescore(stage.world, Work(now=NOON), person, cause="test")
    return stage
