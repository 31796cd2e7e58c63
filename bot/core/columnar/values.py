"""Facts that say nothing but one value, so that the engine's own predicates can be asked about distinct values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import orjson

from bot.core.model import Detail, Fact, Identity, Person

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NOBODY = Person(Identity.NONE, False, "UTC", None, False, (), ())


def details_of(text: str) -> Mapping[str, Detail]:
    """The details in their stored text."""
    found: dict[str, Detail] = orjson.loads(text)
    return found


def fact_that_says(name: str, value: str | None, *, kind: str = "") -> Fact:
    """A fact of that kind with that division, source or text of details, and nothing else."""
    division = value if name == "division" else None
    source = (value or "") if name == "source" else ""
    details = details_of(value or "{}") if name == "details" else {}
    return Fact(0, kind, date.min, None, division, source, "", None, LONG_AGO, None, details)
