"""Which findings a rule would ask about first; what the answers do is left to the one-by-one engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from bot.core.asking import STATED
from bot.core.borders import Borders
from bot.core.columnar.table import Entry
from bot.core.facts import FactKind

_STATED_STAYS = (
    pl.col("kind") == FactKind.STAY.value,
    pl.col("source") == STATED,
    pl.col("division").is_not_null(),
)


def asked(
    live: pl.DataFrame, entries: Iterable[Entry], visible: Callable[..., pl.DataFrame]
) -> list[pl.Series]:
    """The rows that may be asked about; `visible` gives all facts that count of some residents."""
    found = []
    for entry in entries:
        asking = entry.rule.ask_first
        if asking is None or entry.relieves:
            continue
        these = live.filter(
            (pl.col("entry") == entry.number) & pl.col("source").is_in(sorted(asking.sources))
        )
        if len(these) and asking.bordering_only:
            said = visible(these["resident_id"].unique(), *_STATED_STAYS)
            these = _next_to_a_stated_place(these, said, entry.book.borders)
        found.append(these["row"])
    return found


def _next_to_a_stated_place(these: pl.DataFrame, stays: pl.DataFrame, borders: Borders) -> pl.DataFrame:
    """Those that border on any of the stays that were declared and known before; perhaps not on the one that counts."""
    said = stays.select(
        "resident_id",
        pl.col("known_at").alias("said_at"),
        pl.col("start").alias("said_of"),
        pl.col("division").alias("said"),
    )
    pairs = (
        these.filter(pl.col("division").is_not_null())
        .join(said, on="resident_id")
        .filter(pl.col("said_at") < pl.col("known_at"), pl.col("said_of") <= pl.col("last_now"))
    )
    places = pairs.select("division", "said").unique()
    near = [borders.between(one, place) for place, one in places.iter_rows()]
    return pairs.join(places.filter(pl.Series(near, dtype=pl.Boolean)), on=["division", "said"])
