"""A `Reply` becomes the one passive message that WeChat takes: rendered by wechatpy, made safe before."""

from __future__ import annotations

from datetime import datetime

from wechatpy.replies import ImageReply, TextReply

from bot.channels.plain_text import render_text
from bot.channels.wechat.envelope import UNPRINTABLE, cdata
from bot.message import Picture, Reply

LIMIT_BYTES = 2048
ELLIPSIS = "……"


def render(reply: Reply, *, account: str, ours: str, at: datetime) -> tuple[str, bool]:
    """The XML of a reply, and whether it had to be cut; "" for a reply without a word.

    A reply that is one picture is an image; every other picture shows its words.
    """
    heads = {"source": cdata(ours), "target": cdata(account), "time": int(at.timestamp())}
    if len(reply.parts) == 1 and isinstance(reply.parts[0], Picture) and reply.parts[0].media_id:
        return str(ImageReply(image=cdata(reply.parts[0].media_id), **heads).render()), False
    text, cut = fit(UNPRINTABLE.sub("", render_text(reply)))
    if not text.strip():
        return "", False
    return str(TextReply(content=cdata(text), **heads).render()), cut


def fit(text: str, limit: int = LIMIT_BYTES) -> tuple[str, bool]:
    """The text in at most `limit` bytes of UTF-8, and whether it was cut.

    It is cut at the end of a line, within a line only if that is longer than half of the limit, and never within
    a code point; a line with an ellipsis then says that there was more.
    """
    encoded = text.encode()
    if len(encoded) <= limit:
        return text, False
    room = limit - len(f"\n{ELLIPSIS}".encode())
    line_end = encoded.rfind(b"\n", 0, room + 1)
    kept = encoded[: line_end if line_end >= room // 2 else room].decode("utf-8", "ignore")
    return f"{kept.rstrip()}\n{ELLIPSIS}", True
