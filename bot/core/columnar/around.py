"""Conditions that count a resident's other facts: visits, codes together, another source."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from bot.core.asking import LOCATIONS
from bot.core.columnar.dates import last_day
from bot.core.columnar.table import Alternative
from bot.core.columnar.values import details_of
from bot.core.facts import FactKind

_OTHER = "_other"
_LOCATIONS = {kind.value for kind in LOCATIONS}
READS = ("visits", "codes_together", "corroborated")


def meets_around(
    found: pl.DataFrame, alternatives: list[Alternative], visible: Callable[..., pl.DataFrame]
) -> pl.DataFrame:
    """The candidates that meet such conditions too; `visible` gives all facts that count of some residents."""
    asking = [one for one in alternatives if any(one.dynamic(reads) for reads in READS)]
    numbers = [one.number for one in asking]
    of_these = pl.col("alternative").is_in(numbers)
    if not asking or found.filter(of_these).is_empty():
        return found
    kept = [found.filter(~of_these)]
    kinds = sorted({kind for one in asking for kind in one.entry.rule.kinds} | _LOCATIONS)
    others = visible(found.filter(of_these)["resident_id"].unique(), pl.col("kind").is_in(kinds))
    others = others.rename({name: f"{name}{_OTHER}" for name in others.columns if name != "resident_id"})
    for one in asking:
        candidates = found.filter(pl.col("alternative") == one.number)
        for reads in READS:
            for condition in one.dynamic(reads):
                least = (condition.bounds or (0, 0))[0]
                candidates = _meets(candidates, one, others, reads, least)
        kept.append(candidates)
    return pl.concat(kept)


def _meets(
    candidates: pl.DataFrame, one: Alternative, others: pl.DataFrame, reads: str, least: int
) -> pl.DataFrame:
    if candidates.is_empty():
        return candidates
    pairs = candidates.join(others, on="resident_id").filter(
        pl.col("held").not_() | (pl.col("known_at_other") <= pl.col("known_at"))
    )
    met = _COUNTING[reads](pairs, one, least)
    return candidates.join(met, on=["resident_id", "id"], how="semi")


def _visits(pairs: pl.DataFrame, one: Alternative, least: int) -> pl.DataFrame:
    """Facts of these kinds on so many days in the same county."""
    county, other = (pl.col(name).fill_null("").str.head(6) for name in ("division", "division_other"))
    return (
        pairs.filter(pl.col("kind_other").is_in(one.entry.rule.kinds) & (county == other))
        .group_by("resident_id", "id")
        .agg(pl.col("start_other").n_unique().alias("count"))
        .filter(pl.col("count") >= least)
    )


def _codes_together(pairs: pl.DataFrame, one: Alternative, least: int) -> pl.DataFrame:
    """So many different symptoms on the day of this one."""
    texts = pairs["details_other"].unique()
    codes = [details_of(text).get("code") for text in texts]
    named = pl.DataFrame({"details_other": texts, "code": pl.Series(codes, dtype=pl.String)})
    return (
        pairs.filter(
            (pl.col("kind_other") == FactKind.SYMPTOM.value) & (pl.col("start_other") == pl.col("start"))
        )
        .join(named, on="details_other")
        .group_by("resident_id", "id")
        .agg(pl.col("code").drop_nulls().n_unique().alias("count"))
        .filter(pl.col("count") >= least)
    )


def _corroborated(pairs: pl.DataFrame, one: Alternative, least: int) -> pl.DataFrame:
    """Another source puts the resident into the same prefecture on one of the fact's days."""
    prefecture, other = (pl.col(name).str.head(4) for name in ("division", "division_other"))
    held = pl.col("held")
    own_last = pl.when(held).then("last_then").otherwise("last_now")
    then = last_day(pl.col("known_day"), suffix=_OTHER)
    other_last = pl.when(held).then(then).otherwise(pl.col("last_now_other"))
    return pairs.filter(
        (pl.col("id_other") != pl.col("id"))
        & pl.col("kind_other").is_in(sorted(_LOCATIONS))
        & (pl.col("source_other") != pl.col("source"))
        & (prefecture == other)
        & (pl.col("start_other") <= own_last)
        & (other_last >= pl.col("start"))
    )


_COUNTING: Mapping[str, Callable[[pl.DataFrame, Alternative, int], pl.DataFrame]] = {
    "visits": _visits,
    "codes_together": _codes_together,
    "corroborated": _corroborated,
}
