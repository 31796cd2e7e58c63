"""The frame of the suite of third parties: pinned, made once, left out with a reason, and never left running."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.peers import environments
from tests.peers.conftest import Roster
from tests.peers.environments import NODE, NODE_PEERS, PYTHON, PYTHON_PEERS, Unavailable
from tests.peers.processes import PeerFailed, Runner

LOCK = json.loads((NODE / "package-lock.json").read_text(encoding="utf-8"))
ECHO = "import sys\nfor line in sys.stdin:\n    print(line, end='', flush=True)\n"


def test_lock_of_the_node_peers_names_no_registry() -> None:
    assert [name for name, package in LOCK["packages"].items() if "resolved" in package] == []
    assert "omit-lockfile-registry-resolved=true" in (NODE / ".npmrc").read_text().splitlines()


def test_every_locked_package_carries_its_digest() -> None:
    assert [name for name, package in LOCK["packages"].items() if name and "integrity" not in package] == []


def test_lock_holds_exactly_the_pinned_node_peers() -> None:
    wanted = json.loads((NODE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert LOCK["packages"][""]["dependencies"] == wanted
    assert {name: environments.node_version(name) for name in NODE_PEERS} == wanted


def test_requirements_of_the_python_peers_are_plain_pins() -> None:
    assert {path.stem for path in PYTHON.glob("*.txt")} == set(PYTHON_PEERS)
    for name in PYTHON_PEERS:
        lines = (PYTHON / f"{name}.txt").read_text().splitlines()
        assert [line for line in lines if not re.fullmatch(r"[a-z-]+(\[[a-z]+\])?==[0-9.]+", line)] == []
        assert re.fullmatch(r"[0-9.]+", environments.python_version(name))


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What would have been run; nothing is installed."""
    ran: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(tuple(command))
        return subprocess.CompletedProcess(command, 0, "v22.1.0\n", "")

    monkeypatch.setattr(environments, "SCRATCH", tmp_path / "peers")
    monkeypatch.setattr("tests.peers.environments.subprocess.run", run)
    monkeypatch.setattr("tests.peers.environments.shutil.which", lambda name: f"/bin/{name}")
    return ran


def test_environment_of_a_peer_is_made_only_once(commands: list[tuple[str, ...]]) -> None:
    first = environments.python_environment("werobot")
    assert environments.python_environment("werobot") == first
    assert [command[1:3] for command in commands] == [("-m", "venv"), ("-m", "pip")]


def test_changed_requirements_make_the_environment_again(
    commands: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "werobot.txt").write_text("werobot==1.13.0\n")
    environments.python_environment("werobot")
    monkeypatch.setattr(environments, "PYTHON", tmp_path)
    environments.python_environment("werobot")
    assert len(commands) == 4


def test_peer_that_cannot_be_installed_gives_its_reason(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: tuple[str, ...], **_: Any) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="looking\nno matching distribution\n")

    monkeypatch.setattr("tests.peers.environments.subprocess.run", fail)
    with pytest.raises(Unavailable, match="no matching distribution"):
        environments.python_environment("werobot")
    assert not (environments.SCRATCH / "python-werobot" / "installed").exists()


def test_node_folder_holds_the_manifest_and_every_script(commands: list[tuple[str, ...]]) -> None:
    folder = environments.node_folder()
    assert ("npm", "ci") in [command[:2] for command in commands]
    scripts = {path.name for path in NODE.iterdir() if path.suffix in {".mjs", ".cjs"}}
    assert {path.name for path in folder.iterdir()} - {"installed"} == {*scripts, *environments.NODE_MANIFEST}


def test_changed_script_replaces_its_copy(commands: list[tuple[str, ...]]) -> None:
    copy = environments.node_folder() / "wechat_crypto.cjs"
    copy.write_text("old")
    environments.node_folder()
    assert copy.read_text() != "old"


@pytest.mark.parametrize(("said", "reason"), [("v18.20.0\n", "older"), ("", "older")])
def test_old_node_is_no_peer_at_all(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, said: str, reason: str
) -> None:
    answer = subprocess.CompletedProcess(("node",), 0, said, "")
    monkeypatch.setattr("tests.peers.environments.subprocess.run", lambda *_, **__: answer)
    with pytest.raises(Unavailable, match=reason):
        environments.node_folder()


def test_machine_without_node_gives_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.peers.environments.shutil.which", lambda name: None)
    with pytest.raises(Unavailable, match="not on the path"):
        environments.check_node()


def test_roster_says_who_ran_who_is_missing_and_who_was_not_asked() -> None:
    roster = Roster()
    roster.note("werobot", version="1.13.1")
    roster.note("wechat", missing="node is too old")
    roster.count("werobot", "passed")
    roster.count("werobot", "passed")
    rows = {name: (version, what) for name, version, what in roster.rows()}
    assert rows["werobot"] == ("1.13.1", "2 passed")
    assert rows["wechat"] == ("-", "skipped: node is too old")
    assert rows["alipay-sdk"] == ("-", "not asked in this run")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "echo.py").write_text(ECHO)
    (tmp_path / "fail.py").write_text("raise SystemExit('no such thing')\n")
    (tmp_path / "hang.py").write_text("import time\ntime.sleep(600)\n")
    return Runner((sys.executable,), tmp_path)


async def test_answers_come_in_the_order_of_the_questions(runner: Runner) -> None:
    assert await runner.ask("echo.py", [{"a": "您好"}, 2]) == [{"a": "您好"}, 2]


async def test_peer_that_fails_is_quoted(runner: Runner) -> None:
    with pytest.raises(PeerFailed, match=r"fail.py ended with 1: no such thing"):
        await runner.ask("fail.py", [1])


async def test_peer_that_hangs_is_killed(runner: Runner) -> None:
    with pytest.raises(PeerFailed, match="has not ended"):
        await runner.ask("hang.py", [1], seconds=0.2)


async def test_served_peer_is_asked_line_by_line_and_then_ended(runner: Runner) -> None:
    async with runner.serve("echo.py", said_first=False) as peer:
        assert [await peer.ask(number) for number in (1, 2)] == [1, 2]
        assert peer.process.returncode is None
    assert peer.process.returncode is not None


async def test_served_peer_that_has_ended_says_so(runner: Runner) -> None:
    with pytest.raises(PeerFailed, match="has ended"):
        async with runner.serve("fail.py"):
            pass
