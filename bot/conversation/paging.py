"""Long replies in pages: a channel that takes only so many bytes gets the first one, "更多" brings the next."""

from __future__ import annotations

import re
from typing import Any

from bot.channels.plain_text import render_text
from bot.conversation.context import Context
from bot.conversation.recorded import reply_from_plain, reply_to_plain
from bot.message import Card, Choices, Incoming, Part, Reply, Text

_MORE = re.compile(r"^\s*(更多|下一页|继续看|more|next)\s*[。.!！]?\s*$", re.IGNORECASE)
_BYTES_A_CHARACTER = 4
_SENTENCE = re.compile(r"(?<=[。！？.!?\n])")


def wants_more(message: Incoming, ctx: Context) -> bool:
    """There are pages left and the message asks for the next one."""
    return bool(ctx.talk.pages) and bool(_MORE.match(ctx.text))


async def read_on(message: Incoming, ctx: Context) -> Reply:
    """The next page; the engine adds how to go on if there are more."""
    pages, ctx.talk.pages = ctx.talk.pages, []
    parts = [part for page in pages for part in reply_from_plain(page).parts]
    return Reply(tuple(parts))


def first_page(reply: Reply, ctx: Context, limit: int | None) -> Reply:
    """What fits into `limit` bytes of UTF-8; the rest waits in the dialogue."""
    if limit is None or fits_surely(reply, limit) or size(reply) <= limit:
        return reply
    hint = ctx.say("help.more")
    room = limit - len(hint.encode()) - 2
    pages = [Reply(tuple(page)) for page in _pages(_pieces(reply, room), room)]
    ctx.talk.pages = [_plain(page) for page in pages[1:]]
    return pages[0].then(hint)


def _plain(page: Reply) -> list[Any]:
    return reply_to_plain(page)


def fits_surely(reply: Reply, limit: int) -> bool:
    """Whether a cheap upper bound is already below the limit."""
    total = 0
    for part in reply.parts:
        if isinstance(part, Text):
            total += len(part.text) + 2
        else:
            return False
    return total * _BYTES_A_CHARACTER <= limit


def size(reply: Reply) -> int:
    """The bytes of the reply as plain text."""
    return len(render_text(reply).encode())


def _pieces(reply: Reply, room: int) -> list[Part]:
    """The parts, with long texts and cards cut into smaller ones; choices stay whole and come last."""
    pieces: list[Part] = []
    for part in reply.parts:
        if isinstance(part, Text):
            pieces.extend(Text(text) for text in _cut(part.text, room))
        elif isinstance(part, Card) and size(Reply((part,))) > room:
            pieces.append(Text(part.title))
            pieces.extend(Text(text) for text in _cut("\n".join(part.lines), room))
        else:
            pieces.append(part)
    return pieces


def _cut(text: str, room: int) -> list[str]:
    """Cut at the ends of sentences and lines, and only where one is too long within it."""
    cut: list[str] = []
    current = ""
    for sentence in _SENTENCE.split(text):
        for piece in _cut_hard(sentence, room):
            if len((current + piece).encode()) > room:
                cut.append(current.strip("\n"))
                current = piece
            else:
                current += piece
    cut.append(current.strip("\n"))
    return [each for each in cut if each]


def _cut_hard(text: str, room: int) -> list[str]:
    width = max(1, room // _BYTES_A_CHARACTER)
    return (
        [text[start : start + width] for start in range(0, len(text), width)]
        if len(text.encode()) > room
        else [text]
    )


def _pages(pieces: list[Part], room: int) -> list[list[Part]]:
    pages: list[list[Part]] = [[]]
    for piece in pieces:
        if pages[-1] and size(Reply((*pages[-1], piece))) > room:
            pages.append([])
        pages[-1].append(piece)
    choices = [piece for piece in pages[-1] if isinstance(piece, Choices)]
    return pages if pages[-1] or not choices else pages[:-1]
