from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.message import Card, Choice, Choices, Incoming, Kind, Media, Picture, Reply, Spot, Text, check_aware

AT = datetime(2020, 2, 20, 1, tzinfo=UTC)
NAIVE = datetime(2020, 2, 20, 1)  # noqa: DTZ001 - what must be refused


def incoming(**changes: Any) -> Incoming:
    values: dict[str, Any] = {
        "channel": "wechat_official",
        "account": "o_li",
        "key": "23232323",
        "kind": Kind.TEXT,
        "received_at": AT,
        "text": "36.5",
        **changes,
    }
    return Incoming(**values)


def test_message_without_a_time_zone_is_refused_at_construction() -> None:
    with pytest.raises(ValueError, match="time zone"):
        incoming(received_at=NAIVE)
    with pytest.raises(ValueError, match="time zone"):
        incoming(sent_at=NAIVE)


def test_aware_instant_passes_the_check() -> None:
    check_aware(AT)
    assert incoming(sent_at=AT).sent_at == AT


def test_message_shows_nothing_personal_in_its_representation() -> None:
    message = incoming(
        text="我叫李小梅",
        media=Media("media-1", "a-private-address"),
        spot=Spot("30.5", "114.3", "汉口"),
    )
    shown = repr(message)
    for personal in ("李小梅", "o_li", "23232323", "a-private-address", "30.5", "汉口"):
        assert personal not in shown
    assert "wechat_official" in shown


def test_message_can_not_be_changed_only_copied() -> None:
    message = incoming()
    with pytest.raises(FrozenInstanceError):
        message.text = "37.9"  # type: ignore[misc]  # what must be refused
    spoken = message.with_text("37.9")
    assert (message.text, spoken.text) == ("36.5", "37.9")
    assert spoken.key == message.key


def test_bare_strings_become_texts_of_a_reply() -> None:
    assert Reply.of("one", Card("two")).parts == (Text("one"), Card("two"))


def test_more_parts_go_behind_and_leave_the_first_reply_alone() -> None:
    first = Reply.of("one")
    assert first.then("two", Picture("m")).parts == (Text("one"), Text("two"), Picture("m"))
    assert first.parts == (Text("one"),)


def test_choices_of_all_parts_are_numbered_through() -> None:
    yes, no, later = Choice("是", "yes"), Choice("否", "no"), Choice("以后", "later")
    reply = Reply.of("?", Choices((yes, no), "现在？"), Card("between"), Choices((later,)))
    assert reply.choices == (yes, no, later)
    assert Reply.of("nothing to pick").choices == ()


def test_kinds_are_stored_by_their_own_words() -> None:
    assert [kind.value for kind in Kind] == [
        "text",
        "voice",
        "image",
        "location",
        "follow",
        "unfollow",
        "menu",
        "scan",
        "view",
        "enter",
        "page",
        "subscription",
        "delivery",
        "call",
    ]
