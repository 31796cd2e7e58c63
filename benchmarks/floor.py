"""The floor as a target: what this machine, aiohttp and a durable commit allow at best."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.rig import ACCOUNT, ROOT, check_text
from benchmarks.server import Launch
from benchmarks.wire import Push


def account_environment() -> dict[str, str]:
    """The account as the small programs beside the service read it."""
    return {
        "BENCH_APP_ID": ACCOUNT.app_id,
        "BENCH_ORIGINAL_ID": ACCOUNT.original_id,
        "BENCH_TOKEN": ACCOUNT.token,
        "BENCH_AES_KEY": ACCOUNT.aes_key,
    }


def environment(**extra: str) -> Mapping[str, str]:
    """Ours without any setting of the service, and with the checkout to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("YIMA_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **extra}


def count_rows(database: Path) -> int:
    """How many messages a small program has stored."""
    with closing(sqlite3.connect(database)) as connection:
        count: int = connection.execute("SELECT count(*) FROM inbox").fetchone()[0]
        return count


class Floor:
    """The least program, on the service's own interpreter and libraries."""

    name = "floor"
    path = "/"

    def prepare(self, folder: Path) -> None:
        """Nothing to prepare."""

    def launch(self, folder: Path, port: int) -> Launch:
        command = [sys.executable, "-m", "benchmarks.floor_app", "--port", str(port)]
        command += ["--database", str(folder / "floor.db")]
        return Launch(command, environment(**account_environment()), folder, port)

    def check(self, push: Push, answer: str) -> None:
        check_text(push, answer, f"<![CDATA[收到：{push.text}]]>")

    def recorded(self, folder: Path) -> int | None:
        return count_rows(folder / "floor.db")
