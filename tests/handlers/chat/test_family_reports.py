"""One line for a household: read back, saved for exactly those whom it names, and else for nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.services.guardians import ACTIVE, LABEL
from bot.store.ids import new_id
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import certificate
from tests.service import Service, running

HE = "openid-he"
MORNING = datetime(2020, 2, 20, 1, tzinfo=UTC)  # 09:00 in Shanghai


class Home:
    """He, a guardian, with mother (2) and a child (3), behind the signed door."""

    def __init__(self, service: Service, clock: FakeClock) -> None:
        self.service, self.clock = service, clock
        self.ids: dict[str, int] = {}

    async def say(self, *texts: str) -> str:
        return await self.service.talk(HE, *texts)

    async def move_in(self) -> None:
        await self._declare("我", HE, 1, "42010619900307")
        await self._declare("妈妈", "openid-mother", 2, "42010619600307")
        await self._declare("小宝", "openid-child", 3, "42010620120307")
        for label in ("妈妈", "小宝"):
            await self.bind("我", label, HE)

    async def _declare(self, label: str, openid: str, order: int, first: str) -> None:
        answer = await self.service.declare(openid, order, certificate=certificate(f"{first}{order:03d}"))
        assert "回执" in answer or "申报" in answer, answer
        rows = await self.service.rows("SELECT resident_id FROM residents ORDER BY created_at, resident_id")
        (self.ids[label],) = [row[0] for row in rows if row[0] not in self.ids.values()]
        self.clock.advance(timedelta(seconds=1))

    async def bind(self, guardian: str, member: str, openid: str, *, label: str = "") -> None:
        """An active guardianship, as a confirmed binding leaves it."""
        keys = self.service.tools.world.keys
        await self.service.database.execute(
            "INSERT INTO guardianships (id, resident_id, guardian_id, state, label_sealed, confirmed_by, since,"
            " waits_for, ended_by) VALUES (?, ?, ?, ?, ?, 'member', ?, '', '')",
            [new_id(), self.ids[member], self.ids[guardian], ACTIVE, keys.seal(LABEL, label or member),
             self.clock.now()],
        )  # fmt: skip
        account = "SELECT account_id FROM account_residents WHERE resident_id = ? AND relation = 'self'"
        (row,) = await self.service.rows(account, self.ids[guardian])
        await self.service.database.execute(
            "INSERT INTO account_residents (id, account_id, resident_id, relation, since) VALUES (?, ?, ?, 'guardian', ?)",
            [new_id(), row[0], self.ids[member], self.clock.now()],
        )

    async def unbind(self, member: str) -> None:
        await self.service.database.execute(
            "DELETE FROM account_residents WHERE resident_id = ? AND relation = 'guardian'",
            [self.ids[member]],
        )

    async def stored(self) -> dict[str, tuple[Any, ...]]:
        rows = await self.service.rows(
            "SELECT resident_id, temperature_tenths, symptoms, revision FROM punch_ins"
        )
        names = {id_: label for label, id_ in self.ids.items()}
        return {names[row[0]]: tuple(row[1:]) for row in rows}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Home]:
    clock = FakeClock(MORNING)
    async with running(database_url, clock=clock) as service:
        one = Home(service, clock)
        await one.move_in()
        yield one


async def test_everybody_is_read_back_in_numbered_lines_before_anything_is_saved(home: Home) -> None:
    answer = await home.say("全家正常 36.5")
    assert "1. 我：体温 36.5 °C" in answer
    numbered = {line[3:].partition("：")[0]: line[:2] for line in answer.splitlines() if line[1:3] == ". "}
    assert set(numbered) == {"我", "妈妈", "小宝", "都对，保存", "修改", "取消"}
    assert [numbered[each] for each in ("都对，保存", "修改", "取消")] == ["4.", "5.", "6."]
    assert await home.stored() == {}


async def test_whoever_was_read_back_gets_one_receipt_line_each(home: Home) -> None:
    answer = await home.say("全家正常 36.5", "保存")
    assert await home.stored() == dict.fromkeys(home.ids, (365, "", 1))
    assert answer.count("回执 P200220-") == 3
    assert answer.count("最早的一个码覆盖到 2月21日 00:00") == 3
    rows = await home.service.rows(
        "SELECT p.reported_by, l.origin FROM punch_ins p JOIN punch_in_log l ON l.punch_in_id = p.id"
    )
    assert len(rows) == 3
    assert {row[1] for row in rows} == {"wechat_official"}
    assert len({row[0] for row in rows}) == 1


async def test_yes_in_a_family_marks_nobody_who_was_not_named(home: Home) -> None:
    answer = await home.say("妈妈 37.8 咳嗽", "是")
    assert await home.stored() == {"妈妈": (378, "cough", 1)}
    assert "妈妈发热了" in answer
    assert "还没打卡" in answer
    rows = await home.service.rows("SELECT resident_id, reason FROM follow_ups WHERE state = 'open'")
    assert [tuple(row) for row in rows] == [(home.ids["妈妈"], "abnormal")]


async def test_numbers_are_those_that_are_shown(home: Home) -> None:
    shown = await home.say("2 36.6")
    label = next(line[3:].split("：")[0] for line in shown.splitlines() if line.startswith("2. "))
    await home.say("保存")
    assert await home.stored() == {label: (366, "", 1)}


async def test_one_line_says_different_things_of_different_people(home: Home) -> None:
    await home.say("我和妈妈36.6，孩子没量", "保存")
    assert await home.stored() == {"我": (366, "", 1), "妈妈": (366, "", 1), "小宝": (None, "", 1)}


@pytest.mark.parametrize(
    ("text", "unclear"),
    [
        ("妈妈 37.8，小红 36.5", "小红"),
        ("小红 36.5", "小红"),
        ("妈妈 36.5，爸爸 36.6", "爸爸"),
        ("1 正常，9 36.5", "9 号"),
        ("妈妈 47.8，小宝 36.5", "47.8"),
        ("妈妈36.5，妈妈咳嗽", "不止一次"),
        ("妈妈36.5，我妈 37.9", "不止一次"),
        ("妈妈没有发烧，咳嗽", "没读准"),
        ("妈妈 36.5，小宝", "没有说到"),
        ("妈妈36.5 37.8", "不同的体温"),
        ("除了妈妈都正常", "除了"),
        ("mum 36.5, bob 36.6", "bob"),
    ],
)
async def test_what_is_unclear_is_named_and_saves_nothing_for_anybody(
    home: Home, text: str, unclear: str
) -> None:
    answer = await home.say(text)
    assert unclear in answer
    assert "谁的都没有保存" in answer
    assert "1 我" in answer
    await home.say("保存")
    await home.say("是")
    assert await home.stored() == {}


async def test_two_members_of_one_name_have_to_be_told_apart(home: Home) -> None:
    await home.service.database.execute(
        "UPDATE guardianships SET label_sealed = ? WHERE resident_id = ?",
        [home.service.tools.world.keys.seal(LABEL, "母亲"), home.ids["小宝"]],
    )
    answer = await home.say("妈妈 36.5")
    assert "不止一位" in answer
    assert await home.stored() == {}


async def test_whoever_has_reported_is_only_amended_by_name(home: Home) -> None:
    await home.say("妈妈 37.8", "保存")
    answer = await home.say("全家正常 36.5")
    assert "妈妈：今天已经打过卡，不改" in answer
    await home.say("保存")
    stored = await home.stored()
    assert stored["妈妈"] == (378, "", 1)
    assert stored["小宝"] == (365, "", 1)
    answer = await home.say("妈妈 咳嗽")
    assert "更新" in answer
    assert "37.8" in answer
    await home.say("保存")
    assert (await home.stored())["妈妈"] == (378, "cough", 2) or "fever" in (await home.stored())["妈妈"][1]


async def test_lower_reading_of_a_member_takes_no_fever_back(home: Home) -> None:
    await home.say("妈妈 38.2", "保存")
    answer = await home.say("妈妈 36.5", "保存")
    assert "先按发热算" in answer
    assert (await home.stored())["妈妈"] == (365, "fever", 2)
    await home.say("妈妈量错了，36.6", "保存")
    assert (await home.stored())["妈妈"] == (366, "", 3)


async def test_report_without_a_name_is_ones_own_and_offers_the_others(home: Home) -> None:
    answer = await home.say("36.5")
    assert set(await home.stored()) == {"我"}
    assert "还没打卡" in answer
    assert "1. 家人也正常" in answer
    answer = await home.say("家人也正常")
    assert "我：今天已经打过卡，不改" in answer
    assert set(await home.stored()) == {"我"}
    await home.say("保存")
    assert await home.stored() == {"我": (365, "", 1), "妈妈": (None, "", 1), "小宝": (None, "", 1)}


async def test_when_everybody_has_reported_nothing_is_asked(home: Home) -> None:
    await home.say("全家正常 36.5", "保存")
    assert "都打过卡了" in await home.say("全家正常 36.7")
    assert "还没打卡" not in await home.say("36.6")


async def test_line_can_be_changed_and_cancelled_before_it_is_saved(home: Home) -> None:
    await home.say("全家正常 36.5")
    assert "哪一行" in await home.say("修改")
    answer = await home.say("妈妈 36.9")
    assert "妈妈：体温 36.9 °C" in answer
    assert "我：体温 36.5 °C" in answer
    assert "今天" in await home.say("改 1")
    assert "我：体温 36.1 °C" in await home.say("36.1 没有症状")
    assert "谁的" in await home.say("36.4")
    assert "没有保存" in await home.say("取消")
    assert await home.stored() == {}


async def test_adult_who_was_not_measured_is_asked_and_a_child_is_not(home: Home) -> None:
    answer = await home.say("妈妈没量")
    assert "妈妈今天有没有不舒服" in answer
    answer = await home.say("没有症状")
    assert "妈妈：没量体温，没有症状" in answer
    await home.say("保存")
    assert "小宝：没量体温" in await home.say("小宝没量")
    await home.say("保存")
    assert await home.stored() == {"妈妈": (None, "", 1), "小宝": (None, "", 1)}


async def test_review_survives_a_restart_and_a_new_day_asks_again(database_url: str) -> None:
    clock = FakeClock(MORNING)
    async with running(database_url, clock=clock) as service:
        home = Home(service, clock)
        await home.move_in()
        await home.say("妈妈 36.5")
    async with running(database_url, clock=clock) as service:
        home.service = service
        clock.advance(timedelta(hours=15))  # 00:00 of the next day
        answer = await home.say("保存")
        assert "昨天说的没有保存" in answer
        assert await home.stored() == {}
        await home.say("妈妈 36.8", "保存")
        assert await home.stored() == {"妈妈": (368, "", 1)}
        (row,) = await service.rows("SELECT day FROM punch_ins")
        assert str(row[0]) == "2020-02-21"


async def test_report_by_somebody_else_meanwhile_is_shown_before_saving(home: Home) -> None:
    await home.say("妈妈 36.5")
    await home.service.say("openid-mother", "37.9 咳嗽")
    answer = await home.say("保存")
    assert "再看一遍" in answer
    assert (await home.stored())["妈妈"][2] == 1
    await home.say("保存")
    assert (await home.stored())["妈妈"] == (365, "fever,cough", 2)


async def test_member_who_was_released_meanwhile_is_not_changed(home: Home) -> None:
    await home.say("妈妈 36.5")
    await home.unbind("妈妈")
    answer = await home.say("保存")
    assert "妈妈现在不由您代报" in answer
    assert await home.stored() == {}


async def test_bare_wish_to_report_for_a_member_asks_about_that_member(home: Home) -> None:
    assert "妈妈今天体温多少" in await home.say("帮妈妈打卡")
    assert "妈妈：体温 36.6 °C" in await home.say("36.6")
    assert "家里人今天怎么样" in await home.say("取消", "全家打卡")


async def test_side_question_fills_nothing_and_the_review_comes_back(home: Home) -> None:
    await home.say("妈妈 36.5")
    answer = await home.say("我的码")
    assert "妈妈：体温 36.5 °C" in answer
    assert await home.stored() == {}


async def test_resident_without_members_is_asked_whose_report_it_is(home: Home) -> None:
    answer = await home.service.say("openid-mother", "小宝妈妈 37.8 咳嗽")
    assert "什么都没有保存" in answer
    assert await home.stored() == {}


async def test_same_temperature_for_three_gets_a_friendly_word_and_is_saved(home: Home) -> None:
    answer = await home.say("全家正常 36.5", "保存")
    assert "一模一样" in answer
    assert len(await home.stored()) == 3


@pytest.mark.parametrize(
    "text", ["妈妈？", "我和妈妈", "妈妈去哪了", "1 2 3", "2", "家人呢36", "都？", "36。5 妈妈 2"]
)
async def test_words_that_are_no_report_save_nothing(home: Home, text: str) -> None:
    await home.say(text)
    assert await home.stored() == {}


async def test_line_in_english_is_read_back_and_saved(home: Home) -> None:
    await home.say("english")
    answer = await home.say("all normal 36.5")
    assert "me: Temperature 36.5 °C; no symptoms." in answer
    answer = await home.say("save")
    assert answer.count("receipt P200220-") == 3
    assert await home.stored() == dict.fromkeys(home.ids, (365, "", 1))


async def test_no_change_of_a_member_goes_on_from_their_own_last_report(home: Home) -> None:
    asked = await home.say("妈妈没变化")
    assert "没法和上次比" in asked
    await home.say("37.9 咳嗽", "保存")
    home.clock.advance(timedelta(days=1))
    answer = await home.say("妈妈没变化")
    if "说全一点" in answer:  # her day for the full questions
        answer = await home.say("36.5 没有症状")
        assert "36.5" in answer
        return
    assert "发烧" in answer
    assert "咳嗽" in answer
    await home.say("保存")
    rows = await home.service.rows("SELECT temperature_tenths, symptoms FROM punch_ins ORDER BY day")
    assert [tuple(row) for row in rows] == [(379, "cough"), (None, "fever,cough")]
