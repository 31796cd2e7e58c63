"""What the findings of each resident come to: points of each dimension, and a colour."""

from __future__ import annotations

from functools import reduce

import orjson
import polars as pl

from bot.core.columnar.table import Table
from bot.core.model import SEVERITY
from bot.core.rules import Dimension

GREEN, YELLOW, RED = range(3)


class Scores:
    """Severity and dimensions of one scheme, from findings with dimension, points, at_least, at_most and firm."""

    def __init__(self, table: Table) -> None:
        self._book = table.book
        self._ways: dict[str, Dimension | None] = dict(table.book.dimensions)
        for book in table.books.versions:
            for name, way in book.dimensions.items():
                self._ways.setdefault(name, way)
        for entry in table.entries:
            for gives in (entry.rule.gives, *(step.gives for step in entry.rule.steps)):
                if gives.dimension is not None:
                    self._ways.setdefault(gives.dimension, None)

    def totals(self, findings: pl.DataFrame) -> pl.DataFrame:
        """A row for each resident: `severity` and, as JSON text, `findings` and `dimensions`.

        `findings` has index, id (of the fact), version, and text (their JSON).
        """
        unbound = pl.col("at_least").is_null()
        points = [_points(name).alias(name) for name in self._ways]
        found = (
            findings.lazy()
            .sort("resident_id", "index", "id", "version")
            .select(
                "resident_id", "text",
                pl.when(~pl.col("firm")).then("at_least").alias("worst"),
                pl.when("firm").then("at_least").alias("firm"),
                pl.when(unbound).then("at_most").alias("cap"),
                (unbound & pl.col("at_most").is_null()).alias("counts"),
                *points,
            )
            .group_by("resident_id", maintain_order=True)
            .agg(
                pl.col("text").str.join(",").alias("findings"),
                pl.col("worst", "firm").max(),
                pl.col("cap").min(),
                pl.col("counts").max(),
                *(_combined(name, way) for name, way in self._ways.items()),
            )
            .with_columns(
                pl.col("worst", "firm").fill_null(GREEN),
                pl.col("cap").fill_null(RED),
                *(_capped(name, way) for name, way in self._ways.items()),
            )
            .collect()
        )  # fmt: skip
        return found.select(
            "resident_id", "findings", self._severity().alias("severity"), "worst", "firm", "cap",
            self._dimensions(findings, found).alias("dimensions"),
        )  # fmt: skip

    def none(self) -> str:
        """The dimensions of somebody without findings, as JSON text."""
        return orjson.dumps(dict.fromkeys(self._book.dimensions, 0)).decode()

    def _severity(self) -> pl.Expr:
        """The colour by category and by points, within the cap; and what nothing caps."""
        band: pl.Expr = pl.lit(GREEN, pl.Int8)
        total: pl.Expr = pl.sum_horizontal(*self._ways) if self._ways else pl.lit(0, pl.Int64)
        for colour, (lowest, _) in self._book.bands.items():
            reached = pl.when(total >= lowest).then(pl.lit(SEVERITY[colour], pl.Int8)).otherwise(GREEN)
            band = pl.max_horizontal(band, reached.cast(pl.Int8))
        by_points = pl.when("counts").then(band).otherwise(GREEN)
        worst = pl.max_horizontal("worst", by_points.cast(pl.Int8))
        return pl.max_horizontal(pl.min_horizontal(worst, "cap"), "firm").cast(pl.Int8)

    def _dimensions(self, findings: pl.DataFrame, found: pl.DataFrame) -> pl.Expr:
        parts: list[pl.Expr] = []
        for number, name in enumerate(self._book.dimensions):
            key = orjson.dumps(name).decode()
            parts += [pl.lit(f"{',' if number else '{'}{key}:"), pl.col(name).cast(pl.String)]
        older = [name for name in self._ways if name not in self._book.dimensions]
        if older and len(found):
            parts.append(self._older(findings, found, older))
        return pl.concat_str(*parts, pl.lit("}")) if self._book.dimensions else self._only_older(parts)

    def _only_older(self, parts: list[pl.Expr]) -> pl.Expr:
        """Without a comma before the first."""
        return pl.concat_str(pl.lit("{"), *(part.str.strip_prefix(",") for part in parts), pl.lit("}"))

    def _older(self, findings: pl.DataFrame, found: pl.DataFrame, older: list[str]) -> pl.Expr:
        """Dimensions that only an older version knows, where it found something, in the order of the findings."""
        ordered = findings.sort("resident_id", "index", "id", "version")
        named = (
            ordered.filter(pl.col("dimension").is_in(older))
            .unique(["resident_id", "dimension"], keep="first", maintain_order=True)
            .join(found.select("resident_id", *older), on="resident_id", maintain_order="left")
        )
        score = reduce(
            lambda chain, name: pl.when(pl.col("dimension") == name).then(pl.col(name)).otherwise(chain),
            older,
            pl.lit(0, pl.Int64),
        )
        texts = (
            named.select(
                "resident_id", pl.concat_str(pl.lit(',"'), "dimension", pl.lit('":'), score.cast(pl.String)).alias("older")
            )
            .group_by("resident_id", maintain_order=True)
            .agg(pl.col("older").str.join(""))
        )  # fmt: skip
        column = found.select("resident_id").join(texts, on="resident_id", how="left", maintain_order="left")
        return pl.lit(column["older"].fill_null(""))


def _points(name: str) -> pl.Expr:
    """The points of the findings of one dimension, none where they are of another."""
    return pl.when(pl.col("dimension") == name).then("points").otherwise(0)


def _combined(name: str, way: Dimension | None) -> pl.Expr:
    return pl.col(name).sum() if way is not None and way.combine == "sum" else pl.col(name).max()


def _capped(name: str, way: Dimension | None) -> pl.Expr:
    capped = pl.col(name) if way is None else pl.min_horizontal(name, pl.lit(way.cap, pl.Int64))
    return capped.cast(pl.Int64)
