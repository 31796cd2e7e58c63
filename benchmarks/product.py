"""The service as a target: everything real, started as an operator would start it."""

from __future__ import annotations

import base64
import re
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.floor import environment
from benchmarks.rig import ACCOUNT, WrongAnswer, check_text
from benchmarks.server import Launch, ServerError
from benchmarks.wire import Push

# What a punch-in's answer shows a resident: a receipt, and each of the six codes by name.
RECEIPT = re.compile(r"回执")
SIX_CODES = {
    "hubei": re.compile(r"湖北|鄂汇办"),
    "wuhan": re.compile(r"武汉"),
    "national": re.compile(r"全国|国家"),
    "community": re.compile(r"社区|小区"),
    "guangdong": re.compile(r"广东|粤康"),
    "guangzhou": re.compile(r"广州|穗康"),
}
SEED_SECONDS = 900


def database_url(file: Path) -> str:
    return f"sqlite://{file}"


def _keys() -> str:
    return f"bench:{base64.b64encode(secrets.token_bytes(32)).decode()}"


class Product:
    """The service on SQLite with `residents` of six codes each; every round begins from the same data."""

    name = "product"
    path = "/webhooks/wechat/official"

    def __init__(self, residents: int) -> None:
        self._residents = residents
        self._seeded: Path | None = None
        self._settings: Mapping[str, str] = {
            "YIMA_ENV": "development",
            "YIMA_SEED": "none",
            "YIMA_DATA_KEYS": _keys(),
            "YIMA_INDEX_KEYS": _keys(),
            "YIMA_PASS_KEYS": _keys(),
            "YIMA_WECHAT_OFFICIAL__APP_ID": ACCOUNT.app_id,
            "YIMA_WECHAT_OFFICIAL__TOKEN": ACCOUNT.token,
            "YIMA_WECHAT_OFFICIAL__AES_KEY": ACCOUNT.aes_key,
            "YIMA_WECHAT_OFFICIAL__SECRET": secrets.token_hex(16),
            "YIMA_WECHAT_OFFICIAL__MODE": "safe",
        }

    def prepare(self, folder: Path) -> None:
        """Seed once; ServerError with the seed's last words when it fails."""
        seeded = folder / "seeded.db"
        command = [sys.executable, "-m", "benchmarks.seed", "--database", database_url(seeded)]
        command += ["--residents", str(self._residents)]
        settings = environment(**self._settings, YIMA_DATABASE_URL=database_url(seeded))
        try:
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                text=True,
                env=dict(settings),
                cwd=folder,
                timeout=SEED_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            raise ServerError(f"the seed failed\n{error.stderr[-2000:]}") from error
        except subprocess.TimeoutExpired as error:
            raise ServerError(f"the seed took more than {SEED_SECONDS} seconds") from error
        self._seeded = seeded

    def launch(self, folder: Path, port: int) -> Launch:
        if self._seeded is None:
            raise ServerError("the database is not seeded yet")
        database = folder / "product.db"
        with closing(sqlite3.connect(self._seeded)) as source, closing(sqlite3.connect(database)) as copy:
            source.backup(copy)
        settings = environment(
            **self._settings, YIMA_DATABASE_URL=database_url(database), YIMA_PORT=str(port)
        )
        command = [sys.executable, "-m", "bot", "serve"]
        return Launch(command, settings, folder, port, ready_path="/readyz", ready_status=200)

    def check(self, push: Push, answer: str) -> None:
        check_text(push, answer)
        if not RECEIPT.search(answer):
            raise WrongAnswer(f"has no receipt\n{answer}")
        missing = [scheme for scheme, name in SIX_CODES.items() if not name.search(answer)]
        if missing:
            raise WrongAnswer(f"does not name {', '.join(missing)}\n{answer}")

    def recorded(self, folder: Path) -> int | None:
        """Its tables are its own business; the receipts tell."""
        return None
