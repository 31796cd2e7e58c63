"""Reads a body temperature; what could be anything else, or is a limit, a range or a guess, is not one.

Every temperature that is returned stands in the text: it is never rounded, completed or converted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.conversation.understanding.numerals import DIGITS, NUMERAL, number

LOWEST_TENTHS = 340
HIGHEST_TENTHS = 430
_NUMERALS = frozenset(NUMERAL)

_DIGIT = rf"[0-9]+|[{DIGITS}]+"
_NUMBER = re.compile(
    rf"(?P<whole>[0-9]+|[{NUMERAL}]+)(?:(?P<point>[.。·,]|\s?(?:点|度|°c?))(?P<part>{_DIGIT}|半)(?P<long>[{NUMERAL}])?)?"
)
_MAYBE = re.compile(rf"[0-9]|[三四][{NUMERAL}]")
_ALONE = re.compile(r"[0-9]{2}\.[0-9]")
_RANGE = re.compile(rf"[0-9{NUMERAL}](?:度|°c)?\s*(?:-|~|—|–|至|到|/)+\s*[0-9{NUMERAL}]")
_SAYS_TEMPERATURE = re.compile(
    r"(?:体温计?|温度计?|额温|腋温|耳温|口温|肛温|测温|体表|测得|测了|测的|测出来|量了|量的|量出来|量得"
    r"|(?P<fever>烧到了?|烧|发热|退到|降到|升到|fever)|temperature|temp|(?<![a-z])t)"
    r"(?:[\s:=,、了]|是|为|大概|大约|约|有|达到?|都|也|在|还是|正常|显示|现在|刚才|刚刚|今[天日早晚晨]|[早中晚下上][上午]|最高|一直"
    r"|was|is|of|at|about|today|度)*-?$"
)
_OTHER_QUANTITY = re.compile(
    r"(?:房间?|[房门]号|号楼|楼|栋|座位?|第|[编尾学工班]号|年龄|门牌|电话|手机|身份证|号码|体重|身高|血压|心率|心跳|脉搏|血氧|血糖|价格?"
    r"|花了?|买了?|付了?|卖|[气室水油]温|室[内外]温?|外面|天气|(?:天气|室内|室外|空调|水的?|烤箱|车内|环境)温度|[东西]经|[南北]纬|水|空调"
    r"|地铁|高铁|版本|湿度|开到|调到|密码|验证码|快递|尾数|年级|新增|确诊|累计|共|页|近视|角度|转|[¥$#№]|no\.?|room|age|aged|building"
    r"|bus|flight|train|seat|floor|weight|height|version|page|price|code)(?:[\s:=]|是|为|有|了|高|到)*$"
)
_LIMIT_BEFORE = re.compile(
    r"(?:不到|没到|未到|没有到|低于|高于|超过?了?|小于|大于|少于|不足|没过|未过|将近|接近|快到?|[<>≤≥]=?|不是|并非|比"
    r"|above|below|under|over|than|almost|nearly|not|isn't)(?:\s|是|了)*$"
)
_LIMIT_AFTER = re.compile(
    r"\s?(?:摄氏度|度|°c?)?\s?(?:以[下上内]|之[间下上内]|上下|多(?!喝)|几|内|\+|算|or (?:above|below|more|less|higher|lower)|and (?:above|below))"
)
_SUPPOSED = re.compile(r"如果|要是|假如|假设|万一|标准|规定|才算|\bif\b|\bwhen\b")
_UNIT = re.compile(
    r"\s?(?:摄氏度|度(?![角电数假量])|°\s?c?(?![a-z])|c(?![a-z])|degrees?|deg(?![a-z])|celsius)"
)
_FAHRENHEIT = re.compile(r"\s?(?:°?\s?f(?![a-z])|华氏|degrees? f|fahrenheit)")
_COUNTED = re.compile(
    r"\s?(?:号|楼|栋|幢|座|室|层|单元|房|弄|路|岁|人|个|名|位|户|万|亿|千|百|元|块|钱|斤|公斤|克|米|厘米|公里|里|天|日|月|年|周|星期|小时|分|秒|次"
    r"|[%‰]|票|条|只|张|页|版|集|期|班|线|届|床|件|例|倍|平|亩|升|毫|吨|折|股|点|公分|寸|码|码头|角|瓶|箱|包|家|所|门|车|站|路|卡"
    r"|的(?!体温|温度)|kg|km|cm|mm|ml|mb|gb|mg|bpm|yuan|rmb|usd|dollars?|years?|yrs?|days?|weeks?|months?|hours?|hrs?|min|people|persons?"
    r"|percent|cases?|[mgl](?![a-z])|st(?![a-z])|nd(?![a-z])|rd(?![a-z])|th(?![a-z]))"
)
_SPLIT_POINT = re.compile(r"\s*[.。,·]\s*[0-9]|\s+[0-9](?![0-9])")
_TENTHS_SAID = re.compile(r"分(?!钟)")
_PAST = re.compile(r"昨|前天|前日|之前|以前|上周|上星期|上个|天前|日前|原来|yesterday|last|ago|before")
_CORRECTED = re.compile(r"不对|错了|写错|打错|不是|应该是|更正|改成|改为|口误|sorry|correction|i mean")
_CLAUSE_END = re.compile(r"[,，;；。!！?？\n]")


class Reading(NamedTuple):
    """`tenths` is plausible and certain; `implausible_tenths` was meant as a temperature and can't be one.

    `several` says that different temperatures are named and none of them is the one.
    """

    tenths: int | None = None
    implausible_tenths: int | None = None
    several: bool = False


class _Spot(NamedTuple):
    start: int
    end: int
    tenths: int


_NONE = Reading()


def read_temperature(text: str) -> Reading:
    """The one body temperature that a plain text states, in tenths of °C; of several different ones none."""
    if len(text) == 4 and _ALONE.fullmatch(text):
        return _alone(int(text[:2]) * 10 + int(text[3]))
    if not _MAYBE.search(text):
        return _NONE
    spots = list(_spots(text))
    plausible = [spot for spot in spots if LOWEST_TENTHS <= spot.tenths <= HIGHEST_TENTHS]
    if plausible:
        agreed = _agreed(text, plausible)
        return Reading(agreed, several=agreed is None)
    return Reading(None, spots[-1].tenths) if spots else _NONE


def temperature_spans(text: str) -> list[tuple[int, int]]:
    """Where a plain text names temperatures."""
    return [(spot.start, spot.end) for spot in _spots(text)]


def temperature_answer(text: str) -> Reading:
    """The same for the answer to "what is the temperature?", where a bare "37" is one."""
    found = read_temperature(text)
    if found != _NONE:
        return found
    bare = number(text.removesuffix("度"))
    if bare is None or not text or len(text) > 5:
        return _NONE
    return _alone(bare * 10)


def _alone(tenths: int) -> Reading:
    if LOWEST_TENTHS <= tenths <= HIGHEST_TENTHS:
        return Reading(tenths)
    return Reading(None, tenths) if 200 <= tenths <= 4990 else _NONE


def _agreed(text: str, spots: list[_Spot]) -> int | None:
    """One value: today's before that of days past, a corrected one before what it corrects."""
    if len(spots) > 1:
        now = [spot for spot in spots if not _PAST.search(_clause_before(text, spot.start))]
        spots = now or spots
        if len(spots) > 1 and _CORRECTED.search(text, spots[-2].end):
            spots = spots[-1:]
    values = {spot.tenths for spot in spots}
    return values.pop() if len(values) == 1 else None


