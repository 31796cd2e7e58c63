"""The platform delivering a push: again and again until it is answered, and what the person then sees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from aiohttp import ClientConnectionError

from bot.channels.wechat.push import BadAnswer, Push, PushSender, Query

OUT_OF_ORDER = "该公众号提供的服务出现故障，请稍后再试"
RETRIES = 3
ANSWER_SECONDS = 5.0

Post = Callable[[Query, bytes], Awaitable[tuple[int, bytes]]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one message: `shown` is what the person sees, None for nothing."""

    attempts: int
    status: int | None
    shown: str | None
    answer: dict[str, str] | None = None

    @property
    def failed(self) -> bool:
        return self.shown == OUT_OF_ORDER


async def deliver(
    post: Post,
    push: Push,
    sender: PushSender,
    *,
    retries: int = RETRIES,
    seconds: float | None = None,
    fresh: Callable[[], datetime] | None = None,
    timed_out: Callable[[], object] | None = None,
) -> Delivery:
    """Post until the answer is 200, at most 1 + `retries` times; a time-out or a cut connection is no answer.

    `seconds` is how long one answer is really waited for: ANSWER_SECONDS as the platform does, less for a test, None
    for as long as `post` itself waits. `timed_out` is called after each delivery without an answer: there a fake
    clock moves on. `fresh` gives the instant at which a redelivery is signed anew; without it the same bytes come
    again. The documents leave open which of the two the platform does.
    """
    status: int | None = None
    for attempt in range(1, retries + 2):
        if attempt > 1 and fresh is not None:
            push = signed_again(push, sender, at=fresh())
        try:
            status, body = await asyncio.wait_for(post(push.query, push.body), seconds)
        except (TimeoutError, OSError, ClientConnectionError):
            status = None
            if timed_out is not None:
                timed_out()
            continue
        if status == 200:
            return _shown(attempt, body, sender)
    return Delivery(retries + 1, status, OUT_OF_ORDER)


def signed_again(push: Push, sender: PushSender, *, at: datetime) -> Push:
    """The same message with another timestamp, nonce and signature."""
    openid = dict(push.query).get("openid", "")
    document = push.body if sender.mode == "plain" else sender.decrypt(_ciphertext(push.body, sender))
    seal = sender.seal_json if sender.format == "json" else sender.seal_xml
    return seal(document.decode(), at=at, openid=openid)


def _ciphertext(body: bytes, sender: PushSender) -> str:
    if sender.format == "json":
        return str(json.loads(body)["Encrypt"])
    return ElementTree.fromstring(body).findtext("Encrypt", "")


def _shown(attempt: int, body: bytes, sender: PushSender) -> Delivery:
    try:
        answer = sender.answer(body)
    except BadAnswer:
        return Delivery(attempt, 200, OUT_OF_ORDER)
    if answer is None:
        return Delivery(attempt, 200, None)
    return Delivery(attempt, 200, answer.get("Content", ""), answer)
