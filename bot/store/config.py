"""From the one database URL to what Tortoise wants, with the settings that durability and safety ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from bot.errors import Misconfigured

APP = "yima"
CONNECTION = "default"
MODELS = "bot.store.models"
MIGRATIONS = "bot.store.migrations"

_VARIABLE = "YIMA_DATABASE_URL"
_SQLITE = "sqlite://"
_POSTGRESQL_SCHEMES = frozenset({"postgres", "postgresql", "asyncpg"})

SQLITE_PRAGMAS: dict[str, str | int] = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "OFF",
    "busy_timeout": 5000,
    "journal_size_limit": 64 * 1024 * 1024,
}

# What a PostgreSQL URL may say after the question mark, and what asyncpg calls it. Numbers stay numbers:
# asyncpg takes the text "30" for a time-out and fails only when it is first used.
_POSTGRESQL_OPTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "host": ("host", str),
    "sslmode": ("ssl", str),
    "minsize": ("minsize", int),
    "maxsize": ("maxsize", int),
    "command_timeout": ("command_timeout", float),
    "statement_cache_size": ("statement_cache_size", int),
    "application_name": ("application_name", str),
    "schema": ("schema", str),
}


def tortoise_config(url: str) -> dict[str, Any]:
    """The configuration of the one connection and the one app; Misconfigured names YIMA_DATABASE_URL."""
    return {
        "connections": {CONNECTION: connection_config(url)},
        "apps": {APP: {"models": [MODELS], "migrations": MIGRATIONS, "default_connection": CONNECTION}},
        "use_tz": True,
        "timezone": "UTC",
    }


def connection_config(url: str) -> dict[str, Any]:
    """The engine and its credentials."""
    path = sqlite_path(url)
    if path is not None:
        return {
            "engine": "tortoise.backends.sqlite",
            "credentials": {"file_path": str(path), **SQLITE_PRAGMAS},
        }
    return {"engine": "tortoise.backends.asyncpg", "credentials": _postgresql_credentials(url)}


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite URL, relative to the working folder unless it begins with a slash; None for PostgreSQL."""
    if not url.startswith(_SQLITE):
        return None
    text = url.removeprefix(_SQLITE)
    if "?" in text or "#" in text:
        raise Misconfigured(f"{_VARIABLE}: a SQLite URL takes no options, only sqlite:// and a path")
    if text.lstrip("/") == "":
        raise Misconfigured(f"{_VARIABLE}: the path is missing, as in sqlite://var/yima.db")
    if ":memory:" in text:
        raise Misconfigured(f"{_VARIABLE}: a database in memory is forgotten at the end; give a file")
    return Path("/" + unquote(text).lstrip("/") if text.startswith("/") else unquote(text))


def _postgresql_credentials(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise Misconfigured(
            f"{_VARIABLE} can't be read; in a password write [ ] / : @ ? # % as %5B %5D %2F %3A %40 %3F %23 %25"
        ) from None
    if parts.scheme not in _POSTGRESQL_SCHEMES:
        raise Misconfigured(f"{_VARIABLE} begins with sqlite://, postgres:// or postgresql://")
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        raise Misconfigured(f"{_VARIABLE} names no database after the host")
    return {
        "host": parts.hostname,
        "port": port,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "database": database,
        "minsize": 1,
        "maxsize": 10,
        "command_timeout": 30.0,
        "application_name": "yima",
        **_options(parts.query),
    }


def _options(query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _POSTGRESQL_OPTIONS:
            known = ", ".join(sorted(_POSTGRESQL_OPTIONS))
            raise Misconfigured(f"{_VARIABLE} has an option that is not one of: {known}")
        key, convert = _POSTGRESQL_OPTIONS[name]
        try:
            options[key] = convert(value)
        except ValueError:
            raise Misconfigured(f"{_VARIABLE}: {name} is not a number") from None
    return options
