"""Which kinds of fact there are, what each carries, and the check that every door makes before it stores one.

| kind | a stay of ... | division | end None means |
| --- | --- | --- | --- |
| stay | the person was in a division (telecom, worker, declared residence) | yes | until it became known |
| region_origin | the person came from a division (declared origin) | yes | that day only |
| journey | one flight, train, coach or car; division is the destination | yes | that day only |
| contact | contact with a case, of first (close), second or third degree | optional | that day only |
| shared_building | the same building, unit or compound as a case | optional | that day only |
| symptom | one symptom, or a temperature | no | that day only |
| test | one laboratory test with its result | no | that day only |
| diagnosis | confirmed, suspected or asymptomatic | no | that day only |
| measure | isolation or observation was ordered | optional | until something ends it |
| measure_lifted | a measure was completed, or a suspicion excluded | no | that day only |
| care | care was sought that hints at a fever: a fever clinic, or fever medicine | no | that day only |
| missed_test | a required test was not taken | no | that day only |
| entry | the person entered from abroad | optional | that day only |
| false_declaration | a declaration was found to be false or to hide something | no | that day only |
| other_place_colour | another place set a colour; only its source ends it | yes | until something ends it |
| answer | the resident or a worker answered a question about another fact | no | that day only |
| override | an official set a colour by hand; the end is its expiry | no | not allowed |

What residents say about themselves becomes the same kinds with the source "declaration" or "punch_in".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bot.core.days import day_of
from bot.core.model import Detail, Fact

SYMPTOMS = (
    "fever", "cough", "fatigue", "dyspnea", "sore_throat", "diarrhea", "myalgia", "headache",
    "conjunctivitis", "nausea", "palpitation", "other",
)  # fmt: skip
SYMPTOM_GROUPS = {
    "respiratory": ("cough", "sore_throat", "dyspnea"),
    "body": ("fever", "fatigue", "myalgia", "headache", "palpitation"),
    "digestive": ("diarrhea", "nausea"),
    "eyes": ("conjunctivitis",),
}
"""Heilongjiang (2020) names respiratory, body and digestive symptoms and conjunctival bleeding; which symptom is in
which group follows the symptom codes of Hebei's form."""
PLAUSIBLE_TENTHS = (340, 430)
FEVER_TENTHS = 373
"""37.3 °C, the threshold that Heilongjiang published in 2020."""


class FactKind(StrEnum):
    """Every kind of fact."""

    STAY = "stay"
    REGION_ORIGIN = "region_origin"
    JOURNEY = "journey"
    CONTACT = "contact"
    SHARED_BUILDING = "shared_building"
    SYMPTOM = "symptom"
    TEST = "test"
    DIAGNOSIS = "diagnosis"
    MEASURE = "measure"
    MEASURE_LIFTED = "measure_lifted"
    CARE = "care"
    MISSED_TEST = "missed_test"
    ENTRY = "entry"
    FALSE_DECLARATION = "false_declaration"
    OTHER_PLACE_COLOUR = "other_place_colour"
    ANSWER = "answer"
    OVERRIDE = "override"