def _clause_before(text: str, at: int) -> str:
    before = text[:at]
    end = max((match.end() for match in _CLAUSE_END.finditer(before)), default=0)
    return before[end:]


def _spots(text: str) -> Iterator[_Spot]:
    """Every number of the text that is said to be, or looks like, a body temperature."""
    barred = [match.span() for match in _RANGE.finditer(text)]
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        if any(start < stop and begin < end for begin, stop in barred):
            continue
        before = text[max(0, start - 24) : start]
        if not _stands_apart(before) or _excluded(before):
            continue
        spot = _spot(text, match, before)
        if spot is not None and not _SUPPOSED.search(_clause_before(text, start)):
            yield spot


def _stands_apart(before: str) -> bool:
    if not before:
        return True
    last = before[-1]
    if last.isdecimal() or last in _NUMERALS or last in "./%":
        return False
    if last == "-":
        return bool(_SAYS_TEMPERATURE.search(before))
    return not ("a" <= last <= "z") or bool(_SAYS_TEMPERATURE.search(before))


def _excluded(before: str) -> bool:
    return bool(_OTHER_QUANTITY.search(before) or _LIMIT_BEFORE.search(before))


def _spot(text: str, match: re.Match[str], before: str) -> _Spot | None:
    whole = number(match["whole"])
    if whole is None or whole > 499:
        return None
    word = _SAYS_TEMPERATURE.search(before)
    part, point, end = match["part"], (match["point"] or "").strip(), match.end()
    tenth = _tenth(match)
    if part and _counts_something(text, match, point):
        part, tenth, end = None, None, match.end("whole")
    elif part and tenth is None:
        return None
    unit = _unit(text, end) or (bool(part) and point in ("度", "°", "°c"))
    if not _ends_well(text, end, has_part=bool(part), has_unit=bool(unit)):
        return None
    if point == "," and part and not (word or unit or text == match[0]):
        return None
    tenths = whole * 10 + (tenth or 0)
    return _Spot(match.start(), end, tenths) if _meant(text, match, tenths, part, word, unit) else None


