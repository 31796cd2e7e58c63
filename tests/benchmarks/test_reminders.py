"""The benchmark of reminders has the people that it says, and sees what isn't kept."""

from __future__ import annotations

from benchmarks.reminders import SLOT, Measured, render
from benchmarks.reminders_seed import COLUMNS, chunks, due_of


def test_four_of_five_people_are_to_be_reminded_and_hold_six_codes() -> None:
    (rows,) = chunks(1_000, SLOT)
    assert due_of(1_000) == 800
    assert {table: len(of_table) for table, of_table in rows.items()} == {
        "accounts": 1_000, "residents": 1_000, "account_residents": 1_000, "health_codes": 6_000,
    }  # fmt: skip
    assert all(len(row) == len(COLUMNS[table]) for table, of_table in rows.items() for row in of_table)
    assert len({row[0] for row in rows["residents"]}) == 1_000


def test_figures_of_reminders_say_what_was_not_kept() -> None:
    good = Measured(written=800, ours=[5.0, 6.0], yardstick=[1.0, 1.0], peak_mb=200, quarter_mb=190)
    assert "NOT KEPT" not in render({"sqlite": good})
    slow = Measured(written=800, ours=[7.0], yardstick=[1.0], peak_mb=301)
    assert render({"sqlite": slow}).count("NOT KEPT") == 2
