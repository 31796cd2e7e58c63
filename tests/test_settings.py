from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from bot.errors import Misconfigured
from config.settings import OfficialAccountSettings, Settings, check, read_settings

EXAMPLE = Path(__file__).resolve().parent.parent / ".env.example"
KEY = "k1:" + "A" * 43 + "="
ADDRESS = "https://yima.example.org"


def variables(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name}".upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables(field.annotation, f"{variable}__")
        else:
            yield variable, field.default


def shown() -> dict[str, str]:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if re.match(r"[A-Z]", line)]
    found = {name: value for name, _, value in pairs}
    assert len(found) == len(pairs), "a variable stands there twice"
    return found


def production(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    values = {
        "YIMA_ENV": "production",
        "YIMA_DATA_KEYS": KEY,
        "YIMA_INDEX_KEYS": KEY,
        "YIMA_PASS_KEYS": KEY,
        "YIMA_PUBLIC_URL": ADDRESS,
        **changes,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_example_file_names_exactly_the_settings_that_exist() -> None:
    assert set(shown()) == {name for name, _ in variables(Settings, "YIMA_")}


def test_example_file_shows_the_default_of_every_setting() -> None:
    for name, default in variables(Settings, "YIMA_"):
        plain = default.get_secret_value() if isinstance(default, SecretStr) else str(default)
        assert shown()[name] == plain, name


def test_every_setting_in_the_example_file_follows_a_comment() -> None:
    blocks = EXAMPLE.read_text(encoding="utf-8").split("\n\n")
    assert all(block.startswith("#") for block in blocks)


def test_example_file_is_read_as_a_working_development_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert read_settings() == Settings(_env_file=None)


def test_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("YIMA_PORT=1000\nYIMA_SEED=none\n", encoding="utf-8")
    monkeypatch.setenv("YIMA_PORT", "2000")
    settings = read_settings()
    assert (settings.port, settings.seed) == (2000, "none")


def test_nested_settings_come_from_double_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_WECHAT_OFFICIAL__APP_ID", "wx1")
    monkeypatch.setenv("YIMA_WECHAT_OFFICIAL__TOKEN", "t")
    monkeypatch.setenv("YIMA_WECHAT_OFFICIAL__MODE", "plain")
    channel = read_settings().wechat_official
    assert (channel.app_id, channel.token.get_secret_value(), channel.mode) == ("wx1", "t", "plain")


def test_settings_can_not_be_changed_after_the_start() -> None:
    settings = Settings(_env_file=None)
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # what must be refused
    with pytest.raises(ValidationError):
        settings.wechat_official.app_id = "wx1"  # type: ignore[misc]  # what must be refused


def test_secrets_hide_in_every_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    production(
        monkeypatch,
        YIMA_WECHAT_OFFICIAL__APP_ID="wx1",
        YIMA_WECHAT_OFFICIAL__TOKEN="very-secret",
        YIMA_WECHAT_OFFICIAL__AES_KEY="also-secret",
        YIMA_WECHAT_OFFICIAL__SECRET="most-secret",
    )
    settings = read_settings()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert KEY not in text
        assert "secret" not in text.replace("secret=", "").replace('"secret"', "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("YIMA_ENV", "staging"),
        ("YIMA_PORT", "70000"),
        ("YIMA_PORT", "eighty"),
        ("YIMA_SEED", "city"),
        ("YIMA_REPLY_SECONDS", "5"),
        ("YIMA_REPLY_SECONDS", "0"),
        ("YIMA_LOG_LEVEL", "LOUD"),
        ("YIMA_WECHAT_OFFICIAL__MODE", "encrypted"),
        ("YIMA_WECHAT_OFFICIAL__WINDOW_SECONDS", "5"),
        ("YIMA_WECHAT_OFFICIAL__TOKNE", "a-misspelt-name"),
    ],
)
def test_wrong_value_is_named_by_its_variable_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as refused:
        read_settings()
    assert name in str(refused.value)
    assert value not in str(refused.value).replace(name, "")


@pytest.mark.parametrize("name", ["YIMA_DATA_KEYS", "YIMA_INDEX_KEYS", "YIMA_PASS_KEYS", "YIMA_PUBLIC_URL"])
def test_production_refuses_to_start_without_a_secret(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    production(monkeypatch, **{name: ""})
    with pytest.raises(Misconfigured) as refused:
        read_settings()
    assert str(refused.value) == f"production needs {name}"


def test_production_with_its_secrets_may_listen_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    production(monkeypatch, YIMA_HOST="0.0.0.0")
    settings = read_settings()
    assert settings.production
    assert settings.host == "0.0.0.0"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "yima.example.org"])
