"""Deletion and consent in the chat: explained, confirmed by a typed word, taken back."""

from __future__ import annotations

import pytest

from bot.store.database import Database
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import LI, Phone
from tests.own_data import declare, phone_of


@pytest.fixture
async def phone(database: Database) -> Phone:
    made = phone_of(database, FakeClock())
    await declare(made, LI["name"], LI["certificate"], LI["phone"])
    return made


async def _requests(phone: Phone) -> list[str]:
    return [row[0] for row in await phone.rows("SELECT state FROM deletion_requests ORDER BY asked_at")]


async def test_deletion_says_what_goes_what_remains_and_asks_for_a_word(phone: Phone) -> None:
    answer = await phone.say("删除我的数据")
    for words in (
        "找不回来",
        "谁在什么时候为什么看过您的资料，保留三年",
        "7 天内可以反悔",
        "确认删除",
        "先导出一份",
    ):
        assert words in answer
    assert await _requests(phone) == []


@pytest.mark.parametrize("words", ["是", "好的", "1", "同意", "删除我的数据", "删"])
async def test_nothing_but_the_typed_word_asks_for_deletion(phone: Phone, words: str) -> None:
    await phone.say("删除我的数据", words)
    assert await _requests(phone) == []


async def test_the_word_without_the_explanation_explains_first(phone: Phone) -> None:
    assert "找不回来" in await phone.say("确认删除")
    assert await _requests(phone) == []
    assert "已经记下" in await phone.say("确认删除")


async def test_confirmed_deletion_is_due_in_the_morning_after_the_cool_off(phone: Phone) -> None:
    answer = await phone.say("注销", "确认删除")
    assert "2月27日 10:00" in answer
    assert await _requests(phone) == ["asked"]
    rows = await phone.rows("SELECT kind, state FROM notices WHERE kind = 'deletion'")
    assert rows == [("deletion", "queued")]  # the reminder of the day before


async def test_asking_twice_is_one_wish_and_says_when(phone: Phone) -> None:
    await phone.say("注销", "确认删除")
    for words in ("删除我的数据", "确认删除"):
        assert "2月27日 10:00" in await phone.say(words)
    assert await _requests(phone) == ["asked"]


@pytest.mark.parametrize("words", ["撤回删除", "取消删除", "不删了", "cancel deletion"])
async def test_deletion_can_be_taken_back_and_nothing_is_reminded_of(phone: Phone, words: str) -> None:
    await phone.say("注销", "确认删除")
    assert "一切照旧" in await phone.say(words)
    assert await _requests(phone) == ["cancelled"]
    assert await phone.rows("SELECT state FROM notices WHERE kind = 'deletion'") == [("replaced",)]


async def test_taking_back_without_a_wish_changes_nothing(phone: Phone) -> None:
    assert "什么都没有变" in await phone.say("撤回删除")
    assert await _requests(phone) == []


async def test_taken_back_after_the_reminder_is_told_as_cancelled(phone: Phone) -> None:
    await phone.say("注销", "确认删除")
    await phone.database.execute("UPDATE notices SET state = 'sent' WHERE kind = 'deletion'")
    await phone.say("撤回删除")
    states = await phone.rows("SELECT state FROM notices WHERE kind = 'deletion' ORDER BY created_at, id")
    assert states == [("sent",), ("queued",)]


async def test_running_hold_puts_the_deletion_off_and_says_so(phone: Phone) -> None:
    await phone.say("38.5 咳嗽")
    assert await phone.rows("SELECT 1 FROM health_codes WHERE colour IN ('yellow', 'red')")
    assert "隔离期或观察期" in await phone.say("删除我的数据")
    assert "有关的记录要留到那件事结束" in await phone.say("确认删除")


async def test_a_report_that_is_merely_missing_keeps_nobody(phone: Phone) -> None:
    phone.wait(days=20)
    assert "隔离期" not in await phone.say("删除我的数据")


async def test_withdrawn_consent_stops_everything_but_the_rights(phone: Phone) -> None:
    answer = await phone.say("撤回同意")
    assert "不再主动给您发任何消息" in answer
    assert await phone.rows("SELECT consent FROM accounts") == [("withdrawn",)]
    assert "撤回了同意" in await phone.say("36.5")
    assert await phone.rows("SELECT 1 FROM punch_ins") == []
    assert "身份和住址" in await phone.say("我的数据")
    assert "/my-data/" in await phone.say("导出我的数据")
    assert "已经记下" in await phone.say("删除我的数据", "确认删除")


async def test_consent_given_again_works_as_before(phone: Phone) -> None:
    await phone.say("撤回同意", "同意", "36.5")
    assert len(await phone.rows("SELECT 1 FROM punch_ins")) == 1


async def test_consent_is_withdrawn_on_every_account_of_the_person(phone: Phone, database: Database) -> None:
    other = phone_of(database, phone.clock, user="li2", world=phone.world)
    await other.say("你好", "同意")
    await database.execute("UPDATE accounts SET person_id = ?", [phone.ctx.account.person_id])
    await phone.say("撤回同意")
    assert await phone.rows("SELECT DISTINCT consent FROM accounts") == [("withdrawn",)]


async def test_withdrawing_twice_is_answered_and_changes_nothing(phone: Phone) -> None:
    await phone.say("撤回同意")
    assert "已经撤回过" in await phone.say("撤回同意")


async def test_choices_after_withdrawal_lead_where_they_say(phone: Phone) -> None:
    await phone.say("撤回同意")
    assert "找不回来" in await phone.say("删除")
