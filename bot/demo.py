"""The stories as transcripts: a server of its own, the real encrypted webhooks, and what people read.

The mini-program's need WeChat's API. The tests' fake stands in for it, which only a checkout has.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import typer
from aiohttp import web
from pydantic import SecretStr

from bot.app import create_app
from bot.channels.names import MINI, OFFICIAL
from bot.channels.wechat.push import Push, PushSender
from bot.clock import DEFAULT_ZONE, resident_day, zone
from bot.demo_phones import Arrived, MiniPhone, OfficialPhone, Phone, Post, StoryClock
from bot.demo_script import Happens, Line, Says, Story
from bot.demo_stage import Stage
from bot.demo_stories import stories
from bot.errors import NotFound
from bot.store.sealing import KeyRing
from bot.town import publish_town_levels
from config.settings import MiniProgramSettings, OfficialAccountSettings, Settings
from handlers.http.keys import DISPATCHER

if TYPE_CHECKING:
    from tests.fakes.wechat_api import FakeWeChatApi

_APP_ID, _MINI_ID = "wx0000000000000000", "wx0000000000000009"
_TOKEN = _SECRET = "demo"  # noqa: S105 - of a server that lives for the length of the demo
_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
_WEBHOOKS = {OFFICIAL: "/webhooks/wechat/official", MINI: "/webhooks/wechat/mini"}
_TEMPLATES = {"colour_changed": "T-colour", "punch_in_reminder": "T-reminder"}
_FIELDS = ("thing1", "thing2", "thing3")  # of templates/notices/wechat_mini.yaml


async def play(wanted: str = "") -> None:
    """Play all stories, or the one of that name, against a fresh server and print them."""
    clock = StoryClock()
    known = stories(resident_day(clock.now()))
    chosen = [story for story in known if not wanted or story.name == wanted]
    if not chosen:
        raise NotFound(f"there is no story {wanted!r}; there are: {_names(known)}")
    async with _platform(clock) as api:
        untold = [story for story in chosen if story.channel == MINI and api is None]
        if untold:
            why = f"not told here: {_names(untold)}; tests/fakes stands in for WeChat's API, and a checkout has it"
            if len(untold) == len(chosen):
                raise NotFound(why)
            typer.echo(f"({why})")
        with tempfile.TemporaryDirectory() as folder:
            async with _server(Path(folder), clock, api) as stage:
                await _tell_all(stage, known, [story for story in chosen if story not in untold])


def _names(some: Sequence[Story]) -> str:
    return ", ".join(dict.fromkeys(each.name for each in some))


async def _tell_all(stage: Stage, known: Sequence[Story], chosen: Sequence[Story]) -> None:
    told: set[str] = set()
    for story in chosen:
        for earlier in known:
            if earlier.name == story.after and earlier.name not in told:
                await _tell(stage, earlier, aloud=False)
                told.add(earlier.name)
        await _tell(stage, story)
        told.add(story.name)


@asynccontextmanager
async def _platform(clock: StoryClock) -> AsyncIterator[FakeWeChatApi | None]:
    """WeChat's API with one mini-program; None where the fake isn't there."""
    try:
        from tests.fakes.wechat_api import App, FakeWeChatApi
    except ModuleNotFoundError:
        yield None
        return
    app = App(_MINI_ID, _SECRET, "mini")
    for template_id in _TEMPLATES.values():
        app.add_template(template_id, *_FIELDS)
    async with FakeWeChatApi(app, clock=clock.wire) as api:
        yield api


@asynccontextmanager
async def _server(folder: Path, clock: StoryClock, api: FakeWeChatApi | None) -> AsyncIterator[Stage]:
    app = create_app(_settings(folder, api), clock=clock)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await publish_town_levels(app)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession(address) as session:
            official = PushSender(_APP_ID, _TOKEN, _AES_KEY)
            phones: dict[str, Phone] = {OFFICIAL: OfficialPhone(official, _post_to(session, OFFICIAL), clock)}
            if api is not None:
                mini = PushSender(_MINI_ID, _TOKEN, _AES_KEY, format="json")
                phones[MINI] = MiniPhone(
                    mini, _post_to(session, MINI), clock, dispatcher=app[DISPATCHER], api=api
                )
            yield Stage(app, clock, phones, api)
    finally:
        await runner.cleanup()


def _post_to(session: aiohttp.ClientSession, channel: str) -> Post:
    async def post(push: Push) -> bytes:
        async with session.post(_WEBHOOKS[channel], params=list(push.query), data=push.body) as response:
            response.raise_for_status()
            return await response.read()

    return post


def _settings(folder: Path, api: FakeWeChatApi | None) -> Settings:
    door = {"token": SecretStr(_TOKEN), "aes_key": SecretStr(_AES_KEY)}
    mini = MiniProgramSettings()
    if api is not None:
        mini = MiniProgramSettings(
            app_id=_MINI_ID, secret=SecretStr(_SECRET), api_base=api.base_url, templates=_TEMPLATES, **door
        )
    return Settings(
        _env_file=None,
        database_url=f"sqlite://{folder / 'demo.db'}",
        seed="none",
        data_keys=SecretStr(KeyRing.generate()),
        index_keys=SecretStr(KeyRing.generate()),
        wechat_official=OfficialAccountSettings(app_id=_APP_ID, **door),
        wechat_mini=mini,
    )


async def _tell(stage: Stage, story: Story, *, aloud: bool = True) -> None:
    for line in story.before:
        await _live(stage, story, line, _silent)
    echo = typer.echo if aloud else _silent
    echo(f"\n=== {story.title} ===")
    for line in story.lines:
        await _live(stage, story, line, echo)


async def _live(stage: Stage, story: Story, line: Line, echo: Callable[[str], None]) -> None:
    phone = stage.phones[story.channel]
    if isinstance(line, Happens):
        echo(f"\n  * {line.told}")
        seen = await stage.live(story, line)
        for name, openid in story.people.items():
            for each in await phone.arrived(openid):
                echo(_on_the_screen(f"{name}的手机" if story.others else "手机", each))
        for entry in seen:
            echo(f"\n  社区 < {entry}")
        return
    said = line if isinstance(line, Says) else Says(story.me, line)
    echo(f"\n  {said.who} > {said.text}")
    answer = await phone.say(story.people[said.who], said.text)
    echo("\n".join(f"     {each}" for each in answer.splitlines()))


def _on_the_screen(whose: str, arrived: Arrived) -> str:
    """What came by itself, set apart from answers."""
    time = arrived.at.astimezone(zone(DEFAULT_ZONE)).strftime("%H:%M")
    return "\n".join((f"\n  {whose} < {time} {arrived.head}", *(f"     │ {each}" for each in arrived.lines)))


def _silent(text: str) -> None:
    """Happens, but isn't told."""
