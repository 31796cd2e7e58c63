"""The simulator's wire: JSON in, JSON out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.simulator import SimulatorChannel, to_json
from bot.errors import BadRequest, status_of
from bot.message import Card, Choice, Choices, Incoming, Kind, Picture, Reply

AT = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
CHANNEL = SimulatorChannel()


def test_posted_words_become_a_message_of_that_user() -> None:
    body = {"user": " 小王 ", "text": "36.5", "key": "k-1"}
    assert CHANNEL.open(body, received_at=AT) == Incoming(
        channel="simulator", account="小王", key="k-1", kind=Kind.TEXT, received_at=AT, text="36.5"
    )


def test_messages_without_a_key_are_two_messages() -> None:
    first, second = (CHANNEL.open({"user": "a", "text": "1"}, received_at=AT) for _ in range(2))
    assert first.key != second.key


@pytest.mark.parametrize(("kind", "event_key"), [("follow", ""), ("unfollow", ""), ("menu", "punch_in")])
def test_event_of_the_page_becomes_its_kind(kind: str, event_key: str) -> None:
    incoming = CHANNEL.open({"user": "a", "kind": kind, "event_key": event_key}, received_at=AT)
    assert (incoming.kind.value, incoming.event_key, incoming.text) == (kind, event_key, "")


WRONG: list[tuple[Any, str]] = [
    (None, "not_an_object"),
    ([], "not_an_object"),
    ("a", "not_an_object"),
    ({"text": "1"}, "missing_user"),
    ({"user": "  ", "text": "1"}, "missing_user"),
    ({"user": 7, "text": "1"}, "bad_user"),
    ({"user": "a" * 129, "text": "1"}, "bad_user"),
    ({"user": "a", "text": None}, "bad_text"),
    ({"user": "a", "text": "x" * 4097}, "bad_text"),
    ({"user": "a", "text": "1", "key": "k" * 65}, "bad_key"),
    ({"user": "a", "text": "1", "kind": "scan"}, "unknown_kind"),
]


@pytest.mark.parametrize(("body", "reason"), WRONG)
def test_body_that_is_no_message_is_a_bad_request(body: Any, reason: str) -> None:
    with pytest.raises(BadRequest) as refused:
        CHANNEL.open(body, received_at=AT)
    assert (refused.value.reason, status_of(refused.value)) == (reason, 400)


def test_every_part_becomes_one_object_with_text_and_choices() -> None:
    reply = Reply.of(
        "您好",
        Choices((Choice("有", "yes"), Choice("没有", "no")), "发热？"),
        Picture("M", "绿码"),
        Card("武汉健康码", ("绿色",), "https://x.invalid/"),
    )
    assert CHANNEL.seal(reply) == [
        {"kind": "text", "text": "您好", "choices": []},
        {
            "kind": "choices",
            "text": "发热？",
            "choices": [{"label": "有", "value": "yes"}, {"label": "没有", "value": "no"}],
        },
        {"kind": "picture", "text": "绿码", "choices": [], "media_id": "M"},
        {
            "kind": "card",
            "text": "武汉健康码\n绿色",
            "choices": [],
            "title": "武汉健康码",
            "lines": ["绿色"],
            "url": "https://x.invalid/",
        },
    ]


def test_nothing_to_say_is_an_empty_list() -> None:
    assert CHANNEL.seal(None) == []
    assert to_json(Reply(())) == []
