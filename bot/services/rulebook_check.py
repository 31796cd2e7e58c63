"""Checks rule books where they lie, for those who write them: every problem of every file, and what all cases say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.core.assess import Assessment, assess
from bot.core.borders import Borders
from bot.core.cases import SITUATIONS, Case, parse_cases
from bot.core.review import doubtful, overlaps
from bot.core.rulebook import InvalidRuleBook, RuleBook
from bot.core.rules import REPORT_MISSING, BookHistory
from bot.core.yaml_lines import Entry, Problems, nearest, read_yaml
from bot.services.rulebooks import FILE, BookFile, case_files, doubles, has_rule, read_book, read_text

LONGEST = {"zh": 80, "en": 180}
"""Letters of a rule's text: the why-card has room for so many."""
_LEVELS = ("", "*/", "*/*/")
WANTED = SITUATIONS[:4]
_PLACED = re.compile(r"(.*?):(\d+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CheckedBook:
    """One line of the summary."""

    scheme: str
    version: str
    status: str
    valid_from: datetime
    valid_to: datetime | None
    rules: int
    cases: int


@dataclass(slots=True)
class Checked:
    """What a check found: the books that could be read, and all problems as `file:line: problem`."""

    books: list[CheckedBook] = field(default_factory=list)
    files: list[BookFile] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Every problem once, by file and line."""
        return sorted(set(self.found), key=_place)


def check_rulebooks(path: Path, borders: Borders) -> Checked:
    """Check a rule book, all versions of a scheme or a folder of rule books, with the cases beside them."""
    checked = Checked()
    for book in _find(path, checked.found):
        _check_one(book, borders, checked)
    checked.found.extend(doubles(checked.files))
    schemes: dict[str, list[BookFile]] = {}
    for one in checked.files:
        schemes.setdefault(one.book.scheme, []).append(one)
    for files in schemes.values():
        checked.found.extend(_overlaps(files))
    return checked


def read_history(path: Path, borders: Borders) -> tuple[BookHistory | None, list[str]]:
    """All versions of the one scheme at that path; None and the problems if they can't be read."""
    problems: list[str] = []
    books = []
    for one in _find(path, problems):
        try:
            books.append(read_book(one, one.as_posix(), borders).book)
        except InvalidRuleBook as error:
            problems.extend(error.problems)
    schemes = {book.scheme for book in books}
    if len(schemes) > 1:
        problems.append(f"{path.as_posix()}:1: more than one scheme: {', '.join(sorted(schemes))}")
    return (None if problems or not books else BookHistory(books[0].scheme, books)), problems


def _find(path: Path, problems: list[str]) -> list[Path]:
    """The files of rule books at that path, which may be one, or a folder up to two levels above one."""
    shown = path.as_posix()
    if not path.exists():
        problems.append(f"{shown}:1: there is no such file or folder")
        return []
    if path.is_file():
        if path.name != FILE:
            problems.append(f"{shown}:1: a rule book is called {FILE}: give that file, or its folder")
            return []
        return [path]
    found = [one for level in _LEVELS for one in sorted(path.glob(f"{level}{FILE}"))]
    if not found:
        problems.append(f"{shown}:1: there is no {FILE} here: it stands in <scheme>/<version>/{FILE}")
    for level in _LEVELS:
        for one in path.glob(f"{level}rulebook.yml"):
            problems.append(f"{one.as_posix()}:1: not read: call it {FILE}")
        for one in path.glob(f"{level}cases"):
            if one.is_dir() and not (one.parent / FILE).exists():
                problems.append(f"{one.parent.as_posix()}:1: there are cases, but no {FILE} beside them")
    return found


def _check_one(path: Path, borders: Borders, checked: Checked) -> None:
    name = path.as_posix()
    file: BookFile | None = None
    try:
        file = read_book(path, name, borders)
    except InvalidRuleBook as error:
        checked.found.extend(error.problems)
    cases = list(_read_cases(path.parent, checked.found))
    for odd in sorted((path.parent / "cases").glob("*.yml")):
        checked.found.append(f"{odd.as_posix()}:1: not read: its name must end in .yaml")
    if file is None:
        return
    checked.files.append(file)
    book, lines = file.book, Lines(path)
    for place, case in cases:
        checked.found.extend(_problems_of(case, place, book))
    checked.found.extend(f"{name}:{line}: {problem}" for line, problem in _texts(book, lines))
    checked.found.extend(f"{name}:{lines.of('dimensions', 'bands')}: {problem}" for problem in doubtful(book))
    checked.found.extend(f"{name}:{line}: {problem}" for line, problem in _uncovered(book, cases))
    checked.books.append(
        CheckedBook(
            book.scheme,
            book.version,
            book.status,
            book.valid_from,
            book.valid_to,
            len(book.rules),
            len(cases),
        )
    )


def _read_cases(folder: Path, problems: list[str]) -> Iterator[tuple[Path, Case]]:
    for path in case_files(folder):
        try:
            for case in parse_cases(read_text(path, path.as_posix())[1], path.as_posix()):
                yield path, case
        except InvalidRuleBook as error:
            problems.extend(error.problems)


def _problems_of(case: Case, path: Path, book: RuleBook) -> Iterator[str]:
    """What a case says that isn't so: about a rule that there isn't, or another result than comes out."""
    if not has_rule(book, case.rule):
        line = Lines(path).of("rule")
        yield (
            f"{path.as_posix()}:{line}: {book.scheme} {book.version} has no rule {case.rule!r}"
            f"{nearest(case.rule, book.by_id)}"
        )
        return
    wrong = [one.removeprefix(f"{case.name}: ") for one in case.problems(book)]
    if wrong:
        seen = assess(case.person, book, case.risk, case.at)
        yield (
            f"{path.as_posix()}:{case.line}: the case {case.name!r} ({case.situation}) comes out otherwise: "
            f"{'; '.join(wrong)} ({_what_was_found(seen)})"
        )


def _what_was_found(seen: Assessment) -> str:
    if seen.missing:
        return f"missing: {', '.join(seen.missing)}"
    if not seen.findings:
        return "no rule was met"
    found = []
    for one in seen.findings:
        effect = (
            f"at least {one.at_least}" if one.at_least
            else f"at most {one.at_most}" if one.at_most
            else f"{one.points} points in {one.dimension}"
        )  # fmt: skip
        until = f", held to {one.hold_until}" if one.hold_until else ""
        found.append(f"{one.rule_id}: {effect}{until}")
    return f"found: {'; '.join(found)}"


def _texts(book: RuleBook, lines: Lines) -> Iterator[tuple[int, str]]:
    """Texts that a phone has no room for, or that the English reader can't read."""
    texts: list[tuple[tuple[str | int, ...], str, dict[str, str]]] = [
        (("rules", number, "text"), f"of {rule.id!r}", dict(rule.text))
        for number, rule in enumerate(book.rules)
    ]
    if book.report is not None:
        texts.append((("report", "text"), "of the report", dict(book.report.text)))
    for place, whose, text in texts:
        for language, longest in LONGEST.items():
            if len(text[language]) > longest:
                yield (
                    lines.at(*place, language),
                    f"the text {whose} in {language!r} has {len(text[language])} letters; there is room for {longest}",
                )
        if any(ord(letter) > 0x2FF and letter != "°" for letter in text["en"]):
            yield lines.at(*place, "en"), f"the text {whose} in 'en' is not in English letters only"


def _uncovered(book: RuleBook, cases: Sequence[tuple[Path, Case]]) -> Iterator[tuple[int, str]]:
    """Rules without a case for each of the four situations."""
    seen = {(case.rule, case.situation) for _, case in cases}
    wanted = {rule.id: rule.line for rule in book.rules}
    if book.report is not None and book.report.when_missing != "keep":
        wanted[REPORT_MISSING] = 1
    for rule, line in wanted.items():
        missing = [one for one in WANTED if (rule, one) not in seen]
        if len(missing) == len(WANTED):
            yield line, f"{rule!r} has no case: write cases/{rule}.yaml with one each for {', '.join(WANTED)}"
        elif missing:
            yield line, f"{rule!r} has no case for: {', '.join(missing)}"


def _overlaps(files: Sequence[BookFile]) -> Iterator[str]:
    """What surprises in the validity of a scheme's versions; nothing if two of them are the same one."""
    if len({one.key for one in files}) < len(files):
        return
    names = {id(one.book): one.name for one in files}
    for book, problem in overlaps([one.book for one in files]):
        yield f"{names[id(book)]}:{Lines(Path(names[id(book)])).of('valid_from')}: {problem}"


class Lines:
    """On which lines the keys of a file stand."""

    def __init__(self, path: Path) -> None:
        self._document = read_yaml(path.read_text(encoding="utf-8"), Problems(path.name)) or Entry({}, 1)

    def of(self, *keys: str) -> int:
        """The line of the first of these keys that is there."""
        mapped = self._document.value if isinstance(self._document.value, dict) else {}
        return next((self.at(key) for key in keys if key in mapped), 1)

    def at(self, *path: str | int) -> int:
        """The line of what stands there, or of the last step towards it that is there."""
        here = self._document
        for step in path:
            value = here.value
            inside = step in value if isinstance(value, dict) else isinstance(value, list)
            if not inside or (isinstance(value, list) and (not isinstance(step, int) or step >= len(value))):
                break
            here = value[step]  # type: ignore[index]  # a mapping or a list, as seen above
        return here.line


def _place(problem: str) -> tuple[str, int, str]:
    found = _PLACED.match(problem)
    return (problem, 0, "") if found is None else (found[1], int(found[2]), found[3])
