"""The least program that does the job's shape: verify, parse, decrypt, one durable row in a group, encrypt.

Nothing is understood, loaded or scored. What the service needs beyond this is its own cost.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import os
import queue
import sqlite3
import threading
import time
from xml.etree import ElementTree

from aiohttp import web

from benchmarks.wire import Account

Waiting = tuple[tuple[str, str, str], asyncio.Future[None]]


class Writer:
    """One thread with one connection; whatever waits when it comes back is committed together."""

    def __init__(self, database: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(database,), name="writer")
        self._thread.start()

    async def write(self, row: tuple[str, str, str]) -> None:
        """Returns when the row is on the disk."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((row, future))
        await future

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self, database: str) -> None:
        connection = sqlite3.connect(database, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            "CREATE TABLE inbox (id TEXT PRIMARY KEY, sender TEXT, content TEXT) WITHOUT ROWID"
        )
        while (first := self._queue.get()) is not None:
            group, more = [first], True
            while more and not self._queue.empty():
                item = self._queue.get()
                if item is None:
                    self._queue.put(None)
                    more = False
                else:
                    group.append(item)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO inbox VALUES (?, ?, ?)", [row for row, _ in group])
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_release, [future for _, future in group])
        connection.close()


def _release(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def _field(xml: ElementTree.Element, name: str) -> str:
    found = xml.findtext(name)
    if found is None:
        raise web.HTTPBadRequest
    return found


class Door:
    """The webhook."""

    def __init__(self, account: Account, writer: Writer) -> None:
        self._account = account
        self._writer = writer

    async def post(self, request: web.Request) -> web.Response:
        body, query, account = await request.read(), request.query, self._account
        sealed = _field(ElementTree.fromstring(body), "Encrypt")
        signature = account.sign(query["timestamp"], query["nonce"], sealed)
        if not hmac.compare_digest(signature, query["msg_signature"]):
            return web.Response(status=403)
        xml = ElementTree.fromstring(account.decrypt(sealed))
        sender, content = _field(xml, "FromUserName"), _field(xml, "Content")
        await self._writer.write((_field(xml, "MsgId"), sender, content))
        return web.Response(body=self._answer(sender, content, query["nonce"]), content_type="text/xml")

    def _answer(self, sender: str, content: str, nonce: str) -> bytes:
        account, now = self._account, str(int(time.time()))
        xml = (
            f"<xml><ToUserName><![CDATA[{sender}]]></ToUserName>"
            f"<FromUserName><![CDATA[{account.original_id}]]></FromUserName><CreateTime>{now}</CreateTime>"
            f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[收到：{content}]]></Content></xml>"
        )
        sealed = account.encrypt(xml.encode())
        return (
            f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{account.sign(now, nonce, sealed)}]]></MsgSignature>"
            f"<TimeStamp>{now}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        ).encode()


async def create_app(account: Account, database: str) -> web.Application:
    """The application; its writer ends after the last request."""
    app = web.Application(client_max_size=65536)
    writer = Writer(database, asyncio.get_running_loop())
    app.router.add_post("/", Door(account, writer).post)

    async def stop(_: web.Application) -> None:
        await asyncio.to_thread(writer.close)

    app.on_cleanup.append(stop)
    return app


def main() -> None:
    """Serve on a loopback port; the account comes in the environment."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    arguments = parser.parse_args()
    account = Account(
        *(os.environ[f"BENCH_{name}"] for name in ("APP_ID", "ORIGINAL_ID", "TOKEN", "AES_KEY"))
    )
    app = create_app(account, arguments.database)
    web.run_app(app, host="127.0.0.1", port=arguments.port, access_log=None, print=None)


if __name__ == "__main__":
    main()
