"""Becoming one person in chat: the offer, the question on the older phone, and every way of answering it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.conversation.context import Context
from bot.conversation.routing import Route
from bot.message import Incoming, Kind
from bot.services.colour_notices import persons_of
from bot.services.real_name import Verdict
from bot.store.database import Database
from handlers.chat.link import answer_link, answers_link, ask_link, wants_link
from tests.fakes.clock import MORNING, FakeClock
from tests.handlers.chat.factory import FIRST, ROUTES, FakeRegister, Phone, make_world

WITH_LINK = (
    *ROUTES[:3],
    Route("answer_link", answers_link, answer_link),
    Route("link", wants_link, ask_link),
    *ROUTES[3:],
)


class Phones:
    """Phones that share a clock and a register."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock, self.register = database, FakeClock(), FakeRegister()

    def phone(self, user: str) -> Phone:
        world = make_world(self.register)
        return Phone(self.database, user=user, world=world, clock=self.clock, routes=WITH_LINK)

    async def two(self) -> tuple[Phone, Phone]:
        """The older one is verified; the newer one has heard that its certificate is."""
        older, newer = self.phone("older"), self.phone("newer")
        await older.say(*FIRST, "提交")
        await newer.say(*FIRST, "提交")
        return older, newer


@pytest.fixture
def phones(database: Database) -> Phones:
    return Phones(database)


async def persons(phone: Phone) -> int:
    return len(await phone.rows("SELECT DISTINCT person_id FROM accounts"))


async def test_offer_stands_below_a_certificate_that_is_taken(phones: Phones) -> None:
    _, newer = await phones.two()
    answer = await newer.say("实名")
    assert "另一个账号" in answer
    assert "1. 绑定，两边都是我" in answer
    assert "回复“是我”" in await newer.say("1")


async def test_word_is_enough_right_after_the_declaration(phones: Phones) -> None:
    _, newer = await phones.two()
    assert "回复“是我”" in await newer.say("绑定")
    assert "已经问过了" in await newer.say("绑定")


async def test_word_without_a_match_means_something_else(phones: Phones) -> None:
    older, _ = await phones.two()
    assert await older.say("绑定") == "[aside]"


async def test_claimed_identity_gets_no_offer_whether_or_not_the_number_is_known(phones: Phones) -> None:
    await phones.phone("older").say(*FIRST, "提交")
    phones.register.verdict = Verdict.MISMATCH
    newer, stranger = phones.phone("newer"), phones.phone("stranger")
    other = [line.replace("420106199003074527", "420106199503071111") for line in FIRST]
    known, unknown = await newer.say(*FIRST, "提交"), await stranger.say(*other, "提交")
    assert "绑定" not in known
    assert known.split("\n")[1:] == unknown.split("\n")[1:]
    assert await newer.say("绑定") == await stranger.say("绑定") == "[aside]"


@pytest.mark.parametrize(
    "word", ["是我", "是的，是我", "就是我本人", "Yes, it's me", "it is me", "That’s me."]
)
async def test_yes_on_the_older_phone_makes_both_one(phones: Phones, word: str) -> None:
    older, newer = await phones.two()
    await newer.say("绑定")
    assert "同一个人" in await older.say(word)
    assert await persons(older) == 1
    await newer.say("我的码")
    assert newer.ctx.resident is not None
    assert older.ctx.resident is not None
    assert newer.ctx.resident.resident_id == older.ctx.resident.resident_id
    assert newer.ctx.account.person_id == older.ctx.account.person_id


@pytest.mark.parametrize(
    "word", ["不是我", "不，不是我", "不是本人", "not me", "No, it's not me", "It wasn't me"]
)
async def test_no_on_the_older_phone_leaves_both_as_they_are(phones: Phones, word: str) -> None:
    older, newer = await phones.two()
    await newer.say("绑定")
    answer = await older.say(word)
    assert "没有合在一起" in answer
    assert "社区工作人员" in answer
    assert await persons(older) == 2
    assert await newer.rows("SELECT person_id FROM notices WHERE kind = 'link_answered'") == [
        (newer.ctx.account.person_id,)
    ]


@pytest.mark.parametrize("word", ["是我", "不是我"])
async def test_same_words_without_a_question_mean_something_else(phones: Phones, word: str) -> None:
    older, newer = await phones.two()
    assert await older.say(word) == "[aside]"
    await newer.say("绑定")
    assert await newer.say(word) == "[aside]"
    await older.say("不是我")
    assert await older.say(word) == "[aside]"


