"""What the notices of the benchmark say: a change of colour each, and another one each time for the same person.

So the product's own words and templates are sent, and still tell which of a person's notices each message is.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations, product
from typing import Any

from benchmarks.rig import ROOT
from bot.app import make_world
from bot.channels.outbound import FilledTemplate, Way
from bot.clock import Clock
from bot.conversation.texts import LANGUAGES, Texts
from bot.conversation.told import Composer
from bot.core.model import Colour
from bot.notices.claims import Claimed
from bot.notices.outbox import CONTEXT
from bot.notices.reachability import Channel
from bot.notices.templates import NoticeTemplates
from bot.services.colour_notices import KIND
from bot.store.sealing import KeyRing
from config.settings import read_settings

CHANNEL = "wechat_mini"
TEMPLATE = "bench-template"


def params_of(turn: int) -> dict[str, Any]:
    """What the notice of that turn is about."""
    scheme, (old, new) = _CHANGES[turn % len(_CHANGES)]
    return {"changes": [[scheme, old, "decided", new, "decided"]]}


def make_composer(keys: KeyRing) -> Composer:
    """The product's composer with its own templates."""
    world = make_world(read_settings(), keys)
    templates = NoticeTemplates.load(ROOT / "templates" / "notices", LANGUAGES)
    texts = Texts.load(ROOT / "templates" / "messages")
    return Composer(world, texts, templates, {CHANNEL: {KIND: TEMPLATE}})


def words_of(keys: KeyRing, turns: int) -> list[Mapping[str, str]]:
    """The filled fields of each turn, no two alike."""
    composer, now = make_composer(keys), Clock().now()
    found: list[Mapping[str, str]] = []
    channel = Channel(1, 1, CHANNEL, Way.SUBSCRIPTION, b"", "zh")
    for turn in range(turns):
        notice = Claimed(
            id=1, resident_id=1, person_id=1, account_id=1, kind=KIND,
            params_sealed=keys.seal_json(CONTEXT, params_of(turn)), priority=1, created_at=now, expires_at=now,
            attempts=1, failures=0,
        )  # fmt: skip
        filled = composer.compose(notice, channel)
        assert isinstance(filled, FilledTemplate)
        found.append(dict(filled.fields))
    if len({tuple(fields.items()) for fields in found}) < turns:
        raise ValueError(f"no {turns} different notices can be told apart")
    return found


_SCHEMES = ("hubei", "wuhan", "hangzhou", "guangdong", "guangzhou", "national", "henan", "shandong")
_CHANGES = tuple(product(_SCHEMES, permutations([colour.value for colour in Colour], 2)))
