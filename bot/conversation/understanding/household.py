"""Reads a household's report in one message: who, and what is said of each.

Nothing is guessed and nothing left out in silence: every word is either somebody's name, a part of what is
said of them, or handed back as not understood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.conversation.understanding.characters import LONGEST, plain
from bot.conversation.understanding.relatives import SELF, Named, find_named
from bot.conversation.understanding.symptoms import read_symptoms, symptom_spans
from bot.conversation.understanding.temperature import read_temperature, temperature_spans
from bot.conversation.understanding.unchanged import find_no_change
from bot.conversation.understanding.understood import Intent, MemberReport, Understood

NOT_MEASURED = re.compile(
    r"没有?(?:量|测|温度计|体温计|体温表)|(?:未|没法|无法|不能)(?:测量|测|量)|(?:量|测)不了"
    r"|not measured|(?:no|without a?) ?thermometer|(?:didn'?t|did not|haven'?t|can'?t) (?:measure|take)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;。\n!]|\.(?=\s|$)")
_JOIN = re.compile(
    r"[\s、和跟与及&/]*(?:以及|还有|and)?[\s、]*(?:my|the|our)?\s*(?:and)?\s*(?:my|the|our)?\s*"
)
_TOGETHER = re.compile(r"\s*(?:都|均|全|both\b|all\b|are all\b|are both\b)")
_IS = re.compile(r"\s*(?:(?:is|are|am)\b|'(?:s|re|m)\b)?")
_TEMPERATURE_FINE = re.compile(
    r"体温(?:都|也|均|全|全部|是|很|一切)*正常|\btemperatures? (?:is |are )?(?:all )?normal\b"
)
CORRECTS = re.compile(
    r"[量测看打写输填说报记弄搞]错|错了|误报|不小心|typo|mistake|wrong|by accident|i meant", re.IGNORECASE
)
# words that change nothing in a report: when, by whom, with what, how kindly
_FILLER = re.compile(
    r"体温计?|温度计?|额温|腋温|耳温|口温|测得|测出来|量出来|量得|健康打卡|家庭打卡|打卡|上报|报告|报一下|一下|早上好|上午好|中午好|下午好|晚上好|你好|您好|早安|谢谢|请问?|麻烦|帮我|帮|替|给|今[天日早晚晨]|早上|早晨|上午|中午|下午|晚上"
    r"|现在|目前|刚刚|刚才|刚|的|是|为|都|均|全部|全|也|还|就|呢|啊|吧|呀|哦|嗯|哈|啦|和|跟|与|及|以及|摄氏度|度|°c?|情况|身体|感觉|状态|状况|方面|报"
    r"|测量|量|测|有点儿?|有些|有一点|有|稍微|轻微|一点儿?|一直|仍然|仍|还在|还是|开始|突然|出现|但是?|可是|不过|就是|只是|症状|已经|了|好了|消失|各|她|他|它|自己"
    r"|(?:已经?)?吃了?药了?|在?休息|在家|卧床|多喝水|\b(?:my|our|the|an?|and|both|is|are|was|am|has|have|had|having|got|with|at|of|for|today|now|this morning|tonight|also|too|but|still"
    r"|temperatures?|temp|degrees?|celsius|c|please|report|check[ -]?in|punch[ -]?in|good morning|good evening|hello|hi|thanks|thank you|feels?|feeling|he|she|they|slight|slightly|mild|bit|resting)\b"
    r"|'(?:s|re|m|ve)\b|[\s、:~…\"“”()()/&+-]|\.(?=\s|$)"
)
_WORD = re.compile(r"\w|[?°%]")
_DOUBLED = re.compile(r"(?P<one>[一-鿿])(?P=one)")
_TAKEN = "\ue000"


@dataclass(slots=True)
class _Part:
    """One group of people and the pieces of text that belong to it."""

    named: tuple[Named, ...] = ()
    clause: int = 0
    pieces: list[str] = field(default_factory=list)

    def says(self) -> bool:
        return any(_says_something(piece) for piece in self.pieces)

    @property
    def speaker(self) -> str:
        """Oneself, who stands for them in the text."""
        if not self.named:
            return ""
        word = self.named[-1].word
        return "everyone is " if word.isascii() and not word.isdecimal() else "我"

    def text(self) -> str:
        """What is said of them, as one person would say it of oneself: no name is read as anything else."""
        # a blank after the comma, so that "36, 一切正常" is never a decimal
        rest = ", ".join(piece.strip() for piece in self.pieces if piece.strip())
        if self.speaker.isascii() and self.speaker:
            verb = _IS.match(rest)
            rest = rest[verb.end() if verb else 0 :].lstrip()
        return f"{self.speaker}{rest}"


class HouseholdLine(NamedTuple):
    """A message cut into what is said of whom; `unread` is what nobody can place, and then nothing is certain.

    A part without anybody's name comes first, if at all: it is the writer's own.
    """

    parts: tuple[MemberReport, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def names_others(self) -> bool:
        """Whether anybody but the writer is named."""
        return any(word != SELF for part in self.parts for word in part.who)


def read_household(text: str, names: Sequence[str] = ()) -> HouseholdLine:
    """Who is reported for and what is said of each; `names` are those of the writer's household."""
    said = plain(text)
    measured = temperature_spans(said)
    named = [one for one in find_named(said, names) if not _is_digit_of(said, one, measured)]
    parts, before = _cut(said, named)
    parts = _joined(parts)
    # a report before a name in its clause: nobody can tell whose it is
    unread = [lead.strip() for lead in before if _says_something(lead)]
    unread += [left for lead in before if not _says_something(lead) for left in _unread(lead, 0)]
    unread += [left for part in parts for left in _unread(part.text(), len(part.speaker))]
    if len(text) > LONGEST:
        unread.append(said[-8:])
    return HouseholdLine(tuple(map(_report, parts)), tuple(dict.fromkeys(unread)))


