"""Grouping never loses, mixes up or keeps waiting what was submitted."""

from __future__ import annotations

import asyncio

import pytest

from bot.store.batching import Batcher


async def double(numbers: list[int]) -> list[int | Exception]:
    await asyncio.sleep(0)
    return [number * 2 for number in numbers]


async def test_submission_right_after_a_result_is_served() -> None:
    batcher: Batcher[int, int] = Batcher(double, name="double")
    results = [await asyncio.wait_for(batcher.submit(number), 5) for number in range(20)]
    await batcher.close()
    assert results == [number * 2 for number in range(20)]


async def test_what_waits_goes_together_into_the_next_batch() -> None:
    batches: list[list[int]] = []
    gate = asyncio.Event()

    async def record(numbers: list[int]) -> list[int | Exception]:
        batches.append(numbers)
        await gate.wait()
        return list(numbers)

    batcher: Batcher[int, int] = Batcher(record, name="record", limit=3)
    waiting = [asyncio.create_task(batcher.submit(number)) for number in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*waiting) == list(range(6))
    await batcher.close()
    assert [number for batch in batches for number in batch] == list(range(6))
    assert all(len(batch) <= 3 for batch in batches)
    assert len(batches) < 6


async def test_error_of_one_item_reaches_only_its_caller() -> None:
    async def odd_fail(numbers: list[int]) -> list[int | Exception]:
        return [ValueError(str(number)) if number % 2 else number for number in numbers]

    batcher: Batcher[int, int] = Batcher(odd_fail, name="odd")
    results = await asyncio.gather(*(batcher.submit(number) for number in range(4)), return_exceptions=True)
    await batcher.close()
    assert [str(result) if isinstance(result, ValueError) else result for result in results] == [
        0,
        "1",
        2,
        "3",
    ]


async def test_failed_batch_fails_every_caller_and_serves_the_next() -> None:
    failures = [True]

    async def fail_once(numbers: list[int]) -> list[int | Exception]:
        if failures.pop() if failures else False:
            raise OSError("gone")
        return list(numbers)

    batcher: Batcher[int, int] = Batcher(fail_once, name="fail")
    with pytest.raises(OSError, match="gone"):
        await batcher.submit(1)
    assert await batcher.submit(2) == 2
    await batcher.close()
