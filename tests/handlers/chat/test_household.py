"""Families in words: adding, agreeing, refusing, listing, releasing, removing, and every kind refusal."""

from __future__ import annotations

import pytest

from bot.services.real_name import Verdict
from bot.store.database import Database
from handlers.chat.routes import FORMS, ROUTES
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import CHILD, FIRST, FakeRegister, Phone, certificate, make_world

MOTHER = {"name": "王秀英", "certificate": certificate("42010219600307002"), "phone": "13900000002"}
ME = (*FIRST, "提交")
HERS = tuple(
    {
        "李小梅": MOTHER["name"],
        "420106199003074527": MOTHER["certificate"],
        "13900000001": MOTHER["phone"],
    }.get(line, line)
    for line in ME
)
WHO = (MOTHER["name"], "1", MOTHER["certificate"], "1", "1")


class Home:
    """Two phones of one family, and the register."""

    def __init__(self, database: Database) -> None:
        self.register, clock = FakeRegister(), FakeClock()
        world = make_world(self.register)
        self.me, self.mother = (
            Phone(database, user=user, world=world, clock=clock, routes=ROUTES, forms=tuple(FORMS.values()))
            for user in ("me", "mother")
        )

    async def add(self, *lines: str) -> str:
        return await self.me.say("添加家人", *lines)

    async def states(self) -> list[str]:
        return [row[0] for row in await self.me.rows("SELECT state FROM guardianships ORDER BY id")]


@pytest.fixture
async def home(database: Database) -> Home:
    made = Home(database)
    await made.me.say(*ME)
    return made


async def bind_mother(home: Home) -> None:
    await home.mother.say(*HERS)
    await home.add("妈妈", *WHO, "提交")
    await home.mother.say("绑定", "同意")


async def test_wish_is_read_back_before_anything_is_asked(home: Home) -> None:
    review = await home.add("妈妈", *WHO)
    assert "称呼：妈妈" in review
    assert MOTHER["name"] in review
    assert MOTHER["certificate"] not in review
    assert await home.states() == []
    assert "已记下：您想替妈妈打卡" in await home.me.say("提交")
    assert await home.states() == ["asked"]


async def test_answer_is_the_same_whether_or_not_a_number_is_known(home: Home) -> None:
    await home.mother.say(*HERS)
    known = await home.add("妈妈", *WHO, "提交")
    stranger = (MOTHER["name"], "1", certificate("42010219600307004"), "1", "1")
    unknown = await home.add("外婆", *stranger, "提交")
    assert known.replace("妈妈", "外婆") == unknown
    assert await home.me.rows("SELECT waits_for FROM guardianships ORDER BY since, waits_for") == [
        ("member",),
        ("worker",),
    ]


async def test_member_sees_who_asks_masked_and_agrees(home: Home) -> None:
    await home.mother.say(*HERS)
    await home.add("妈妈", *WHO, "提交")
    shown = await home.mother.say("绑定")
    assert "李**（手机尾号0001）" in shown
    assert "李小梅" not in shown
    assert "从现在起对方可以替您打卡" in await home.mother.say("同意")
    assert await home.states() == ["active"]
    family = await home.me.say("我的家人")
    assert "2. 妈妈：" in family
    looks = await home.me.rows("SELECT actor_kind, action FROM access_log WHERE action = 'member_viewed'")
    assert looks == [("guardian", "member_viewed")]


async def test_member_refuses_and_nothing_is_bound(home: Home) -> None:
    await home.mother.say(*HERS)
    await home.add("妈妈", *WHO, "提交")
    assert "已经拒绝" in await home.mother.say("绑定", "2")
    assert await home.states() == ["refused"]
    assert "一个月" in await home.add("妈妈", *WHO, "提交")


async def test_bare_agree_shows_who_asks_first(home: Home) -> None:
    await home.mother.say(*HERS)
    await home.add("妈妈", *WHO, "提交")
    assert "李**" in await home.mother.say("同意")
    assert await home.states() == ["asked"]


async def test_who_bound_me_is_ended_in_one_step(home: Home) -> None:
    await bind_mother(home)
    assert "1. 解除 李**" in await home.mother.say("谁绑定了我")
    assert "没有这个号码" in await home.mother.say("解除 5")
    assert await home.states() == ["active"]
    assert "已经解除" in await home.mother.say("解除 1")
    assert await home.states() == ["ended"]
    assert "没有人绑定您" in await home.mother.say("谁绑定了我")


async def test_guardian_removes_only_after_a_second_yes(home: Home) -> None:
    await bind_mother(home)
    assert "确定不再替妈妈打卡吗" in await home.me.say("移除家人 2")
    assert "没有变" in await home.me.say("先不移除")
    assert await home.states() == ["active"]
    assert "不再替这位家人打卡了" in await home.me.say("移除妈妈", "1")
    assert await home.states() == ["ended"]


