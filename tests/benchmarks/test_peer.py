"""The peer is an optional guest: its environment is made once, or it is left out with a reason."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peer
from benchmarks.rig import Unavailable


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    monkeypatch.setattr(peer, "STATE", tmp_path)
    monkeypatch.setattr(peer, "ENVIRONMENT", tmp_path / "peer-venv")
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> None:
        (tmp_path / "peer-venv").mkdir(exist_ok=True)
        ran.append(command)

    monkeypatch.setattr("benchmarks.peer.subprocess.run", run)
    return ran


def test_environment_of_the_peer_is_made_only_once(commands: list[list[str]]) -> None:
    peer.install()
    peer.install()
    assert len(commands) == 2
    assert commands[1][-1] == str(peer.REQUIREMENTS)


def test_changed_requirements_make_the_environment_again(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.install()
    changed = tmp_path / "requirements.txt"
    changed.write_text("werobot==1.13.0\n")
    monkeypatch.setattr(peer, "REQUIREMENTS", changed)
    peer.install()
    assert len(commands) == 4


def test_peer_that_cannot_be_installed_gives_its_reason(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[str], **_: Any) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="looking\nno matching distribution\n")

    monkeypatch.setattr("benchmarks.peer.subprocess.run", fail)
    with pytest.raises(Unavailable, match="no matching distribution"):
        peer.install()
    assert not (peer.ENVIRONMENT / "installed").exists()


def test_requirements_pin_versions_and_name_no_registry() -> None:
    lines = [line for line in peer.REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert all("==" in line and "://" not in line and not line.startswith("-") for line in lines)
