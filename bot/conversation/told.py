"""The words of a notice, for whoever delivers it: a channel by itself, the simulator, or the next answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.conversation.texts import Texts
from bot.notices.outbox import CONTEXT
from bot.services.world import World

_COLOURS = frozenset({"green", "yellow", "red", "grey"})


def notice_text(world: World, texts: Texts, language: str, *, kind: str, params_sealed: bytes) -> str:
    """The text of a notice in that language; codes in its parameters become words."""
    params: Mapping[str, Any] = world.keys.open_json(CONTEXT, params_sealed)
    return texts.say(language, f"notice.{kind}", **_worded(world, texts, language, params))


def _worded(world: World, texts: Texts, language: str, params: Mapping[str, Any]) -> dict[str, Any]:
    worded = dict(params)
    scheme = world.schemes.get(str(params.get("scheme", "")))
    if scheme is not None:
        worded["scheme"] = scheme.name[language if language in scheme.name else "zh"]
    for name in ("old", "new"):
        if params.get(name) in _COLOURS:
            worded[name] = texts.say(language, f"notice.{params[name]}")
    return worded
