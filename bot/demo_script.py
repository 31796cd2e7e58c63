"""What a story of the demo is made of: words that people type, and what happens meanwhile that nobody types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.channels.names import OFFICIAL


@dataclass(frozen=True, slots=True)
class Says:
    """Words typed on the phone of somebody else of the story, by their name there."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Happens:
    """Something that nobody types, to `who` of the story, or to whoever tells it.

    First time passes: `days` and `minutes`, then days until "no change" is (not) answered with the `full` questions
    on the next one, then until the wall clock shows `until` (hours and minutes). Each day of `daily` its words are
    typed, in turn. Then the platform goes down or comes up, the person agrees to so many notices, and the phone
    company (with a `division`), the railway (with `rail` too) or a hospital (with `fever`) reports something of
    `days_ago`, or takes it back. Last, with `follow_ups`, the community looks whom it should call.
    """

    told: str
    who: str = ""
    days: int = 0
    minutes: int = 0
    full: bool | None = None
    daily: tuple[str, ...] = ()
    until: tuple[int, int] | None = None
    platform: Literal["", "down", "up"] = ""
    agrees: int = 0
    division: str = ""
    rail: bool = False
    fever: bool = False
    days_ago: int = 0
    taken_back: bool = False
    follow_ups: bool = False


Line = str | Says | Happens


@dataclass(frozen=True, slots=True)
class Story:
    """What happens, who writes, and what they type; `after` is a story that has to have happened before, `before`
    is what was earlier and isn't told. `others` are the further people with a phone, name and id of each; where there
    are any, the one who tells it is called `me`."""

    name: str
    title: str
    openid: str
    lines: tuple[Line, ...]
    after: str = ""
    before: tuple[Line, ...] = ()
    channel: str = OFFICIAL
    me: str = "我"
    others: tuple[tuple[str, str], ...] = ()

    @property
    def people(self) -> dict[str, str]:
        """The id of everybody with a phone, by name."""
        return {self.me: self.openid, **dict(self.others)}
