"""`python -m bot …`: what operators and developers do from a terminal."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Iterable
from typing import Annotated

import orjson
import typer
from aiohttp import web

from bot.app import create_app, make_keys
from bot.clock import DEFAULT_ZONE, Clock, resident_day
from bot.commands import explain, follow_ups, household, purge, rescore, rulebook, wechat
from bot.commands.instant import named_instant
from bot.conversation.understanding.places import Places
from bot.conversation.understanding.understand import understand
from bot.errors import Misconfigured, YimaError
from bot.logs import configure_logs
from bot.services.keys import RotationReport, rotate
from bot.store.database import Database
from bot.store.migrate import migrate
from config.settings import Settings, read_settings

cli = typer.Typer(
    help="Yima: one chat for every health code.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_cli = typer.Typer(help="The key ring.", no_args_is_help=True)
cli.add_typer(keys_cli, name="keys")

_log = logging.getLogger("yima")


explain.register(cli)
follow_ups.register(cli)
household.register(cli)
purge.register(cli)
rescore.register(cli)
rulebook.register(cli)
wechat.register(cli)


def run() -> None:
    """Run the command; an error of ours is one line, not a traceback."""
    try:
        cli()
    except YimaError as error:
        typer.echo(f"yima: {error}", err=True)
        sys.exit(2 if isinstance(error, Misconfigured) else 1)


@cli.command()
def serve() -> None:
    """Serve webhooks, probes and, in development, the simulator."""
    settings = read_settings()
    configure_logs(settings.log_level)
    app = create_app(settings)
    if settings.seed == "town" and not settings.production:
        from bot.town import seed_town

        app.cleanup_ctx.append(seed_town)

    def announce(*_lines: object) -> None:
        address = f"http://{settings.host}:{settings.port}"
        typer.echo(f"Yima serves on {address}")
        if not settings.production:
            typer.echo(f"Simulator: {address}/simulator/")

    app.on_startup.append(_settle_memory)
    # a handler that has begun finishes: nothing that was taken is dropped at SIGTERM
    web.run_app(
        app,
        loop=_event_loop(),
        host=settings.host,
        port=settings.port,
        print=announce,
        access_log=None,
        handler_cancellation=False,
        shutdown_timeout=20,
    )


@cli.command()
def background() -> None:
    """Do what happens by itself, and send, without serving anybody: one more process beside `serve`."""
    settings = read_settings()
    configure_logs(settings.log_level)
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        runner.run(_run_background(create_app(settings, doors=False)))


async def _run_background(app: web.Application) -> None:
    """Until SIGTERM or SIGINT; then what was begun is finished."""
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        typer.echo("Yima works in the background")
        await ended.wait()
    finally:
        await runner.cleanup()


def _event_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it is installed (not on every platform), else Python's own."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _settle_memory(app: web.Application) -> None:
    """What was loaded at the start stays: the collector need not look at it again for every few messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@cli.command("migrate")
def migrate_database() -> None:
    """Bring the database to the schema of this version."""
    settings = read_settings()
    applied = asyncio.run(migrate(settings.database_url))
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("nothing to apply")


@cli.command("understand")
def understand_text(
    text: Annotated[str, typer.Argument(help="What somebody said; - reads lines from standard input.")],
    at: Annotated[str, typer.Option(help="When it was said, as 2020-02-20T09:00+08:00; default: now.")] = "",
) -> None:
    """Print what a text is understood as: one JSON object, or one a line."""
    moment = named_instant(at) or Clock().now()
    places = Places.load()
    lines: Iterable[str] = (line.rstrip("\r\n") for line in sys.stdin) if text == "-" else (text,)
    today = resident_day(moment, DEFAULT_ZONE)
    for line in lines:
        found = understand(line, today=today, places=places).to_json()
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
        sys.stdout.flush()


@cli.command()
def demo(
    story: Annotated[str, typer.Option(help="Only this story: first, six-codes, asked-first, notices.")] = "",
) -> None:
    """Play the stories through the real, encrypted webhook and print what was said."""
    from bot.demo import play

    configure_logs("WARNING")  # the transcript is to be read
    asyncio.run(play(story))


@keys_cli.command("rotate")
def rotate_keys() -> None:
    """Seal everything anew under the first data key, and make every index anew under the first index key."""
    settings = read_settings()
    report = asyncio.run(_rotate(settings))
    typer.echo(str(report))
    if not report.complete:
        raise typer.Exit(1)


async def _rotate(settings: Settings) -> RotationReport:
    database = Database(settings.database_url)
    await database.open()
    try:
        return await rotate(database, make_keys(settings))
    finally:
        await database.close()


@keys_cli.command("new")
def new_key() -> None:
    """Print a new key, to be put in front of the others."""
    from bot.store.sealing import KeyRing

    typer.echo(KeyRing.generate())
