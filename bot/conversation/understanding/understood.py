"""What one message says, as far as it can be read without guessing: the answer of `understand`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Intent(StrEnum):
    """What the writer wants."""

    DECLARE = "declare"
    PUNCH_IN = "punch_in"
    CODES = "codes"
    WHY = "why"
    WHICH_CODE = "which_code"
    PASS = "pass"  # noqa: S105 - the word for showing one's code, no secret
    APPEAL = "appeal"
    APPEAL_STATUS = "appeal_status"
    HOUSEHOLD = "household"
    REMINDERS = "reminders"
    PRIVACY = "privacy"
    LANGUAGE = "language"
    HELP = "help"
    BACK = "back"
    CANCEL = "cancel"
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Understood:
    """One message, read; whatever was ambiguous is left out.

    Temperatures are tenths of a degree Celsius; `places` are six-digit padded division codes; `candidates`
    maps an ambiguous place name to all its codes. `symptoms` are present now, `denied_symptoms` were said to
    be absent or over, `unclear_symptoms` were named in a way that can be read both ways and must be asked.
    `denied_places` are those where the writer says not to have been ("没去过武汉"); they are not in `places`.
    `lunar_date` says that a date of the lunar calendar was named, which is not converted. `several_temperatures`
    says that different ones are named and none of them is the one. `reports` are those of a household, where one
    is named and every word was read.
    """

    intent: Intent
    temperature_tenths: int | None = None
    symptoms: tuple[str, ...] = ()
    no_symptoms: bool = False
    no_change: bool = False
    dates: tuple[date, ...] = ()
    places: tuple[str, ...] = ()
    candidates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    implausible_temperature_tenths: int | None = None
    denied_symptoms: tuple[str, ...] = ()
    unclear_symptoms: tuple[str, ...] = ()
    denied_places: tuple[str, ...] = ()
    lunar_date: bool = False
    several_temperatures: bool = False
    reports: tuple[MemberReport, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The public form: `intent`, and of the rest only what was found; temperature in °C."""
        found: dict[str, object] = {"intent": self.intent.value}
        if self.temperature_tenths is not None:
            found["temperature"] = self.temperature_tenths / 10
        lists: tuple[tuple[str, tuple[str, ...]], ...] = (
            ("symptoms", self.symptoms),
            ("dates", tuple(day.isoformat() for day in self.dates)),
            ("places", self.places),
            ("members", self.members),
        )
        found |= {key: list(values) for key, values in lists if values}
        if self.no_symptoms:
            found["no_symptoms"] = True
        if self.no_change:
            found["no_change"] = True
        if self.candidates:
            found["candidates"] = {name: list(codes) for name, codes in self.candidates.items()}
        if self.reports:
            found["reports"] = [report.to_json() for report in self.reports]
        return found


@dataclass(frozen=True, slots=True)
class MemberReport:
    """What one message says of some of a household: `who` in one form (母亲 is 妈妈), `words` as they were said.

    `text` is what was said of them as if of oneself, and reads the same again; nobody's name is in it.
    """

    who: tuple[str, ...] = field(repr=False)
    words: tuple[str, ...] = field(repr=False)
    said: Understood
    text: str = field(repr=False)

    def to_json(self) -> dict[str, object]:
        """The public form: who, and what of a report was found."""
        found = {key: value for key, value in self.said.to_json().items() if key != "intent"}
        return {"who": list(self.who), **found}
