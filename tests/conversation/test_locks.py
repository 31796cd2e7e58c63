"""Locks by key: in order, one at a time, nothing kept, and no turn lost with a cancelled waiter."""

from __future__ import annotations

import asyncio

import pytest

from bot.conversation.locks import KeyedLocks


async def test_waiters_come_in_the_order_in_which_they_asked() -> None:
    locks, seen = KeyedLocks(), list[int]()

    async def enter(number: int) -> None:
        await locks.acquire("a")
        seen.append(number)
        await asyncio.sleep(0)
        locks.release("a")

    await asyncio.gather(*(enter(number) for number in range(5)))
    assert seen == [0, 1, 2, 3, 4]


async def test_acquire_says_whether_somebody_was_waited_for() -> None:
    locks = KeyedLocks()
    assert await locks.acquire("a") is False
    second = asyncio.create_task(locks.acquire("a"))
    await asyncio.sleep(0)
    assert not second.done()
    locks.release("a")
    assert await second is True
    locks.release("a")


async def test_nothing_is_kept_for_a_free_key() -> None:
    locks = KeyedLocks()
    await locks.acquire_all([1, 2])
    locks.release_all([1, 2])
    assert locks._waiting == {}


async def test_cancelled_waiter_takes_no_turn_from_the_next() -> None:
    locks = KeyedLocks()
    await locks.acquire("a")
    gone = asyncio.create_task(locks.acquire("a"))
    patient = asyncio.create_task(locks.acquire("a"))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    locks.release("a")
    assert await patient is True


async def test_waiter_cancelled_at_its_turn_passes_it_on() -> None:
    locks = KeyedLocks()
    await locks.acquire("a")
    gone = asyncio.create_task(locks.acquire("a"))
    patient = asyncio.create_task(locks.acquire("a"))
    await asyncio.sleep(0)
    locks.release("a")  # it is the first one's turn now ...
    gone.cancel()  # ... who leaves before taking it
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await asyncio.wait_for(patient, 5) is True


async def test_cancelled_acquire_of_several_lets_go_of_those_it_had() -> None:
    locks = KeyedLocks()
    await locks.acquire(2)
    both = asyncio.create_task(locks.acquire_all([1, 2]))
    await asyncio.sleep(0)
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both
    assert await locks.acquire(1) is False
