"""Servers under measurement start, are measured, and end whatever happens."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.server import PROC, Launch, Server, ServerError, free_port, usage

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="reads /proc")

# A parent with one child, which serves: both must be counted and both must end.
FAMILY = """
import http.server, subprocess, sys
if sys.argv[2:] == ["child"]:
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
subprocess.run([sys.executable, "-c", sys.orig_argv[2], sys.argv[1], "child"])
"""


def launch(folder: Path, program: str, **more: object) -> Launch:
    port = free_port()
    command = [sys.executable, "-c", program, str(port)]
    return Launch(command, dict(os.environ), folder, port, **more)  # type: ignore[arg-type]


def test_all_processes_of_a_server_are_counted_and_ended(tmp_path: Path) -> None:
    with Server(launch(tmp_path, FAMILY)) as server:
        session = server._process.pid
        both = server.usage()
        assert both.cpu_seconds > 0
        assert both.peak_bytes >= both.resident_bytes > 10_000_000
    assert usage(session).resident_bytes == 0


def test_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"ended with 3(?s:.*)no such key"):
        Server(launch(tmp_path, "import sys; print('no such key'); sys.exit(3)")).__enter__()


def test_server_that_is_never_ready_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.server.START_SECONDS", 0.3)
    server = Server(launch(tmp_path, FAMILY, ready_path="/readyz", ready_status=200))
    with pytest.raises(ServerError, match="not ready"):
        server.__enter__()
    assert usage(server._process.pid).resident_bytes == 0


def test_server_that_died_meanwhile_is_reported_with_its_log(tmp_path: Path) -> None:
    with Server(launch(tmp_path, FAMILY)) as server:
        server.stop()
        with pytest.raises(ServerError, match="has ended"):
            server.usage()
