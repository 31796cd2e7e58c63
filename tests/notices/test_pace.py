"""No app is sent to faster than it may be, and one that fails is left alone for a growing while."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.outbound import Trouble
from bot.notices.pace import Bucket, Lane, lanes
from tests.notices.persons import NOON


@given(
    rate=st.floats(0.2, 2000),
    steps=st.lists(st.tuples(st.floats(0, 3), st.integers(0, 400)), max_size=40),
)
def test_no_stretch_of_time_sees_more_than_the_burst_and_the_rate(
    rate: float, steps: list[tuple[float, int]]
) -> None:
    bucket, at, sent = Bucket(rate), 0.0, list[float]()
    for wait, wanted in steps:
        at += wait
        for _ in range(min(wanted, bucket.available(at))):
            bucket.take()
            sent.append(at)
    for first, begins in enumerate(sent):
        for last in range(first, len(sent), max(1, len(sent) // 20)):
            assert last - first + 1 <= bucket.burst + rate * (sent[last] - begins) + 1e-6


def test_idle_app_saves_up_no_more_than_a_tenth_of_its_rate() -> None:
    bucket = Bucket(200)
    assert bucket.available(1000.0) == 20


def test_empty_bucket_says_when_the_next_one_may_go() -> None:
    bucket = Bucket(2)
    bucket.take()
    assert bucket.available(0.0) == 0
    assert bucket.seconds_until_one(0.0) == pytest.approx(0.5)
    assert bucket.available(0.5) == 1
    assert bucket.seconds_until_one(0.5) == 0


def test_slow_app_of_two_leaves_slots_for_the_other() -> None:
    made = lanes(["a", "b"], 64, {})
    for _ in range(made["a"].room(0.0, NOON)):
        made["a"].begin()
    assert made["a"].room(0.0, NOON) == 0
    assert 64 - made["a"].under_way == 16


def test_only_app_may_take_all_slots() -> None:
    assert lanes(["a"], 64, {})["a"].room(0.0, NOON) == 64


def test_app_that_fails_several_times_rests_twice_as_long_each_time_up_to_a_minute() -> None:
    lane, wire, rests = Lane(8, None), NOON, []
    for _ in range(8):
        while not lane.resting(wire):
            lane.note(Trouble.RETRY, None, wire)
        rests.append(lane.opens_in(0.0, wire))
        wire += timedelta(seconds=rests[-1] or 0)
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]


def test_after_a_rest_one_alone_tries_and_success_opens_the_lane() -> None:
    lane = Lane(8, None)
    for _ in range(5):
        lane.note(Trouble.RETRY, None, NOON)
    later = NOON + timedelta(seconds=1)
    assert lane.room(0.0, NOON) == 0
    assert lane.room(0.0, later) == 1
    lane.begin()
    assert lane.room(0.0, later) == 0
    lane.end()
    lane.note(None, None, later)
    assert lane.room(0.0, later) == 8


def test_few_failures_between_successes_are_no_reason_to_rest() -> None:
    lane = Lane(8, None)
    for _ in range(10):
        for _ in range(4):
            lane.note(Trouble.RETRY, None, NOON)
        lane.note(Trouble.RECIPIENT, None, NOON)
    assert not lane.resting(NOON)


def test_used_up_quota_closes_the_lane_at_once_for_as_long_as_asked_up_to_a_minute() -> None:
    lane = Lane(8, None)
    lane.note(Trouble.QUOTA, 30.0, NOON)
    assert lane.opens_in(0.0, NOON) == 30
    other = Lane(8, None)
    other.note(Trouble.QUOTA, 7200.0, NOON)
    assert other.opens_in(0.0, NOON) == 60


def test_wrong_template_says_nothing_about_the_app() -> None:
    lane = Lane(8, None)
    for _ in range(20):
        lane.note(Trouble.PERMISSION, None, NOON)
    assert lane.room(0.0, NOON) == 8


def test_full_lane_is_opened_by_what_is_under_way_and_not_by_time() -> None:
    lane = Lane(1, 100.0)
    lane.begin()
    assert lane.opens_in(0.0, NOON) is None
