"""Whoever waits sees that something is being done, and nobody waits for that."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from handlers.http.typing_indicator import TypingIndicator

AGES = 3600.0


class Platform:
    """Remembers to whom something was shown; `gate` holds it up, `failure` makes it fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.shown: list[str] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.failure = failure

    async def show(self, account: str) -> None:
        self.begun.set()
        if self.failure is not None:
            raise self.failure
        await self.gate.wait()
        self.shown.append(account)


def typing_tasks() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "typing"]


async def test_long_work_shows_the_indicator_to_its_sender_once() -> None:
    platform = Platform()
    platform.gate.set()
    indicator = TypingIndicator(platform.show, after_seconds=0)
    with indicator.while_busy("o_1"):
        await platform.begun.wait()
        await asyncio.gather(*typing_tasks())
    await indicator.close()
    assert platform.shown == ["o_1"]


async def test_quick_work_shows_nothing_and_leaves_no_task() -> None:
    platform = Platform()
    indicator = TypingIndicator(platform.show, after_seconds=AGES)
    with indicator.while_busy("o_1"):
        await asyncio.sleep(0)
    assert not platform.begun.is_set()
    assert typing_tasks() == []
    await indicator.close()


async def test_slow_platform_does_not_hold_up_the_work() -> None:
    platform = Platform()
    indicator = TypingIndicator(platform.show, after_seconds=0)
    with indicator.while_busy("o_1"):
        await platform.begun.wait()
    assert len(typing_tasks()) == 1
    await indicator.close()
    assert typing_tasks() == []
    assert platform.shown == []


async def test_failure_of_the_platform_is_logged_without_its_words() -> None:
    platform = Platform(ValueError("o_1 is blocked"))
    indicator = TypingIndicator(platform.show, after_seconds=0)
    with structlog.testing.capture_logs() as lines, indicator.while_busy("o_1"):
        await platform.begun.wait()
        await asyncio.sleep(0)
    await indicator.close()
    assert [(line["action"], line["error"]) for line in lines] == [("typing_fail", "ValueError")]
    assert "o_1" not in str(lines)


async def test_nothing_is_begun_once_it_is_closed() -> None:
    platform = Platform()
    indicator = TypingIndicator(platform.show, after_seconds=0)
    await indicator.close()
    with indicator.while_busy("o_1"):
        for _ in range(3):
            await asyncio.sleep(0)
    assert not platform.begun.is_set()


async def test_failing_work_stops_the_indicator_too() -> None:
    platform = Platform()
    indicator = TypingIndicator(platform.show, after_seconds=AGES)
    with pytest.raises(ZeroDivisionError), indicator.while_busy("o_1"):
        raise ZeroDivisionError
    await indicator.close()
    assert not platform.begun.is_set()
