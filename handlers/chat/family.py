"""A household as its guardian speaks of it: who is meant by a word, a label or a number, and what is unclear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.clock import resident_day
from bot.conversation.context import Context
from bot.conversation.understanding.relatives import (
    CHILD,
    CHILDREN,
    EVERYBODY,
    OTHERS,
    REST,
    SELF,
    meaning_of,
)
from bot.conversation.understanding.understood import MemberReport
from bot.services.guardians import ACTIVE, members_of
from bot.store.snapshot import Resident

_GROUPS = (CHILDREN, OTHERS, REST, EVERYBODY)  # the narrower one wins


@dataclass(frozen=True, slots=True)
class Relative:
    """One of those for whom the account speaks, with the number under which they are shown."""

    number: int
    resident: Resident
    label: str
    minor: bool = False
    own: bool = False

    def __repr__(self) -> str:
        return f"Relative(number={self.number}, own={self.own})"

    @property
    def id(self) -> int:
        return self.resident.resident_id

    def reported(self, ctx: Context) -> bool:
        """Whether there is a report for their day, whoever made it."""
        return resident_day(ctx.now, self.resident.zone) in self.resident.punch_ins


@dataclass(frozen=True, slots=True)
class Trouble:
    """What of a message is unclear: key of the text and the words it is about."""

    key: str
    words: str


@dataclass(slots=True)
class Meant:
    """Of whom a message says what, by resident; with any trouble nothing of it counts."""

    said: dict[int, MemberReport] = field(default_factory=dict)
    by_name: set[int] = field(default_factory=set)
    already: list[Relative] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


async def family_of(ctx: Context) -> list[Relative]:
    """Oneself and the members, in the order and with the numbers in which they are always shown."""
    own = ctx.resident
    if own is None:
        return []
    found = await members_of(ctx.database, ctx.world.keys, own.resident_id)
    members = {each.resident_id: each for each in found if each.state == ACTIVE}
    family = []
    for number, resident in enumerate(ctx.residents, start=1):
        member = members.get(resident.resident_id)
        label = member.label if member is not None else ""
        minor = member is not None and member.minor_on(resident_day(ctx.now, resident.zone))
        if resident is own:
            label = ctx.say("family.myself")
        family.append(
            Relative(number, resident, label or ctx.say("family.without_label"), minor, own=resident is own)
        )
    return family


def names_of(family: Iterable[Relative]) -> list[str]:
    """What the guardian calls the members."""
    return [one.label for one in family if not one.own]


def who_is_meant(ctx: Context, parts: Sequence[MemberReport], family: Sequence[Relative]) -> Meant:
    """Find everybody who is named: a word that nobody has, or that two have, is trouble."""
    meant = Meant()
    groups: dict[str, MemberReport] = {}
    for part in parts:
        if not part.who:
            _take(meant, [family[0]], part)
        for word, as_said in zip(part.who, part.words, strict=True):
            if word not in _GROUPS:
                _take(meant, _one(meant, word, as_said, family), part)
            elif groups.setdefault(word, part) is not part:
                meant.troubles.append(Trouble("family.twice", as_said))
    if EVERYBODY in groups and any(not part.who for part in parts):
        unnamed = next(part for part in parts if not part.who)
        meant.troubles.append(Trouble("family.whose_is_it", unnamed.text))
    for word in _GROUPS:
        if word in groups:
            _take_group(ctx, meant, word, groups[word], family)
    return meant


def _one(meant: Meant, word: str, as_said: str, family: Sequence[Relative]) -> list[Relative]:
    """Who that word is; empty and noted where it is nobody, or several."""
    if word == SELF:
        return [one for one in family if one.own]
    if word.isdecimal():
        found = [one for one in family if one.number == int(word)]
        key = "family.no_such_number"
    else:
        found = [one for one in family if not one.own and meaning_of(one.label) == word]
        if not found and word == CHILD:
            found = [one for one in family if one.minor]
        key = "family.nobody_is" if not found else "family.several_are"
    if len(found) == 1:
        return found
    meant.troubles.append(Trouble(key, as_said))
    return []


def _take(meant: Meant, found: list[Relative], part: MemberReport) -> None:
    for one in found:
        if meant.said.setdefault(one.id, part) is not part:
            meant.troubles.append(Trouble("family.twice", one.label))
        meant.by_name.add(one.id)


def _take_group(
    ctx: Context, meant: Meant, word: str, part: MemberReport, family: Sequence[Relative]
) -> None:
    """Those of a group who aren't named otherwise; whoever has reported today stays as they are."""
    wanted = [
        one
        for one in family
        if (not one.own or word in (EVERYBODY, REST)) and (one.minor or word != CHILDREN)
    ]
    if not wanted:
        meant.troubles.append(Trouble("family.nobody_is", word))
    for one in wanted:
        if one.id in meant.said or one in meant.already or one.resident.declared_at is None:
            continue
        if one.reported(ctx):
            meant.already.append(one)
        else:
            meant.said[one.id] = part
