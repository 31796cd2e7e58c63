"""The text of an assessment as it is stored, character by character as `stored_form` writes it."""

from __future__ import annotations

from typing import Any

import orjson
import polars as pl

from bot.core.columnar.table import Entry, gives_of
from bot.core.columnar.zones import begins_text
from bot.core.model import BY_SEVERITY, Colour, State
from bot.core.rules import REPORT_MISSING, Gives, RuleBook

_COLOURS = [colour.value for colour in BY_SEVERITY]


def json_text(value: Any) -> str:
    """A value as JSON text."""
    return orjson.dumps(value).decode()


def colour_text(severity: pl.Expr) -> pl.Expr:
    """The colour of each severity."""
    return severity.replace_strict(list(range(len(_COLOURS))), _COLOURS, return_dtype=pl.String)


class WholeText:
    """What is around the findings."""

    def __init__(self, scheme: str, book: RuleBook | None) -> None:
        version = None if book is None else book.version
        illustrative = book is not None and book.illustrative
        head = json_text({"scheme": scheme, "version": version, "illustrative": illustrative})
        self._head = f'{head[:-1]},"colour":"'

    def of(self, colour: Colour, state: State, missing: list[str], *, findings: str, dimensions: str) -> str:
        """One text; `findings` without brackets, `dimensions` with braces."""
        return (
            f'{self._head}{colour.value}","state":"{state.value}","missing":{json_text(missing)},'
            f'"findings":[{findings}],"dimensions":{dimensions}}}'
        )

    def column(self) -> pl.Expr:
        """The texts of columns colour, state, missing (JSON), findings and dimensions."""
        return pl.concat_str(
            pl.lit(self._head), "colour", pl.lit('","state":"'), "state", pl.lit('","missing":'), "missing",
            pl.lit(',"findings":['), "findings", pl.lit('],"dimensions":'), "dimensions", pl.lit("}"),
        )  # fmt: skip


def missing_report(book: RuleBook) -> str:
    """The finding of a missing report."""
    given = Gives(at_least=Colour.YELLOW)
    return f"{_head(REPORT_MISSING)}null{_given(book.version, given)}null}}"


class FindingText:
    """The texts of findings, from what is the same for each step of each entry."""

    def __init__(self, entries: list[Entry]) -> None:
        rows = [row for entry in entries if not entry.relieves for row in _parts(entry)]
        schema = {"entry": pl.Int32, "step": pl.Int32} | dict.fromkeys(
            ("head", "given", "days_text", "wanted_text", "tail", "tail_waiting"), pl.String()
        )
        self._parts = pl.DataFrame(rows, schema, orient="row").join(
            gives_of(entries), on=["entry", "step"], maintain_order="left"
        )

    def written(self, findings: pl.DataFrame) -> pl.DataFrame:
        """The findings with what they give and their `text`; they have id, entry, step, zone and the hold's figures."""
        found = findings.join(self._parts, on=["entry", "step"])
        found = found.with_columns(_next_day().alias("day"))
        ends = begins_text(found.filter(pl.col("day").is_not_null()).select("zone", "day"))
        found = found.join(ends, on=["zone", "day"], how="left")
        quoted = '"' + pl.col("anchor").dt.to_string("%Y-%m-%d") + '"'
        hold = pl.concat_str(
            quoted.fill_null("null"), "days_text", ('"' + pl.col("begins") + '"').fill_null("null"), "wanted_text",
            pl.col("have").cast(pl.String), pl.when("waits").then("tail_waiting").otherwise("tail"),
        )  # fmt: skip
        held = pl.when(pl.col("have").is_null()).then(pl.lit("")).otherwise(hold)
        text = pl.concat_str("head", pl.col("id").cast(pl.String), "given", held)
        return found.with_columns(text.alias("text"))


def _next_day() -> pl.Expr:
    return (pl.col("last").to_physical() + 1).cast(pl.Date)


def _head(rule_id: str) -> str:
    return f'{{"rule":{json_text(rule_id)},"fact":'


def _given(version: str, gives: Gives) -> str:
    """What comes between the fact and the hold."""
    given = {
        "version": version,
        "dimension": gives.dimension,
        "points": gives.points,
        "at_least": None if gives.at_least is None else gives.at_least.value,
        "at_most": None if gives.at_most is None else gives.at_most.value,
        "pending": False,
    }
    return f',{json_text(given)[1:-1]},"hold":'


def _parts(entry: Entry) -> list[tuple[object, ...]]:
    rule, version, head = entry.rule, entry.book.version, _head(entry.rule.id)
    if not rule.steps:
        return [(entry.number, 0, head, f"{_given(version, rule.gives)}null}}", "", "", "", "")]
    rows: list[tuple[object, ...]] = []
    for number, step in enumerate(rule.steps):
        hold = step.hold
        tails = [
            f',"consecutive":{json_text(hold.consecutive)},"waits_for":{json_text(waits_for)},'
            f'"step":{number},"steps":{len(rule.steps)}}}}}'
            for waits_for in (None, hold.after)
        ]
        rows.append(
            (
                entry.number, number, head, f'{_given(version, step.gives)}{{"anchor":',
                f',"days":{hold.days},"days_end_at":',
                f',"normal_wanted":{hold.normal_punch_ins},"normal_have":', *tails,
            )
        )  # fmt: skip
    return rows
