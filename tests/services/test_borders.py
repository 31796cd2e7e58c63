"""The shipped table of borders, and tables that must be refused."""

from pathlib import Path

import pytest

from bot.core.borders import Borders
from bot.errors import BordersError
from bot.services.borders import FILE, load_borders

FOLDER = Path(__file__).parents[2] / "config" / "divisions"
PROVINCES = (
    *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42"),
    *("43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82"),
)
HUBEI = (
    *("4201", "4202", "4203", "4205", "4206", "4207", "4208", "4209", "4210", "4211", "4212", "4213", "4228"),
    "4290",
)


def load(folder: Path, text: str) -> Borders:
    (folder / FILE).write_text(text, encoding="utf-8")
    return load_borders(folder)


def test_every_province_has_its_borders() -> None:
    borders = load_borders(FOLDER)
    alone = [one for one in PROVINCES if not any(borders.between(one, other) for other in PROVINCES)]
    assert alone == []


def test_every_prefecture_of_hubei_borders_on_another() -> None:
    borders = load_borders(FOLDER)
    assert all(any(borders.between(one, other) for other in HUBEI) for one in HUBEI)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("360402", "421127", True),  # Jiujiang and Huangmei
        ("340826", "421127", True),  # Susong and Huangmei
        ("411503", "421381", True),  # Xinyang and Guangshui
        ("430602", "421223", True),  # Yueyang and Chongyang
        ("500112", "422801", True),  # Chongqing and Enshi
        ("360102", "420106", False),  # Nanchang and Wuhan
        ("330106", "420106", False),  # Hangzhou and Wuhan
        ("330802", "361102", True),  # Quzhou and Shangrao: their provinces border on each other
    ],
)
def test_places_around_hubei_are_told_apart(one: str, other: str, expected: bool) -> None:
    assert load_borders(FOLDER).between(one, other) is expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "divisions/borders.yaml:1: the file is empty"),
        ("provinces: {'42': ['36']}", "1: the file of borders has no 'prefectures'"),
        (
            "provinces: {'42': ['3604']}\nprefectures: {}",
            "borders.yaml:1: not a division code of 2 digits: '3604'",
        ),
        ("provinces: {}\nprefectures:\n  '42ab': []", "3: not a division code of 4 digits: '42ab'"),
        ("provinces: {'42': ['42']}\nprefectures: {}", "1: 42 borders on itself"),
        ("provinces: {}\nprefectures: {}\nrivers: {}", "unknown key 'rivers'"),
        ("provinces: [", "not YAML"),
    ],
)
def test_wrong_table_is_refused_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    folder = tmp_path / "divisions"
    folder.mkdir()
    with pytest.raises(BordersError) as refused:
        load(folder, text)
    assert any(problem in one for one in refused.value.problems), refused.value.problems


def test_missing_table_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(BordersError, match=r"borders\.yaml:1: can't be read"):
        load_borders(tmp_path)
