"""The benchmark of notices sees what it must see: loss, doubles, and a wrong order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.notices import Figures, Plan, WrongResult, _check, measure, render
from benchmarks.notices_fake import Turns, make_app, report
from benchmarks.notices_seed import Queue, openid
from benchmarks.notices_words import words_of
from bot.store.sealing import KeyRing
from tests.fakes.wechat_api import FakeWeChatApi

WORDS = words_of(KeyRing(KeyRing.generate(), KeyRing.generate()), 5)


def body(turn: int) -> dict[str, Any]:
    return {"data": {name: {"value": value} for name, value in WORDS[turn].items()}}


def test_every_notice_of_a_person_says_something_else() -> None:
    turns = Turns(WORDS)
    assert [turns(body(turn)) for turn in range(5)] == [0, 1, 2, 3, 4]


def test_report_counts_what_came_twice_and_out_of_order() -> None:
    api = FakeWeChatApi(make_app(2, WORDS), record=False)
    api.digests = [(openid(1), 0), (openid(2), 1), (openid(1), 2), (openid(1), 2), (openid(2), 0)]
    seen = report(api)
    assert (seen["arrived"], seen["twice"], seen["inverted"]) == (5, 1, 1)


@pytest.mark.parametrize(
    "wrong", [{"arrived": 9}, {"arrived": 11, "twice": 1}, {"arrived": 10, "inverted": 1}]
)
def test_run_with_a_loss_a_double_or_a_wrong_order_has_no_result(wrong: dict[str, int]) -> None:
    with pytest.raises(WrongResult):
        _check({"twice": 0, "inverted": 0} | wrong, 10)
    _check({"arrived": 10, "twice": 0, "inverted": 0}, 10)


def test_each_person_gets_no_more_than_the_queue_says() -> None:
    assert (Queue(10, 4).each, Queue(8, 4).each) == (3, 2)


def test_figures_say_what_was_not_kept() -> None:
    bare, ours = Figures(3000, 200, 300, 60, 0), Figures(1000, 700, 300, 250, 30)
    text = render({"sqlite": [(bare, ours)]})
    assert "1,000 notices a second, goal 1,500: NOT KEPT" in text
    assert "ours/bare 0.33" in text
    assert "250 MB, must < 200: NOT KEPT" in text


@pytest.mark.slow
def test_small_queue_is_sent_and_measured(tmp_path: Path) -> None:
    plan = Plan(Queue(60, 20), processes=1, at_once=8, seconds=50)
    bare, ours = measure(f"sqlite://{tmp_path}/yima.db", plan)
    assert min(bare.rate, ours.rate) > 0
