"""Places in free text, read with the divisions of the day."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding import Division, Places
from bot.conversation.understanding.characters import plain

TODAY = date(2020, 2, 20)
PLACES = Places.load()

CERTAIN = [
    ("湖北武汉", "420100"),
    ("湖北省武汉市", "420100"),
    ("湖北省武汉市江岸区", "420102"),
    ("北京朝阳", "110105"),
    ("吉林长春朝阳", "220104"),
    ("辽宁朝阳", "211300"),
    ("朝阳市", "211300"),
    ("从武汉到广州", "420100 440100"),
    ("昨天从湖北回来", "420000"),
    ("我是安徽人", "340000"),
    ("内蒙古", "150000"),
    ("香港", "810000"),
    ("海南", "460000"),
    ("吉林", "220000"),
    ("吉林吉林市", "220200"),
    ("河南", "410000"),
    ("西安", "610100"),
    ("长沙", "430100"),
    ("恩施", "422800"),
    ("乌鲁木齐", "650100"),
    ("广西北海", "450500"),
    ("武昌", "420106"),
    ("我住武昌", "420106"),
    ("广州天河", "440106"),
    ("广州白云", "440111"),
    ("沈阳和平", "210102"),
    ("晋城城区", "140502"),
    ("上海浦东新区", "310115"),
    ("江西安远", "360726"),
    ("在中山", "442000"),
    ("神农架", "429021"),
    ("武汉大学", "420100"),
    ("去廣州", "440100"),
    ("襄樊", "420600"),
    ("莱芜市", "371200"),
    ("崇文区", "110103"),
    ("白杨市", "659012"),
]
OPEN = [
    ("朝阳", "110105 211300 211321 220104"),
    ("朝阳区", "110105 220104"),
    ("白云区", "440111 520113"),
    ("长安", "130102 610116"),
    ("鼓楼区", "320106 320302 350102 410204"),
]
NO_PLACE = [
    "",
    "36.5",
    "Wuhan",
    "一切平安",
    "平安",
    "没有和平常不一样",
    "大同小异",
    "三明治",
    "南京路",
    "北京东路",
    "兰州拉面",
    "市中心",
    "城区",
    "经济开发区",
    "去了中山大学",
    "长白山",
    "体温正常",
    "东",
    "东边西边",
]


@pytest.mark.parametrize(("text", "codes"), CERTAIN)
def test_a_certain_name_becomes_its_code(text: str, codes: str) -> None:
    found = PLACES.find(plain(text), TODAY)

    assert found.codes == tuple(codes.split())
    assert found.candidates == {}


@pytest.mark.parametrize(("name", "codes"), OPEN)
def test_an_ambiguous_name_becomes_all_its_codes(name: str, codes: str) -> None:
    found = PLACES.find(f"从{name}回来", TODAY)

    assert found.codes == ()
    assert found.candidates == {name: tuple(codes.split())}


@pytest.mark.parametrize("text", NO_PLACE)
def test_a_common_word_is_not_a_place(text: str) -> None:
    assert PLACES.find(text, TODAY) == ((), {})


def test_a_place_elsewhere_in_the_text_settles_an_ambiguous_name() -> None:
    assert PLACES.find("我在北京，住朝阳区", TODAY).codes == ("110000", "110105")


def test_a_division_is_read_by_the_list_of_the_day() -> None:
    assert PLACES.find("杭州下城区", date(2020, 2, 20)).codes == ("330103",)
    assert PLACES.find("三元区", date(2020, 2, 20)).codes == ("350403",)
    assert PLACES.find("三元区", date(2023, 2, 20)).codes == ("350404",)


@pytest.mark.parametrize("province", PLACES.children(), ids=lambda row: row.name)
def test_every_province_is_found_by_its_full_and_short_name(province: Division) -> None:
    code = province.code.ljust(6, "0")

    assert PLACES.find(province.name).codes == (code,)
    assert PLACES.find(province.short).codes == (code,)


def test_every_city_is_found_by_its_full_name() -> None:
    cities = [
        city
        for province in PLACES.children()
        for city in PLACES.children(province.code)
        if len(city.code) == 4
    ]

    assert len(cities) > 330
    for city in cities:
        assert PLACES.find(f"我在{city.name}").codes == (city.code + "00",), city.name


def test_every_county_is_found_below_its_city() -> None:
    for province in PLACES.children():
        for city in PLACES.children(province.code):
            for county in PLACES.children(city.code):
                assert PLACES.find(PLACES.name(county.code)).codes == (county.code,), county


@given(st.text(), st.dates())
def test_any_text_can_be_searched_for_places(text: str, at: date) -> None:
    found = PLACES.find(text, at)

    assert all(PLACES.known(code) for code in found.codes)
    assert all(len(codes) > 1 for codes in found.candidates.values())
