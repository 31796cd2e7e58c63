"""The platforms' templates: for each channel and kind of notice the fields with their words in every language.

`templates/notices/<channel>.yaml` is kind -> `page` and `fields` (field -> language -> Jinja2 text). Everything that such
a text can say is known beforehand, so each is rendered at the start with every sample of its kind and held against
the platform's rules: a field that would be refused stops the start instead of a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template, TemplateError

from bot.channels.field_rules import LONGEST_THING, problem_of
from bot.errors import TextsError
from bot.notices.kinds import KINDS

Params = Mapping[str, Any]
Samples = Mapping[str, Mapping[str, Iterable[Params]]]
"""Kind -> language -> everything that a notice of that kind can be about, in that language's words."""


@dataclass(frozen=True, slots=True)
class NoticeTemplate:
    """One kind of notice on one channel. `fields` is language -> field -> text."""

    page: str
    fields: Mapping[str, Mapping[str, Template]]

    def fill(self, language: str, params: Params) -> dict[str, str]:
        """Every field with its words in that language, Chinese where it has none."""
        texts = self.fields.get(language) or self.fields["zh"]
        return {name: text.render(params).strip() for name, text in texts.items()}


class NoticeTemplates:
    """The templates of every channel; TextsError lists every problem with its file."""

    def __init__(self, channels: Mapping[str, Mapping[str, NoticeTemplate]]) -> None:
        self._channels = channels

    @classmethod
    def load(cls, folder: Path, languages: Iterable[str]) -> NoticeTemplates:
        environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - plain text
        environment.filters["cut"] = cut
        problems: list[str] = []
        channels = {
            path.stem: _read(path, environment, tuple(languages), problems)
            for path in sorted(folder.glob("*.yaml"))
        }
        if problems:
            raise TextsError(problems)
        return cls(channels)

    def get(self, channel: str, kind: str) -> NoticeTemplate | None:
        return self._channels.get(channel, {}).get(kind)

    def kinds(self, channel: str) -> frozenset[str]:
        """The kinds of notice that have words for that channel's templates."""
        return frozenset(self._channels.get(channel, {}))

    def check(self, samples: Samples) -> None:
        """Render every template with every sample, and refuse what its platform would."""
        problems: list[str] = []
        for channel, kinds in self._channels.items():
            for kind, template in kinds.items():
                for language in template.fields:
                    for params in samples.get(kind, {}).get(language, ()):
                        problems += _refused(channel, kind, language, template, params)
        if problems:
            raise TextsError(list(dict.fromkeys(problems)))


def cut(text: str, longest: int = LONGEST_THING) -> str:
    """The text in at most that many characters; an ellipsis says that there was more."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _refused(
    channel: str, kind: str, language: str, template: NoticeTemplate, params: Params
) -> Iterable[str]:
    place = f"notices/{channel}.yaml: {kind}"
    try:
        filled = template.fill(language, params)
    except TemplateError as error:
        yield f"{place}: {language}: {error}"
        return
    for field, value in filled.items():
        problem = problem_of(channel, field, value)
        if problem is not None:
            yield f"{place}.{field}: {language}: {value!r} {problem}"


def _read(
    path: Path, environment: Environment, languages: tuple[str, ...], problems: list[str]
) -> dict[str, NoticeTemplate]:
    place = f"notices/{path.name}"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        problems.append(f"{place}: not YAML: {getattr(error, 'problem_mark', '')}")
        return {}
    found = {}
    for kind, described in content.items():
        if kind not in KINDS:
            problems.append(f"{place}: {kind} is no kind of notice")
        elif (
            not isinstance(described, dict) or set(described) != {"page", "fields"} or not described["fields"]
        ):
            problems.append(f"{place}: {kind} needs `page` and `fields`, and nothing else")
        else:
            fields = _fields(f"{place}: {kind}", described["fields"], environment, languages, problems)
            found[kind] = NoticeTemplate(str(described["page"]), fields)
    return found


def _fields(
    place: str,
    described: Mapping[str, Any],
    environment: Environment,
    languages: tuple[str, ...],
    problems: list[str],
) -> dict[str, dict[str, Template]]:
    fields: dict[str, dict[str, Template]] = {language: {} for language in languages}
    for name, texts in described.items():
        if not isinstance(texts, dict) or set(texts) != set(languages):
            problems.append(f"{place}.{name} needs a text for each of {', '.join(languages)}")
            continue
        for language, text in texts.items():
            try:
                fields[language][name] = environment.from_string(str(text))
            except TemplateError as error:
                problems.append(f"{place}.{name}: {language}: {error}")
    return fields