async def test_bare_yes_joins_nobody(phones: Phones) -> None:
    older, newer = await phones.two()
    await newer.say("绑定")
    await older.say("是", "好的", "yes")
    assert await persons(older) == 2


async def test_answer_that_comes_too_late_is_told_so(phones: Phones) -> None:
    older, newer = await phones.two()
    await newer.say("绑定")
    older.wait(hours=24)
    assert "过了 24 小时" in await older.say("是我")
    assert await persons(older) == 2
    assert await older.say("是我") == "[aside]"


async def test_form_under_way_goes_on_below_the_answer(phones: Phones) -> None:
    older, newer = await phones.two()
    await newer.say("绑定")
    asked = await older.say("修改手机")
    answer = await older.say("是我")
    assert "同一个人" in answer
    assert asked.split("\n")[-1] in answer
    assert older.ctx.talk.form == "declare"


async def test_late_words_inside_a_form_belong_to_the_form(phones: Phones) -> None:
    older, newer = await phones.two()
    await newer.say("绑定", "我的码")
    older.wait(hours=25)
    await older.say("修改手机")
    assert "24 小时" not in await older.say("是我")


async def test_several_requests_are_answered_one_by_one(phones: Phones) -> None:
    older, newer = await phones.two()
    stranger = phones.phone("stranger")
    await stranger.say(*FIRST, "提交", "绑定")
    older.wait(minutes=5)
    await newer.say("绑定")
    shown = await older.say("是我")
    assert await persons(older) == 3
    assert [line[:2] for line in shown.split("\n") if line[:1].isdigit()] == ["1.", "2.", "3.", "4."]
    assert "没有合在一起" in await older.say("2")
    assert "同一个人" in await older.say("是我")
    rows = await older.rows("SELECT account_id, state FROM link_requests ORDER BY asked_at")
    assert rows == [(stranger.ctx.account.id, "denied"), (newer.ctx.account.id, "confirmed")]


async def test_answer_of_somebody_else_is_not_taken(phones: Phones) -> None:
    _, newer = await phones.two()
    await newer.say("绑定")
    [(request_id,)] = await newer.rows("SELECT id FROM link_requests")
    assert "不用回答" in await newer.say(f"link:{request_id}:yes")
    assert await persons(newer) == 2


async def test_after_linking_a_person_with_two_accounts_is_told_once(phones: Phones) -> None:
    older, newer = await phones.two()
    await newer.say("绑定")
    await older.say("是我")
    assert older.ctx.resident is not None
    resident_id = older.ctx.resident.resident_id
    assert await persons_of(phones.database, [resident_id]) == {resident_id: [older.ctx.account.person_id]}


async def test_waiting_notice_is_found_from_whichever_account_writes_first(phones: Phones) -> None:
    older, newer = await phones.two()
    await newer.say("绑定")
    await older.say("是我")
    notices = await newer.rows(
        "SELECT person_id FROM notices WHERE state = 'queued' AND kind = 'link_answered'"
    )
    assert notices == [(older.ctx.account.person_id,)]
    await newer.say("我的码")
    assert newer.ctx.account.person_id == older.ctx.account.person_id


@pytest.mark.parametrize("words", ["绑定", "合并账号", "我要绑定账号", "link", "Link my accounts"])
async def test_linking_is_asked_for_in_many_words(phones: Phones, words: str) -> None:
    message, ctx = await _heard(phones, words)
    assert wants_link(message, ctx)


@pytest.mark.parametrize("words", ["绑定家人", "添加孩子", "link my mother", "是", "不是"])
async def test_words_about_members_are_not_about_accounts(phones: Phones, words: str) -> None:
    message, ctx = await _heard(phones, words)
    assert not wants_link(message, ctx)
    assert not answers_link(message, ctx)


async def _heard(phones: Phones, words: str) -> tuple[Incoming, Context]:
    """These words and their context, where nothing is being asked."""
    phone = phones.phone("somebody")
    await phone.say("你好")
    message = Incoming("simulator", "li", "k", Kind.TEXT, MORNING, text=words)
    return message, replace(phone.ctx, message=message, choice=None, _understood=None)
