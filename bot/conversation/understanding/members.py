"""Reads which members of a household a message names: by kinship, by number in the list, or by a known name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_KIN = (
    "妈妈 爸爸 母亲 父亲 老公 老婆 丈夫 妻子 爱人 老伴 太太 先生 儿子 女儿 孩子 小孩 宝宝 宝贝 爷爷 奶奶 外公 外婆 姥姥 姥爷 公公 婆婆 "
    "岳父 岳母 丈母娘 老丈人 哥哥 姐姐 弟弟 妹妹 孙子 孙女 外孙 外孙女 大宝 二宝 老大 老二 老三 大儿子 小儿子 大女儿 小女儿 老人 保姆 "
    "全家人 全家 一家人 所有人 大家"
)
_SHORT_KIN = {
    "我妈": "妈妈",
    "老妈": "妈妈",
    "俺妈": "妈妈",
    "我爸": "爸爸",
    "老爸": "爸爸",
    "俺爸": "爸爸",
    "咱妈": "妈妈",
    "咱爸": "爸爸",
}
_ENGLISH_KIN = (
    "mother father grandmother grandfather grandma grandpa mommy mummy daddy mom mum dad wife husband daughter son baby child kids kid "
    "sister brother everyone everybody"
)
_WORDS = sorted([*_KIN.split(), *_SHORT_KIN], key=len, reverse=True)
_NOT_REPORTED = r"(?<!接触)(?<!接触了)(?<!接触过)(?<!看望)(?<!看了)(?<!照顾)(?<!探望)(?<!陪)(?<!送)(?<!从)(?<!在)(?<!去)(?<!到)(?<!回)(?<!接)(?<!见)"
_NAMED = re.compile(
    rf"{_NOT_REPORTED}(?:{'|'.join(_WORDS)})(?!家|那|们|节|单位|学校|公司)|\b(?:{'|'.join(_ENGLISH_KIN.split())})\b(?! called)"
)
_MAYBE = re.compile(r"[一-鿿]|\b[a-z]{3}")
_SELF = re.compile(
    r"(?:^|[\s,，;；。、和跟与及]|本人)我(?=[\s:、,，和跟与及]|自己|也|都|正常|没|无|[0-9]|体温)|本人"
)
_STATUS = r"(?:[:：、.]?\s*(?:都|均|全|体温|是)*\s*)(?=正常|没|无|发[烧热]|咳|不|头|乏力|嗓|拉|一切|好|健康|(?:3[4-9]|4[0-3])(?:[.度]|$|\s|,|，)|三十|四十|ok|fine|normal|no|fever|cough)"
_COUNT = r"(?:[1-9]|1[0-9]|20)"
_LISTED = re.compile(
    rf"(?:^|[,，;；。\n!！]|(?<=[常状嗽烧])|(?<=[0-9]\.[0-9])(?=\s)|(?<=[0-9]\.[0-9]度))\s*(?P<all>{_COUNT}(?:\s*(?:、|和|与|及|\s|&|/)\s*{_COUNT})*)(?![0-9.度点年月日号岁人个天次楼栋])(?=[\s:：、.都均体正没无发咳不一]){_STATUS}"
)
_INTEGER = re.compile(r"[0-9]+")


def read_members(text: str, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The members that a plain text reports for, in its order; "我" counts where somebody else is named too.

    Kinship words come back as written (我妈 as 妈妈), numbers as digits; `names` are the household's own.
    """
    return tuple(dict.fromkeys(spot.member for spot in _spots(text, names)))


class _Spot(NamedTuple):
    start: int
    end: int
    member: str


def _spots(text: str, names: Sequence[str]) -> list[_Spot]:
    found: list[_Spot] = []
    for match in _LISTED.finditer(text):
        base = match.start("all")
        for one in _INTEGER.finditer(match["all"]):
            found.append(_Spot(base + one.start(), base + one.end(), one[0]))
    if _MAYBE.search(text):
        for match in _NAMED.finditer(text):
            found.append(_Spot(match.start(), match.end(), _SHORT_KIN.get(match[0], match[0])))
        for name in names:
            at = text.find(name.lower()) if name else -1
            if at >= 0:
                found.append(_Spot(at, at + len(name), name))
        if found:
            found += [_Spot(match.end() - 1, match.end(), "我") for match in _SELF.finditer(text)]
    return sorted(found)
