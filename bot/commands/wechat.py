"""`python -m bot wechat …`: what is set up at WeChat from here, so far the menu below the chat."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from bot.app import make_keys
from bot.channels.http import HttpCaller
from bot.channels.names import OFFICIAL
from bot.channels.outbound import SendFailed
from bot.channels.wechat.api import WeChatApi
from bot.channels.wechat.tokens import TokenManager
from bot.clock import Clock
from bot.core.yaml_lines import Problems, Reader, read_yaml
from bot.errors import DataError, Misconfigured, YimaError
from bot.store.database import Database
from bot.store.platform_states import PlatformStates
from config.settings import OfficialAccountSettings, Settings, read_settings

MENU = Settings.model_construct().home / "config" / "menus" / "wechat_official.yaml"
KEYS = ("PUNCH_IN", "CODES", "WHY", "DECLARE", "HELP")
"""What the chat understands of a menu."""
_MOST_BUTTONS, _MOST_ITEMS = 3, 5
_BUTTON_BYTES, _ITEM_BYTES = 16, 60

commands = typer.Typer(help="What is set up at WeChat.", no_args_is_help=True)
menu_commands = typer.Typer(help="The menu below the official account's chat.", no_args_is_help=True)
commands.add_typer(menu_commands, name="menu")

File = Annotated[Path, typer.Option("--file", help="Another definition than that of the checkout.")]


class MenuError(DataError):
    """The menu is wrong."""


def register(cli: typer.Typer) -> None:
    """Add these commands as `wechat`."""
    cli.add_typer(commands, name="wechat")


@menu_commands.command()
def show(file: File = MENU) -> None:
    """Print what would be pushed, checked; nothing is sent."""
    typer.echo(orjson.dumps(read_menu(file), option=orjson.OPT_INDENT_2).decode())


@menu_commands.command()
def push(file: File = MENU) -> None:
    """Replace the menu of the official account; people see it within a day, who follows anew at once."""
    menu = read_menu(file)
    settings = read_settings()
    account = settings.wechat_official
    for name in ("app_id", "secret"):
        if not _plain(account, name):
            raise Misconfigured(f"the menu needs YIMA_WECHAT_OFFICIAL__{name.upper()}")
    asyncio.run(_push(settings, menu))
    typer.echo(f"pushed {len(menu['button'])} buttons")


async def _push(settings: Settings, menu: dict[str, Any]) -> None:
    account, database, clock = settings.wechat_official, Database(settings.database_url), Clock()
    await database.open()
    caller = HttpCaller()
    try:
        # the token is the one that the serving processes share
        states = PlatformStates(database, make_keys(settings), clock, owner=f"menu-{secrets.token_hex(8)}")
        app_id, secret, base = account.app_id, account.secret.get_secret_value(), account.api_base
        tokens = TokenManager(
            caller, states.of(f"{OFFICIAL}:{app_id}"), base=base, app_id=app_id, secret=secret
        )
        await WeChatApi(caller, tokens, base=base, app_id=app_id, secret=secret, clock=clock).push_menu(menu)
    except SendFailed as failed:
        raise YimaError(f"the menu was not taken: {failed.reason}") from None
    finally:
        await caller.close()
        await database.close()


def _plain(account: OfficialAccountSettings, name: str) -> str:
    value = getattr(account, name)
    return value if isinstance(value, str) else value.get_secret_value()


def read_menu(path: Path) -> dict[str, Any]:
    """The menu as the platform wants it; MenuError names every wrong line."""
    problems = Problems(path.name)
    try:
        document = read_yaml(path.read_text(encoding="utf-8"), problems)
    except FileNotFoundError:
        raise MenuError([f"{path.name}: there is no such file"]) from None
    except UnicodeDecodeError:
        raise MenuError([f"{path.name}:1: not UTF-8"]) from None
    if document is None:
        raise MenuError(problems.lines() or [f"{path.name}:1: the file is empty"])
    reader = Reader(document, problems, "the menu")
    buttons = reader.mappings("buttons", "a button")
    if len(buttons) > _MOST_BUTTONS:
        reader.problem(f"{len(buttons)} buttons, the platform takes {_MOST_BUTTONS}", "buttons")
    menu = {"button": [_button(button) for button in buttons]}
    reader.finish()
    if problems:
        raise MenuError(problems.lines())
    return menu


def _button(reader: Reader) -> dict[str, Any]:
    if not reader.has("items"):
        return _item(reader, _BUTTON_BYTES)
    name = _name(reader, _BUTTON_BYTES)
    items = reader.mappings("items", "an item")
    if len(items) > _MOST_ITEMS:
        reader.problem(f"{len(items)} items, the platform takes {_MOST_ITEMS}", "items")
    reader.finish()
    return {"name": name, "sub_button": [_item(item, _ITEM_BYTES) for item in items]}


def _item(reader: Reader, most: int) -> dict[str, Any]:
    item = {"type": "click", "name": _name(reader, most), "key": reader.text("key", among=KEYS)}
    reader.finish()
    return item


def _name(reader: Reader, most: int) -> str:
    name = reader.text("name")
    size = len(name.encode())
    if size > most:
        reader.problem(f"the name {name!r} has {size} bytes, the platform takes {most}", "name")
    return name
