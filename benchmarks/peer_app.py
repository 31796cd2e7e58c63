"""The same job's shape as a WeRoBot application: one durable row per message, one answer.

Runs in the peer's own environment under gunicorn, so it imports nothing of this repository. Sessions are
off: they would be a second write per message.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import Any

from werobot import WeRoBot

robot = WeRoBot(
    token=os.environ["BENCH_TOKEN"],
    app_id=os.environ["BENCH_APP_ID"],
    encoding_aes_key=os.environ["BENCH_AES_KEY"],
    SESSION_STORAGE=False,
)
writing = threading.Lock()
connection = sqlite3.connect(os.environ["BENCH_DATABASE"], isolation_level=None, check_same_thread=False)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA synchronous=FULL")
connection.execute(
    "CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, sender TEXT, content TEXT) WITHOUT ROWID"
)


@robot.text  # type: ignore[untyped-decorator,unused-ignore]
def punch_in(message: Any) -> str:
    """Store the message durably, then answer. One shared connection is the quickest of the ways tried."""
    with writing:
        connection.execute(
            "INSERT INTO inbox VALUES (?, ?, ?)", (str(message.message_id), message.source, message.content)
        )
    return f"收到：{message.content}"


application = robot.wsgi