def _is_digit_of(text: str, one: Named, measured: list[tuple[int, int]]) -> bool:
    """A digit of a temperature is nobody's number; one that stands behind a comma is."""
    if not one.meaning.isdecimal():
        return False
    return any(start <= one.start < end and "," not in text[start:end] for start, end in measured)


# -- cutting -------------------------------------------------------------------------------------------------


def _cut(text: str, named: list[Named]) -> tuple[list[_Part], list[str]]:
    """What belongs to whom, and what stands before a name in its clause."""
    backwards = _name_at_the_end(text, named)
    if backwards is not None:
        return [backwards], []
    parts, before = [_Part()], []
    for number, (start, end) in enumerate(_clauses(text)):
        groups = _groups(text, [one for one in named if start <= one.start < end])
        if not groups:
            parts[-1].pieces.append(text[start:end])
            continue
        before.append(text[start : groups[0][0].start])
        stops = [*(group[0].start for group in groups[1:]), end]
        for group, stop in zip(groups, stops, strict=True):
            parts.append(_Part(group, number, [text[group[-1].end : stop]]))
    if not parts[0].says():
        before += parts[0].pieces
        del parts[0]
    return parts, before


def _clauses(text: str) -> list[tuple[int, int]]:
    breaks = [match.span() for match in _CLAUSE.finditer(text)]
    starts = [0, *(end for _, end in breaks)]
    return list(zip(starts, [*(start for start, _ in breaks), len(text)], strict=True))


def _groups(text: str, named: list[Named]) -> list[tuple[Named, ...]]:
    """People who are named together: "爸爸和妈妈", "1 3", "mum and dad"."""
    groups: list[tuple[Named, ...]] = []
    for one in named:
        if groups and _JOIN.fullmatch(text, groups[-1][-1].end, one.start):
            groups[-1] = (*groups[-1], one)
        else:
            groups.append((one,))
    return groups


def _name_at_the_end(text: str, named: list[Named]) -> _Part | None:
    """ "36.5 全家": one report and behind it the only name; a number there could be a digit of anything."""
    groups = _groups(text, named)
    if len(groups) != 1 or any(one.meaning.isdecimal() for one in groups[0]):
        return None
    before, after = text[: groups[0][0].start], text[groups[0][-1].end :]
    if not _says_something(before) or _says_something(after):
        return None
    return _Part(groups[0], 0, [before])


def _joined(parts: list[_Part]) -> list[_Part]:
    """ "1,3正常" and "妈妈,爸爸都36.5": who is only listed shares what is said next."""
    joined: list[_Part] = []
    for part in parts:
        before = joined[-1] if joined else None
        if before is not None and before.named and not before.says() and _shares(before, part):
            joined[-1] = _Part((*before.named, *part.named), part.clause, part.pieces)
        else:
            joined.append(part)
    return joined


def _shares(listed: _Part, part: _Part) -> bool:
    if part.clause != listed.clause + 1 or "".join(listed.pieces).strip():
        return False
    numbers = all(one.meaning.isdecimal() for one in (*listed.named, *part.named))
    return numbers or bool(_TOGETHER.match(part.pieces[0]))


# -- what is said --------------------------------------------------------------------------------------------


def _report(part: _Part) -> MemberReport:
    text = part.text()
    who: dict[str, str] = {}
    for one in part.named:
        who.setdefault(one.meaning, one.word)
    return MemberReport(tuple(who), tuple(who.values()), said_of(text), text)


def said_of(text: str) -> Understood:
    """A report on one person whom the text doesn't name."""
    said = plain(text)
    reading, symptoms = read_temperature(said), read_symptoms(said)
    return Understood(
        Intent.PUNCH_IN,
        temperature_tenths=reading.tenths,
        symptoms=symptoms.present,
        no_symptoms=symptoms.general,
        no_change=find_no_change(said) is not None,
        implausible_temperature_tenths=reading.implausible_tenths,
        several_temperatures=reading.several,
        denied_symptoms=symptoms.denied,
        unclear_symptoms=symptoms.unclear,
    )


def _says_something(piece: str) -> bool:
    return bool(_report_spans(piece)) or bool(re.search(r"[0-9]", piece))


def _report_spans(text: str) -> list[tuple[int, int]]:
    spans = [*temperature_spans(text), *symptom_spans(text)]
    patterns = (NOT_MEASURED, CORRECTS, _TEMPERATURE_FINE)
    spans += [match.span() for pattern in patterns for match in pattern.finditer(text)]
    same = find_no_change(text)
    return spans if same is None else [*spans, same.span()]


# -- what is left over ---------------------------------------------------------------------------------------


def _unread(text: str, start: int) -> list[str]:
    """Every stretch from there on that is neither a part of a report nor a word that changes nothing."""
    left = [_TAKEN] * start + list(text[start:])
    for begin, end in [*_report_spans(text), *(match.span() for match in _CLAUSE.finditer(text))]:
        left[begin:end] = _TAKEN * (end - begin)
    runs = (run.strip() for run in "".join(left).split(_TAKEN))
    return [run for run in runs if run and (_WORD.search(_FILLER.sub(" ", run)) or _DOUBLED.fullmatch(run))]
