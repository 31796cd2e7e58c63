"""First contact: consent before anything, in either language, and what a refusal and a farewell leave behind."""

from __future__ import annotations

import pytest

from bot.conversation.routing import Route, kinds
from bot.message import Kind
from bot.services.consent import CONSENT_VERSION
from bot.store.database import Database
from handlers.chat.welcome import meet
from tests.conversation.world import keys, texts
from tests.handlers.chat.factory import AGREE, FIRST, ROUTES, Phone


@pytest.fixture
def phone(database: Database) -> Phone:
    return Phone(database, routes=(*ROUTES[:2], Route("meet", kinds(Kind.ENTER), meet), *ROUTES[2:]))


async def consent(phone: Phone) -> tuple[str, str]:
    rows = await phone.rows("SELECT consent, consent_version FROM accounts")
    return rows[0][0], rows[0][1]


async def test_first_message_is_answered_with_what_is_kept_and_who_sees_it(phone: Phone) -> None:
    answer = await phone.say("我叫李小梅，有点发烧")
    for word in (
        "存什么",
        "存多久",
        "隔离期",
        "申诉",
        "谁能看",
        "平台",
        "1. 同意",
        "2. 不同意",
        "3. English",
    ):
        assert word in answer
    assert (await consent(phone))[0] == "asked"


async def test_before_consent_nothing_of_what_was_said_is_kept(phone: Phone) -> None:
    await phone.say("我叫李小梅，身份证420106199003074527", "36.5 咳嗽")
    for table in ("residents", "declarations", "facts", "punch_ins"):
        assert await phone.rows(f"SELECT * FROM {table}") == []
    state = (await phone.rows("SELECT form, step, state_sealed FROM dialogues"))[0]
    assert state[:2] == ("", "")
    assert keys().open_json("dialogues.state", state[2]).keys() == {"c"}
    assert phone.ctx.talk.answers == {}


async def test_agreeing_is_noted_with_its_version_and_offers_to_declare(phone: Phone) -> None:
    answer = await phone.say("你好", "同意")
    assert await consent(phone) == ("given", CONSENT_VERSION)
    assert "申报" in answer


@pytest.mark.parametrize("words", ["1", "同意", "我同意", "好的", "agree", "同意。"])
async def test_agreement_is_understood_in_many_words(phone: Phone, words: str) -> None:
    await phone.say("你好", words)
    assert (await consent(phone))[0] == "given"


async def test_agreement_without_having_seen_the_text_shows_it_first(phone: Phone) -> None:
    answer = await phone.say("同意")
    assert "存什么" in answer
    assert (await consent(phone))[0] == "asked"


async def test_refusal_is_answered_kindly_and_can_be_taken_back(phone: Phone) -> None:
    answer = await phone.say("你好", "不同意")
    assert "尊重" in answer
    assert (await consent(phone))[0] == "refused"
    assert "同意" in await phone.say("打卡")
    assert (await consent(phone))[0] == "refused"
    await phone.say("同意")
    assert (await consent(phone))[0] == "given"


async def test_a_mere_yes_after_a_refusal_is_not_agreement(phone: Phone) -> None:
    await phone.say("你好", "不同意", "好的")
    assert (await consent(phone))[0] == "refused"


async def test_the_text_can_be_read_again_before_deciding(phone: Phone) -> None:
    short = await phone.say("你好", "嗯哼哼")
    assert "存什么" not in short
    assert "存什么" in await phone.say("3")


async def test_english_is_one_tap_away_and_is_remembered(phone: Phone) -> None:
    answer = await phone.say("hello", "3")
    assert "What is kept" in answer
    assert await phone.rows("SELECT language FROM accounts") == [("en",)]
    assert "Thank you" in await phone.say("agree")


async def test_following_shows_the_consent_text_once_more(phone: Phone) -> None:
    await phone.send(kind=Kind.FOLLOW)
    await phone.send(kind=Kind.UNFOLLOW)
    answer = await phone.send(kind=Kind.FOLLOW)
    assert "存什么" in answer
    assert await phone.rows("SELECT following FROM accounts") in ([(1,)], [(True,)])


async def test_following_again_after_consent_is_greeted(phone: Phone) -> None:
    await phone.say(*AGREE)
    assert "欢迎回来" in await phone.send(kind=Kind.FOLLOW)


async def test_opened_chat_offers_what_to_do_in_one_message(phone: Phone) -> None:
    await phone.say(*AGREE)
    answer = await phone.send(kind=Kind.ENTER)
    assert answer.startswith("欢迎回来")
    assert "申报" in answer


async def test_opened_chat_goes_on_with_the_question_that_is_open(phone: Phone) -> None:
    asked = await phone.say(*AGREE, "申报")
    answer = await phone.send(kind=Kind.ENTER)
    assert answer.startswith("欢迎回来")
    assert asked.splitlines()[-1] in answer
    assert phone.ctx.talk.form == "declare"


async def test_opened_chat_asks_for_consent_first_and_reminds_shortly_the_next_time(phone: Phone) -> None:
    assert "存什么" in await phone.send(kind=Kind.ENTER)
    again = await phone.send(kind=Kind.ENTER)
    assert "同意" in again
    assert "存什么" not in again


async def test_unfollowing_ends_the_channel_and_its_dialogue(phone: Phone) -> None:
    await phone.say(*FIRST[:6])
    assert await phone.send(kind=Kind.UNFOLLOW) == ""
    assert await phone.rows("SELECT form, step, state_sealed FROM dialogues") == [("", "", None)]
    assert await phone.rows("SELECT following FROM accounts") in ([(0,)], [(False,)])


async def test_a_picture_before_consent_is_answered_with_the_request(phone: Phone) -> None:
    await phone.say("你好")
    assert "同意" in await phone.send(kind=Kind.IMAGE)


async def test_who_has_declared_is_offered_everything_else(phone: Phone) -> None:
    await phone.say(*FIRST, "提交")
    answer = await phone.send(kind=Kind.FOLLOW)
    assert "健康打卡" in answer
    assert "我的码" in answer


@pytest.mark.parametrize("language", ["zh", "en"])
def test_consent_text_fits_into_one_message(language: str) -> None:
    assert len(texts().say(language, "welcome.consent").encode()) < 2000