async def test_member_who_is_not_in_the_list_is_not_removed(home: Home) -> None:
    await bind_mother(home)
    for line in ("移除家人 1", "移除家人 7", "移除爸爸"):
        assert "没有这一位" in await home.me.say(line), line
    assert await home.states() == ["active"]


async def test_child_is_bound_at_once(home: Home) -> None:
    said = await home.add("大宝", CHILD["name"], "1", CHILD["certificate"], "1", "1", "提交")
    assert "现在您可以替大宝打卡" in said
    assert "2. 大宝：" in await home.me.say("我的家人")


async def test_mismatch_goes_back_to_the_review(home: Home) -> None:
    home.register.verdict = Verdict.MISMATCH
    said = await home.add("大宝", CHILD["name"], "1", CHILD["certificate"], "1", "1", "提交")
    assert "没有对上，什么都没有保存" in said
    assert "称呼：大宝" in said
    assert await home.states() == []
    home.register.verdict = Verdict.MATCH
    assert "现在您可以替大宝打卡" in await home.me.say("提交")


async def test_register_that_is_away_says_so(home: Home) -> None:
    home.register.verdict = Verdict.UNAVAILABLE
    said = await home.add("大宝", CHILD["name"], "1", CHILD["certificate"], "1", "1", "提交")
    assert "不是您的问题" in said
    assert await home.states() == ["asked"]


async def test_claimed_guardian_is_asked_to_verify_first(database: Database) -> None:
    home = Home(database)
    home.register.verdict = Verdict.UNAVAILABLE
    await home.me.say(*ME)
    assert "先核实您自己的身份" in await home.add()
    assert await home.states() == []


async def test_who_has_not_declared_is_asked_to_declare_first(database: Database) -> None:
    home = Home(database)
    assert "健康申报" in await home.me.say("你好", "同意", "添加家人")


async def test_own_number_is_refused_kindly(home: Home) -> None:
    said = await home.add("妈妈", "李小梅", "1", "420106199003074527", "1", "1", "提交")
    assert "这是您自己" in said
    assert await home.states() == []


async def test_wrong_number_is_asked_for_again(home: Home) -> None:
    said = await home.add("妈妈", MOTHER["name"], "1", "420102196003070028")
    assert "请再看一眼" in said
    assert await home.states() == []


@pytest.mark.parametrize(
    ("label", "words"), [("自己", "这是您自己"), ("全家", "一次加一个人"), ("!!9", "没看懂")]
)
async def test_label_that_names_nobody_is_asked_again(home: Home, label: str, words: str) -> None:
    assert words in await home.add(label)


async def test_label_that_is_taken_is_asked_again(home: Home) -> None:
    await home.add("外婆", *WHO, "提交")
    assert "已经有一位" in await home.add("外婆")


@pytest.mark.parametrize("line", ["帮我妈打卡", "绑定妈妈", "添加我妈", "添加老伴", "add mom"])
async def test_adding_is_understood_in_other_words(home: Home, line: str) -> None:
    assert "证件上的姓名" in await home.me.say(line)


async def test_code_is_still_added_by_its_name(home: Home) -> None:
    assert "家人" not in await home.me.say("添加 穗康码")


async def test_member_elsewhere_is_asked_where(home: Home) -> None:
    review = await home.add("妈妈", *WHO[:3], "2", "广州越秀区", "东山口 5号 601", "1")
    assert "越秀区" in review
    assert "已记下" in await home.me.say("提交")
    assert await home.me.rows("SELECT division FROM follow_ups") == [("440104",)]


async def test_member_who_is_not_well_is_said_to_need_a_declaration(home: Home) -> None:
    assert "登记了申报才会有颜色" in await home.add("妈妈", *WHO[:4], "2", "提交")


async def test_nothing_of_a_cancelled_form_is_kept(home: Home) -> None:
    await home.add("妈妈", *WHO)
    await home.me.say("取消")
    assert await home.states() == []
    assert await home.me.rows("SELECT count(*) FROM residents") == [(1,)]


async def test_old_choice_of_a_bond_that_is_gone_says_so(home: Home) -> None:
    for act in ("agree", "refuse", "release", "drop"):
        assert "什么都没有变" in await home.me.say(f"bond:{act}:12345"), act


async def test_family_of_nobody_offers_to_add(home: Home) -> None:
    assert "还没有添加家人" in await home.me.say("我的家人")
    assert "还没有添加家人" in await home.me.say("移除家人 2")
