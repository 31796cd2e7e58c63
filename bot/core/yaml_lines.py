"""YAML with line numbers, and a reader that collects every problem of a file before it gives up."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from difflib import get_close_matches

import yaml

from bot.core.days import begins

UNREADABLE = object()
"""Stands for a value that has already been refused, so that nobody calls it missing as well."""
_WRONG_COLON = "a full-width colon (：) after the key: write : and a space"
_FULL_WIDTH = re.compile(r"\s*(?:-\s+)*[A-Za-z_]+：")


class Entry:
    """One value of a file with the line on which it stands."""

    __slots__ = ("line", "value")

    def __init__(self, value: object, line: int) -> None:
        self.value = value
        self.line = line


Mapped = dict[str, Entry]


class Problems:
    """The problems of one file, in the order of its lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._found: list[tuple[int, str]] = []

    def add(self, line: int, problem: str) -> None:
        """Note one problem of one line."""
        if (line, problem) not in self._found:
            self._found.append((line, problem))

    def __bool__(self) -> bool:
        return bool(self._found)

    def numbers(self) -> frozenset[int]:
        """The lines that have a problem."""
        return frozenset(line for line, _ in self._found)

    def lines(self) -> tuple[str, ...]:
        """Each problem as `file:line: problem`."""
        return tuple(f"{self.name}:{line}: {problem}" for line, problem in sorted(self._found))


def read_yaml(text: str, problems: Problems) -> Entry | None:
    """The document in that text; None, with a problem noted, if it isn't one."""
    try:
        node = _compose(text)
        return None if node is None else _entry(node, problems, depth=0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(1 if mark is None else mark.line + 1, f"not YAML: {error.problem or error.context}")
        _note_typing_slips(text, problems)
    except (yaml.YAMLError, ValueError) as error:
        problems.add(1, f"not YAML: {error}")
    return None


def _compose(text: str) -> yaml.Node | None:
    """The parser in C where it was built takes a fifth of the time; the one in Python explains errors better."""
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError):
        return yaml.compose(text, Loader=yaml.SafeLoader)


def _note_typing_slips(text: str, problems: Problems) -> None:
    """What a keyboard set to Chinese, or the tabulator key, puts into a file that isn't YAML for it."""
    for number, line in enumerate(text.splitlines(), start=1):
        if _FULL_WIDTH.match(line):
            problems.add(number, _WRONG_COLON)
        if "\t" in line[: len(line) - len(line.lstrip())]:
            problems.add(number, "a tab at the beginning of the line: use spaces")


def _entry(node: yaml.Node, problems: Problems, depth: int) -> Entry:
    line = node.start_mark.line + 1
    if depth > 20:
        raise ValueError("nested too deeply")
    if isinstance(node, yaml.MappingNode):
        mapped: Mapped = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in mapped:
                problems.add(key_node.start_mark.line + 1, f"{key!r} is there twice")
            if "：" in key:
                problems.add(key_node.start_mark.line + 1, _WRONG_COLON)
            value = _entry(value_node, problems, depth + 1)
            mapped[key] = Entry(value.value, key_node.start_mark.line + 1)
        return Entry(mapped, line)
    if isinstance(node, yaml.SequenceNode):
        found = [_entry(one, problems, depth + 1) for one in node.value]
        return Entry([one for one in found if one.value is not UNREADABLE], line)
    return Entry(_scalar(node, problems, line), line)


def _scalar(node: yaml.Node, problems: Problems, line: int) -> object:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        problems.add(line, f"not a value: {str(node.value)!r} ({error})")
        return UNREADABLE
    finally:
        loader.dispose()


def _slip(value: object) -> str:
    return (
        "; a full-width colon (：)? Write : and a space" if isinstance(value, str) and "：" in value else ""
    )


def nearest(word: str, known: Collection[str]) -> str:
    """`; did you mean …?` with the known word that looks most like it; empty if none does."""
    meant = _meant(word, known)
    return f"; did you mean {meant!r}?" if meant else ""


def _meant(word: str, known: Collection[str]) -> str:
    """The known word that looks most like it: what is read on with, so that one slip doesn't cause others."""
    return next(iter(get_close_matches(word, sorted(known), n=1, cutoff=0.6)), "")


def _no_text(value: object) -> str:
    """What to do about a value that YAML reads as something else than a text."""
    if isinstance(value, bool):
        return f"{value!r} is read as {'yes' if value else 'no'}: write it between quotes"
    if isinstance(value, int | float | date):
        return (
            f"{value} is read as a {'day' if isinstance(value, date) else 'number'}: write it between quotes"
        )
    if isinstance(value, dict):
        return "it is a mapping (a text with ': ' in it goes between quotes)"
    return "it is a list" if isinstance(value, list) else "it is empty"


