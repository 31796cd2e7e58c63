"""What a community decides about daily reports, read from one file; a longer division wins, key by key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from bot.core.facts import DIVISION
from bot.core.yaml_lines import Problems, Reader
from bot.errors import PolicyError
from bot.services.yaml_files import read_yaml_file

NONE = "none"
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Policy:
    """For one place; times of the day are minutes after midnight on the resident's wall clock, None: never.

    `full_report_every`, `same_temperature_days` and `warn_before` are 0 for never.
    """

    reminder_at: int = 8 * 60
    second_reminder_at: int | None = 18 * 60
    follow_up_at: int = 9 * 60
    workers_hear_of: str = "abnormal"
    members_per_guardian: int = 10
    warn_before: timedelta = timedelta(hours=12)
    full_report_every: int = 7
    same_temperature_days: int = 10
    deletion_days: int = 7


class Policies:
    """The policy of every place."""

    __slots__ = ("default", "divisions")

    def __init__(self, default: Policy | None = None, divisions: Mapping[str, Policy] | None = None) -> None:
        self.default = default or Policy()
        self.divisions: Mapping[str, Policy] = MappingProxyType(dict(divisions or {}))

    def of(self, division: str | None) -> Policy:
        """That of the longest division that this one begins with; the default where none is known."""
        lengths = range(len(division or ""), 1, -1)
        found = (self.divisions.get((division or "")[:length]) for length in lengths)
        return next((policy for policy in found if policy is not None), self.default)

    def by_prefix(self) -> list[tuple[str, Policy]]:
        """Every division that has a policy of its own, the longest first, and `("", default)` at the end."""
        ordered = sorted(self.divisions.items(), key=lambda each: (-len(each[0]), each[0]))
        return [*ordered, ("", self.default)]


def load_policies(file: Path) -> Policies:
    """The policies of that file; PolicyError with every problem and its line."""
    problems = Problems(file.name)
    document = read_yaml_file(file, problems)
    policies = Policies() if document is None else _read(Reader(document, problems, "the policy"))
    if problems:
        raise PolicyError(problems.lines())
    return policies


def _read(reader: Reader) -> Policies:
    given = reader.mapping("default")
    default = Policy() if given is None else _read_one(given, Policy())
    divisions: dict[str, Policy] = {}
    places = reader.mapping("divisions", required=False)
    # from short to long, so that a part takes over what its whole says
    for code in sorted(places.names() if places else (), key=len):
        assert places is not None
        if not DIVISION.fullmatch(code):
            places.problem(f"not a division code: {code!r}", code)
        one = places.mapping(code)
        if one is not None:
            divisions[code] = _read_one(one, Policies(default, divisions).of(code))
    if places is not None:
        places.finish()
    reader.finish()
    return Policies(default, divisions)


def _read_one(reader: Reader, base: Policy) -> Policy:
    hours = int(base.warn_before / timedelta(hours=1))
    policy = replace(
        base,
        reminder_at=_minute(reader, "reminder_at", base.reminder_at) or 0,
        second_reminder_at=_minute(reader, "second_reminder_at", base.second_reminder_at, never=True),
        follow_up_at=_minute(reader, "follow_up_at", base.follow_up_at) or 0,
        workers_hear_of=reader.text(
            "workers_hear_of", base.workers_hear_of, required=False, among=(NONE, "abnormal")
        ),
        members_per_guardian=reader.number("members_per_guardian", base.members_per_guardian, low=1, high=50),
        warn_before=timedelta(hours=reader.number("warn_before_hours", hours, high=72)),
        full_report_every=reader.number("full_report_every", base.full_report_every, high=366),
        same_temperature_days=reader.number("same_temperature_days", base.same_temperature_days, high=366),
        deletion_days=reader.number("deletion_days", base.deletion_days, low=1, high=30),
    )
    second = policy.second_reminder_at
    if second is not None and second <= policy.reminder_at:
        reader.problem("the second reminder comes after the first", "second_reminder_at")
    reader.finish()
    return policy


def _minute(reader: Reader, key: str, default: int | None, *, never: bool = False) -> int | None:
    text = reader.text(key, required=False)
    if not text:
        return default
    if never and text == NONE:
        return None
    found = _TIME.fullmatch(text)
    if found is None:
        reader.problem(f'{key!r} is no time of the day such as "08:00": {text!r}', key)
        return default
    return int(found[1]) * 60 + int(found[2])
