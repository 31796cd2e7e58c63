"""Names of time zones as people say them, and what a typo may have meant."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import zone
from bot.conversation.understanding.zones import read_zone, zone_words

KNOWN = sorted(
    name for name in available_timezones() if name.startswith(("Asia/", "America/", "Europe/", "Pacific/"))
)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("新疆", "Asia/Urumqi"), ("乌鲁木齐", "Asia/Urumqi"), ("asia/urumqi", "Asia/Urumqi"), ("纽约", "America/New_York"),
        ("new york", "America/New_York"), ("america/new_york", "America/New_York"), ("北京", "Asia/Shanghai"),
        ("关岛", "Pacific/Guam"), ("tokyo", "Asia/Tokyo"), ("utc+8", "Asia/Shanghai"), ("san francisco", "America/Los_Angeles"),
    ],
)  # fmt: skip
def test_zone_is_read_by_its_name_and_by_its_city(said: str, name: str) -> None:
    assert read_zone(said).name == name


@pytest.mark.parametrize(
    ("said", "nearest"),
    [
        ("asia/shangai", "Asia/Shanghai"),
        ("beijng", "Asia/Shanghai"),
        ("urumchi", "Asia/Urumqi"),
        ("美国", "America/Chicago"),
    ],
)
def test_typo_is_no_zone_but_names_the_nearest(said: str, nearest: str) -> None:
    found = read_zone(said)
    assert found.name == ""
    assert nearest in found.nearest
    assert len(found.nearest) <= 3


def test_place_at_home_gives_its_zone() -> None:
    assert read_zone("喀什", ("653101",)).name == "Asia/Urumqi"
    assert read_zone("武汉", ("4201",)).name == "Asia/Shanghai"
    assert read_zone("两个地方", ("4201", "65")).nearest == ("Asia/Shanghai", "Asia/Urumqi")


@given(st.sampled_from(KNOWN))
def test_every_known_zone_is_read_by_its_own_name(name: str) -> None:
    assert read_zone(name.lower()).name == name
    assert zone_words(name, "zh")


@given(st.text(max_size=30))
def test_nothing_but_a_real_zone_is_ever_read(said: str) -> None:
    found = read_zone(said)
    for name in (found.name, *found.nearest):
        if name:
            zone(name)
