"""The rule books on disk: `<folder>/<scheme>/<version>/rulebook.yaml`, with cases beside in `cases/*.yaml`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from bot.core.borders import NO_BORDERS, Borders
from bot.core.cases import Case, parse_cases
from bot.core.rulebook import InvalidRuleBook, RuleBook, RuleBooks, parse_rulebook
from bot.core.rules import REPORT_MISSING, version_key
from bot.errors import RuleBookError
from bot.services.world import World

FILE = "rulebook.yaml"

_log = structlog.get_logger("rulebooks")

Key = tuple[str, tuple[int, ...]]
"""A scheme and a version as numbers: 1.0 and 1.00 are one version."""


@dataclass(frozen=True, slots=True)
class BookFile:
    """One rule book as it was read, with the name that messages call it by and a digest of its bytes."""

    name: str
    book: RuleBook
    digest: bytes

    @property
    def key(self) -> Key:
        """What no two files may share."""
        return self.book.scheme, version_key(self.book.version)


def load_rulebooks(folder: Path, borders: Borders = NO_BORDERS) -> RuleBooks:
    """Every version of every scheme's rule book; RuleBookError with the problems of all files if there is one."""
    files, problems = read_folder(folder, borders)
    if problems:
        raise RuleBookError(problems)
    return RuleBooks(one.book for one in files)


def read_folder(folder: Path, borders: Borders) -> tuple[list[BookFile], list[str]]:
    """Every rule book of a folder that can be read, and the problems of all of them as `file:line: problem`."""
    problems: list[str] = []
    files: list[BookFile] = []
    for path in sorted(folder.glob(f"*/*/{FILE}")):
        try:
            files.append(read_book(path, path.relative_to(folder.parent).as_posix(), borders))
        except InvalidRuleBook as error:
            problems.extend(error.problems)
    if not files and not problems:
        problems.append(f"{folder.name}:1: there is no rule book")
    problems.extend(doubles(files))
    return files, problems


def read_book(path: Path, name: str, borders: Borders) -> BookFile:
    """One rule book, which must stand in the folders of its scheme and its version; InvalidRuleBook otherwise."""
    raw, text = read_text(path, name)
    book = parse_rulebook(text, name, borders=borders)
    problems = []
    place = path.resolve().parent
    for what, wanted, got in (
        ("version", place.name, book.version),
        ("scheme", place.parent.name, book.scheme),
    ):
        if wanted != got:
            problems.append(f"{name}:1: the folder says {what} {wanted}, the file says {got}")
    if problems:
        raise InvalidRuleBook(tuple(problems))
    return BookFile(name, book, hashlib.sha256(raw).digest())


def doubles(files: Collection[BookFile]) -> Iterator[str]:
    """Two files with one version of one scheme, which no clock can choose between."""
    seen: dict[Key, str] = {}
    for one in files:
        first = seen.setdefault(one.key, one.name)
        if first is not one.name:
            yield f"{one.name}:1: two rule books {one.book.scheme} {one.book.version}; the other is {first}"


def load_cases(folder: Path, book: RuleBook) -> Iterator[tuple[str, Case]]:
    """Each case beside that rule book, with `file:line`; RuleBookError if a file of cases can't be read."""
    for path in case_files(folder / book.scheme / book.version):
        name = path.relative_to(folder.parent).as_posix()
        try:
            cases = parse_cases(read_text(path, name)[1], name)
        except InvalidRuleBook as error:
            raise RuleBookError(error.problems) from error
        for case in cases:
            if not has_rule(book, case.rule):
                raise RuleBookError([f"{name}:1: {book.scheme} {book.version} has no rule {case.rule!r}"])
            yield f"{name}:{case.line}", case


def case_files(version_folder: Path) -> list[Path]:
    """The files of cases beside a rule book."""
    return sorted((version_folder / "cases").glob("*.yaml"))


def has_rule(book: RuleBook, rule_id: str) -> bool:
    """Whether cases may be about that id: a rule, or the absence of a report where the book has one."""
    return rule_id in book.by_id or (book.report is not None and rule_id == REPORT_MISSING)


