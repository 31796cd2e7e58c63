"""A rule book in words: a head and one row a rule, for a terminal or a page to lay out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from bot.core.days import zone
from bot.core.facts import KINDS, Ending
from bot.core.rulebook import DEFAULT_ZONE
from bot.core.rules import REPORT_MISSING, Condition, Gives, Hold, Report, Rule, RuleBook, Step

NamePlace = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: what it looks at, what it gives, how long that lasts and what ends it, and what residents read."""

    rule: str
    looks_at: str
    gives: str
    lasts: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A rule book in words: labelled lines, the titles of the columns and the rows."""

    head: tuple[tuple[str, tuple[str, ...]], ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


class Words:
    """The words of one language, by section and key."""

    def __init__(self, language: str, sections: Mapping[str, Mapping[str, str]]) -> None:
        self.language = language
        self.sections = sections

    @classmethod
    def load(cls, folder: Path, language: str) -> Words:
        """The words in that folder's file of the language."""
        return cls(language, yaml.safe_load((folder / f"{language}.yaml").read_text(encoding="utf-8")))

    def of(self, section: str, key: str) -> str:
        """The word for a key; the key itself for what a book makes up."""
        return self.sections[section].get(key, key)

    def say(self, phrase: str, **parts: object) -> str:
        """A phrase with its parts filled in; a `count` of one may have a phrase of its own."""
        phrases = self.sections["phrases"]
        one = f"{phrase}_one"
        return phrases[one if parts.get("count") == 1 and one in phrases else phrase].format(**parts)

    def either(self, words: Iterable[str]) -> str:
        """Several of which one is enough."""
        return self.sections["phrases"]["or"].join(words)

    def rules(self, ids: Iterable[str], *, either: bool = False) -> str:
        """The ids of several rules."""
        return self.sections["phrases"]["or_rule" if either else "and_rule"].join(ids)

    def both(self, words: Iterable[str]) -> str:
        """Several which all hold; empty ones left out."""
        return self.sections["phrases"]["and"].join(one for one in words if one)


def describe(book: RuleBook, words: Words, place: NamePlace = str) -> Table:
    """The whole book in words; `place` gives the name of a division code."""
    writer = _Writer(book, words, place)
    rows = [writer.row(rule) for rule in book.rules]
    if book.report is not None:
        rows.append(writer.report(book.report))
    titles = tuple(words.of("columns", one) for one in ("rule", "looks_at", "gives", "lasts", "text"))
    return Table(tuple(_head(book, words)), titles, tuple(rows))


def _head(book: RuleBook, words: Words) -> Iterable[tuple[str, tuple[str, ...]]]:
    lines = {
        "scheme": (book.scheme,),
        "version": (book.version,),
        "valid": (_validity(book, words),),
        "status": (words.of("status", book.status),),
        "requires": (words.both(words.of("requires", one) for one in book.requires),),
        "unknown_risk": (words.of("unknown_risk", book.unknown_risk),)
        if any(rule.risk is not None for rule in book.rules)
        else (),
        "dimensions": tuple(
            words.say(
                "cap",
                name=words.of("dimensions", one.name),
                cap=one.cap,
                combine=words.of("combine", one.combine),
            )
            for one in book.dimensions.values()
        ),
        "bands": tuple(
            words.say("band", colour=words.of("colours", colour), low=low, high=high)
            for colour, (low, high) in book.bands.items()
        ),
        "sources": tuple(words.say("source_line", **one) for one in book.sources),
        "assumed": book.assumed,
    }
    return ((words.of("head", key), found) for key, found in lines.items() if found)


def _validity(book: RuleBook, words: Words) -> str:
    def shown(instant: datetime) -> str:
        return instant.astimezone(zone(DEFAULT_ZONE)).strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")

    if book.valid_to is None:
        return words.say("from", start=shown(book.valid_from))
    return words.say("from_to", start=shown(book.valid_from), end=shown(book.valid_to))


