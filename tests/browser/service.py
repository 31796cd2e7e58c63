"""The service in a process of its own, as somebody starts it who has just checked it out."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from bot.store.ids import new_id
from bot.store.key_file import load_keys

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 45  # seconds, on a busy machine
ANNOUNCED = "Simulator:"


class Service:
    """`python -m bot serve` on a free port with a fresh database in a folder of its own.

    `seed` is `none` or `town`.
    """

    def __init__(self, folder: Path, *, seed: str = "none") -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.output: list[str] = []
        self._told = threading.Event()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("YIMA_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"],
            cwd=folder,
            env=environment
            | {
                "PYTHONPATH": str(ROOT),
                "YIMA_PORT": str(self.port),
                "YIMA_DATABASE_URL": f"sqlite://{folder / 'yima.db'}",
                "YIMA_SEED": seed,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, name="service-output")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(line)
            if ANNOUNCED in line:
                self._told.set()
        self._told.set()

    def wait_until_ready(self) -> None:
        """Until it says where it serves, and its database is ready."""
        assert self._told.wait(STARTS_WITHIN), "the service said nothing:\n" + "".join(self.output)
        assert self._process.poll() is None, "the service ended:\n" + "".join(self.output)
        with urlopen(f"{self.address}/readyz", timeout=10) as response:
            assert response.status == 200

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def queue_notice(
        self, user: str, kind: str, params: dict[str, Any], *, after: timedelta = timedelta(0)
    ) -> None:
        """Leave an urgent notice for that user's account, as another process would; due `after` the real time."""
        keys = load_keys("", "", state_folder=self.folder / "var", production=False)
        now = datetime.now(UTC)
        with closing(sqlite3.connect(self.folder / "yima.db", timeout=10)) as connection, connection:
            index = keys.index("account:simulator", user)
            found = connection.execute("SELECT id FROM accounts WHERE external_index = ?", [index]).fetchone()
            connection.execute(
                "INSERT INTO notices (id, resident_id, account_id, person_id, kind, params_sealed, priority, state,"
                " dedup_key, not_before, try_at, expires_at, created_at)"
                " VALUES (?, 1, ?, ?, ?, ?, 1, 'queued', ?, ?, ?, ?, ?)",
                [
                    new_id(),
                    found[0],
                    found[0],
                    kind,
                    keys.seal_json("notices.params", params),
                    str(new_id()),
                    (now + after).isoformat(" "),
                    (now + after).isoformat(" "),
                    (now + after + timedelta(days=900)).isoformat(" "),
                    now.isoformat(" "),
                ],
            )
            connection.execute("UPDATE accounts SET consent = 'given' WHERE id = ?", [found[0]])
        self._look()

    def _look(self) -> None:
        """Nobody in that process knows of it: a move of its clock by nothing makes it look."""
        request = Request(
            f"{self.address}/simulator/clock",
            data=b'{"forward": {"minutes": 0}}',
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=20) as response:
            assert response.status == 200


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
