"""Reading a rule book: every problem of the file at once, and nothing half read."""

from __future__ import annotations

import re

from bot.core.borders import NO_BORDERS, Borders
from bot.core.model import SEVERITY, Colour
from bot.core.read_rules import read_rules
from bot.core.review import note_unreachable
from bot.core.rules import REPORT_MISSING, BookHistory, Dimension, Report, Rule, RuleBook, RuleBooks
from bot.core.yaml_lines import Problems, Reader, read_yaml

__all__ = ["BookHistory", "InvalidRuleBook", "RuleBook", "RuleBooks", "parse_rulebook"]

DEFAULT_ZONE = "Asia/Shanghai"
REQUIREMENTS = ("identity", "declaration", "home", "report")
"""What a book can demand: a verified identity, a declaration, a home division, a report ever made."""
_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")
_VERSION = re.compile(r"\d{1,5}(\.\d{1,5}){0,3}")
_UNKNOWN_RISK = ("undecided", "medium", "high")


class InvalidRuleBook(ValueError):
    """A rule book has problems; each names its file and line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def parse_rulebook(text: str, name: str, *, borders: Borders = NO_BORDERS) -> RuleBook:
    """The rule book in that text; InvalidRuleBook with all problems at once, as `name:line: problem`.

    `borders` is what its `ask_first` looks up.
    """
    problems = Problems(name)
    document = read_yaml(text, problems)
    if document is None:
        if not problems:
            problems.add(1, "the file is empty")
        raise InvalidRuleBook(problems.lines())
    book = _read_book(Reader(document, problems, "the rule book"), borders)
    if problems:
        raise InvalidRuleBook(problems.lines())
    return book


def _read_book(reader: Reader, borders: Borders) -> RuleBook:
    scheme, version = reader.text("scheme"), reader.text("version")
    if scheme and not _ID.fullmatch(scheme):
        reader.problem(f"not a scheme: {scheme!r}", "scheme")
    if version and not _VERSION.fullmatch(version):
        reader.problem(f"not a version (numbers between dots): {version!r}", "version")
    zone_name = reader.text("zone", DEFAULT_ZONE, required=False)
    valid_from = reader.instant("valid_from", zone_name)
    valid_to = reader.instant("valid_to", zone_name, required=False)
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        reader.problem("'valid_to' is not after 'valid_from'", "valid_to")
    requires = reader.texts("requires", among=REQUIREMENTS)
    if "identity" not in requires:
        reader.problem(
            "'requires' must name identity: a claimed identity is never given a colour", "requires"
        )
    dimensions = _read_dimensions(reader)
    bands = _read_bands(reader, dimensions)
    rules = read_rules(reader, dimensions)
    status, assumed = _read_status(reader)
    unknown_risk, report = _read_unknown_risk(reader, rules), _read_report(reader, rules)
    sources = _read_sources(reader, status)
    book = RuleBook(
        scheme=scheme, version=version, status=status,
        valid_from=valid_from, valid_to=valid_to, requires=requires,
        unknown_risk=unknown_risk, rules=rules, dimensions=dimensions, bands=bands, report=report,
        sources=sources, assumed=assumed, borders=borders,
    ) if valid_from is not None else None  # fmt: skip
    reader.finish()
    if book is None:
        raise InvalidRuleBook(reader.problems.lines())
    note_unreachable(book, reader.problems)
    return book


def _read_status(reader: Reader) -> tuple[str, tuple[str, ...]]:
    status = reader.text("status", among=("published", "illustrative"))
    assumed = reader.texts("assumed", required=status == "illustrative")
    if status == "published" and assumed:
        reader.problem("a published book assumes nothing; it is illustrative", "assumed")
    return status, assumed


def _read_sources(reader: Reader, status: str) -> tuple[dict[str, str], ...]:
    sources = []
    for one in reader.mappings("sources", "a source", required=status == "published"):
        sources.append(
            {
                "says": one.text("says"),
                "found_at": one.text("found_at"),
                "mark": one.text("mark", among=("A", "B", "C")),
            }
        )
        one.finish()
    return tuple(sources)


def _read_dimensions(reader: Reader) -> dict[str, Dimension]:
    found = reader.mapping("dimensions", required=False)
    if found is None:
        return {}
    dimensions = {}
    for name in found.names():
        one = found.mapping(name)
        if name not in ("space", "time", "relation"):
            found.problem(f"unknown dimension {name!r}; there are space, time and relation", name)
        if one is not None:
            dimensions[name] = Dimension(
                name, one.text("combine", among=("max", "sum")), one.number("cap", low=1, required=True)
            )
            one.finish()
    return dimensions


def _read_bands(reader: Reader, dimensions: dict[str, Dimension]) -> dict[Colour, tuple[int, int]]:
    found = reader.mapping("bands", required=bool(dimensions))
    if found is None:
        return {}
    if not dimensions:
        reader.problem("bands without dimensions", "bands")
    bands: dict[Colour, tuple[int, int]] = {}
    expected, highest = 0, sum(one.cap for one in dimensions.values())
    for colour in SEVERITY:
        entries = found.entries(colour.value)
        if not entries:
            continue
        limits = [one.value for one in entries]
        if len(limits) != 2 or not all(isinstance(one, int) and not isinstance(one, bool) for one in limits):
            found.problem(f"the band {colour.value} is not [lowest, highest] in whole points", colour.value)
            continue
        low, high = (int(str(one)) for one in limits)
        if low > high:
            found.problem(f"the band {colour.value} ends ({high}) before it begins ({low})", colour.value)
        elif low < expected:
            found.problem(
                f"the band {colour.value} overlaps: it begins at {low}, not at {expected}", colour.value
            )
        elif low > expected:
            found.problem(f"a gap before the band {colour.value}: {expected} to {low - 1}", colour.value)
        bands[colour] = (low, high)
        expected = high + 1
    if bands and expected != highest + 1:
        found.problem(f"the bands end at {expected - 1}, but the caps add up to {highest}")
    found.finish()
    return bands


def _read_report(reader: Reader, rules: tuple[Rule, ...]) -> Report | None:
    found = reader.mapping("report", required=False)
    if found is None:
        return None
    report = Report(
        valid_days=found.number("valid_days", 1, low=1, high=366, required=True),
        when_missing=found.text("when_missing", "keep", among=("keep", "yellow", "grey")),
        text=found.translations("text"),
    )
    if any(rule.id == REPORT_MISSING for rule in rules):
        found.problem(f"the id {REPORT_MISSING!r} is taken by the report")
    found.finish()
    return report


def _read_unknown_risk(reader: Reader, rules: tuple[Rule, ...]) -> str:
    reads = any(rule.risk is not None for rule in rules)
    if reads or reader.has("unknown_risk"):
        if not reads:
            reader.problem("'unknown_risk', but no rule reads a risk level", "unknown_risk")
        return reader.text("unknown_risk", "undecided", among=_UNKNOWN_RISK)
    return "undecided"
