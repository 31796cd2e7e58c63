"""Logs are events: JSON lines with a constant text, an action, ids and codes; nothing personal passes.

A redaction filter at the root blanks what looks like a certificate or phone number, whoever logged it.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

_SENSITIVE_KEYS = frozenset(
    {"text", "name", "phone", "certificate", "address", "openid", "account", "body", "params"}
)
_NUMBERS = re.compile(
    r"(?<![0-9])(?:[0-9]{17}[0-9Xx]|(?:\+?86[- ]?)?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4})(?![0-9])"
)
_TOKENS = re.compile(r"(access_token|secret|signature|echostr|openid)=[^&\s]+", re.IGNORECASE)

_LINKS = re.compile(r"(/my-data/)[A-Za-z0-9_-]+")


def redact(value: Any) -> Any:
    """The value without anything that looks like a number of a person, or a secret of a URL."""
    if isinstance(value, str):
        return _LINKS.sub(r"\1…", _TOKENS.sub(r"\1=…", _NUMBERS.sub("…", value)))
    if isinstance(value, dict):
        return {
            key: "…" if str(key).lower() in _SENSITIVE_KEYS else redact(each) for key, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact(each) for each in value]
    return value


def redact_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog's processor around `redact`."""
    for key, value in list(event.items()):
        event[key] = "…" if key.lower() in _SENSITIVE_KEYS else redact(value)
    return event


def frames_only(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its type and where it passed, without its message: libraries quote their input there."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        places = traceback.extract_tb(error.__traceback__)
        event["error"] = type(error).__name__
        event["frames"] = [f"{Path(place.filename).name}:{place.lineno} {place.name}" for place in places]
    return event


def configure_logs(level: str) -> None:
    """Send everything, the standard library's records included, to standard error as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=["action", "reason", "migration", "copy"]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        frames_only,
        redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
