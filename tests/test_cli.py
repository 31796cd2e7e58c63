"""The command line: what it prints, and how it fails in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from bot.cli import cli, run
from bot.store.sealing import KeyRing

HOME = Path(__file__).resolve().parent.parent
AT = "2020-02-20T09:00+08:00"


def called(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, arguments, input=typed)


def understood(text: str, at: str = AT) -> dict[str, Any]:
    result = called("understand", "--at", at, text)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = orjson.loads(line)
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("打卡", {"intent": "punch_in"}),
        ("36.5", {"intent": "punch_in", "temperature": 36.5}),
        ("体温36度8 没有症状", {"intent": "punch_in", "temperature": 36.8, "no_symptoms": True}),
        ("37.9 咳嗽", {"intent": "punch_in", "temperature": 37.9, "symptoms": ["cough"]}),
        ("三十六度五，一切正常", {"intent": "punch_in", "temperature": 36.5, "no_symptoms": True}),
        ("没变化", {"intent": "punch_in", "no_change": True}),
        ("大前天", {"intent": "unknown", "dates": ["2020-02-17"]}),
        ("去广州上班用哪个码", {"intent": "which_code", "places": ["440100"]}),
    ],
)
def test_understand_prints_what_was_found_as_one_object(text: str, wanted: dict[str, Any]) -> None:
    found = understood(text)
    assert found == wanted


def test_understand_reads_many_lines_and_answers_each() -> None:
    result = called("understand", "--at", AT, "-", typed="36.5\n\n昨天 不咳嗽\r\n为什么")
    found = [orjson.loads(line) for line in result.stdout.splitlines()]
    assert [each["intent"] for each in found][::3] == ["punch_in", "why"]
    assert len(found) == 4
    assert found[2]["dates"] == ["2020-02-19"]
    assert "symptoms" not in found[2]


def test_day_of_an_instant_is_that_of_the_resident() -> None:
    assert understood("今天", "2020-02-19T16:30+00:00")["dates"] == ["2020-02-20"]
    assert understood("今天", "2020-02-20T00:30")["dates"] == ["2020-02-20"]


@pytest.mark.parametrize("at", ["yesterday", "2020-13-01", "09:00", "２０２０"])
def test_instant_that_is_none_is_refused_with_an_example(at: str) -> None:
    result = called("understand", "--at", at, "36.5")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "2020-02-20T09:00+08:00" in result.stderr


def test_migrate_applies_once_and_rotation_reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YIMA_DATABASE_URL", f"sqlite://{tmp_path}/new.db")
    first, second = called("migrate"), called("migrate")
    assert first.exit_code == second.exit_code == 0
    assert all(line.startswith("applied ") for line in first.stdout.splitlines())
    assert first.stdout
    assert second.stdout == "nothing to apply\n"
    rotated = called("keys", "rotate")
    assert rotated.exit_code == 0
    assert "resealed=0" in rotated.stdout


def test_new_key_is_one_that_the_key_ring_takes() -> None:
    made = [called("keys", "new").stdout.strip() for _ in range(2)]
    assert KeyRing(*made).data_key_id == made[0].partition(":")[0]


def test_failure_of_the_settings_is_one_line_without_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIMA_PORT", "fourscore")
    monkeypatch.setattr(sys, "argv", ["yima", "serve"])
    with pytest.raises(SystemExit) as ended:
        run()
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert told.err == "yima: these settings are missing or wrong: YIMA_PORT\n"


def test_failure_of_the_work_is_one_line_and_another_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["yima", "demo", "--story", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        run()
    told = capsys.readouterr()
    assert ended.value.code == 1
    assert told.err.startswith("yima: ")
    assert "six-codes" in told.err
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_background_process_works_until_it_is_told_to_stop(tmp_path: Path, how: signal.Signals) -> None:
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(HOME), "YIMA_DATABASE_URL": f"sqlite://{tmp_path}/yima.db",
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "bot", "background"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"Yima works in the background\n"
            second = subprocess.run(
                [sys.executable, "-m", "bot", "background"],
                cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False,
            )  # fmt: skip
            assert second.returncode == 1
            assert b"another process" in second.stderr.lower()
            process.send_signal(how)
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_module_runs_as_a_program(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "bot", "understand", "--at", AT, "36.5"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HOME)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, b"")
    assert orjson.loads(finished.stdout) == {"intent": "punch_in", "temperature": 36.5}
