"""Rounds are bounded, answers are checked one by one, figures are the usual ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.floor import Floor, environment
from benchmarks.load import Answer
from benchmarks.product import Product
from benchmarks.rig import (
    ACCOUNT,
    TEXTS,
    Figures,
    Load,
    WrongAnswer,
    check_answers,
    measure,
    median,
    percentile,
    punch_ins,
    ratio,
)
from benchmarks.server import PROC
from benchmarks.wire import Push

needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="reads /proc")


def figures(throughput: float) -> Figures:
    return Figures(
        messages=10,
        seconds=1.0,
        throughput=throughput,
        p50_ms=1.0,
        p99_ms=2.0,
        max_ms=3.0,
        server_cpu_us=100.0,
        generator_cpu_us=10.0,
        peak_mb=50.0,
        resident_mb=40.0,
    )


def sealed(xml: str) -> bytes:
    text = ACCOUNT.encrypt(xml.encode())
    return (
        f"<xml><Encrypt><![CDATA[{text}]]></Encrypt><MsgSignature><![CDATA[{ACCOUNT.sign('1', '2', text)}]]>"
        "</MsgSignature><TimeStamp>1</TimeStamp><Nonce><![CDATA[2]]></Nonce></xml>"
    ).encode()


def reply(push: Push, content: str) -> str:
    return (
        f"<xml><ToUserName><![CDATA[{push.sender}]]></ToUserName>"
        f"<Content><![CDATA[{content}]]></Content></xml>"
    )


@needs_proc
def test_one_round_of_the_floor_answers_and_stores_every_message(tmp_path: Path) -> None:
    result = measure(Floor(), Load(messages=60, seconds=20, connections=8, warm_up=10), tmp_path)
    assert result.messages == 60
    assert Floor().recorded(tmp_path) == 70
    assert result.p50_ms <= result.p99_ms <= result.max_ms


@needs_proc
def test_server_that_stored_less_than_it_answered_is_caught(tmp_path: Path) -> None:
    class Forgetful(Floor):
        def recorded(self, folder: Path) -> int | None:
            return (super().recorded(folder) or 0) - 1

    with pytest.raises(WrongAnswer, match="answered 12, but stored 11"):
        measure(Forgetful(), Load(messages=10, seconds=20, connections=2, warm_up=2), tmp_path)


def test_each_message_is_another_residents_with_an_id_of_its_own() -> None:
    pushes = punch_ins(1, 500)
    assert pushes[0].sender == "o_bench_00001"
    assert len({push.sender for push in pushes}) == len({push.message_id for push in pushes}) == 500
    assert {push.text for push in pushes} == set(TEXTS)


def test_answer_for_somebody_else_is_counted_as_wrong() -> None:
    first, second = punch_ins(1, 2)
    answers = [
        Answer(200, sealed(reply(first, f"收到：{first.text}")), 0.1),
        Answer(200, sealed(reply(first, f"收到：{first.text}")), 0.1),
    ]
    with pytest.raises(WrongAnswer, match="1 of 2 wrong"):
        check_answers(Floor(), [first, second], answers)


def test_refusal_and_plain_text_are_counted_as_wrong() -> None:
    pushes = punch_ins(1, 2)
    with pytest.raises(WrongAnswer, match=r"status 403; .*no sealed envelope"):
        check_answers(Floor(), pushes, [Answer(403, b"", 0.1), Answer(200, b"success", 0.1)])


def test_receipt_that_names_six_codes_is_a_right_answer() -> None:
    push = punch_ins(1, 1)[0]
    names = "湖北健康码、武汉健康码、全国码、社区通行证、粤康码、穗康码"
    Product(1).check(push, reply(push, f"已打卡，回执 A1。{names}"))


def test_receipt_that_leaves_out_a_code_is_a_wrong_answer() -> None:
    push = punch_ins(1, 1)[0]
    with pytest.raises(WrongAnswer, match="does not name wuhan"):
        Product(1).check(push, reply(push, "回执 A1。湖北健康码、全国码、社区通行证、粤康码、穗康码"))


def test_answer_without_a_receipt_is_a_wrong_answer() -> None:
    push = punch_ins(1, 1)[0]
    with pytest.raises(WrongAnswer, match="no receipt"):
        Product(1).check(push, reply(push, "请问有没有不舒服？"))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentile_is_the_nearest_rank(share: float, expected: int) -> None:
    assert percentile([float(value) for value in range(1, 101)], share) == expected


def test_median_and_ratios_are_taken_over_the_rounds() -> None:
    ours, theirs = (
        [figures(30.0), figures(10.0), figures(20.0)],
        [figures(100.0), figures(50.0), figures(40.0)],
    )
    assert median(ours).throughput == 20.0
    between = ratio(ours, theirs, "throughput")
    assert (between.low, between.middle, between.high) == (0.2, 0.3, 0.5)


def test_servers_under_measurement_inherit_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LOG_LEVEL", "DEBUG")
    assert not [name for name in environment() if name.startswith("YIMA_")]
