"""Which divisions border on each other, by province and, where it is known, by prefecture."""

import pytest

from bot.core.borders import NO_BORDERS, Borders

BORDERS = Borders({"42": ["36", "41"], "33": ["36"]}, {"4211": ["3604", "4201"], "4201": []})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("360402", "421127", True),
        ("421127", "360402", True),
        ("4211", "4201", True),
        ("360402", "420106", False),
        ("3601", "4211", False),
        ("3604", "41", False),
        ("33", "3604", True),
        ("330106", "420106", False),
        ("330106", "4205", False),
        ("3604", "3601", False),
        ("420106", "420107", False),
        ("42", "42", False),
        ("42", "360402", True),
    ],
)
def test_border_is_found_from_either_side(one: str, other: str, expected: bool) -> None:
    assert BORDERS.between(one, other) is expected
    assert BORDERS.between(other, one) is expected


def test_without_a_table_nothing_borders_on_anything() -> None:
    assert not NO_BORDERS.between("360402", "421127")
