"""Contacts, symptoms, diseases and codes: numbers, words, several at once, and what has to be said more clearly."""

from __future__ import annotations

import pytest

from bot.conversation.context import Context
from bot.conversation.routing import Route, always
from bot.message import Choice, Choices, Incoming, Reply
from bot.store.database import Database
from handlers.chat.declaration_health import picked_numbers
from tests.handlers.chat.factory import AGREE, DAYS, HEALTH, HOME_LINES, PERSON, ROUTES, Phone

START = (*AGREE, "申报", *PERSON, *HOME_LINES, *DAYS)
SYMPTOMS = (*START, "没有", "没有")
DISEASES = (*SYMPTOMS, "没有")
CODES = (*START, *HEALTH)


@pytest.fixture
def phone(database: Database) -> Phone:
    return Phone(database)


def answer_to(phone: Phone, slot: str) -> object:
    return phone.ctx.talk.answers.get(slot)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("1", "no"), ("没有", "no"), ("没接触过", "no"), ("no", "no"),
        ("2", "yes"), ("有", "yes"), ("接触过", "yes"), ("yes", "yes"),
        ("3", "unsure"), ("不确定", "unsure"), ("可能有", "unsure"), ("not sure", "unsure"),
    ],
)  # fmt: skip
async def test_contact_is_yes_no_or_unsure_in_any_words(phone: Phone, said: str, taken: str) -> None:
    await phone.say(*START, said)
    assert answer_to(phone, "case_contact") == taken


async def test_contact_is_followed_by_its_day(phone: Phone) -> None:
    assert "哪一天" in await phone.say(*START, "有")
    await phone.say("2月10日")
    assert answer_to(phone, "case_contact_day") == "2020-02-10"


async def test_contact_and_day_in_one_message_answer_both(phone: Phone) -> None:
    await phone.say(*START, "有，2月10日")
    assert answer_to(phone, "case_contact_day") == "2020-02-10"


@pytest.mark.parametrize(
    ("said", "words"), [("明天", "还没到"), ("2019年10月1日", "更早"), ("正月初九", "农历")]
)
async def test_day_of_a_contact_that_cannot_be_right_is_asked_again(
    phone: Phone, said: str, words: str
) -> None:
    assert words in await phone.say(*START, "有", said)
    assert answer_to(phone, "case_contact_day") is None


async def test_forgotten_day_of_a_contact_is_accepted(phone: Phone) -> None:
    await phone.say(*START, "不确定", "不记得了")
    assert answer_to(phone, "case_contact_day") == ""


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("1", []), ("没有", []), ("没有不舒服", []), ("无症状", []),
        ("2 3", ["fever", "cough"]), ("2、3", ["fever", "cough"]), ("３", ["cough"]),
        ("咳嗽，嗓子痛", ["cough", "sore_throat"]), ("37.9 咳嗽", ["fever", "cough"]), ("36.5 没有症状", []),
        ("不发烧，就是有点咳", ["cough"]),
    ],
)  # fmt: skip
async def test_symptoms_are_taken_from_numbers_and_words(phone: Phone, said: str, taken: list[str]) -> None:
    await phone.say(*SYMPTOMS, said)
    assert answer_to(phone, "symptoms") == taken
    assert answer_to(phone, "symptoms_on") == "2020-02-20"


async def test_fine_and_unwell_at_once_is_asked_again(phone: Phone) -> None:
    assert "再选一次" in await phone.say(*SYMPTOMS, "1 3")
    assert answer_to(phone, "symptoms") is None


async def test_numbers_beyond_the_list_are_not_understood(phone: Phone) -> None:
    await phone.say(*SYMPTOMS, "2 40")
    assert answer_to(phone, "symptoms") is None


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("没有", []), ("无", []), ("1", []), ("2 3", ["hypertension", "diabetes"]),
        ("高血压，还有糖尿病", ["hypertension", "diabetes"]), ("痛风", ["痛风"]),
    ],
)  # fmt: skip
async def test_diseases_are_taken_from_numbers_words_and_free_text(
    phone: Phone, said: str, taken: list[str]
) -> None:
    await phone.say(*DISEASES, said)
    assert answer_to(phone, "diseases") == taken


async def test_disease_question_can_be_asked_back(phone: Phone) -> None:
    answer = await phone.say(*DISEASES, "为什么要问这个？")
    assert "不影响颜色" in answer
    assert answer_to(phone, "diseases") is None


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("推荐", ["hubei", "wuhan", "national", "community"]),
        ("1", ["hubei", "wuhan", "national", "community"]),
        ("2 4", ["hubei", "national"]),
        ("推荐，加上穗康码", ["hubei", "wuhan", "national", "community", "guangzhou"]),
        ("穗康码和粤康码", ["guangdong", "guangzhou"]),
        ("推荐的，再加上穗康码", ["hubei", "wuhan", "national", "community", "guangzhou"]),
    ],
)
async def test_codes_are_picked_by_number_name_and_suggestion(
    phone: Phone, said: str, taken: list[str]
) -> None:
    await phone.say(*CODES, said)
    assert answer_to(phone, "schemes") == taken


async def test_all_codes_that_fit_can_be_picked_at_once(phone: Phone) -> None:
    answer = await phone.say(*CODES)
    assert "湖北健康码" in answer
    assert "粤康码\n" not in answer
    await phone.say("全部")
    assert answer_to(phone, "schemes") == ["hubei", "wuhan", "national", "community"]


async def test_no_code_at_all_is_asked_again(phone: Phone) -> None:
    assert "至少选一个" in await phone.say(*CODES, "没有")
    assert answer_to(phone, "schemes") is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1 3 4", [1, 3, 4]),
        ("1、3，4", [1, 3, 4]),
        ("3 3", [3]),
        ("0", None),
        ("9", None),
        ("36.5", None),
        ("1号", None),
    ],
)
def test_numbers_are_only_read_from_numbers(text: str, numbers: list[int] | None) -> None:
    assert picked_numbers(text, 5) == numbers


async def offer_three(message: Incoming, ctx: Context) -> Reply:
    """Another conversation, whose answer has choices of its own."""
    return Reply.of(Choices(tuple(Choice(f"thing {number}", f"t{number}") for number in (1, 2, 3))))


async def test_numbers_mean_what_was_seen_below_another_list(database: Database) -> None:
    routes = (*ROUTES[:-1], Route("fallback", always, offer_three))
    phone = Phone(database, routes=routes)
    answer = await phone.say(*SYMPTOMS, "帮助")
    assert "5. 发烧" in answer
    await phone.say("5 6")
    assert answer_to(phone, "symptoms") == ["fever", "cough"]


async def test_change_by_number_means_what_was_seen_below_another_list(database: Database) -> None:
    routes = (*ROUTES[:-1], Route("fallback", always, offer_three))
    phone = Phone(database, routes=routes)
    answer = await phone.say(*CODES, "推荐", "帮助")
    assert "7. 手机" in answer
    assert "手机号是多少" in await phone.say("改 7")