class Ending(StrEnum):
    """What an end of None means for a kind."""

    ONE_DAY = "one_day"
    WHEN_KNOWN = "when_known"
    OPEN = "open"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Field:
    """What one detail may hold: one of these words, a whole number in these bounds, yes or no, or free text."""

    choices: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    flag: bool = False
    required: bool = False

    def problem(self, value: Detail) -> str | None:
        """What is wrong with that value; None if nothing is."""
        if self.choices:
            return None if value in self.choices else f"is not one of {', '.join(self.choices)}"
        if self.bounds is not None:
            if not isinstance(value, int) or isinstance(value, bool):
                return "is not a whole number"
            low, high = self.bounds
            return None if low <= value <= high else f"is not within {low} to {high}"
        if self.flag:
            return None if isinstance(value, bool) else "is neither true nor false"
        return None if isinstance(value, str) and value and len(value) <= 64 else "is not a short text"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table of kinds; `place` is required, optional or none."""

    place: str = "none"
    ending: Ending = Ending.ONE_DAY
    fields: Mapping[str, Field] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()


_CASES = ("confirmed", "suspected", "asymptomatic", "unknown")
_MINUTES = Field(bounds=(0, 100_000))

KINDS: Mapping[str, Kind] = {
    FactKind.STAY: Kind("required", Ending.WHEN_KNOWN, {"minutes": _MINUTES}),
    FactKind.REGION_ORIGIN: Kind("required"),
    FactKind.JOURNEY: Kind(
        "required",
        fields={
            "mode": Field(choices=("flight", "train", "coach", "ship", "car", "other"), required=True),
            "number": Field(),
            "origin": Field(),
            "carriage": Field(bounds=(1, 99)),
            "row": Field(bounds=(1, 200)),
            "with_case": Field(flag=True),
            "case_carriage": Field(bounds=(1, 99)),
            "case_row": Field(bounds=(1, 200)),
        },
    ),
    FactKind.CONTACT: Kind(
        "optional",
        fields={
            "degree": Field(bounds=(1, 3), required=True),
            "case": Field(choices=_CASES),
            "certainty": Field(choices=("sure", "unsure"), required=True),
            "minutes": _MINUTES,
        },
    ),
    FactKind.SHARED_BUILDING: Kind(
        "optional",
        fields={
            "scope": Field(choices=("unit", "building", "compound", "venue"), required=True),
            "metres": Field(bounds=(0, 100_000)),
            "minutes": _MINUTES,
        },
    ),
    FactKind.SYMPTOM: Kind(
        fields={"code": Field(choices=SYMPTOMS), "temperature_tenths": Field(bounds=PLAUSIBLE_TENTHS)},
        one_of=("code", "temperature_tenths"),
    ),
    FactKind.TEST: Kind(
        fields={
            "result": Field(choices=("negative", "positive", "pending"), required=True),
            "method": Field(choices=("pcr", "antigen", "antibody")),
            "tube": Field(choices=("single", "mixed")),
            "minute": Field(bounds=(0, 1439)),
        },
    ),
    FactKind.DIAGNOSIS: Kind(fields={"status": Field(choices=_CASES[:3], required=True)}),
    FactKind.MEASURE: Kind(
        "optional",
        Ending.OPEN,
        {
            "measure": Field(
                choices=("hospital", "centralised", "home", "monitoring", "closed_compound"), required=True
            )
        },
    ),
    FactKind.MEASURE_LIFTED: Kind(
        fields={
            "reason": Field(
                choices=("discharged", "excluded", "completed", "confirmed", "corrected"), required=True
            )
        },
    ),
    FactKind.CARE: Kind(fields={"what": Field(choices=("fever_clinic", "fever_medicine"), required=True)}),
    FactKind.MISSED_TEST: Kind(),
    FactKind.ENTRY: Kind("optional", fields={"country": Field()}),
    FactKind.FALSE_DECLARATION: Kind(),
    FactKind.OTHER_PLACE_COLOUR: Kind(
        "required", Ending.OPEN, {"colour": Field(choices=("yellow", "red"), required=True)}
    ),
    FactKind.ANSWER: Kind(
        fields={
            "about": Field(bounds=(1, 2**63 - 1), required=True),
            "answer": Field(choices=("yes", "no", "unsure"), required=True),
        },
    ),
    FactKind.OVERRIDE: Kind(
        ending=Ending.FORBIDDEN,
        fields={
            "colour": Field(choices=("green", "yellow", "red"), required=True),
            "reason_code": Field(required=True),
            "issuer": Field(required=True),
            "second_person": Field(required=True),
        },
    ),
}

DIVISION = re.compile(r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}")
LONGEST_CODE = 12


def last_inside(division: str) -> str:
    """The end of the range of all codes inside a division: those that begin with its own."""
    return division + "9" * (LONGEST_CODE - len(division))


_TOKEN = re.compile(r"[a-z][a-z0-9_]{0,31}")


def check_fact(fact: Fact, zone_name: str) -> tuple[str, ...]:
    """Everything that is wrong with a fact, as plain sentences; an empty tuple if it may be stored.

    Whether its division exists is the caller's question: the list of divisions isn't known here.
    """
    kind = KINDS.get(fact.kind)
    if kind is None:
        return (f"unknown kind of fact: {fact.kind!r}",)
    return (
        *_date_problems(fact, kind, zone_name),
        *_origin_problems(fact, kind),
        *_detail_problems(fact, kind),
    )


def _date_problems(fact: Fact, kind: Kind, zone_name: str) -> list[str]:
    if fact.known_at.tzinfo is None or (fact.withdrawn_at is not None and fact.withdrawn_at.tzinfo is None):
        return ["an instant has no zone"]
    problems = []
    known_day = day_of(fact.known_at, zone_name)
    if fact.start > known_day:
        problems.append(f"the fact is from the future: {fact.start} is after {known_day}")
    if fact.end is not None and fact.end < fact.start:
        problems.append(f"the fact ends ({fact.end}) before it starts ({fact.start})")
    if kind.ending is Ending.FORBIDDEN:
        if fact.end is None:
            problems.append(f"a fact of kind {fact.kind} needs an end")
    elif kind.ending is not Ending.OPEN and fact.end is not None and fact.end > known_day:
        problems.append(f"the fact ends in the future: {fact.end} is after {known_day}")
    if fact.withdrawn_at is not None and fact.withdrawn_at < fact.known_at:
        problems.append("the fact was withdrawn before it became known")
    return problems


def _origin_problems(fact: Fact, kind: Kind) -> list[str]:
    problems = []
    if fact.division is None:
        if kind.place == "required":
            problems.append(f"a fact of kind {fact.kind} needs a division")
    elif kind.place == "none":
        problems.append(f"a fact of kind {fact.kind} has no division")
    elif not DIVISION.fullmatch(fact.division):
        problems.append(f"not a division code: {fact.division!r}")
    if not _TOKEN.fullmatch(fact.source):
        problems.append(f"not a source: {fact.source!r}")
    if not fact.reference:
        problems.append("the reference is empty")
    return problems


def _detail_problems(fact: Fact, kind: Kind) -> list[str]:
    problems = []
    for name, value in fact.details.items():
        if name not in kind.fields:
            problems.append(f"a fact of kind {fact.kind} has no detail {name!r}")
        elif (problem := kind.fields[name].problem(value)) is not None:
            problems.append(f"{name} {problem}: {value!r}")
    for name, wanted in kind.fields.items():
        if wanted.required and name not in fact.details:
            problems.append(f"a fact of kind {fact.kind} needs the detail {name!r}")
    if kind.one_of and not any(name in fact.details for name in kind.one_of):
        problems.append(f"a fact of kind {fact.kind} needs one of {', '.join(kind.one_of)}")
    if fact.kind == FactKind.OVERRIDE and fact.details.get("issuer") == fact.details.get("second_person"):
        problems.append("an override needs a second person")
    return problems


def shows_symptom(fact: Fact) -> bool:
    """Whether a fact speaks of a symptom: one by its code, or a temperature that is a fever."""
    if fact.kind != FactKind.SYMPTOM:
        return False
    tenths = fact.details.get("temperature_tenths")
    return "code" in fact.details or (isinstance(tenths, int) and tenths >= FEVER_TENTHS)


def last_day(fact: Fact, zone_name: str, today: date) -> date:
    """The last day of a fact, as far as it is known today."""
    if fact.end is not None:
        return min(fact.end, today)
    ending = KINDS[fact.kind].ending if fact.kind in KINDS else Ending.ONE_DAY
    if ending is Ending.OPEN:
        return max(fact.start, today)
    if ending is Ending.WHEN_KNOWN:
        return max(fact.start, min(day_of(fact.known_at, zone_name), today))
    return fact.start
