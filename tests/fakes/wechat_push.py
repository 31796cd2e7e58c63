"""The platform delivering a push: again and again until it is answered, and what the person then sees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.channels.wechat.push import BadAnswer, Push, PushSender, Query

OUT_OF_ORDER = "该公众号提供的服务出现故障，请稍后再试"
RETRIES = 3

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


async def deliver(post: Post, push: Push, sender: PushSender, *, retries: int = RETRIES) -> Delivery:
    """Post until the answer is 200, at most 1 + `retries` times; a time-out or a cut connection is no answer."""
    status: int | None = None
    for attempt in range(1, retries + 2):
        try:
            status, body = await post(push.query, push.body)
        except (TimeoutError, OSError):
            status = None
            continue
        if status == 200:
            return _shown(attempt, body, sender)
    return Delivery(retries + 1, status, OUT_OF_ORDER)


def _shown(attempt: int, body: bytes, sender: PushSender) -> Delivery:
    try:
        answer = sender.answer(body)
    except BadAnswer:
        return Delivery(attempt, 200, OUT_OF_ORDER)
    if answer is None:
        return Delivery(attempt, 200, None)
    return Delivery(attempt, 200, answer.get("Content", ""), answer)
