"""The division file and its codes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding import Places, padded, unpadded
from bot.conversation.understanding.divisions import read_rows
from bot.conversation.understanding.places import DEFAULT_PATH
from bot.errors import DataError

PLACES = Places.load()


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("659012", "新疆维吾尔自治区白杨市"),
        ("540481", "西藏自治区林芝市米林市"),
        ("540581", "西藏自治区山南市错那市"),
        ("653228", "新疆维吾尔自治区和田地区和康县"),
        ("653229", "新疆维吾尔自治区和田地区和安县"),
        ("420102", "湖北省武汉市江岸区"),
        ("110105", "北京市朝阳区"),
        ("429004", "湖北省仙桃市"),
        ("420100", "湖北省武汉市"),
        ("42", "湖北省"),
        ("710000", "台湾省"),
        ("330103", "浙江省杭州市下城区"),
        ("999999", ""),
    ],
)
def test_a_code_has_its_full_name(code: str, name: str) -> None:
    assert PLACES.name(code) == name


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("42", "420000"),
        ("4201", "420100"),
        ("420102", "420102"),
        ("420102003", "420102003"),
        ("420102003001", "420102003001"),
    ],
)
def test_padding_is_added_and_taken_away(stored: str, shown: str) -> None:
    assert padded(stored) == shown
    assert unpadded(shown) == stored
    assert unpadded(stored) == stored


def test_codes_of_twelve_digits_lose_all_their_padding() -> None:
    assert unpadded("420000000000") == "42"
    assert unpadded("420102000000") == "420102"
    assert unpadded("420102003000") == "420102003"


@given(st.text())
def test_padding_of_anything_raises_nothing(text: str) -> None:
    assert unpadded(unpadded(text)) == unpadded(text)


def test_a_retired_code_is_known_with_its_time() -> None:
    assert PLACES.known("330103")
    assert PLACES.known("330103", date(2020, 2, 20))
    assert not PLACES.known("330103", date(2022, 2, 20))
    assert not PLACES.known("330113", date(2020, 2, 20))
    assert not PLACES.known("123456")
    assert [row.name for row in PLACES.history("130502")] == ["桥东区", "襄都区"]


def test_a_renamed_code_has_the_name_of_the_day() -> None:
    assert PLACES.name("130502", at=date(2019, 6, 1)) == "河北省邢台市桥东区"
    assert PLACES.name("130502") == "河北省邢台市襄都区"


def test_divisions_know_what_is_above_and_below_them() -> None:
    city = PLACES.parent("420102")
    assert city is not None
    assert city.code == "4201"
    assert "420102" in [row.code for row in PLACES.children("420100")]
    assert PLACES.parent("42") is None
    assert PLACES.parent("999999") is None
    assert len(PLACES.children()) == 34
    assert PLACES.children("330103") == ()


def test_every_row_has_a_level_a_parent_and_months_in_order() -> None:
    rows, data_date = read_rows(DEFAULT_PATH)

    codes = {row.code for row in rows}
    assert data_date == "2026-06"
    assert sum(not row.valid_to for row in rows) > 3200
    for row in rows:
        assert row.level == {2: "province", 4: "prefecture", 6: "county"}[len(row.code)]
        assert (row.parent in codes and row.code.startswith(row.parent)) if row.parent else len(row.code) == 2
        assert not row.valid_to or row.valid_from < row.valid_to


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"columns": ["code"], "data_date": "2026-06", "rows": []}']
)
def test_a_file_that_is_no_division_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "divisions.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=r"divisions\.json"):
        Places.load(path)


def test_a_missing_division_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"divisions\.json"):
        Places.load(tmp_path / "divisions.json")
