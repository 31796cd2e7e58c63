"""The stories as transcripts: a server of its own, the real encrypted webhooks, and what people read.

The mini-program's need WeChat's API. The tests' fake stands in for it, which only a checkout has.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import typer
from aiohttp import web
from pydantic import SecretStr

from bot.app import create_app
from bot.channels.wechat.messages import CHANNEL, MINI_CHANNEL
from bot.channels.wechat.push import Push, PushSender
from bot.clock import DEFAULT_ZONE, resident_day, zone
from bot.demo_phones import Arrived, MiniPhone, OfficialPhone, Phone, Post, StoryClock
from bot.demo_stories import Happens, Story, stories
from bot.errors import NotFound
from bot.services.fact_door import NewFact
from bot.store.sealing import KeyRing
from bot.town import door_of, publish_town_levels, resident_of, see_phone, take_back
from config.settings import MiniProgramSettings, OfficialAccountSettings, Settings
from handlers.http.keys import DISPATCHER

if TYPE_CHECKING:
    from tests.fakes.wechat_api import FakeWeChatApi

_APP_ID, _MINI_ID = "wx0000000000000000", "wx0000000000000009"
_TOKEN = _SECRET = "demo"  # noqa: S105 - of a server that lives for the length of the demo
_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
_WEBHOOKS = {CHANNEL: "/webhooks/wechat/official", MINI_CHANNEL: "/webhooks/wechat/mini"}
_TEMPLATES = {"colour_changed": "T-colour"}
_FIELDS = ("thing1", "thing2", "thing3")  # of templates/notices/wechat_mini.yaml
_HOSPITAL = "hospital"


async def play(wanted: str = "") -> None:
    """Play all stories, or the one of that name, against a fresh server and print them."""
    clock = StoryClock()
    known = stories(resident_day(clock.now()))
    chosen = [story for story in known if not wanted or story.name == wanted]
    if not chosen:
        raise NotFound(f"there is no story {wanted!r}; there are: {_names(known)}")
    async with _platform(clock) as api:
        untold = [story for story in chosen if story.channel == MINI_CHANNEL and api is None]
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


class Stage:
    """The running service, the phones in front of it, and everything else that happens to people."""

    def __init__(
        self, app: web.Application, clock: StoryClock, phones: Mapping[str, Phone], api: FakeWeChatApi | None
    ) -> None:
        self.phones = phones
        self._app = app
        self._clock = clock
        self._api = api

    async def live(self, story: Story, event: Happens) -> None:
        """Let it happen, through the doors that take it in the running service."""
        self._clock.forward(timedelta(days=event.days, minutes=event.minutes))
        if event.until is not None:
            self._clock.forward_until(*event.until)
        if event.platform and self._api is not None:
            await (self._api.down() if event.platform == "down" else self._api.up())
        for _ in range(event.agrees):
            await self.phones[story.channel].agree(story.openid)
        if event.division:
            day = resident_day(self._clock.now()) - timedelta(days=event.days_ago)
            act = take_back if event.taken_back else see_phone
            await act(self._app, (story.channel, story.openid), event.division, day, now=self._clock.now())
        if event.fever:
            await self._report_fever(story, event)

    async def _report_fever(self, story: Story, event: Happens) -> None:
        now, app = self._clock.now(), self._app
        day = resident_day(now) - timedelta(days=event.days_ago)
        door = door_of(app)
        resident_id = await resident_of(app, (story.channel, story.openid))
        reference = f"visit:{day}"
        if event.taken_back:
            await door.withdraw(resident_id, _HOSPITAL, reference, "wrong_patient", now=now)
            return
        fever = NewFact(resident_id, "symptom", day, _HOSPITAL, reference, details={"code": "fever"})
        await door.take(fever, now=now)


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
            phones: dict[str, Phone] = {CHANNEL: OfficialPhone(official, _post_to(session, CHANNEL), clock)}
            if api is not None:
                mini = PushSender(_MINI_ID, _TOKEN, _AES_KEY, format="json")
                phones[MINI_CHANNEL] = MiniPhone(
                    mini, _post_to(session, MINI_CHANNEL), clock, dispatcher=app[DISPATCHER], api=api
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
    echo = typer.echo if aloud else _silent
    phone = stage.phones[story.channel]
    for typed in story.before:
        await phone.say(story.openid, typed)
    echo(f"\n=== {story.title} ===")
    for line in story.lines:
        if isinstance(line, Happens):
            echo(f"\n  * {line.told}")
            await stage.live(story, line)
            for each in await phone.arrived(story.openid):
                echo(_on_the_screen(each))
            continue
        echo(f"\n  我 > {line}")
        answer = await phone.say(story.openid, line)
        echo("\n".join(f"     {each}" for each in answer.splitlines()))


def _on_the_screen(arrived: Arrived) -> str:
    """What came by itself, set apart from answers."""
    time = arrived.at.astimezone(zone(DEFAULT_ZONE)).strftime("%H:%M")
    return "\n".join((f"\n  手机 < {time} {arrived.head}", *(f"     │ {each}" for each in arrived.lines)))


def _silent(text: str) -> None:
    """Happens, but isn't told."""