def read_text(path: Path, name: str) -> tuple[bytes, str]:
    """The bytes of a file and their text; InvalidRuleBook if there is none."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidRuleBook((f"{name}:1: can't be read ({type(error).__name__})",)) from error
    try:
        return raw, raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InvalidRuleBook((f"{name}:{line}: not UTF-8: save the file with that encoding",)) from error


def is_confirmed(book: RuleBook, confirmed: Collection[str]) -> bool:
    """Whether that version is among the confirmed ones, each written `scheme/version` as in the setting."""
    return f"{book.scheme}/{book.version}" in confirmed


def allowed(rulebooks: RuleBooks, confirmed: Collection[str]) -> RuleBooks:
    """What production may judge by: published books, and illustrative ones that their authority confirmed."""
    return RuleBooks(book for book in rulebooks if not book.illustrative or is_confirmed(book, confirmed))


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What reading anew came to: the schemes whose rules changed, or what was wrong, in which case nothing did."""

    schemes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Shelf:
    """The rule books in use: read anew as a whole or not at all, so that the last good ones stay.

    A version in use can't be edited, and one that has judged can't be taken away. `confirmed` is the setting
    that production demands for illustrative books; None lets every book judge. Borders stay as given.
    """

    def __init__(self, folder: Path, borders: Borders, *, confirmed: Collection[str] | None) -> None:
        self.problems: tuple[str, ...] = ()
        self._folder = folder
        self._borders = borders
        self._confirmed = confirmed
        self._in_use: Mapping[Key, BookFile] = {}
        self._reading = asyncio.Lock()

    def open(self) -> RuleBooks:
        """Read for the first time; RuleBookError with all problems, because there is nothing good to keep."""
        found, problems = read_folder(self._folder, self._borders)
        if problems:
            raise RuleBookError(problems)
        self._in_use = self._that_may_judge(found)
        return self._books()

    async def reload(self, world: World, *, now: datetime) -> Reloaded:
        """Read all anew: on success the world judges by it, otherwise `problems` say why it doesn't."""
        async with self._reading:
            found, problems = await asyncio.to_thread(read_folder, self._folder, self._borders)
            problems.extend(self._refusals(found, problems, now))
            self.problems = tuple(problems)
            if problems:
                _log.error("rule books kept", action="rulebooks_keep", problems=problems)
                return Reloaded(problems=self.problems)
            return self._put_in_use(world, self._that_may_judge(found))

    def _put_in_use(self, world: World, found: Mapping[Key, BookFile]) -> Reloaded:
        changed = {scheme for scheme, _ in found.keys() ^ self._in_use.keys()}
        if changed:
            # an unchanged version stays the same object, by which rule books are compared
            self._in_use = {key: self._in_use.get(key, one) for key, one in found.items()}
            world.rulebooks = self._books()
        schemes = tuple(one.id for one in world.schemes if one.rulebook in changed)
        _log.info("rule books read", action="rulebooks_read", schemes=schemes)
        return Reloaded(schemes)

    def _that_may_judge(self, files: Collection[BookFile]) -> dict[Key, BookFile]:
        return {
            one.key: one
            for one in files
            if self._confirmed is None or not one.book.illustrative or is_confirmed(one.book, self._confirmed)
        }

    def _books(self) -> RuleBooks:
        return RuleBooks(one.book for one in self._in_use.values())

    def _refusals(
        self, files: Collection[BookFile], problems: Collection[str], now: datetime
    ) -> Iterator[str]:
        """What may not be done to versions in use."""
        found = {one.key: one for one in files}
        unread = tuple(problems)
        for key, old in self._in_use.items():
            what = f"{old.book.scheme} {old.book.version}"
            new = found.get(key)
            if new is not None and new.digest != old.digest:
                yield (
                    f"{new.name}:1: {what} is in use and can't be changed: put its text back, "
                    f"and publish the change as a higher version"
                )
            elif new is None and old.book.valid_from <= now and not _is_told_of(old, unread):
                yield f"{old.name}:1: {what} is gone, but it has judged, and holds go on by it: put it back"


def _is_told_of(one: BookFile, problems: Collection[str]) -> bool:
    return any(problem.startswith(f"{one.name}:") for problem in problems)
