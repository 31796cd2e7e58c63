"""The platform's patience: what it sends again, how often, and what is the same in it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from bot.channels.wechat.push import Push, PushSender, Query
from tests.fakes.clock import FakeClock
from tests.fakes.wechat_push import ANSWER_SECONDS, OUT_OF_ORDER, RETRIES, deliver, signed_again

SENDER = PushSender("wx_mini", "t0ken", "A" * 43)
MODES: tuple[Literal["plain", "compat", "safe"], ...] = ("plain", "compat", "safe")
FORMATS: tuple[Literal["xml", "json"], ...] = ("xml", "json")


class Slow:
    """Answers only from the given delivery on; before, the platform waits in vain."""

    def __init__(self, answers_from: int) -> None:
        self.answers_from = answers_from
        self.seen: list[Push] = []

    async def post(self, query: Query, body: bytes) -> tuple[int, bytes]:
        self.seen.append(Push(query, body))
        if len(self.seen) < self.answers_from:
            await asyncio.Event().wait()
        return 200, b"success"


async def test_message_is_sent_again_every_five_seconds_of_a_fake_clock() -> None:
    clock, service = FakeClock(), Slow(answers_from=3)
    delivery = await deliver(
        service.post,
        SENDER.text("o_1", "1", at=clock.wire()),
        SENDER,
        seconds=0.01,
        fresh=clock.wire,
        timed_out=lambda: clock.advance(timedelta(seconds=ANSWER_SECONDS)),
    )
    signed_at = [int(dict(push.query)["timestamp"]) for push in service.seen]
    assert (delivery.attempts, delivery.shown) == (3, None)
    assert [at - signed_at[0] for at in signed_at] == [0, 5, 10]


async def test_platform_gives_up_after_three_retries() -> None:
    service = Slow(answers_from=99)
    push = SENDER.text("o_1", "1", at=FakeClock().wire())
    delivery = await deliver(service.post, push, SENDER, seconds=0.01)
    assert (delivery.attempts, len(service.seen)) == (1 + RETRIES, 4)
    assert delivery.shown == OUT_OF_ORDER


async def test_redelivery_is_the_same_bytes_unless_it_is_signed_anew() -> None:
    service = Slow(answers_from=2)
    push = SENDER.text("o_1", "1", at=FakeClock().wire())
    await deliver(service.post, push, SENDER, seconds=0.01)
    assert service.seen == [push, push]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMATS)
def test_signed_again_is_the_same_message_under_another_signature(
    mode: Literal["plain", "compat", "safe"], form: Literal["xml", "json"]
) -> None:
    clock = FakeClock()
    sender = replace(SENDER, mode=mode, format=form)
    first = sender.text("o_1", "您好😀", at=clock.wire())
    clock.advance(timedelta(seconds=5))
    second = signed_again(first, sender, at=clock.wire())
    changing = {"timestamp", "nonce", "signature"} | ({"msg_signature"} if mode != "plain" else set())
    before, after = dict(first.query), dict(second.query)
    assert {name for name in before if before[name] != after[name]} == changing
    assert document(sender, first) == document(sender, second)


def document(sender: PushSender, push: Push) -> bytes:
    """What the push says, out of its envelope."""
    if sender.mode == "plain":
        return push.body
    if sender.format == "json":
        return sender.decrypt(json.loads(push.body)["Encrypt"])
    return sender.decrypt(push.body.decode().split("<Encrypt><![CDATA[")[1].split("]]>")[0])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("count", "kind"), [(1, dict), (2, list)])
async def test_consents_come_as_an_object_or_as_an_array(
    mode: Literal["plain", "compat", "safe"], count: int, kind: type
) -> None:
    sender, service = replace(SENDER, mode=mode, format="json"), Slow(answers_from=1)
    push = sender.consents("o_1", [("T", "accept")] * count, at=FakeClock().wire())
    delivery = await deliver(service.post, push, sender)
    assert type(json.loads(document(sender, push))["List"]) is kind
    assert (delivery.attempts, delivery.shown) == (1, None)


async def test_answer_that_a_mini_program_may_not_give_is_a_failure() -> None:
    sender = replace(SENDER, format="json")

    async def post(query: Query, body: bytes) -> tuple[int, bytes]:
        return 200, b"<xml><Content>hello</Content></xml>"

    delivery = await deliver(post, sender.text("o_1", "1", at=FakeClock().wire()), sender)
    assert delivery.failed
