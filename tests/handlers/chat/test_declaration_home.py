"""Where somebody lives: certain names, ambiguous ones, cities without a district, shared locations."""

from __future__ import annotations

import pytest

from bot.message import Kind, Spot
from bot.store.database import Database
from tests.handlers.chat.factory import AGREE, DAYS, HEALTH, PERSON, Phone

START = (*AGREE, "申报", *PERSON)


@pytest.fixture
def phone(database: Database) -> Phone:
    return Phone(database)


def division(phone: Phone) -> object:
    return phone.ctx.talk.answers.get("division")


async def test_ambiguous_place_is_asked_back_with_full_paths(phone: Phone) -> None:
    answer = await phone.say(*START, "鼓楼区")
    assert "江苏省南京市鼓楼区" in answer
    assert "福建省福州市鼓楼区" in answer
    assert division(phone) is None
    await phone.say("3")
    assert division(phone) == "350102"


async def test_ambiguous_place_is_settled_by_naming_its_city(phone: Phone) -> None:
    await phone.say(*START, "鼓楼区", "徐州的")
    assert division(phone) == "320302"


async def test_city_is_followed_by_the_choice_of_its_districts(phone: Phone) -> None:
    answer = await phone.say(*START, "武汉")
    assert "江岸区" in answer
    assert division(phone) is None
    await phone.say("武昌区")
    assert division(phone) == "420106"


async def test_city_without_districts_is_enough(phone: Phone) -> None:
    await phone.say(*START, "东莞")
    assert division(phone) == "4419"


async def test_unknown_place_is_answered_with_how_to_write_it(phone: Phone) -> None:
    answer = await phone.say(*START, "不存在的地方啊")
    assert "没认出来" in answer
    assert division(phone) is None


async def test_shared_location_is_read_by_its_label(phone: Phone) -> None:
    await phone.say(*START)
    await phone.send(kind=Kind.LOCATION, spot=Spot("30.6", "114.3", "湖北省武汉市江岸区百步亭"))
    assert division(phone) == "420102"


async def test_too_short_address_is_asked_for_in_more_detail(phone: Phone) -> None:
    answer = await phone.say(*START, "武汉江岸区", "家")
    assert "写细一点" in answer
    assert "address" not in phone.ctx.talk.answers


async def test_too_long_address_is_asked_for_shorter(phone: Phone) -> None:
    assert "有点长" in await phone.say(*START, "武汉江岸区", "百步亭社区" * 30)


async def test_place_and_street_in_one_message_answer_both(phone: Phone) -> None:
    answer = await phone.say(*START, "湖北武汉江岸区百步亭社区12号楼301")
    assert "以外的地方" in answer
    assert division(phone) == "420102"


async def test_registered_community_in_the_address_becomes_the_division(phone: Phone) -> None:
    await phone.database.execute(
        "INSERT INTO communities (code, name, registered_at) VALUES (?, ?, ?)",
        ["420102003001", "百步亭社区", phone.clock.now()],
    )
    await phone.say(*START, "武汉江岸区", "百步亭社区 12号楼 301", *DAYS, *HEALTH, "推荐", "提交")
    assert await phone.rows("SELECT division FROM residents") == [("420102003001",)]
    assert await phone.rows("SELECT DISTINCT division FROM facts") == [("420102003001",)]