class Reader:
    """One mapping of a file: takes typed values out of it, notes what is wrong, and what was never asked for."""

    def __init__(self, entry: Entry, problems: Problems, what: str) -> None:
        self.line = entry.line
        self.problems = problems
        self.what = what
        self._asked: set[str] = set()
        self._known: set[str] = set()
        self._is_none = False
        if isinstance(entry.value, dict):
            self._mapped: Mapped = entry.value
        else:
            self._mapped = {}
            self.problem(f"{what} is not a mapping{_slip(entry.value)}")
            self._is_none = True

    def problem(self, problem: str, key: str | None = None) -> None:
        """Note a problem on the line of that key, or of this mapping; of what is no mapping there is but one."""
        if self._is_none:
            return
        self.problems.add(self.line_of(key), problem)

    def line_of(self, key: str | None) -> int:
        """The line of that key; that of the mapping if it isn't there."""
        return self._mapped[key].line if key is not None and key in self._mapped else self.line

    def has(self, key: str) -> bool:
        """Whether that key is there."""
        self._known.add(key)
        return key in self._mapped

    def names(self) -> Iterator[str]:
        """All keys, in order."""
        return iter(self._mapped)

    def entry(self, key: str, *, required: bool = True) -> Entry | None:
        """The raw value of that key; an empty value counts as missing."""
        self._asked.add(key)
        found = self._mapped.get(key)
        if found is not None and found.value is UNREADABLE:
            return None
        if found is None or found.value is None:
            if required:
                self.problem(f"{self.what} has no {key!r}", key)
            return None
        return found

    def text(
        self, key: str, default: str = "", *, required: bool = True, among: Collection[str] | None = None
    ) -> str:
        """A text that isn't empty; one of `among` if given."""
        found = self.entry(key, required=required)
        if found is None:
            return default
        if not isinstance(found.value, str) or not found.value.strip():
            self.problems.add(found.line, f"{key!r} is not a text: {_no_text(found.value)}")
            return default
        if among is not None and found.value not in among:
            choices = ", ".join(among) or "none"
            self.problems.add(
                found.line, f"{key!r} is {found.value!r}, not one of {choices}{nearest(found.value, among)}"
            )
            return _meant(found.value, among) or default
        return found.value.strip()

    def number(
        self, key: str, default: int = 0, *, low: int = 0, high: int = 10**6, required: bool = False
    ) -> int:
        """A whole number within the bounds."""
        found = self.entry(key, required=required)
        if found is None:
            return default
        value = found.value
        if not isinstance(value, int) or isinstance(value, bool):
            self.problems.add(found.line, f"{key!r} is not a whole number: {value!r}")
            return default
        if not low <= value <= high:
            self.problems.add(found.line, f"{key!r} is not within {low} to {high}: {value}")
            return default
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        found = self.entry(key, required=False)
        if found is None:
            return default
        if not isinstance(found.value, bool):
            self.problems.add(found.line, f"{key!r} is neither true nor false: {found.value!r}")
            return default
        return found.value

    def instant(self, key: str, zone_name: str, *, required: bool = True) -> datetime | None:
        """An instant in UTC: a day (its beginning in the zone), or an instant with its offset."""
        found = self.entry(key, required=required)
        if found is None:
            return None
        value = found.value
        if isinstance(value, datetime):
            if value.tzinfo is not None:
                return value.astimezone(UTC)
        elif isinstance(value, date):
            try:
                return begins(value, zone_name)
            except ValueError as error:
                self.problem(str(error), "zone")
                return None
        self.problems.add(found.line, f"{key!r} is neither a day nor an instant with an offset: {value!r}")
        return None

    def day(self, key: str, *, required: bool = True) -> date | None:
        """A calendar day."""
        found = self.entry(key, required=required)
        if found is None:
            return None
        if isinstance(found.value, date) and not isinstance(found.value, datetime):
            return found.value
        self.problems.add(found.line, f"{key!r} is not a day: {found.value!r}")
        return None

    def entries(self, key: str, *, required: bool = True) -> list[Entry]:
        """The entries of a list; a single value counts as a list of one."""
        found = self.entry(key, required=required)
        if found is None:
            return []
        if isinstance(found.value, list):
            if required and not found.value:
                self.problem(f"{key!r} is empty", key)
            return found.value
        return [found]

    def texts(
        self, key: str, *, required: bool = True, among: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """A list of texts, without repetition."""
        found: list[str] = []
        for one in self.entries(key, required=required):
            if not isinstance(one.value, str) or not one.value.strip():
                self.problems.add(one.line, f"in {key!r}: not a text: {_no_text(one.value)}")
            elif among is not None and one.value not in among:
                choices, meant = ", ".join(among), _meant(one.value, among)
                found.extend([meant] if meant and meant not in found else [])
                self.problems.add(
                    one.line, f"in {key!r}: {one.value!r} is not one of {choices}{nearest(one.value, among)}"
                )
            elif one.value in found:
                self.problems.add(one.line, f"in {key!r}: {one.value!r} is there twice")
            else:
                found.append(one.value)
        return tuple(found)

    def mapping(self, key: str, *, required: bool = True) -> Reader | None:
        """A reader of the mapping under that key; None if it is missing."""
        found = self.entry(key, required=required)
        return None if found is None else Reader(found, self.problems, f"{key!r}")

    def mappings(self, key: str, what: str, *, required: bool = True) -> list[Reader]:
        """A reader for each mapping of the list under that key."""
        return [Reader(one, self.problems, what) for one in self.entries(key, required=required)]

    def translations(self, key: str, languages: Collection[str] = ("zh", "en")) -> dict[str, str]:
        """A text in every language, each required."""
        found = self.mapping(key)
        if found is None:
            return {}
        texts = {language: found.text(language) for language in languages}
        found.finish()
        return texts

    def finish(self) -> None:
        """Note every key that nobody asked for, with the one that may have been meant."""
        free = (self._asked | self._known) - self._mapped.keys()
        for key in self._mapped:
            if key not in self._asked:
                self.problem(f"unknown key {key!r} in {self.what}{nearest(key, free)}", key)