def _counts_something(text: str, match: re.Match[str], point: str) -> bool:
    """Whether what looks like tenths is a count: "38度3天" is 38 for three days, "体温36,2天" 36 and two days."""
    if point not in ("度", "°", "°c", ","):
        return False
    end = match.end("part")
    if point == "度" and _TENTHS_SAID.match(text, end):
        return False
    return bool(match["long"] or _COUNTED.match(text, end))


def _tenth(match: re.Match[str]) -> int | None:
    """The digit after the point; None where there are more than tell a tenth (36.50 does, 36.55 does not)."""
    part = match["part"]
    if part is None or match["long"]:
        return None
    if part == "半":
        return 5 if (match["point"] or "").strip() == "度" else None
    if len(part) > 1 and part[1:].strip("0零〇"):
        return None
    return number(part[0])


def _unit(text: str, end: int) -> bool:
    return bool(_UNIT.match(text, end))


def _ends_well(text: str, end: int, *, has_part: bool, has_unit: bool) -> bool:
    if _LIMIT_AFTER.match(text, end) or _FAHRENHEIT.match(text, end):
        return False
    if not has_unit and _COUNTED.match(text, end):
        return False
    following = text[end : end + 2]
    if has_part and len(following) == 2 and following[0] in ".·" and following[1].isdecimal():
        return False
    split = None if has_part or has_unit else _SPLIT_POINT.match(text, end)
    return split is None or bool(_COUNTED.match(text, split.end()))


def _meant(
    text: str, match: re.Match[str], tenths: int, part: str | None, word: re.Match[str] | None, unit: bool
) -> bool:
    """Whether a number is said to be a temperature, or can hardly be anything else."""
    plausible = LOWEST_TENTHS <= tenths <= HIGHEST_TENTHS
    if word is not None:
        return plausible or tenths >= (200 if word["fever"] else 100)
    if unit or text == match[0]:
        return (plausible and bool(part or unit)) or (200 <= tenths < 500 and bool(part or unit))
    return plausible and bool(part)
