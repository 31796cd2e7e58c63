"""What the plan reads: one frame of people, one of facts, one of punch-in days. Frames and their schemas only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
import polars as pl

from bot.core.model import Person

INSTANT = pl.Datetime("us", "UTC")
_Row = tuple[object, ...]
PEOPLE = pl.Schema(
    {
        "resident_id": pl.Int64(),
        "identity": pl.String(),
        "declared": pl.Boolean(),
        "declared_day": pl.Date(),
        "zone": pl.String(),
        "home": pl.String(),
        "minor": pl.Boolean(),
    }
)
FACTS = pl.Schema(
    {
        "resident_id": pl.Int64(),
        "id": pl.Int64(),
        "kind": pl.String(),
        "start": pl.Date(),
        "end": pl.Date(),
        "division": pl.String(),
        "source": pl.String(),
        "occurrence": pl.String(),
        "known_at": INSTANT,
        "withdrawn_at": INSTANT,
        "details": pl.String(),
    }
)
DAYS = pl.Schema({"resident_id": pl.Int64(), "day": pl.Date(), "normal": pl.Boolean()})


@dataclass(frozen=True, slots=True)
class Columns:
    """All that rules may know of a chunk of residents; TypeError if a frame hasn't its schema.

    `people` has each resident once; facts and days of nobody in it are left aside. Instants are in UTC;
    `details` is the JSON text as it is stored. Null is allowed where a Person or a Fact may have None.
    """

    people: pl.DataFrame
    facts: pl.DataFrame
    days: pl.DataFrame

    def __post_init__(self) -> None:
        for name, frame, wanted in (
            ("people", self.people, PEOPLE),
            ("facts", self.facts, FACTS),
            ("days", self.days, DAYS),
        ):
            if dict(frame.schema) != dict(wanted):
                raise TypeError(f"{name} has {dict(frame.schema)}, not {dict(wanted)}")


def columns_of(persons: Mapping[int, Person]) -> Columns:
    """The columns of a few people, by their resident ids."""
    people: list[_Row] = []
    facts: list[_Row] = []
    days: list[_Row] = []
    for number, one in persons.items():
        people.append(
            (number, one.identity.value, one.declared, one.declared_day, one.zone, one.home, one.minor)
        )
        days.extend((number, each.day, each.normal) for each in one.punch_in_days)
        facts.extend(
            (
                number, fact.id, fact.kind, fact.start, fact.end, fact.division, fact.source, fact.occurrence,
                fact.known_at, fact.withdrawn_at, orjson.dumps(dict(fact.details)).decode(),
            )
            for fact in one.facts
        )  # fmt: skip
    return Columns(
        pl.DataFrame(people, PEOPLE, orient="row"),
        pl.DataFrame(facts, FACTS, orient="row"),
        pl.DataFrame(days, DAYS, orient="row"),
    )
