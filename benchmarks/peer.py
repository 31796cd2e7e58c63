"""The peer as a target: what a busy account would reach with the framework that most would take."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from benchmarks.floor import account_environment, count_rows, environment
from benchmarks.rig import STATE, Unavailable, check_text
from benchmarks.server import Launch
from benchmarks.wire import Push

REQUIREMENTS = Path(__file__).with_name("requirements-peer.txt")
ENVIRONMENT = STATE / "peer-venv"
INSTALL_SECONDS = 300
THREADS = 16


def install() -> None:
    """Make the peer's environment unless it is there for these very requirements."""
    stamp = ENVIRONMENT / "installed"
    wanted = sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    STATE.mkdir(exist_ok=True)
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)],
    )
    for step in steps:
        try:
            subprocess.run(step, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or ["no reason given"]
            raise Unavailable(f"its environment can't be installed: {lines[-1]}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"its environment can't be installed: {error}") from error
    stamp.write_text(wanted)


class Peer:
    """WeRoBot under gunicorn: one process with threads, safe mode."""

    name = "peer"
    path = "/"

    def prepare(self, folder: Path) -> None:
        install()

    def launch(self, folder: Path, port: int) -> Launch:
        command = [str(ENVIRONMENT / "bin" / "python"), "-m", "gunicorn", "benchmarks.peer_app"]
        command += ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--worker-class", "gthread"]
        command += ["--threads", str(THREADS), "--keep-alive", "60", "--log-level", "warning"]
        settings = environment(**account_environment(), BENCH_DATABASE=str(folder / "peer.db"))
        return Launch(command, settings, folder, port)

    def check(self, push: Push, answer: str) -> None:
        check_text(push, answer, f"<![CDATA[收到：{push.text}]]>")

    def recorded(self, folder: Path) -> int | None:
        return count_rows(folder / "peer.db")
