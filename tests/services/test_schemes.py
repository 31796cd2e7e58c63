"""Schemes from disk: what they say, and what is refused."""

from pathlib import Path

import pytest

from bot.errors import SchemeError
from bot.services.rulebooks import load_rulebooks
from bot.services.schemes import load_schemes

CONFIG = Path(__file__).parents[2] / "config"
TOWN = """\
id: town
name: {zh: 小城码, en: Town code}
issuer: {zh: 小城, en: Town}
platform: wechat
place: "4201"
purposes: [travel]
decided: locally
rulebook: town
recognises: []
aliases: {zh: [小城], en: []}
punch_in: {every_days: 1, wants: [temperature]}
"""


def write(folder: Path, text: str, name: str = "town") -> None:
    """Put a scheme where it belongs."""
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_the_shipped_schemes_are_in_the_order_people_see() -> None:
    schemes = load_schemes(CONFIG / "schemes")
    assert [scheme.id for scheme in schemes] == [
        "hubei", "wuhan", "national", "community", "zhejiang", "henan", "guizhou", "hebei", "jiangsu", "fujian",
        "shandong", "shaanxi", "heilongjiang", "guangdong", "shanghai", "beijing", "guangzhou", "hangzhou",
        "ankang", "huangshi", "nanjing", "suzhou", "wuxi",
    ]  # fmt: skip
    assert len(schemes) == 23
    assert "wuhan" in schemes
    assert schemes.get("atlantis") is None


def test_every_local_scheme_has_its_rule_book() -> None:
    books = load_rulebooks(CONFIG / "rulebooks")
    for scheme in load_schemes(CONFIG / "schemes"):
        assert scheme.local
        assert scheme.rulebook is not None
        assert books.history(scheme.rulebook) is not None


def test_a_place_has_its_own_the_surrounding_and_the_nationwide_schemes() -> None:
    schemes = load_schemes(CONFIG / "schemes")
    assert [scheme.id for scheme in schemes.for_place("420106003")] == [
        "hubei",
        "wuhan",
        "national",
        "community",
    ]
    assert [scheme.id for scheme in schemes.for_place("44")] == ["national", "community", "guangdong"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("粤康码", "guangdong"), ("SUIKANG", "guangzhou"), (" 国康码 ", "national"), ("wuhan", "wuhan")],
)
def test_people_find_a_scheme_by_their_own_word(word: str, expected: str) -> None:
    found = load_schemes(CONFIG / "schemes").by_alias(word)
    assert found is not None
    assert found.id == expected


def test_an_unknown_word_names_no_scheme() -> None:
    assert load_schemes(CONFIG / "schemes").by_alias("月亮码") is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("id: town", "id: Town", "town.yaml:1: not an id"),
        ("id: town", "id: city", "town.yaml:1: the file is called town"),
        ("name: {zh: 小城码, en: Town code}", "name: {zh: 小城码}", "town.yaml:2: 'name' has no 'en'"),
        ("platform: wechat", "platform: pigeon", "town.yaml:4: 'platform' is 'pigeon'"),
        ('"4201"', "4201", "town.yaml:5: 'place' is not a text"),
        ('"4201"', '"42010"', "town.yaml:5: not a division code"),
        ('"4201"', '"420100"', "town.yaml:5: a division code is written without"),
        ("[travel]", "[fun]", "town.yaml:6: in 'purposes': 'fun' is not one of"),
        ("[travel]", "[]", "town.yaml:6: 'purposes' is empty"),
        ("locally", "somehow", "town.yaml:7: 'decided' is 'somehow'"),
        ("rulebook: town\n", "", "town.yaml:1: a scheme that is decided locally needs"),
        ("locally", "remotely", "town.yaml:8: a scheme that is decided remotely has no"),
        ("recognises: []", "recognises: [town]", "town.yaml:9: a scheme recognises others"),
        ("recognises: []", "recognises: [moon]", "town.yaml:9: there is no scheme 'moon'"),
        ("en: []}", "fr: []}", "town.yaml:10: unknown key 'fr'"),
        ("every_days: 1", "every_days: 1, while: green", "town.yaml:11: 'while'"),
        ("every_days: 1", "every_days: 0", "town.yaml:11: 'every_days' is not within"),
        ("[temperature]", "[mood]", "town.yaml:11: in 'wants': 'mood' is not one of"),
        ("id: town", "id: town\nmood: good", "town.yaml:2: unknown key 'mood'"),
        (TOWN, "", "town.yaml:1: the file is empty"),
        (TOWN, "a: [", "town.yaml:1: not YAML"),
    ],
)
def test_a_wrong_scheme_is_refused_with_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    write(tmp_path, TOWN.replace(old, new, 1))
    with pytest.raises(SchemeError) as caught:
        load_schemes(tmp_path)
    assert any(problem in one for one in caught.value.problems), caught.value.problems


def test_two_schemes_cannot_share_a_name(tmp_path: Path) -> None:
    write(tmp_path, TOWN)
    write(tmp_path, TOWN.replace("id: town", "id: village").replace("Town code", "Village code"), "village")
    with pytest.raises(SchemeError, match="already names the scheme 'town'"):
        load_schemes(tmp_path)


def test_a_remote_scheme_needs_no_rule_book(tmp_path: Path) -> None:
    write(tmp_path, TOWN.replace("locally\nrulebook: town", "remotely"))
    (scheme,) = load_schemes(tmp_path)
    assert (scheme.local, scheme.rulebook) == (False, None)


def test_a_folder_without_schemes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match="there is no scheme"):
        load_schemes(tmp_path)


def test_a_scheme_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "town.yaml").write_bytes(b"id: \xff")
    with pytest.raises(SchemeError, match=r"town.yaml:1: not UTF-8"):
        load_schemes(tmp_path)
