"""The last route: nothing matched, so offer what the words might have meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from bot.conversation.context import Context
from bot.conversation.understanding.understood import Intent
from bot.message import Incoming, Reply

_OFFERED = 3
_READ = 200
_CLOSE = 0.75
_TOKEN = re.compile(r"[a-z]+")
_ANSWERS = frozenset({Intent.YES, Intent.NO, Intent.BACK})
# command, its label, and words that people use for it
_THINGS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("打卡", "fallback.punch_in", ("打卡", "体温", "发烧", "咳嗽", "上报", "度", "report", "temperature", "fever", "punch")),
    ("我的码", "fallback.codes", ("健康码", "绿码", "红码", "黄码", "颜色", "二维码", "code", "colour", "color", "qr")),
    ("为什么", "fallback.why", ("为什么", "原因", "怎么变", "凭什么", "不对", "错", "why", "reason", "wrong")),
    ("申报", "fallback.declare", ("申报", "登记", "注册", "地址", "搬家", "行程", "declare", "register", "address", "travel")),
    ("用哪个码", "fallback.which_code", ("去", "出差", "上班", "复工", "哪个", "需要", "going", "need", "which")),
    ("加码", "fallback.add_code", ("添加", "增加", "加", "add", "another")),
    ("隐私", "fallback.privacy", ("隐私", "信息", "数据", "谁看", "删除", "privacy", "data", "delete")),
    ("帮助", "fallback.help", ("帮助", "怎么用", "客服", "人工", "你好", "help", "hello", "hi")),
)  # fmt: skip
_USUAL = ("打卡", "我的码", "帮助")


async def offer_nearest(message: Incoming, ctx: Context) -> Reply:
    """Say kindly that it wasn't understood, and offer at most three things."""
    labels = {command: label for command, label, _ in _THINGS}
    options = [(command, labels[command]) for command in nearest(ctx.text)]
    answers = bool(ctx.text) and ctx.understood.intent in _ANSWERS
    return ctx.ask("fallback.nothing_asked" if answers else "fallback.not_understood", *options)


def nearest(text: str) -> tuple[str, ...]:
    """The commands whose words come nearest to the text, the nearest first; the usual ones if none does."""
    folded = text[:_READ].casefold()
    scored = [(_likeness(folded, words), command) for command, _, words in _THINGS]
    found = [command for score, command in sorted(scored, key=lambda one: -one[0]) if score > 0]
    return tuple(dict.fromkeys((*found, *_USUAL)))[:_OFFERED]


def _likeness(text: str, words: Iterable[str]) -> int:
    """Whole words count twice their length; English ones with a slip once, Chinese ones by shared characters."""
    tokens = _TOKEN.findall(text)
    score = 0
    for word in words:
        if word in text if not word.isascii() else word in tokens:
            score += 2 * len(word)
        elif word.isascii():
            score += len(word) if get_close_matches(word, tokens, 1, _CLOSE) else 0
        else:
            shared = len(set(word) & set(text))
            score += shared if 2 * shared >= len(word) else 0
    return score
