"""The database URL: what is taken, what is refused, and that a refusal never shows the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import Misconfigured
from bot.store.config import connection_config, sqlite_path, tortoise_config


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite://var/yima.db", "var/yima.db"),
        ("sqlite://yima.db", "yima.db"),
        ("sqlite:///srv/yima.db", "/srv/yima.db"),
        ("sqlite:////srv/yima.db", "/srv/yima.db"),
        ("sqlite://my%20data/yima.db", "my data/yima.db"),
    ],
)
def test_sqlite_paths_are_relative_or_absolute(url: str, path: str) -> None:
    assert sqlite_path(url) == Path(path)
    assert connection_config(url)["credentials"]["file_path"] == path


def test_sqlite_commits_durably_and_never_cascades() -> None:
    credentials = connection_config("sqlite://var/yima.db")["credentials"]
    assert credentials["journal_mode"] == "WAL"
    assert credentials["synchronous"] == "FULL"
    assert credentials["foreign_keys"] == "OFF"
    assert credentials["busy_timeout"] == 5000


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "asyncpg"])
def test_postgresql_urls_are_taken_under_three_names(scheme: str) -> None:
    config = connection_config(
        f"{scheme}://yima:p%40ss%2Fword@db.internal:5433/codes?maxsize=4&sslmode=require"
    )
    assert config["engine"] == "tortoise.backends.asyncpg"
    assert config["credentials"] == {
        "host": "db.internal",
        "port": 5433,
        "user": "yima",
        "password": "p@ss/word",
        "database": "codes",
        "minsize": 1,
        "maxsize": 4,
        "command_timeout": 30.0,
        "application_name": "yima",
        "ssl": "require",
    }


def test_postgresql_without_user_and_port_uses_the_defaults() -> None:
    credentials = connection_config("postgres:///codes?host=/run/postgresql")["credentials"]
    assert (credentials["host"], credentials["port"]) == ("/run/postgresql", 5432)
    assert credentials["user"] is None
    assert credentials["password"] is None


def test_the_configuration_has_one_connection_and_one_app_in_utc() -> None:
    config = tortoise_config("sqlite://var/yima.db")
    assert list(config["connections"]) == ["default"]
    assert config["apps"] == {
        "yima": {
            "models": ["bot.store.models"],
            "migrations": "bot.store.migrations",
            "default_connection": "default",
        }
    }
    assert (config["use_tz"], config["timezone"]) == (True, "UTC")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "begins with"),
        ("var/yima.db", "begins with"),
        ("mysql://root:hunter2@h/d", "begins with"),
        ("sqlite://", "path is missing"),
        ("sqlite:///", "path is missing"),
        ("sqlite://:memory:", "in memory is forgotten"),
        ("sqlite:///:memory:", "in memory is forgotten"),
        ("sqlite://var/yima.db?foreign_keys=ON", "takes no options"),
        ("postgres://u:hunter2@h", "names no database"),
        ("postgres://u:hunter2@h/", "names no database"),
        ("postgres://u:hunter2@h:port/d", "can't be read"),
        ("postgres://u:hunter2[@h/d", "can't be read"),
        ("postgres://u:hunter2@h/d?maxsize=many", "maxsize is not a number"),
        ("postgres://u:hunter2@h/d?max_size=3", "an option that is not one of"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=f"YIMA_DATABASE_URL.*{reason}") as caught:
        tortoise_config(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
