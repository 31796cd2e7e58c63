"""The command refuses nonsense, leaves a peer out with a reason, and prints what was promised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import punch_in
from benchmarks.peer import Peer
from benchmarks.report import compare, render
from benchmarks.rig import Figures, Unavailable
from benchmarks.server import PROC


def figures(throughput: float, cpu: float, resident_mb: float = 90.0) -> Figures:
    return Figures(
        messages=1000,
        seconds=1.0,
        throughput=throughput,
        p50_ms=10.0,
        p99_ms=20.0,
        max_ms=30.0,
        server_cpu_us=cpu,
        generator_cpu_us=15.0,
        peak_mb=resident_mb,
        resident_mb=resident_mb,
    )


@pytest.mark.parametrize(
    "arguments", [["--targets", "floor,nginx"], ["--rounds", "0"], ["--seconds", "-1"], ["--residents", "0"]]
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        punch_in.main(arguments)
    assert ended.value.code == 2


@pytest.mark.skipif(not PROC.is_dir(), reason="reads /proc")
def test_run_without_the_peer_says_why_and_writes_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unavailable(self: Peer, folder: Path) -> None:
        raise Unavailable("no network")

    monkeypatch.setattr(Peer, "prepare", unavailable)
    file = tmp_path / "figures.json"
    sizes = ["--rounds", "2", "--residents", "40", "--connections", "4"]
    assert punch_in.main([*sizes, "--targets", "floor,peer", "--json", str(file)]) == 0
    assert "without peer: no network" in capsys.readouterr().out
    written = json.loads(file.read_text())
    assert [row["messages"] for row in written["rounds"]["floor"]] == [40, 40]


def test_report_states_both_ratios_and_how_they_stand() -> None:
    measured = {
        "floor": [figures(4000, 200)],
        "product": [figures(1200, 700)],
        "peer": [figures(400, 1400)],
    }
    text = render(measured)
    assert "product/floor: throughput 0.30 (0.30-0.30; must 0.25 reached, goal 0.5 not yet)" in text
    assert "server CPU per message 3.50" in text
    assert "product/peer: throughput 3.00 (3.00-3.00; goal 2.5 reached)" in text
    assert "90 MB, limit 150 kept" in text


def test_report_does_not_hide_a_missed_promise() -> None:
    text = render({"floor": [figures(4000, 200)], "product": [figures(400, 900, resident_mb=200.0)]})
    assert "MUST 0.25 NOT REACHED" in text
    assert "limit 150 NOT KEPT" in text


def test_ratios_without_the_product_are_not_made_up() -> None:
    assert compare({"floor": [figures(4000, 200)], "peer": [figures(400, 1400)]}) == []