class _Writer:
    """Puts the rules of one book into words."""

    def __init__(self, book: RuleBook, words: Words, place: NamePlace) -> None:
        self._book = book
        self._words = words
        self._place = place

    def row(self, rule: Rule) -> Row:
        return Row(
            rule.id,
            self._looks_at(rule),
            self._relieves(rule) if rule.exonerating else self._effect(rule),
            self._lasts(rule),
            rule.text[self._words.language],
        )

    def report(self, report: Report) -> Row:
        """The row of what a missing report does."""
        words = self._words
        return Row(
            REPORT_MISSING,
            words.say("report", days=report.valid_days),
            words.of("missing", report.when_missing),
            "" if report.when_missing == "keep" else words.say("report_lasts"),
            report.text[words.language],
        )

    def _looks_at(self, rule: Rule) -> str:
        words = self._words
        alternatives = [
            words.both(self._condition(one, rule) for one in alternative) for alternative in rule.when
        ]
        return words.both(
            (
                words.either(words.of("kinds", kind) for kind in rule.kinds),
                words.sections["phrases"]["otherwise"].join(alternatives),
                ""
                if rule.risk is None
                else words.say(
                    "risk",
                    levels=words.either(
                        words.of("risk", one) for one in words.sections["risk"] if one in rule.risk
                    ),
                ),
            )
        )

    def _condition(self, one: Condition, rule: Rule) -> str:
        words = self._words
        accepted = sorted(map(str, one.accepted))
        match one.reads:
            case "division" | "not_division":
                return words.say(one.reads, places=words.either(self._place(code) for code in accepted))
            case "source":
                return words.say("source", sources=words.either(accepted))
            case "days":
                return words.say("days", days=self._range(one.bounds, (1, 36500)))
            case "rows_apart":
                return words.say("rows_apart", rows=self._range(one.bounds, (0, 200)))
            case "visits" | "codes_together":
                return words.say(one.reads, count=(one.bounds or (1, 0))[0])
            case "corroborated" | "minor" | "same_carriage":
                phrase = words.say(one.reads)
                return phrase if one.wanted else words.say("not", what=phrase)
            case _:
                return self._detail(one, rule, accepted)

    def _detail(self, one: Condition, rule: Rule, accepted: list[str]) -> str:
        words = self._words
        what = words.of("details", one.reads)
        if accepted:
            return words.say("is", what=what, value=words.either(self._value(one, each) for each in accepted))
        field = KINDS[rule.kinds[0]].fields[one.reads]
        if one.bounds is not None:
            tenths = one.reads.endswith("_tenths")
            return words.say("is", what=what, value=self._range(one.bounds, field.bounds, tenths=tenths))
        return what if one.wanted else words.say("not", what=what)

    def _value(self, one: Condition, value: str) -> str:
        """A word can mean another thing in another detail."""
        own = f"{one.reads}_{value}"
        return self._words.of("values", own if own in self._words.sections["values"] else value)

    def _range(
        self, bounds: tuple[int, int] | None, possible: tuple[int, int] | None, *, tenths: bool = False
    ) -> str:
        words = self._words
        low, high = bounds or (0, 0)
        lowest, highest = possible or (low - 1, high + 1)

        def shown(value: int) -> str:
            return f"{value // 10}.{value % 10} °C" if tenths else str(value)

        if low == high:
            return words.say("exactly", value=shown(low))
        if high >= highest:
            return words.say("any") if low <= lowest else words.say("at_least", value=shown(low))
        if low <= lowest:
            return words.say("at_most", value=shown(high))
        return words.say("between", low=shown(low), high=shown(high))

    def _gives(self, gives: Gives) -> str:
        words = self._words
        if gives.at_least is not None:
            return words.say("colour_at_least", colour=words.of("colours", gives.at_least))
        if gives.at_most is not None:
            return words.say("colour_at_most", colour=words.of("colours", gives.at_most))
        if gives.dimension is not None:
            return words.say("points", points=gives.points, dimension=words.of("dimensions", gives.dimension))
        return ""

    def _effect(self, rule: Rule) -> str:
        """What an incriminating rule gives, step by step, and while it is asked about."""
        words = self._words
        steps = rule.steps or (Step(rule.gives, Hold()),)
        found = self._gives(steps[0].gives)
        for step in steps[1:]:
            found += words.say("then", gives=self._gives(step.gives))
        asking = rule.ask_first
        if asking is None:
            return found
        asked = words.say(
            "asked",
            sources=words.either(sorted(asking.sources)),
            bordering=words.say("bordering") if asking.bordering_only else "",
            gives=self._gives(asking.gives),
            days=asking.days,
        )
        return words.both((found, asked))

    def _relieves(self, rule: Rule) -> str:
        """What an exonerating rule caps, ends or lets begin."""
        words = self._words
        waiting = [
            one.id for one in self._book.rules if any(step.hold.after == rule.id for step in one.steps)
        ]
        return words.both(
            (
                self._gives(rule.gives),
                words.say("ends", rules=words.rules(rule.ends)) if rule.ends else "",
                words.say("starts", rules=words.rules(waiting)) if waiting else "",
            )
        )

    def _lasts(self, rule: Rule) -> str:
        words = self._words
        if rule.exonerating:
            return words.both((self._enough(rule), self._window(rule), self._own_end(rule)))
        enders = [one.id for one in self._book.enders.get(rule.id, ())]
        return words.both(
            (
                self._steps(rule.steps),
                self._window(rule),
                self._own_end(rule),
                words.say("ended_by", rules=words.rules(enders, either=True)) if enders else "",
                words.say("its_source") if rule.only_its_source else "",
            )
        )

    def _enough(self, rule: Rule) -> str:
        enough, words = rule.enough, self._words
        if enough.count == 1:
            return ""
        return words.both(
            (
                words.say("enough", count=enough.count),
                words.say("apart", hours=enough.hours_apart) if enough.hours_apart else "",
                words.say("within", days=enough.within_days) if enough.within_days else "",
            )
        )

    def _own_end(self, rule: Rule) -> str:
        """Facts that say themselves how long they count."""
        if rule.steps or rule.window is not None or (rule.exonerating and rule.gives.at_most is None):
            return ""
        endings = {KINDS[kind].ending for kind in rule.kinds}
        return self._words.say("to_its_end") if endings & {Ending.OPEN, Ending.FORBIDDEN} else ""

    def _window(self, rule: Rule) -> str:
        window, words = rule.window, self._words
        if window is None:
            return ""
        anchor = words.of("days_of", window.since)
        if window.last is None:
            return words.say("window_open", first=window.first, anchor=anchor)
        return words.say("window", first=window.first, last=window.last, anchor=anchor)

    def _steps(self, steps: tuple[Step, ...]) -> str:
        words = self._words
        held = [self._hold(step.hold) for step in steps]
        if len(held) < 2:
            return "".join(held)
        return " ".join(
            words.say("step", number=number, what=one) for number, one in enumerate(held, start=1)
        )

    def _hold(self, hold: Hold) -> str:
        words = self._words
        anchor = words.of("days_of", hold.anchor)
        count = words.say("consecutive" if hold.consecutive else "total", count=hold.normal_punch_ins)
        if hold.after is not None:
            phrase = "hold_after" if hold.days else "hold_relief"
            days = words.say(phrase, rule=hold.after, days=hold.days)
        else:
            days = words.say("hold_days" if hold.days else "hold_no_days", count=hold.days, anchor=anchor)
        return words.both((days, count if hold.normal_punch_ins else ""))
