"""The stories as transcripts: a server of its own, the real encrypted webhook, and what people read."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import aiohttp
import typer
from aiohttp import web
from pydantic import SecretStr

from bot.app import create_app
from bot.channels.wechat.messages import CHANNEL
from bot.channels.wechat.push import PushSender
from bot.clock import Clock, resident_day
from bot.errors import NotFound
from bot.store.sealing import KeyRing
from bot.town import Townsperson, declaration, publish_town_levels, see_phone, take_back, townspeople
from config.settings import OfficialAccountSettings, Settings
from handlers.http.keys import CLOCK

_APP_ID = "wx0000000000000000"
_TOKEN = "demo"  # noqa: S105 - of a server that lives for the length of the demo
_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
_PATH = "/webhooks/wechat/official"


@dataclass(frozen=True, slots=True)
class Happens:
    """Something that nobody types: days pass, then the phone company reports, or takes back, where a phone was."""

    told: str
    days: int = 0
    division: str = ""
    days_ago: int = 0
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """What happens, who writes, and what they type; `after` is a story that has to have happened before, `before`
    is what was typed earlier and isn't told."""

    name: str
    title: str
    openid: str
    lines: tuple[str | Happens, ...]
    after: str = ""
    before: tuple[str, ...] = ()


def stories(today: date) -> tuple[Story, ...]:
    """The stories that this version can tell. Those of one name are told together."""
    return (*_six_codes(townspeople(today)[0]), *_asked_first(townspeople(today)[-1]))


def _six_codes(person: Townsperson) -> tuple[Story, ...]:
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


def _asked_first(person: Townsperson) -> tuple[Story, ...]:
    """Two of Jiujiang whose phones were seen across the border: what was declared before covers one of the days."""
    neighbour = replace(person, name="何平", born="19920408", home="九江市濂溪区", division="360402")
    tower = "通信运营商报来：{}，手机在黄冈市黄梅县 / The phone company reports: {}, a phone in Huanggang"
    return (
        Story(
            "asked-first",
            "先问一声，早先的申报能证明 / Asked first, and what was declared before settles it",
            "o_demo_zhou",
            (
                Happens(tower.format("前天", "two days ago"), division="421127", days_ago=2),
                "我的码",
                "为什么",
                "没去过",
                "我的码",
            ),
            before=(*declaration(person, 5), "36.5 没有症状"),
        ),
        Story(
            "asked-first",
            "先问一声，只有一句“没去过” / Asked first, with nothing but a “no”",
            "o_demo_he",
            (
                Happens("过了两天 / Two days later", days=2),
                "36.5 没有症状",
                Happens(tower.format("昨天", "yesterday"), division="421127", days_ago=1),
                "回答",
                "没去过",
                "为什么 杭州健康码",
                Happens(
                    "运营商更正了这条记录 / The phone company takes the record back",
                    division="421127", days_ago=1, taken_back=True,
                ),
                "我的码",
            ),
            before=(*declaration(neighbour, 6), "36.5 没有症状"),
        ),
    )  # fmt: skip


async def play(wanted: str = "") -> None:
    """Play all stories, or the one of that name, against a fresh server and print them."""
    known = stories(resident_day(Clock().now()))
    chosen = [story for story in known if not wanted or story.name == wanted]
    if not chosen:
        names = ", ".join(dict.fromkeys(each.name for each in known))
        raise NotFound(f"there is no story {wanted!r}; there are: {names}")
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

    def __init__(self, address: str, session: aiohttp.ClientSession, app: web.Application) -> None:
        self._address = address
        self._session = session
        self._sender = PushSender(_APP_ID, _TOKEN, _AES_KEY)
        self._app = app
        self._clock = app[CLOCK]

    async def say(self, openid: str, text: str) -> str:
        """Send one text and return the answer as it is read."""
        push = self._sender.text(openid, text, at=self._clock.wire())
        async with self._session.post(self._address, params=list(push.query), data=push.body) as response:
            response.raise_for_status()
            shown = self._sender.answer(await response.read())
        return shown["Content"] if shown else ""

    async def live(self, openid: str, event: Happens) -> None:
        """Let it happen, through the doors that take it in the running service."""
        self._clock.forward(timedelta(days=event.days))
        if event.division:
            now = self._clock.now()
            day = resident_day(now) - timedelta(days=event.days_ago)
            act = take_back if event.taken_back else see_phone
            await act(self._app, (CHANNEL, openid), event.division, day, now=now)


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
            yield Phone(f"http://127.0.0.1:{port}{_PATH}", session, app)
    finally:
        await runner.cleanup()


async def _tell(phone: Phone, story: Story, *, aloud: bool = True) -> None:
    echo = typer.echo if aloud else _silent
    for typed in story.before:
        await phone.say(story.openid, typed)
    echo(f"\n=== {story.title} ===")
    for line in story.lines:
        if isinstance(line, Happens):
            echo(f"\n  * {line.told}")
            await phone.live(story.openid, line)
            continue
        echo(f"\n  我 > {line}")
        answer = await phone.say(story.openid, line)
        echo("\n".join(f"     {each}" for each in answer.splitlines()))


def _silent(text: str) -> None:
    """Happens, but isn't told."""
