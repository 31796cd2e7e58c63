from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.logs import configure_logs, redact, redact_event

ID_CARD = "420106199003074526"
PHONE = "13900000001"


class Written(io.StringIO):
    """What a service has logged, as its lines."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """The standard error of a service that has configured its logs; what pytest had is put back."""
    root, access, written = logging.getLogger(), logging.getLogger("aiohttp.access"), Written()
    handlers, level, access_level = list(root.handlers), root.level, access.level
    monkeypatch.setattr("sys.stderr", written)
    configure_logs("INFO")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    access.setLevel(access_level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"certificate {ID_CARD}.", "certificate …."),
        ("42010619900307452X", "…"),
        (f"call {PHONE} now", "call … now"),
        (f"+86 {PHONE}", "…"),
        (f"86-{PHONE}", "…"),
        ("access_token=abc123&next=1", "access_token=…&next=1"),
        ("/webhooks?signature=abc&nonce=5", "/webhooks?signature=…&nonce=5"),
        ("OPENID=o_li x", "OPENID=… x"),
    ],
)
def test_numbers_of_people_and_secrets_of_addresses_are_blanked(said: str, kept: str) -> None:
    assert redact(said) == kept


@pytest.mark.parametrize(
    "said",
    ["message_key 0123456789abcdef", "resident 3141592653589793238", "36.5", "2020-02-20", "12345678901"],
)
def test_ids_days_and_temperatures_stay_readable(said: str) -> None:
    assert redact(said) == said


def test_sensitive_names_are_blanked_however_deep() -> None:
    event = {"outer": [{"Phone": "any form", "scheme": "hubei"}, (PHONE,)], "count": 3}
    assert redact(event) == {"outer": [{"Phone": "…", "scheme": "hubei"}, ["…"]], "count": 3}


@pytest.mark.parametrize(
    "key", ["text", "name", "phone", "certificate", "address", "openid", "account", "body", "params"]
)
def test_sensitive_field_of_an_event_is_blanked(key: str) -> None:
    assert redact_event(None, "info", {key: "李小梅", "action": "message_fail"}) == {
        key: "…",
        "action": "message_fail",
    }


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_phone_number_is_blanked_in_any_surroundings(before: str, after: str) -> None:
    assume(
        not re.search("[0-9]$", before) and not re.match("[0-9]", after)
    )  # a longer number is none of a phone
    assert PHONE not in redact(f"{before}{PHONE}{after}")


def test_event_is_one_json_line_with_its_action(logs: Written) -> None:
    structlog.get_logger("webhooks").info("request refused", action="webhook_refuse", reason="stale")
    [line] = logs.lines()
    assert line["event"] == "request refused"
    assert (line["action"], line["reason"]) == ("webhook_refuse", "stale")
    assert (line["level"], line["logger"]) == ("info", "webhooks")
    assert line["timestamp"].endswith("Z")


def test_record_of_a_library_is_redacted_too(logs: Written) -> None:
    logging.getLogger("some.library").warning("sent to %s", PHONE)
    [line] = logs.lines()
    assert line["event"] == "sent to …"


def test_exception_is_logged_by_type_and_place_and_not_by_message(logs: Written) -> None:
    try:
        raise ValueError(f"no such resident: {ID_CARD}")
    except ValueError:
        structlog.get_logger("conversation").exception("message failed", action="message_fail")
    [line] = logs.lines()
    assert line["error"] == "ValueError"
    assert line["frames"][-1].startswith("test_logs.py:")
    assert "no such resident" not in json.dumps(line)


def test_fields_of_a_library_that_are_not_known_are_left_out(logs: Written) -> None:
    logging.getLogger("some.library").info(
        "read", extra={"action": "read", "reason": "asked", "address_line": "x"}
    )
    [line] = logs.lines()
    assert (line["action"], line["reason"]) == ("read", "asked")
    assert "address_line" not in line


def test_level_of_the_settings_holds(logs: Written) -> None:
    structlog.get_logger("engine").debug("too fine")
    logging.getLogger("aiohttp.access").info("one line a request")
    assert logs.lines() == []
