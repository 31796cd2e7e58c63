"""Finds administrative divisions in free text; what is ambiguous comes back as candidates, never as a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from bot.conversation.understanding.divisions import Division, Divisions, padded, read_rows

DEFAULT_PATH = Path(__file__).resolve().parents[3] / "config" / "divisions" / "divisions.json"

# Words of everyday speech that are also names of prefectures: places only where the sentence uses them so.
_EVERYDAY_WORDS = (
    "白银 来宾 阿里 中山 三明 安康 大同 大庆 大理 和田 长治 日照 开封 北海 海东 海西 海北 山南 白山 兴安 红河"
)
# County names that are a whole answer of another kind ("平安" = safe), never a place when they stand alone.
_ANSWER_WORDS = (
    "平安 安康 安定 方正 公安 同心 大方 无极 无为 万年 万全 万安 集贤 进贤 友好 友谊 团结 光明 吉利 富裕 长寿 全南 和顺 "
    "和静 和平 新建 新和 复兴 开化 宁静 平和 平顺 平房 康乐 正安 正定 永和 解放 修文 修水 商都 通道 前进 前锋 安居 "
    "安化 德化 互助 共和 民和 回民 胜利 和安 和康 富民 惠民 爱民 合作 日照 来安 定安"
)
_EVERYDAY = frozenset(_EVERYDAY_WORDS.split())
_ANSWERS = frozenset(_ANSWER_WORDS.split())
_BEFORE = re.compile(
    r"(?:去|到|在|从|回|住|来自|自|往|至|经|途经|路过|离开|赴|返|抵|达|逛|过|来|籍贯|户籍|地址|城市|地区|目的地)"
    r"(?:了|过|的|是|[:\s])*$"
)
_AFTER = re.compile(
    r"回来|过来|出发|那边|这边|境内|当地|出差|旅游|打工|上班|工作|居住|中转|转机|转车|市区|站|机场|返|人(?![民们家员口数])"
)
_PART_OF_NAME = re.compile(
    r"[东南西北中]?[一二三四五六]?路|大?街(?!道)|大道|巷|桥|银行|保险|人寿|啤酒|拉面|炒饭|烤鸭|火锅|小面|热干面|茶|石|玉|局|治"
)
_PART_OF_SMALL_NAME = re.compile(
    r"街道|社区|小区|花园|广场|公园|大学|学院|中学|小学|医院|大厦|公司|饭店|酒店|超市|商场|镇|乡|村|家园|人民|小异|久安"
)
_ABOVE_GAP = re.compile(r"[\s,、的省市/\-]{0,2}")
_BLANK = re.compile(r"[\s\W_]+")
_SMALL = "county"


class Found(NamedTuple):
    """`codes`: six-digit padded, in the order of the text; `candidates`: an ambiguous name and all its codes."""

    codes: tuple[str, ...]
    candidates: dict[str, tuple[str, ...]]


class _Match(NamedTuple):
    start: int
    end: int
    name: str
    rows: tuple[Division, ...]


_NOTHING = Found((), {})


class Places(Divisions):
    """The divisions, with an index of their names: a name is looked up only where its first two characters stand."""

    def __init__(self, rows: Iterable[Division], *, data_date: str = "") -> None:
        listed = list(rows)
        super().__init__(listed, data_date=data_date)
        names: dict[str, list[Division]] = {}
        for row in listed:
            names.setdefault(row.name, []).append(row)
            if row.short:
                names.setdefault(row.short, []).append(row)
        self._names = {name: tuple(rows) for name, rows in names.items()}
        lengths: dict[str, set[int]] = {}
        for name in names:
            lengths.setdefault(name[:2], set()).add(len(name))
        self._lengths = {head: tuple(sorted(found, reverse=True)) for head, found in lengths.items()}

    @classmethod
    def load(cls, path: Path = DEFAULT_PATH) -> Places:
        """Read the division file; DataError where it is missing or wrong."""
        rows, data_date = read_rows(path)
        return cls(rows, data_date=data_date)

    def find(self, text: str, at: date | None = None) -> Found:
        """The divisions that a text names, read with the divisions of that day (without one: of now).

        "湖北武汉" is the deeper one only. A name that was retired before that day is found by its full name.
        """
        if text.isascii():
            return _NOTHING
        matches = self._matches(text, f"{at.year:04}-{at.month:02}" if at else "9999-12")
        return _settle(matches, text) if matches else _NOTHING

    def _matches(self, text: str, month: str) -> list[_Match]:
        found: list[_Match] = []
        lengths = self._lengths
        at = 0
        last = len(text) - 1
        while at < last:
            possible = lengths.get(text[at : at + 2])
            match = self._match(text, at, possible, month, found) if possible else None
            if match is None:
                at += 1
            else:
                found.append(match)
                at = match.end
        return found

    def _match(
        self, text: str, at: int, lengths: Sequence[int], month: str, before: Sequence[_Match]
    ) -> _Match | None:
        for length in lengths:
            name = text[at : at + length]
            rows = self._names.get(name)
            if rows is None or len(name) < length:
                continue
            rows = _in_force(rows, name, month)
            match = _Match(at, at + length, name, rows)
            if rows and _is_place(match, text, before):
                return match
        return None


def _in_force(rows: tuple[Division, ...], name: str, month: str) -> tuple[Division, ...]:
    valid = [row for row in rows if row.valid_from <= month and (not row.valid_to or month < row.valid_to)]
    if not valid:
        valid = [row for row in rows if not row.valid_to]
    if not valid:
        last = max(row.valid_to for row in rows)
        valid = [row for row in rows if row.valid_to == last and _is_remembered(row, name)]
    if len(valid) < 2:
        return tuple(valid)
    return _outranking(tuple({row.code: row for row in valid}.values()), name)


def _is_remembered(row: Division, name: str) -> bool:
    """Retired counties are found by their full name only, retired cities (襄樊) also by their short one."""
    return len(name) > 2 if row.name == name else row.level != _SMALL


def _outranking(rows: tuple[Division, ...], name: str) -> tuple[Division, ...]:
    """Of namesakes: a province before all others; a city before what lies in it and before districts elsewhere.

    朝阳 stays open: the district of Beijing is better known than the city.
    """
    provinces = tuple(row for row in rows if row.level == "province")
    if provinces:
        return provinces
    cities = [row for row in rows if row.level == "prefecture"]
    if len(cities) == 1:
        (city,) = cities
        others = [row for row in rows if not row.code.startswith(city.code)]
        if not others or (name != "朝阳" and all(row.name.endswith("区") for row in others)):
            return (city,)
    return rows


def _is_place(match: _Match, text: str, before: Sequence[_Match]) -> bool:
    """Full names and well-known short ones are places; other short names only where they are used like one."""
    name, rest = match.name, text[match.end : match.end + 6]
    is_short = any(row.name != name for row in match.rows)
    if not is_short and len(name) > 2:
        return True
    if is_short and _PART_OF_NAME.match(rest):
        return False
    small = len(name) == 2 and (not is_short or all(row.level == _SMALL for row in match.rows))
    if not small and name not in _EVERYDAY and name != "朝阳":
        return True
    if _PART_OF_SMALL_NAME.match(rest):
        return False
    if before and _is_below(match, before[-1], text):
        return True
    if not is_short and all(
        row.name in ("城区", "郊区", "矿区", "新区", "东区", "西区", "市区") for row in match.rows
    ):
        return False
    if _BEFORE.search(text[max(0, match.start - 8) : match.start]) or _AFTER.match(rest):
        return True
    return name not in _ANSWERS and _BLANK.sub("", text) == name


def _is_below(match: _Match, above: _Match, text: str) -> bool:
    return bool(_ABOVE_GAP.fullmatch(text, above.end, match.start)) and bool(_below(match.rows, above.rows))


def _below(rows: Sequence[Division], above: Sequence[Division]) -> tuple[Division, ...]:
    return tuple(
        row for row in rows if any(row.code.startswith(one.code) and row.code != one.code for one in above)
    )


def _settle(matches: Sequence[_Match], text: str) -> Found:
    """Join each name to the one above it, then narrow what is still ambiguous by the places that are certain."""
    settled: list[_Match] = []
    for match in matches:
        rows = match.rows
        if settled and _ABOVE_GAP.fullmatch(text, settled[-1].end, match.start):
            deeper = _below(rows, settled[-1].rows)
            if deeper:
                rows = _outranking(deeper, match.name)
                settled.pop()
        settled.append(match._replace(rows=rows))
    certain = [one.rows[0] for one in settled if len(one.rows) == 1]
    codes: dict[str, None] = {}
    candidates: dict[str, tuple[str, ...]] = {}
    for one in settled:
        rows = one.rows
        if len(rows) > 1:
            rows = _outranking(_below(rows, certain) or rows, one.name)
        if len(rows) == 1:
            codes[padded(rows[0].code)] = None
        else:
            candidates[one.name] = tuple(sorted(padded(row.code) for row in rows))
    return Found(tuple(codes), candidates)
