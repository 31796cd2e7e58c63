"""Figures as a table, ratios with their range, and what the service promises beside what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.rig import Figures, median, ratio

Measured = list[Figures]

MEMORY_LIMIT_MB = 150
COLUMNS = (
    ("messages", "messages", "{:.0f}"),
    ("a second", "throughput", "{:.0f}"),
    ("p50 ms", "p50_ms", "{:.1f}"),
    ("p99 ms", "p99_ms", "{:.1f}"),
    ("max ms", "max_ms", "{:.1f}"),
    ("server CPU us", "server_cpu_us", "{:.0f}"),
    ("load CPU us", "generator_cpu_us", "{:.0f}"),
    ("peak MB", "peak_mb", "{:.0f}"),
    ("after MB", "resident_mb", "{:.0f}"),
)


@dataclass(frozen=True, slots=True)
class Promise:
    """A ratio of the service's throughput: what it must reach, and what the project wants."""

    other: str
    must: float
    goal: float


PROMISES = (Promise("floor", 0.25, 0.5), Promise("peer", 1.2, 2.5))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The service against one other: medians of the rounds' ratios, and their range."""

    other: str
    throughput: float
    throughput_low: float
    throughput_high: float
    cpu: float
    cpu_low: float
    cpu_high: float
    must: float
    goal: float


def compare(measured: Mapping[str, Measured]) -> list[Comparison]:
    """Those comparisons for which both sides were measured."""
    lines = []
    for promise in PROMISES:
        if "product" not in measured or promise.other not in measured:
            continue
        ours, theirs = measured["product"], measured[promise.other]
        speed, cpu = ratio(ours, theirs, "throughput"), ratio(ours, theirs, "server_cpu_us")
        lines.append(
            Comparison(
                other=promise.other,
                throughput=speed.middle,
                throughput_low=speed.low,
                throughput_high=speed.high,
                cpu=cpu.middle,
                cpu_low=cpu.low,
                cpu_high=cpu.high,
                must=promise.must,
                goal=promise.goal,
            )
        )
    return lines


def _standing(value: float, must: float, goal: float) -> str:
    if value >= goal:
        return f"goal {goal} reached"
    return f"must {must} reached, goal {goal} not yet" if value >= must else f"MUST {must} NOT REACHED"


def _table(measured: Mapping[str, Measured]) -> list[str]:
    rows = [["", *(title for title, _, _ in COLUMNS)]]
    for name, rounds in measured.items():
        middle = median(rounds)
        rows.append([name, *(form.format(getattr(middle, field)) for _, field, form in COLUMNS)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def render(measured: Mapping[str, Measured]) -> str:
    """The table of medians, the ratios, and the memory, as plain text."""
    lines = _table(measured)
    for line in compare(measured):
        lines.append(
            f"product/{line.other}: throughput {line.throughput:.2f} "
            f"({line.throughput_low:.2f}-{line.throughput_high:.2f}; "
            f"{_standing(line.throughput, line.must, line.goal)}), "
            f"server CPU per message {line.cpu:.2f} ({line.cpu_low:.2f}-{line.cpu_high:.2f})"
        )
    if "product" in measured:
        used = median(measured["product"]).resident_mb
        verdict = "kept" if used < MEMORY_LIMIT_MB else "NOT KEPT"
        lines.append(f"memory of the product after the run: {used:.0f} MB, limit {MEMORY_LIMIT_MB} {verdict}")
    return "\n".join(lines)
