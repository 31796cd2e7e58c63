"""Puts a copy of somebody's data into words: labels for columns, names for codes, local times for instants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.clock import zone
from bot.conversation.turn import Tools
from bot.conversation.words import degrees, scheme_in

_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "colour": ("codes.",),
    "old_colour": ("codes.",),
    "new_colour": ("codes.",),
    "symptoms": ("punch_in.symptom_",),
    "source": ("why.source_",),
    "kind": ("why.kind_", "reachable.kind_", "my_copy.value_"),
    "code": ("punch_in.symptom_",),
    "channel": ("notice.on_",),
    "actor_kind": ("help.actor_",),
    "action": ("help.action_",),
    "origin": ("notice.on_",),
}
_MINUTES = frozenset({"quiet_from", "quiet_until", "reminder_minute"})
_INSTANT_LENGTH = len("2020-02-20T09:00")
_MINUTES_OF_HOUR = 60


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels with what stands under each."""

    pairs: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """Several of the same."""

    items: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One section of the page."""

    title: str
    entries: tuple[Pairs, ...]


def worded(tools: Tools, copy: Mapping[str, Any], *, language: str, zone_name: str) -> dict[str, Any]:
    """What the template of the page wants."""
    words = _Words(tools, language, zone_name)
    sections = tuple(
        Shown(words.say(f"my_copy.section_{name}"), tuple(words.pairs(row) for row in rows))
        for name, rows in copy["sections"].items()
    )
    return {
        "say": words.say,
        "language": language,
        "made_at": words.scalar("made_at", copy["made_at"]),
        "sections": sections,
    }


class _Words:
    """The words of one language and zone."""

    def __init__(self, tools: Tools, language: str, zone_name: str) -> None:
        self._tools = tools
        self._language = language
        self._zone = zone(zone_name)

    def say(self, key: str, **params: Any) -> str:
        return self._tools.texts.say(self._language, key, **params)

    def pairs(self, row: Mapping[str, Any]) -> Pairs:
        """A row, without what is empty; an assessment becomes the rules that it met."""
        found = []
        for name, value in row.items():
            if value in (None, "", [], {}):
                continue
            if name == "assessment":
                rules = self._rules(str(row.get("scheme", "")), value)
                if rules:
                    found.append((self._label("because"), Items(tuple(rules))))
                continue
            found.append((self._label(name), self._value(name, value)))
        return Pairs(tuple(found))

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.pairs(value)
        if isinstance(value, Sequence) and not isinstance(value, str):
            shown = tuple(self._value(name, each) for each in value)
            plain = [each for each in shown if isinstance(each, str)]
            return ", ".join(plain) if len(plain) == len(shown) else Items(shown)
        return self.scalar(name, value)

    def scalar(self, name: str, value: Any) -> str:
        """One value: a code by its name, an instant on the resident's clock, a temperature in degrees."""
        if isinstance(value, bool):
            return self.say("my_data.yes" if value else "my_data.no")
        special = _SPECIAL.get(name)
        if special is not None:
            return special(self, value)
        if name in _MINUTES and isinstance(value, int):
            return f"{value // _MINUTES_OF_HOUR:02d}:{value % _MINUTES_OF_HOUR:02d}"
        if not isinstance(value, str):
            return "" if value is None else str(value)
        return self._instant(value) or self._code(name, value)

    def _instant(self, value: str) -> str:
        if len(value) < _INSTANT_LENGTH or value[10:11] != "T":
            return ""
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return ""
        return "" if at.tzinfo is None else f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def _code(self, name: str, value: str) -> str:
        for prefix in (*_PREFIXES.get(name, ()), "my_copy.value_"):
            if self._tools.texts.has(prefix + value):
                return self.say(prefix + value)
        return value

    def _label(self, name: str) -> str:
        key = f"my_copy.col_{name}"
        return self.say(key) if self._tools.texts.has(key) else name

    def _rules(self, scheme: str, assessment: Mapping[str, Any]) -> list[str]:
        """The rules that were met, in the words of the version that judged."""
        history = self._tools.world.books(scheme)
        versions = () if history is None else history.versions
        found = []
        for finding in assessment.get("findings", ()):
            rule_id = str(finding.get("rule", finding.get("rule_id", "")))
            text = next((book.by_id[rule_id].text for book in versions if rule_id in book.by_id), {})
            found.append(text.get(self._language) or text.get("zh") or rule_id)
        return [each for each in dict.fromkeys(found) if each]

    def scheme(self, value: Any) -> str:
        return scheme_in(self._tools.world.schemes, self._language, str(value))

    def place(self, value: Any) -> str:
        """The name of the county with the code, which goes deeper."""
        name = self._tools.places.name(str(value)[:6].ljust(6, "0"), self._language)
        return f"{name} ({value})" if name else str(value)


_SPECIAL: Mapping[str, Callable[[_Words, Any], str]] = {
    "temperature_tenths": lambda words, value: (
        f"{degrees(value)} °C" if isinstance(value, int) else str(value)
    ),
    "scheme": _Words.scheme,
    "schemes": _Words.scheme,
    "division": _Words.place,
    "scope": lambda words, value: (
        words.place(value) if str(value).isdigit() else words._code("scope", str(value))
    ),
    "place": _Words.place,
}
