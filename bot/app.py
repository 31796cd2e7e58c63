"""Builds the service: the one module that knows everybody."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.channels import names
from bot.channels.wechat.replies import LIMIT_BYTES
from bot.clock import Clock
from bot.conversation.engine import Engine
from bot.conversation.routing import check_routes
from bot.conversation.texts import LANGUAGES, Texts
from bot.conversation.told import Composer
from bot.conversation.turn import Tools
from bot.conversation.understanding.places import Places
from bot.errors import MigrationRefused
from bot.metrics import Metrics
from bot.notices.dispatcher import Dispatcher
from bot.notices.reachability import Reachability
from bot.notices.templates import NoticeTemplates
from bot.platforms import Platforms, build_platforms
from bot.services import clock_offset
from bot.services.borders import load_borders
from bot.services.daily_reports import due_reports
from bot.services.policy import load_policies
from bot.services.real_name import NoRealNameService, RealNameService
from bot.services.real_name_fake import FakeRealNameService
from bot.services.real_name_http import HttpRealNameService
from bot.services.rescore_keeper import RescoreKeeper
from bot.services.rescorer import Rescorer
from bot.services.retention import load_retention
from bot.services.risk import load_risk
from bot.services.rulebooks import Shelf
from bot.services.schemes import load_schemes
from bot.services.world import World
from bot.store.config import sqlite_path
from bot.store.database import Database
from bot.store.key_file import load_keys
from bot.store.loader import Loader
from bot.store.lock_file import LockFile
from bot.store.migrate import migrate, pending
from bot.store.platform_states import PlatformStates
from bot.store.sealing import KeyRing
from bot.store.writer import Writer
from config.settings import Settings
from handlers.chat.routes import FORMS, ROUTES
from handlers.http import my_data, probes, simulator, webhooks
from handlers.http.api import routes as api_routes
from handlers.http.keys import (
    ALIPAY,
    CLOCK,
    CLOCK_MOVER,
    DATABASE,
    DISPATCHER,
    ENGINE,
    JOB_STATES,
    METRICS,
    MINI,
    OFFICIAL,
    RESCORER,
    TOOLS,
    TYPING,
)
from handlers.http.typing_indicator import TypingIndicator
from scheduler.heart import Scheduler
from scheduler.job import Job, JobTools
from scheduler.table import JOBS

SCHEDULER = web.AppKey("scheduler", Scheduler)
_WEBHOOK_BYTES = 64 * 1024
_PASSIVE = frozenset({names.OFFICIAL})  # channels that are answered in the same breath
_BY_API = frozenset({names.MINI, names.ALIPAY})
_PLATFORMS = web.AppKey("platforms", Platforms)
_KEEPER = web.AppKey("rescore_keeper", RescoreKeeper)
_log = structlog.get_logger("rulebooks")


@dataclass(frozen=True, slots=True)
class Clients:
    """What the service calls outside; tests pass fakes, None means: as the settings say."""

    real_name: RealNameService | None = None


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    clients: Clients | None = None,
    doors: bool = True,
    jobs: Sequence[Job] = JOBS,
) -> web.Application:
    """The whole service as an aiohttp application; nothing is opened before it starts.

    Without `doors` it is what happens by itself and nothing else.
    """
    check_routes(ROUTES)
    app = web.Application(client_max_size=_WEBHOOK_BYTES)
    app[CLOCK] = clock or Clock()
    app[METRICS] = Metrics()
    app[probes.RULE_BOOKS] = make_shelf(settings)
    app[DATABASE] = Database(settings.database_url)
    world = make_world(settings, make_keys(settings), clients, shelf=app[probes.RULE_BOOKS])
    world.wire = app[CLOCK].wire
    templates = NoticeTemplates.load(settings.home / "templates" / "notices", LANGUAGES)
    owner = secrets.token_hex(16)  # of what this process claims
    states = PlatformStates(app[DATABASE], world.keys, app[CLOCK], owner=owner)
    app[_PLATFORMS] = build_platforms(settings, states, templates.kinds)
    app[TOOLS] = _tools(app, settings, world)
    app[DISPATCHER] = _sender(app, settings, templates, owner)
    loader, writer = Loader(app[DATABASE]), Writer(app[DATABASE])
    writer.on_notices = app[DISPATCHER].wake
    app[ENGINE] = Engine(app[TOOLS], loader, writer, app[METRICS], reply_seconds=settings.reply_seconds)
    app[RESCORER] = Rescorer(app[TOOLS].world, app[DATABASE], loader, writer)
    app[_KEEPER] = RescoreKeeper(world, app[DATABASE], app[RESCORER], app[CLOCK])
    app[SCHEDULER] = _by_itself(app, settings, jobs, owner)
    app[CLOCK_MOVER], app[JOB_STATES] = app[SCHEDULER].move_clock, app[SCHEDULER].show
    for context in (_lock(settings), _database(settings), _dispatcher, _engine, _rescore_keeper, _scheduler):
        app.cleanup_ctx.append(context)
    app.cleanup_ctx.append(_rule_books)
    if doors:
        _add_routes(app, settings)
    return app


def _tools(app: web.Application, settings: Settings, world: World) -> Tools:
    platforms = app[_PLATFORMS]
    return Tools(
        clock=app[CLOCK],
        world=world,
        texts=Texts.load(settings.home / "templates" / "messages"),
        places=Places.load(settings.home / "config" / "divisions" / "divisions.json"),
        database=app[DATABASE],
        routes=ROUTES,
        forms=FORMS,
        reachability=Reachability(app[DATABASE], app[CLOCK], platforms.offers),
        template_kinds=platforms.template_kinds,
        limits=dict.fromkeys(_PASSIVE | _BY_API, LIMIT_BYTES),
        told=_PASSIVE,
        by_notice=_BY_API,
    )


def _sender(app: web.Application, settings: Settings, templates: NoticeTemplates, owner: str) -> Dispatcher:
    """The dispatcher, after every template was held against what its platform takes."""
    platforms, tools = app[_PLATFORMS], app[TOOLS]
    composer = Composer(tools.world, tools.texts, templates, platforms.templates)
    composer.check()
    return Dispatcher(
        app[DATABASE],
        tools.world.keys,
        app[CLOCK],
        reachability=tools.reachability,
        composer=composer,
        outbounds=platforms.outbounds,
        metrics=app[METRICS],
        owner=owner,
        at_once=settings.sends_at_once,
        pace=platforms.pace,
        due=due_reports(tools.world, app[DATABASE]),
    )


def _by_itself(app: web.Application, settings: Settings, jobs: Sequence[Job], owner: str) -> Scheduler:
    tools, dispatcher, keeper = app[TOOLS], app[DISPATCHER], app[_KEEPER]

    async def settle() -> None:
        await keeper.look()
        await dispatcher.drain()

    what_they_use = JobTools(
        database=app[DATABASE],
        clock=app[CLOCK],
        world=tools.world,
        rescorer=app[RESCORER],
        reachability=tools.reachability,
        metrics=app[METRICS],
        wake=dispatcher.wake,
        home=settings.home,
    )
    return Scheduler(jobs, what_they_use, owner=owner, settle=settle)


def make_keys(settings: Settings) -> KeyRing:
    """The key ring of the settings; development makes one for itself."""
    return load_keys(
        settings.data_keys.get_secret_value(),
        settings.index_keys.get_secret_value(),
        state_folder=settings.state_folder,
        production=settings.production,
    )


def make_shelf(settings: Settings) -> Shelf:
    """The rule books of the checkout, and who may judge by them."""
    return Shelf(
        settings.home / "config" / "rulebooks",
        load_borders(settings.home / "config" / "divisions"),
        confirmed=_confirmed(settings) if settings.production else None,
    )


def _confirmed(settings: Settings) -> frozenset[str]:
    return frozenset(name.strip() for name in settings.confirmed_rulebooks.split(",") if name.strip())


def make_world(
    settings: Settings, keys: KeyRing, clients: Clients | None = None, *, shelf: Shelf | None = None
) -> World:
    """Schemes, rule books and services, read from the checkout; DataError names every wrong file and line."""
    return World(
        keys=keys,
        schemes=load_schemes(settings.home / "config" / "schemes"),
        rulebooks=(shelf or make_shelf(settings)).open(),
        real_name=_real_name(settings, clients),
        confirmed_rulebooks=_confirmed(settings),
        policies=load_policies(settings.home / "config" / "policy.yaml"),
        public_url=(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/"),
        retention=load_retention(settings.home / "config" / "retention.yaml"),
    )


def _real_name(settings: Settings, clients: Clients | None) -> RealNameService:
    if clients is not None and clients.real_name is not None:
        return clients.real_name
    if settings.real_name_url:
        return HttpRealNameService(settings.real_name_url)
    return NoRealNameService() if settings.production else FakeRealNameService()


def _lock(settings: Settings):  # type: ignore[no-untyped-def]  # aiohttp's type of a cleanup context
    async def hold(app: web.Application) -> AsyncIterator[None]:
        """SQLite is for one serving process."""
        path = sqlite_path(settings.database_url)
        lock = LockFile(path) if path is not None else None
        if lock is not None:
            lock.acquire()
        yield
        if lock is not None:
            lock.release()

    return hold


def _database(settings: Settings):  # type: ignore[no-untyped-def]  # as above
    async def opened(app: web.Application) -> AsyncIterator[None]:
        """Development brings the schema to head by itself; production says what to run."""
        if settings.production:
            if missing := await pending(settings.database_url):
                raise MigrationRefused(f"{len(missing)} migrations are pending: run `python -m bot migrate`")
        else:
            await migrate(settings.database_url)
        await app[DATABASE].open()
        app[TOOLS].world.risk = await load_risk(app[DATABASE])
        if not settings.production:
            await clock_offset.restore(app[DATABASE], app[CLOCK])
        yield
        await app[DATABASE].close()

    return opened


async def _rescore_keeper(app: web.Application) -> AsyncIterator[None]:
    await app[_KEEPER].open()
    yield
    await app[_KEEPER].close()


async def _scheduler(app: web.Application) -> AsyncIterator[None]:
    """Last of all, so that what it does finds everything open, and first at the end."""
    await app[SCHEDULER].open()
    yield
    await app[SCHEDULER].close()


async def _rule_books(app: web.Application) -> AsyncIterator[None]:
    """SIGHUP reads the rule books anew; the keeper of stored colours notices those that changed."""
    called = asyncio.Event()

    async def read_when_called() -> None:
        while True:
            await called.wait()
            called.clear()
            try:
                outcome = await app[probes.RULE_BOOKS].reload(app[TOOLS].world, now=app[CLOCK].now())
            except Exception as error:  # noqa: BLE001 - a background task: logged, and the next SIGHUP tries again
                _log.warning("reload failed", action="rulebooks_fail", error=type(error).__name__)
            else:
                app[METRICS].rule_book_problems.set(len(outcome.problems))

    reading = asyncio.create_task(read_when_called(), name="rule books")
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, called.set)
    yield
    loop.remove_signal_handler(signal.SIGHUP)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def _dispatcher(app: web.Application) -> AsyncIterator[None]:
    """After the database and before the conversation, so that at the end it still sends what that leaves."""
    await app[DISPATCHER].open()
    yield
    await app[DISPATCHER].close()
    for outbound in app[_PLATFORMS].outbounds.values():
        await outbound.close()


async def _engine(app: web.Application) -> AsyncIterator[None]:
    await app[ENGINE].open()
    yield
    await app[ENGINE].close()


def _add_routes(app: web.Application, settings: Settings) -> None:
    app.router.add_get("/healthz", probes.show_health)
    app.router.add_get("/readyz", probes.show_readiness)
    app.router.add_get("/metrics", probes.show_metrics)
    platforms = app[_PLATFORMS]
    if platforms.official is not None:
        app[OFFICIAL] = platforms.official
    if platforms.mini is not None:
        app[MINI] = platforms.mini
    if platforms.alipay is not None:
        app[ALIPAY] = platforms.alipay
    if platforms.typing is not None:
        app[TYPING] = TypingIndicator(platforms.typing)
    webhooks.add_routes(app)
    my_data.add_routes(app, settings.home / "templates" / "my_data")
    api_routes.add_routes(app, settings, platforms.logins)
    if not settings.production:
        simulator.add_routes(app, settings.home / "templates" / "simulator")
