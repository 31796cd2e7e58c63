"""The words for people of a household: kinship, oneself, everybody; one meaning each, however it is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from bot.conversation.understanding.characters import plain

SELF = "我"
EVERYBODY = "全家"
OTHERS = "家人"
"""Everybody but the writer."""
REST = "其他人"
"""Everybody whom the message doesn't name otherwise."""
CHILD = "孩子"
CHILDREN = "孩子们"

_SAID: dict[str, str] = {
    SELF: "我自己 我本人 本人 自己 我 i me myself",
    EVERYBODY: "我们全家人 我们全家 我家全家 全家人 全家 一家人 我们一家 一家 所有人 全部人 大家 每个人 每人 我们家 我们 我家 咱家 咱们 家里 全员 "
    "the_whole_family whole_family everyone everybody all_of_us us_all we_all we we're all",
    OTHERS: "家里人 家里其他人 其他家人 家人们 家人 家属 my_family the_family family",
    REST: "其他人 其他的人 其余人 其余的人 其余 其他 剩下的人 剩下的 别人 the_others others the_rest everyone_else",
    CHILDREN: "孩子们 小孩们 娃们 children kids",
    CHILD: "孩子 小孩子 小孩 小朋友 娃娃 娃 child kid",
    "妈妈": "妈妈 母亲 老妈 妈咪 妈 mother mommy mummy mama mom mum",
    "爸爸": "爸爸 父亲 老爸 爸 father daddy papa dad",
    "丈夫": "老公 丈夫 先生 husband",
    "妻子": "老婆 妻子 太太 wife",
    "爱人": "爱人 老伴 对象 partner",
    "儿子": "儿子 son",
    "女儿": "女儿 闺女 daughter",
    "宝宝": "宝宝 宝贝 baby",
    "爷爷": "爷爷 祖父",
    "奶奶": "奶奶 祖母",
    "外公": "外公 姥爷",
    "外婆": "外婆 姥姥",
    "岳父": "岳父 老丈人",
    "岳母": "岳母 丈母娘",
    "grandfather": "grandfather grandpa granddad",
    "grandmother": "grandmother grandma granny",
    "sister": "sister",
    "brother": "brother",
}
_AS_SAID = (
    "公公 婆婆 哥哥 姐姐 弟弟 妹妹 外孙女 外孙 孙子 孙女 大宝 二宝 三宝 老大 老二 老三 大儿子 小儿子 大女儿 小女儿 老人 保姆 叔叔 阿姨 舅舅 姑姑 "
    "aunt uncle"
)
_MEANING = {word.replace("_", " "): meaning for meaning, words in _SAID.items() for word in words.split()}
_MEANING |= {word: word for word in _AS_SAID.split()} | {"all": EVERYBODY, "都": EVERYBODY}

# whom somebody met, visits or lives with is not reported for
_NOT_REPORTED = r"(?<!接触)(?<!接触了)(?<!接触过)(?<!看望)(?<!看了)(?<!照顾)(?<!探望)(?<!陪)(?<!送)(?<!从)(?<!在)(?<!去)(?<!到)(?<!回)(?<!见)"
_OURS = r"(?:(?:我们|我家|咱家|我|俺|咱)的?)?"
_OTHER_WORD = r"(?!家(?!人)|那|们|节|单位|学校|公司|楼下|隔壁|邻居)"
_GROUPS = (SELF, EVERYBODY, OTHERS, REST)


def _any(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_CHINESE_KIN = [word for word, meaning in _MEANING.items() if not word.isascii() and meaning not in _GROUPS]
_CHINESE_GROUPS = [
    word for word, meaning in _MEANING.items() if not word.isascii() and meaning in _GROUPS and word != "都"
]
_ENGLISH = [word for word in _MEANING if word.isascii() and word != "all"]
_NAMED = re.compile(
    rf"{_NOT_REPORTED}(?:{_OURS}(?P<kin>{_any(_CHINESE_KIN)})(?!(?<=妈)[妈咪]|(?<=爸)爸){_OTHER_WORD}|(?P<group>{_any(_CHINESE_GROUPS)}))"
    r"|(?<!at )\b(?P<all>all)\b(?! (?:day|night|week|over|the|symptoms))"
    r"|^(?:今[天日早]|现在|目前)?\s*(?P<every>都)(?=\s*(?:正常|没|无|很|挺|好|健康|平安|不|是|[0-9]))"
    rf"|\b(?P<english>{_any(_ENGLISH)})\b(?! called)(?!')|\b(?P<short>i|we)(?='(?:m|re|ve)\b)|\b(?P<owner>{_any(_ENGLISH)})(?='s\b)"
)
_NUMBER = re.compile(
    r"(?<![0-9./年月第-])(?P<number>1[0-9]|20|[1-9])"
    r"(?:号(?!楼|线|房|院|门|[0-9]+(?:号|栋|楼|单元))|(?![0-9]|[.·点度°%/年月日号天岁个次楼栋斤周位-]|:[0-9]{2}(?![0-9.])))"
)
_HERSELF = re.compile(_OTHER_WORD)
_BEFORE = re.compile(r"(?:我们|我家|咱家|我|俺|咱|我的)$")
_NAME_CHARACTER = re.compile(r"[a-z0-9]")


class Named(NamedTuple):
    """Somebody is named: where, by which word, and what it means in the one form of this module."""

    start: int
    end: int
    word: str
    meaning: str


def meaning_of(word: str) -> str:
    """A word for a person in its one form, so that 我妈, 母亲 and mum are the same; a name is itself."""
    said = plain(word)
    return _MEANING.get(said, said)


def find_named(text: str, names: Sequence[str]) -> list[Named]:
    """Everybody whom a plain text names, in its order; `names` are those of the writer's own household."""
    found = [*_by_name(text, names), *_by_word(text), *_by_number(text)]
    apart: list[Named] = []
    # the longer word wins: 外孙女 is no 孙女, and a name that contains 妈 is not one's mother
    for one in sorted(found, key=lambda each: (each.start - each.end, each.start)):
        if all(one.end <= other.start or other.end <= one.start for other in apart):
            apart.append(one)
    return sorted(apart)


def _by_name(text: str, names: Sequence[str]) -> list[Named]:
    found = []
    # looked for as they are: a pattern made of somebody's name would stay in memory
    for name in names:
        said = plain(name)
        at = text.find(said) if said else -1
        while at >= 0:
            end = at + len(said)
            before = _BEFORE.search(text, 0, at)
            if _stands_alone(text, at, end) and _HERSELF.match(text, end):
                found.append(Named(before.start() if before else at, end, name, meaning_of(name)))
            at = text.find(said, end)
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    """A name in letters or digits isn't found inside another word."""
    left = start > 0 and _NAME_CHARACTER.match(text[start]) and _NAME_CHARACTER.match(text[start - 1])
    right = end < len(text) and _NAME_CHARACTER.match(text[end - 1]) and re.match(r"[a-z]", text[end])
    return not left and not right


def _by_word(text: str) -> list[Named]:
    found = []
    for match in _NAMED.finditer(text):
        kind = match.lastgroup or ""
        word, start = match[kind], match.start(kind) if kind == "every" else match.start()
        found.append(Named(start, match.end(), word, _MEANING[word]))
    return found


def _by_number(text: str) -> list[Named]:
    return [
        Named(match.start(), match.end(), match["number"], match["number"])
        for match in _NUMBER.finditer(text)
    ]
