"""A server under measurement: its start, its readiness, what it uses, and its certain end."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

PROC = Path("/proc")
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class ServerError(Exception):
    """The server did not start, or ended too early; the message has the last lines of its log."""


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Usage:
    """What all processes of one server use: CPU in seconds since the start, memory in bytes."""

    cpu_seconds: float
    resident_bytes: int
    peak_bytes: int


def _stat(entry: Path) -> list[str]:
    return (entry / "stat").read_text().rpartition(")")[2].split()


def _memory(entry: Path) -> dict[str, int]:
    lines = (line.split() for line in (entry / "status").read_text().splitlines())
    return {parts[0]: int(parts[1]) * 1024 for parts in lines if parts[0] in ("VmRSS:", "VmHWM:")}


def usage(session: int) -> Usage:
    """Sum over every process of a session; children that have ended count through their parents.

    Pages that a server shares with its workers count once per process.
    """
    ticks = resident = peak = 0
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = _stat(entry)
            if int(stat[3]) != session:
                continue
            memory = _memory(entry)
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += sum(map(int, stat[11:15]))
        resident += memory.get("VmRSS:", 0)
        peak += memory.get("VmHWM:", 0)
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), resident, peak)


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started: `ready_path` is asked until it answers `ready_status` (None: anything)."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    port: int
    ready_path: str = "/"
    ready_status: int | None = None


class Server:
    """A running server in a session of its own; leaving the `with` block ends all its processes."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self._log = launch.folder / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                launch.command,
                env=dict(launch.environment),
                cwd=launch.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def port(self) -> int:
        return self.launch.port

    def __enter__(self) -> Self:
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def usage(self) -> Usage:
        """What it uses now; ServerError when it has ended."""
        if self._process.poll() is not None:
            raise ServerError(f"the server has ended\n{self.log_tail()}")
        return usage(self._process.pid)

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Ask it to end, then end whatever is left of its session, and return when nothing is left."""
        self._process.terminate()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            deadline = time.monotonic() + STOP_SECONDS
            while usage(self._process.pid).resident_bytes and time.monotonic() < deadline:
                time.sleep(0.01)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerError(f"the server ended with {self._process.returncode}\n{self.log_tail()}")
            if self._answers():
                return
            time.sleep(0.05)
        raise ServerError(f"the server was not ready in {START_SECONDS:.0f} seconds\n{self.log_tail()}")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", self.launch.ready_path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return self.launch.ready_status in (None, status)
