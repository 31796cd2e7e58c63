"""The menu command: what it prints, refuses and pushes, and that no secret is printed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner, Result

from bot.channels.wechat.api import MENU
from bot.channels.wechat.tokens import PATH as TOKEN
from bot.commands import wechat
from bot.commands.wechat import KEYS, MenuError, read_menu
from bot.errors import Misconfigured, YimaError
from handlers.chat import media
from tests.channels.scripted import Scripted, ScriptedPlatform
from tests.channels.wechat.api_rig import APP_ID, OK, SECRET, error, token, token_text
from tests.service import DATA_KEYS, INDEX_KEYS

Serve = Callable[[Scripted], ScriptedPlatform]
ONE = "buttons:\n  - {name: 打卡, key: PUNCH_IN}\n"


def command(*options: str) -> Result:
    cli = typer.Typer()
    wechat.register(cli)
    return CliRunner().invoke(cli, ["wechat", "menu", *options])


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A platform in a loop of its own: the command has one, too."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened: list[ScriptedPlatform] = []

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    def start(answer: Scripted) -> ScriptedPlatform:
        platform = ScriptedPlatform({TOKEN: [token(1)], MENU: [answer]})
        opened.append(run(platform.__aenter__()))
        return platform

    yield start
    for platform in opened:
        run(platform.__aexit__())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def configure(database_url: str, base: str) -> None:
        for name, value in {
            "DATABASE_URL": database_url,
            "DATA_KEYS": DATA_KEYS,
            "INDEX_KEYS": INDEX_KEYS,
            "WECHAT_OFFICIAL__APP_ID": APP_ID,
            "WECHAT_OFFICIAL__TOKEN": "a-token",
            "WECHAT_OFFICIAL__MODE": "plain",
            "WECHAT_OFFICIAL__SECRET": SECRET,
            "WECHAT_OFFICIAL__API_BASE": base,
        }.items():
            monkeypatch.setenv(f"YIMA_{name}", value)

    return configure


def test_menu_of_the_checkout_is_shown_without_any_settings() -> None:
    result = command("show")
    assert result.exit_code == 0, result.output
    menu = orjson.loads(result.output)
    assert 1 <= len(menu["button"]) <= 3
    items = [item for button in menu["button"] for item in button.get("sub_button", [button])]
    assert sorted(item["key"] for item in items) == sorted(KEYS)


def test_keys_are_those_that_the_chat_understands() -> None:
    assert set(KEYS) == set(media._ITEMS)


def test_push_sends_the_menu_and_says_so(
    serve: Serve, configured: Callable[..., None], database_url: str
) -> None:
    platform = serve(OK)
    configured(database_url, platform.base)
    result = command("push")
    assert result.exit_code == 0, result.output
    assert result.output == "pushed 3 buttons\n"
    call = platform.asked(MENU)[0]
    assert call.body == orjson.loads(command("show").output)
    assert call.query == {"access_token": token_text(1)}


def test_second_push_uses_the_shared_token(
    serve: Serve, configured: Callable[..., None], database_url: str
) -> None:
    platform = serve(OK)
    configured(database_url, platform.base)
    assert [command("push").exit_code for _ in range(2)] == [0, 0]
    assert (len(platform.asked(TOKEN)), len(platform.asked(MENU))) == (1, 2)


def test_refused_push_names_the_reason_and_no_secret(
    serve: Serve, configured: Callable[..., None], database_url: str
) -> None:
    platform = serve(error(48001))
    configured(database_url, platform.base)
    result = command("push")
    assert isinstance(result.exception, YimaError)
    assert str(result.exception) == "the menu was not taken: wechat_48001"
    assert SECRET not in result.output


@pytest.mark.parametrize("name", ["APP_ID", "SECRET"])
def test_push_without_a_setting_names_the_variable(
    configured: Callable[..., None], database_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    configured(database_url, "http://127.0.0.1:9")
    monkeypatch.delenv(f"YIMA_WECHAT_OFFICIAL__{name}")
    result = command("push")
    assert isinstance(result.exception, Misconfigured)
    assert str(result.exception) == f"the menu needs YIMA_WECHAT_OFFICIAL__{name}"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "menu.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_button_with_and_without_items_becomes_what_the_platform_wants(tmp_path: Path) -> None:
    text = ONE + "  - name: 更多\n    items:\n      - {name: 帮助, key: HELP}\n"
    assert read_menu(written(tmp_path, text)) == {
        "button": [
            {"type": "click", "name": "打卡", "key": "PUNCH_IN"},
            {"name": "更多", "sub_button": [{"type": "click", "name": "帮助", "key": "HELP"}]},
        ]
    }


def items(count: int, name: str = "帮助") -> str:
    return "buttons:\n  - name: 更多\n    items:\n" + f"      - {{name: {name}, key: HELP}}\n" * count


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "menu.yaml:1: the file is empty"),
        ("buttons: []", "'buttons' is empty"),
        ("button: []", "has no 'buttons'"),
        ("buttons: [", "menu.yaml:1: not YAML"),
        (ONE + "  - {name: 帮助, key: HELP}\n" * 3, "4 buttons, the platform takes 3"),
        (items(6), "6 items, the platform takes 5"),
        ("buttons:\n  - {name: 打卡}\n", "menu.yaml:2: a button has no 'key'"),
        ("buttons:\n  - {name: 打卡, key: PUNCH}\n", "did you mean 'PUNCH_IN'?"),
        ("buttons:\n  - {name: 健康打卡了吗, key: PUNCH_IN}\n", "has 18 bytes, the platform takes 16"),
        (items(1, "长" * 21), "has 63 bytes, the platform takes 60"),
        (ONE + "    url: x\n", "not YAML"),
        ("buttons:\n  - {name: 打卡, key: PUNCH_IN, url: x}\n", "unknown key 'url'"),
        (
            "buttons:\n  - name: 更多\n    key: HELP\n    items: [{name: 帮助, key: HELP}]\n",
            "unknown key 'key'",
        ),
    ],
)
def test_wrong_menu_is_refused_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(MenuError) as caught:
        read_menu(written(tmp_path, text))
    assert problem in str(caught.value)


def test_largest_menu_that_the_platform_takes_is_taken(tmp_path: Path) -> None:
    text = ONE + "  - {name: 四个汉字 abc, key: CODES}\n" + items(5, "长" * 20).split("\n", 1)[1]
    assert [len(button.get("sub_button", ())) for button in read_menu(written(tmp_path, text))["button"]] == [
        0,
        0,
        5,
    ]


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MenuError, match=r"none\.yaml: there is no such file"):
        read_menu(tmp_path / "none.yaml")


def test_other_file_may_be_given(tmp_path: Path) -> None:
    result = command("show", "--file", str(written(tmp_path, ONE)))
    assert orjson.loads(result.output)["button"][0]["key"] == "PUNCH_IN"
