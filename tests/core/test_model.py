"""The risk map: longest known prefix, latest statement, what was known when."""

from datetime import UTC, date, datetime

import pytest

from bot.core.model import RiskEntry, RiskMap

FIRST = date(2020, 2, 1)
EARLY = datetime(2020, 2, 1, tzinfo=UTC)
LATE = datetime(2020, 2, 10, tzinfo=UTC)


def test_the_longest_known_prefix_decides() -> None:
    risk = RiskMap(
        [RiskEntry("42", FIRST, None, "medium", EARLY), RiskEntry("420106", FIRST, None, "high", EARLY)]
    )
    assert risk.level("420106003", FIRST) == "high"
    assert risk.level("420107", FIRST) == "medium"
    assert risk.level("42", FIRST) == "medium"


def test_an_unknown_risk_level_is_not_low() -> None:
    risk = RiskMap([RiskEntry("4201", FIRST, date(2020, 2, 5), "high", EARLY)])
    assert risk.level("4401", FIRST) is None
    assert risk.level("4201", date(2020, 2, 5)) == "high"
    assert risk.level("4201", date(2020, 2, 6)) is None
    assert risk.level("4201", date(2020, 1, 31)) is None
    assert RiskMap().level("4201", FIRST) is None


def test_the_latest_statement_known_by_then_wins() -> None:
    risk = RiskMap([RiskEntry("42", FIRST, None, "low", LATE), RiskEntry("42", FIRST, None, "high", EARLY)])
    assert risk.level("42", FIRST, EARLY) == "high"
    assert risk.level("42", FIRST, LATE) == "low"
    assert risk.level("42", FIRST) == "low"


def test_a_level_taken_back_falls_to_the_shorter_prefix() -> None:
    risk = RiskMap(
        [
            RiskEntry("42", FIRST, None, "medium", EARLY),
            RiskEntry("4201", FIRST, None, "high", EARLY),
            RiskEntry("4201", FIRST, None, None, LATE),
        ]
    )
    assert risk.level("420106", FIRST, EARLY) == "high"
    assert risk.level("420106", FIRST, LATE) == "medium"


def test_the_first_level_known_later_is_found() -> None:
    before = datetime(2020, 1, 1, tzinfo=UTC)
    risk = RiskMap([RiskEntry("42", FIRST, None, "low", LATE), RiskEntry("4201", FIRST, None, "high", EARLY)])
    assert risk.first_level("420106", FIRST, before, LATE) == "high"
    assert risk.first_level("420106", FIRST, EARLY, LATE) == "low"
    assert risk.first_level("420106", FIRST, before, before) is None
    assert risk.first_level("33", FIRST, before, LATE) is None


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (RiskEntry("42", FIRST, None, "huge", EARLY), "unknown risk level"),
        (RiskEntry("42", FIRST, date(2020, 1, 1), "low", EARLY), "ends before it starts"),
        (RiskEntry("42", FIRST, None, "low", datetime(2020, 2, 1)), "no zone"),  # noqa: DTZ001
    ],
)
def test_a_wrong_risk_entry_is_refused(entry: RiskEntry, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        RiskMap([entry])
