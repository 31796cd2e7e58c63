"""Name, certificate and phone: what is accepted, and what is said kindly to what can't be right."""

from __future__ import annotations

import pytest

from bot.services.certificates import masked_certificate, masked_phone
from bot.store.database import Database
from tests.handlers.chat.factory import AGREE, LI, PERSON, Phone, certificate

START = (*AGREE, "申报")


@pytest.fixture
def phone(database: Database) -> Phone:
    return Phone(database)


def answers(phone: Phone) -> dict[str, object]:
    return phone.ctx.talk.answers


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("张三", "张三"),
        ("我叫张三", "张三"),
        ("姓名：阿卜杜拉·买买提", "阿卜杜拉·买买提"),
        ("Li Na", "Li Na"),
        ("My name is Anne-Marie O'Neil", "Anne-Marie O'Neil"),
        (" 李小梅 ", "李小梅"),
    ],
)
async def test_name_is_taken_as_on_the_document(phone: Phone, said: str, name: str) -> None:
    await phone.say(*START, said)
    assert answers(phone)["name"] == name


async def test_number_behind_the_name_is_no_part_of_it(phone: Phone) -> None:
    await phone.say(*START, "张三13900000001")
    assert answers(phone)["name"] == "张三"


async def test_back_returns_to_an_answer_that_was_spotted(phone: Phone) -> None:
    await phone.say(*START, "张三")
    assert "手机" in await phone.say(LI["certificate"])
    assert "身份证的号码" in await phone.say("上一步")
    assert "哪种证件" in await phone.say("上一步")


@pytest.mark.parametrize("said", ["###", "梅", "张三！！李四？！x1", "和平路1号3栋2单元501"])
async def test_what_is_no_name_is_asked_again(phone: Phone, said: str) -> None:
    answer = await phone.say(*START, said)
    assert "姓名" in answer
    assert "name" not in answers(phone)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("420106199003074526", "最后一位校验码对不上"),
        ("42010619900307452", "您写的是17位"),
        (certificate("42010619901307452"), "出生日期"),
        (certificate("42010620300307452"), "还没到"),
    ],
)
async def test_wrong_id_card_number_is_answered_with_what_is_wrong(
    phone: Phone, number: str, words: str
) -> None:
    answer = await phone.say(*START, LI["name"], "1", number)
    assert words in answer
    assert "号码" in answer
    assert number not in answer
    assert "certificate_number" not in answers(phone)


@pytest.mark.parametrize(
    ("kind", "number", "words"),
    [("2", "AB12", "6到9位"), ("3", "X1234567", "H或M开头"), ("4", "1234567", "8位或10位")],
)
async def test_each_other_document_says_what_its_number_looks_like(
    phone: Phone, kind: str, number: str, words: str
) -> None:
    assert words in await phone.say(*START, LI["name"], kind, number)


@pytest.mark.parametrize(
    ("kind", "number", "stored"),
    [
        ("护照", "e12345678", "E12345678"),
        ("回乡证", "H12345678", "H12345678"),
        ("台胞证", "12345678", "12345678"),
        ("身份证", "420106 19900307 4527", "420106199003074527"),
        ("身份证", "４２０１０６１９９００３０７４５２７", "420106199003074527"),
    ],
)
async def test_every_kind_of_document_is_accepted(phone: Phone, kind: str, number: str, stored: str) -> None:
    answer = await phone.say(*START, LI["name"], kind, number)
    assert "手机" in answer
    assert answers(phone)["certificate_number"] == stored


async def test_unlisted_county_is_asked_about_and_can_be_confirmed(phone: Phone) -> None:
    number = certificate("99999919900307452")
    answer = await phone.say(*START, LI["name"], "1", number)
    assert "前6位" in answer
    assert "手机" in await phone.say("没错")
    assert answers(phone)["certificate_number"] == number


async def test_unlisted_county_can_be_corrected_by_writing_again(phone: Phone) -> None:
    await phone.say(*START, LI["name"], "1", certificate("99999919900307452"), LI["certificate"])
    assert answers(phone)["certificate_number"] == LI["certificate"]


async def test_id_card_number_instead_of_its_kind_answers_both(phone: Phone) -> None:
    assert "手机" in await phone.say(*START, LI["name"], LI["certificate"])


async def test_id_card_number_where_a_passport_was_picked_changes_the_kind(phone: Phone) -> None:
    await phone.say(*START, LI["name"], "2", LI["certificate"])
    assert answers(phone)["certificate_kind"] == "id_card"


async def test_changing_the_kind_of_document_asks_for_its_number(phone: Phone) -> None:
    answer = await phone.say(*START, *PERSON, "改证件类型", "2")
    assert "护照" in answer
    assert "certificate_number" not in answers(phone)


@pytest.mark.parametrize(("said", "count"), [("1390000", 7), ("139000000012", 12), ("23900000001", 11)])
async def test_wrong_phone_number_says_how_many_digits_it_has(phone: Phone, said: str, count: int) -> None:
    answer = await phone.say(*START, *PERSON[:3], said)
    assert f"您写的是{count}位" in answer


@pytest.mark.parametrize("said", ["没有", "我没有手机"])
async def test_adult_without_a_phone_is_asked_for_a_relatives(phone: Phone, said: str) -> None:
    answer = await phone.say(*START, *PERSON[:3], said)
    assert "家里人" in answer
    assert "phone" not in answers(phone)


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("139 0000 0001", "13900000001"),
        ("+86 13900000001", "13900000001"),
        ("我的电话是13900000001", "13900000001"),
        ("+852 5123 4567", "+85251234567"),
    ],
)
async def test_phone_is_read_in_its_usual_forms(phone: Phone, said: str, stored: str) -> None:
    await phone.say(*START, *PERSON[:3], said)
    assert answers(phone)["phone"] == stored


def test_masks_hide_everything_but_the_edges() -> None:
    assert masked_certificate("110101199003071234") == "110101********1234"
    assert masked_certificate("E12345678") == "E******78"
    assert masked_phone("13812341234") == "138****1234"
    assert masked_phone("12345678") == "********"