def test_development_refuses_to_listen_beyond_loopback(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("YIMA_HOST", host)
    with pytest.raises(Misconfigured, match="YIMA_HOST"):
        read_settings()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_development_listens_on_every_loopback_address(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("YIMA_HOST", host)
    assert read_settings().host == host


def test_channel_without_an_app_id_needs_nothing_else() -> None:
    check(Settings(_env_file=None, wechat_official=OfficialAccountSettings()))


@pytest.mark.parametrize(
    ("channel", "variable"),
    [
        (OfficialAccountSettings(app_id="wx1"), "YIMA_WECHAT_OFFICIAL__TOKEN"),
        (OfficialAccountSettings(app_id="wx1", token=SecretStr("t")), "YIMA_WECHAT_OFFICIAL__AES_KEY"),
        (
            OfficialAccountSettings(app_id="wx1", token=SecretStr("t"), mode="compat"),
            "YIMA_WECHAT_OFFICIAL__AES_KEY",
        ),
    ],
)
def test_channel_with_an_app_id_names_what_it_lacks(channel: OfficialAccountSettings, variable: str) -> None:
    with pytest.raises(Misconfigured, match=variable):
        check(Settings(_env_file=None, wechat_official=channel))


def test_plain_mode_needs_no_key_for_messages() -> None:
    channel = OfficialAccountSettings(app_id="wx1", token=SecretStr("t"), mode="plain")
    check(Settings(_env_file=None, wechat_official=channel))


def test_data_files_are_found_from_any_working_folder() -> None:
    home = Settings(_env_file=None).home
    assert (home / "config" / "schemes").is_dir()
    assert (home / "templates" / "messages" / "zh").is_dir()


def test_templates_come_as_json_by_kind_of_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_WECHAT_MINI__TEMPLATES", '{"colour_changed":"T-1"}')
    assert read_settings().wechat_mini.templates == {"colour_changed": "T-1"}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"YIMA_WECHAT_MINI__APP_ID": "wx2"}, "YIMA_WECHAT_MINI__TOKEN"),
        ({"YIMA_WECHAT_MINI__APP_ID": "wx2", "YIMA_WECHAT_MINI__TOKEN": "t"}, "YIMA_WECHAT_MINI__AES_KEY"),
        (
            {
                "YIMA_WECHAT_MINI__APP_ID": "wx2",
                "YIMA_WECHAT_MINI__TOKEN": "t",
                "YIMA_WECHAT_MINI__MODE": "plain",
            },
            "YIMA_WECHAT_MINI__SECRET",
        ),
        ({"YIMA_WECHAT_MINI__FORMAT": "yaml"}, "YIMA_WECHAT_MINI__FORMAT"),
        ({"YIMA_ALIPAY__APP_ID": "2021"}, "YIMA_ALIPAY__PRIVATE_KEY_FILE"),
        (
            {"YIMA_ALIPAY__APP_ID": "2021", "YIMA_ALIPAY__PRIVATE_KEY_FILE": "k"},
            "YIMA_ALIPAY__ALIPAY_PUBLIC_KEY_FILE",
        ),
        (
            {
                "YIMA_ALIPAY__APP_ID": "2021",
                "YIMA_ALIPAY__PRIVATE_KEY_FILE": "k",
                "YIMA_ALIPAY__ALIPAY_PUBLIC_KEY_FILE": "p",
                "YIMA_ALIPAY__SIGN_TYPES": "MD5",
            },
            "YIMA_ALIPAY__SIGN_TYPES",
        ),
        ({"YIMA_WECHAT_MINI__TEMPLATES": "[1"}, "YIMA_WECHAT_MINI… must be JSON"),
    ],
)
def test_channel_that_is_half_set_up_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], named: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=named):
        read_settings()
