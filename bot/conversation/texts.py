"""Every word that residents read: one YAML file per conversation and language under `templates/messages/`.

A text is a Jinja2 template found by `<file>.<key>`. All languages must have the same keys and use the same
names; a missing or misspelt one stops the start instead of a conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template, TemplateError, meta

from bot.errors import TextsError

LANGUAGES = ("zh", "en")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ENVIRONMENT = Environment(
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701 - plain text, never HTML
)


class Texts:
    """The compiled texts of every language."""

    def __init__(self, templates: Mapping[str, Mapping[str, Template]]) -> None:
        self._templates = templates

    @classmethod
    def load(cls, folder: Path) -> Texts:
        """Read and compare all languages; TextsError lists every problem with its file."""
        problems: list[str] = []
        sources = {language: _read(folder / language, problems) for language in LANGUAGES}
        _compare(sources, problems)
        if problems:
            raise TextsError(problems)
        return cls(
            {
                language: {key: _compiled(text) for key, text in texts.items()}
                for language, texts in sources.items()
            }
        )

    def say(self, language: str, key: str, **params: Any) -> str:
        """The text in that language, Chinese where the language is unknown, without blank edges."""
        templates = self._templates.get(language) or self._templates["zh"]
        return templates[key].render(params).strip("\n")

    def has(self, key: str) -> bool:
        return key in self._templates["zh"]

    def keys(self) -> frozenset[str]:
        return frozenset(self._templates["zh"])


# The same words give the same template: who makes the service a second time, as tests do, doesn't wait for it again.


@cache
def _compiled(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)


@cache
def _names_in(text: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(text)))


@cache
def _content(text: str) -> Any:
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - the safe loader, in C where that is there


def _read(folder: Path, problems: list[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            content = _content(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            problems.append(f"{folder.name}/{path.name}: not YAML: {getattr(error, 'problem_mark', '')}")
            continue
        for key, text in (content or {}).items():
            if not isinstance(text, str):
                problems.append(f"{folder.name}/{path.name}: {key} is not a text")
                continue
            texts[f"{path.stem}.{key}"] = text
    return texts


def _compare(sources: Mapping[str, dict[str, str]], problems: list[str]) -> None:
    everything = {key for texts in sources.values() for key in texts}
    for key in sorted(everything):
        names: dict[str, frozenset[str]] = {}
        for language, texts in sources.items():
            if key not in texts:
                problems.append(f"{language}: {key} is missing")
                continue
            try:
                names[language] = _names_in(texts[key])
            except TemplateError as error:
                problems.append(f"{language}: {key}: {error}")
        if len(set(names.values())) > 1:
            shown = "; ".join(f"{language} {sorted(each)}" for language, each in names.items())
            problems.append(f"{key}: languages use different names: {shown}")
