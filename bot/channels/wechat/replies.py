"""A `Reply` becomes the one passive message that WeChat takes, made safe before.

Texts are written here, because wechatpy's field machinery was the largest part of sealing an answer; the tests
hold them equal to what wechatpy renders. Pictures, which are rare, are rendered by wechatpy.
"""

from __future__ import annotations

from datetime import datetime

from wechatpy.replies import ImageReply

from bot.channels.plain_text import render_text
from bot.channels.wechat.envelope import cdata
from bot.channels.xml_reader import UNPRINTABLE
from bot.message import Picture, Reply

LIMIT_BYTES = 2048
ELLIPSIS = "……"
TEXT = (
    "<xml>\n<ToUserName><![CDATA[{account}]]></ToUserName>\n<FromUserName><![CDATA[{ours}]]></FromUserName>\n"
    "<CreateTime>{at}</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[{text}]]></Content>\n</xml>"
)
_CDATA_END = "]]]]><![CDATA[>"


def render(reply: Reply, *, account: str, ours: str, at: datetime) -> tuple[str, bool]:
    """The XML of a reply, and whether it had to be cut; "" for a reply without a word.

    A reply that is one picture is an image; every other picture shows its words.
    """
    if len(reply.parts) == 1 and isinstance(reply.parts[0], Picture) and reply.parts[0].media_id:
        heads = {"source": cdata(ours), "target": cdata(account), "time": int(at.timestamp())}
        return str(ImageReply(image=cdata(reply.parts[0].media_id), **heads).render()), False
    text, cut = fit(UNPRINTABLE.sub("", render_text(reply)))
    if not text.strip():
        return "", False
    return TEXT.format(
        account=cdata(account), ours=cdata(ours), at=int(at.timestamp()), text=text.replace("]]>", _CDATA_END)
    ), cut


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
