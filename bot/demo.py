"""The stories as transcripts: a server of its own, the real encrypted webhook, and what people read."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import aiohttp
import typer
from aiohttp import web
from pydantic import SecretStr

from bot.app import create_app
from bot.channels.wechat.push import PushSender
from bot.clock import Clock, resident_day
from bot.errors import NotFound
from bot.store.sealing import KeyRing
from bot.town import declaration, publish_town_levels, townspeople
from config.settings import OfficialAccountSettings, Settings

_APP_ID = "wx0000000000000000"
_TOKEN = "demo"  # noqa: S105 - of a server that lives for the length of the demo
_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
_PATH = "/webhooks/wechat/official"


@dataclass(frozen=True, slots=True)
class Story:
    """What happens, who writes, and what they type; `after` is a story that has to have happened before."""

    name: str
    title: str
    openid: str
    lines: tuple[str, ...]
    after: str = ""


def stories(today: date) -> tuple[Story, ...]:
    """The stories that this version can tell."""
    person = townspeople(today)[0]
    return (
        Story(
            "first",
            "第一次：同意、申报 / First contact: consent and declaration",
            "o_demo_li",
            tuple(declaration(person, 1)),
        ),
        Story(
            "six-codes",
            "六个码，一句话 / Six codes, one message",
            "o_demo_li",
            (
                "体温36度8 没有症状",
                "我的码",
                "去广州上班用哪个码",
                "为什么",
                "37.9 咳嗽",
                "为什么 粤康码",
                "36.6 刚才量错了，没有不舒服",
            ),
            after="first",
        ),
    )


async def play(wanted: str = "") -> None:
    """Play all stories, or the one of that name, against a fresh server and print them."""
    known = stories(resident_day(Clock().now()))
    chosen = [story for story in known if not wanted or story.name == wanted]
    if not chosen:
        raise NotFound(f"there is no story {wanted!r}; there are: {', '.join(each.name for each in known)}")
    with tempfile.TemporaryDirectory() as folder:
        async with _server(Path(folder)) as phone:
            told: set[str] = set()
            for story in chosen:
                for earlier in known:
                    if earlier.name == story.after and earlier.name not in told:
                        await _tell(phone, earlier, aloud=False)
                        told.add(earlier.name)
                await _tell(phone, story)
                told.add(story.name)


class Phone:
    """The platform with a person behind it: encrypts what is typed, decrypts what is answered."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self._address = address
        self._session = session
        self._sender = PushSender(_APP_ID, _TOKEN, _AES_KEY)
        self._clock = Clock()

    async def say(self, openid: str, text: str) -> str:
        """Send one text and return the answer as it is read."""
        push = self._sender.text(openid, text, at=self._clock.wire())
        async with self._session.post(self._address, params=list(push.query), data=push.body) as response:
            response.raise_for_status()
            shown = self._sender.answer(await response.read())
        return shown["Content"] if shown else ""


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[Phone]:
    settings = Settings(
        _env_file=None,
        database_url=f"sqlite://{folder / 'demo.db'}",
        seed="none",
        data_keys=SecretStr(KeyRing.generate()),
        index_keys=SecretStr(KeyRing.generate()),
        wechat_official=OfficialAccountSettings(
            app_id=_APP_ID, token=SecretStr(_TOKEN), aes_key=SecretStr(_AES_KEY)
        ),
    )
    app = create_app(settings)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await publish_town_levels(app)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession() as session:
            yield Phone(f"http://127.0.0.1:{port}{_PATH}", session)
    finally:
        await runner.cleanup()


async def _tell(phone: Phone, story: Story, *, aloud: bool = True) -> None:
    echo = typer.echo if aloud else _silent
    echo(f"\n=== {story.title} ===")
    for line in story.lines:
        echo(f"\n  我 > {line}")
        answer = await phone.say(story.openid, line)
        echo("\n".join(f"     {each}" for each in answer.splitlines()))


def _silent(text: str) -> None:
    """Happens, but isn't told."""
