"""The main job through the signed door: consent, declare, punch in for every code at once, see the colour and why."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

import pytest

from bot.app import Clients
from bot.clock import resident_day
from bot.services.honesty import wants_full
from bot.services.real_name import Claim, Verdict
from bot.town import publish_town_levels
from tests.fakes.clock import FakeClock
from tests.service import CODES, LI, Service, running

DAY = timedelta(days=1)
NAMES = (
    "湖北健康码",
    "武汉健康码",
    "国家防疫健康信息码",
    "社区电子通行证",
    "粤康码",
    "穗康码",
)
KEPT_BEFORE_CONSENT = {"accounts", "dialogues", "inbox"}
NUMBERS = re.compile(r"[DP]\d{6}-[0-9A-Z]{8}-\d{2}|\d{6}\*{8}\d{3}[0-9X]")


class Register:
    """A real-name service that answers what it is told to."""

    name = "register"

    def __init__(self, verdict: Verdict = Verdict.MATCH) -> None:
        self.verdict = verdict
        self.asked = 0

    async def verify(self, claim: Claim) -> Verdict:
        self.asked += 1
        return self.verdict


def colour_of(answer: str, name: str) -> str:
    """The colour that an answer shows for a code, the latest if it was about to change."""
    line = next(each for each in answer.splitlines() if name in each)
    found: list[str] = re.findall("[🟢🟡🔴⚪]", line)
    return found[-1]


async def test_nothing_of_content_is_kept_before_consent_and_a_refusal_can_be_taken_back(
    database_url: str,
) -> None:
    async with running(database_url) as service:
        shown = await service.event("o_li", "subscribe")
        for promised in ("存什么", "存多久", "谁能看", "平台", "隔离期", "申诉"):
            assert promised in shown
        for said in ("我叫李小梅，发烧39.1", "420106199003074527", "2"):
            await service.say("o_li", said)
        place = service.sender.location("o_li", "30.5", "114.3", "武汉市武昌区", at=service.clock.wire())
        assert "同意" in await service.answer(place)
        stored = await service.stored()
        assert {table for table, rows in stored.items() if rows} <= KEPT_BEFORE_CONSENT
        assert stored["accounts"][0]["consent"] == "refused"
        assert all(row["incoming_sealed"] is None for row in stored["inbox"])
        assert not any(word in opened(service, stored) for word in ("李小梅", "39.1", "420106", "武昌"))
        assert "同意" in await service.say("o_li", "36.5")
        assert "申报" in await service.say("o_li", "同意")
        assert [row[0] for row in await service.rows("SELECT consent FROM accounts")] == ["given"]


def opened(service: Service, stored: dict[str, list[dict[str, object]]]) -> str:
    """Every sealed value of the tables that may be filled before consent, as one text."""
    keys = service.tools.world.keys
    sealed = [
        (f"{table}.{column.removesuffix('_sealed')}", value)
        for table in KEPT_BEFORE_CONSENT
        for row in stored[table]
        for column, value in row.items()
        if column.endswith("_sealed") and value is not None
    ]
    assert sealed
    return "\n".join(keys.open(context, value) for context, value in sealed)


async def test_declaration_takes_several_answers_side_questions_back_and_changes(database_url: str) -> None:
    async with running(database_url) as service:
        say = partial(service.say, "o_li")
        await publish_town_levels(service.app)
        await service.talk("o_li", "你好", "同意")
        first = "请问您的姓名"
        assert first in await say("申报")
        side = await say("为什么要问这个？")
        assert "核实身份" in side
        assert side.endswith(first + "？照证件上的写。")
        at_once = await say(f"{LI['name']}，身份证{LI['certificate']}，电话{LI['phone']}，住武汉市武昌区")
        assert "哪个街道" in at_once  # four answers in one message
        assert first in await say("上一步")
        assert "哪个街道" in await say(LI["name"])
        assert "最近14天（2月7日到2月20日）" in await say("和平路1号3栋2单元501")
        assert "坐过飞机" in await say("没有")
        review = await service.talk("o_li", "没有", "没有", "没有", "没有", "没有", CODES)
        assert "3. 证件号：420106********4527" in review
        changed = await say("改 3")
        assert "原来填的是：证件号" in changed
        assert "校验码" in await say("420106199003074526")
        assert "3. 证件号：420106********4527" in await say(LI["certificate"])
        answer = await say("提交")
        assert re.search(r"回执号 (D200220-\w{8}-\d{2})", answer)
        receipts = await service.rows("SELECT receipt, revision FROM declarations")
        assert [(receipt in answer, revision) for receipt, revision in receipts] == [(True, 1)]
        assert [colour_of(answer, name) for name in NAMES] == ["🟢"] * 6
        await correct_the_address(service)


async def correct_the_address(service: Service) -> None:
    """A wrong answer is corrected later; the earlier declaration stays on record."""
    assert "原来填的是：地址：和平路1号" in await service.say("o_li", "修改地址")
    assert "改好了，回执号" in await service.talk("o_li", "和平路8号1栋101", "提交")
    assert await service.rows("SELECT revision FROM declarations ORDER BY revision") == [(1,), (2,)]
    sealed = (await service.rows("SELECT address_sealed FROM residents"))[0][0]
    assert service.tools.world.keys.open("residents.address", sealed) == "和平路8号1栋101"


async def test_one_punch_in_covers_six_codes_and_a_fever_changes_colours_at_once(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        say = partial(service.say, "o_li")
        await publish_town_levels(service.app)
        await service.declare("o_li")
        saved = await say("体温36度8 没有症状")
        receipt = re.findall(r"回执 (P200220-\w{8}-\d{2})", saved)
        assert receipt
        assert "体温 36.8 °C，没有症状" in saved
        assert all(re.search(rf"🟢 {name}，到 2月2[13]日 00:00", saved) for name in NAMES)
        amended = await say("37.9 咳嗽")
        assert "第 2 版" in amended
        assert "只算一次" in amended
        assert receipt[0] in amended
        assert "发热门诊" in amended
        assert "武汉健康码：🟢 绿码 → 🔴 红码" in amended
        assert await service.rows("SELECT revision FROM punch_ins") == [(2,)]
        assert await service.rows("SELECT revision FROM punch_in_log ORDER BY revision") == [(1,), (2,)]
        why = await say("为什么 武汉健康码")
        for part in (
            "🔴 红码",
            "原因：您报告了发烧",
            "发烧 37.9 °C（来自您的打卡）",
            "规则 1.0.0 版",
            "结束",
        ):
            assert part in why
        assert "You reported a fever" in await service.talk("o_li", "English", "why")
        assert "中文" in await say("中文")
        codes = await say("我的码")
        stored = dict(await service.rows("SELECT scheme, colour FROM health_codes"))
        dots = {"green": "🟢", "yellow": "🟡", "red": "🔴"}
        names = {scheme.name["zh"]: scheme.id for scheme in service.tools.world.schemes}
        assert [colour_of(codes, name) for name in NAMES] == [dots[stored[names[name]]] for name in NAMES]
        assert stored["wuhan"] == "red"
        assert "打卡有效到" in codes
        assert "1. 打卡" in await say("嗯哼哈嘿")  # the last route offers what it can do


async def test_each_way_to_punch_in_is_understood_on_a_day_of_its_own(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        await service.declare("o_li", codes="穗康码")
        assert "36.5 没有症状" in await service.say("o_li", "打卡")
        assert "有没有不舒服" in await service.say("o_li", "没量体温")
        for texts, wanted in (
            (("没有症状",), "没量体温，没有症状"),
            (("三十六度五，一切正常",), "体温 36.5 °C，没有症状"),
            (("没变化",), "与上次相比没有变化"),
            (("45.0", "36.9"), "体温 36.9 °C"),
            (("打卡", "36.5"), "体温 36.5 °C"),
            (("体温36度8 没有症状",), "体温 36.8 °C，没有症状"),
            (("37.9 咳嗽",), "体温 37.9 °C，咳嗽"),
        ):
            while texts == ("没变化",) and await asked_for_a_full_report(service):
                clock.advance(DAY)  # drawn for each resident and day: the next one will do
            answer = await service.talk("o_li", *texts)
            assert wanted in answer
            assert "打卡已保存" in answer
            clock.advance(DAY)
        assert "36.5 没有症状" in await service.event("o_li", "CLICK", "PUNCH_IN")
        refused = await service.say("o_li", "33.9")
        assert "34.0 到 43.0" in refused
        temperatures = await service.rows("SELECT temperature_tenths FROM punch_ins ORDER BY day")
        assert temperatures == [(None,), (365,), (None,), (369,), (365,), (368,), (379,)]


async def asked_for_a_full_report(service: Service) -> bool:
    """Whether "no change" is answered with the full questions on this day."""
    [(resident_id, division, zone)] = await service.rows("SELECT resident_id, division, zone FROM residents")
    policy = service.tools.world.policies.of(division)
    return wants_full(policy, resident_id, resident_day(service.clock.now(), zone))


async def test_unfollowing_ends_the_dialogue_and_following_again_begins_anew(database_url: str) -> None:
    async with running(database_url) as service:
        await service.talk("o_li", "你好", "同意", "申报", LI["name"])
        assert await service.event("o_li", "unsubscribe") == ""
        assert await service.rows("SELECT following, form, step, state_sealed FROM accounts, dialogues") in (
            [(0, "", "", None)],
            [(False, "", "", None)],
        )
        assert "欢迎回来" in await service.event("o_li", "subscribe")
        assert "请问您的姓名" in await service.say("o_li", "申报")
        assert [bool(row[0]) for row in await service.rows("SELECT following FROM accounts")] == [True]


async def test_open_question_survives_a_restart_and_a_day_and_is_announced_after_four(
    database_url: str,
) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        asked = await service.talk("o_li", "你好", "同意", "申报", LI["name"], LI["certificate"])
        assert "手机号" in asked
    clock.advance(DAY)
    async with running(database_url, clock=clock) as service:
        home = await service.say("o_li", LI["phone"])
        assert "现在住在哪个区县" in home
        clock.advance(4 * DAY)
        back = await service.say("o_li", "武汉市武昌区")
        assert "好久不见" in back
        assert back.endswith(home)
        assert "哪个街道" in await service.say("o_li", "武汉市武昌区")
        assert "原来填的是：姓名：李小梅" in await service.say("o_li", "改 1")


async def test_claimed_identity_stays_grey_until_it_is_proved(database_url: str) -> None:
    register = Register(Verdict.UNAVAILABLE)
    async with running(database_url, clients=Clients(real_name=register)) as service:
        await publish_town_levels(service.app)
        told = await service.declare("o_li", codes="武汉健康码 穗康码")
        assert "连不上" in told
        assert "回复“实名”" in told
        assert colour_of(told, "武汉健康码") == "⚪"
        punched = await service.say("o_li", "36.5")
        assert "核实身份" in punched
        assert "🟢" not in punched
        assert "缺身份核实" in await service.say("o_li", "我的码")
        assert "缺身份核实" in await service.say("o_li", "为什么")
        assert "连不上" in await service.say("o_li", "实名")
        register.verdict = Verdict.MISMATCH
        assert "没有核对上" in await service.say("o_li", "核实身份")
        assert await service.rows("SELECT DISTINCT colour, state FROM health_codes") == [
            ("grey", "undecided")
        ]
        register.verdict = Verdict.MATCH
        proved = await service.say("o_li", "核实身份")
        assert [colour_of(proved, name) for name in ("武汉健康码", "穗康码")] == ["🟢", "🟢"]
        assert await service.rows("SELECT identity, verified_by FROM residents") == [("verified", "register")]


async def test_certificate_can_be_tried_against_the_register_a_few_times_a_day_only(
    database_url: str,
) -> None:
    register = Register(Verdict.MISMATCH)
    async with running(database_url, clients=Clients(real_name=register)) as service:
        await service.declare("o_li", codes="穗康码")
        answers = [await service.say("o_li", "实名") for _ in range(7)]
        assert "明天" in answers[-1]
        assert register.asked == 5


@pytest.mark.parametrize("verdict", [Verdict.MISMATCH, Verdict.UNAVAILABLE])
async def test_claim_of_a_known_certificate_joins_nobody_and_reads_as_that_of_an_unknown_one(
    database_url: str, verdict: Verdict
) -> None:
    register = Register()
    unknown = "42010619900307106X"
    async with running(database_url, clients=Clients(real_name=register)) as service:
        await publish_town_levels(service.app)
        await service.declare("o_holder")
        before = await service.rows("SELECT * FROM residents")
        register.verdict = verdict
        transcripts = []
        for openid, certificate in (("o_thief", LI["certificate"]), ("o_other", unknown)):
            said = [await service.declare(openid, codes="武汉健康码", certificate=certificate)]
            said += [await service.say(openid, each) for each in ("实名", "37.9", "我的码", "为什么", "隐私")]
            transcripts.append([NUMBERS.sub("…", each) for each in said])
        assert transcripts[0] == transcripts[1]
        holder = before[0][0]
        after = await service.rows("SELECT * FROM residents")
        assert len(after) == 3
        assert before[0] in after
        assert len(await service.rows("SELECT 1 FROM account_residents WHERE resident_id = ?", holder)) == 1
        assert await service.rows("SELECT 1 FROM punch_ins WHERE resident_id = ?", holder) == []
        assert await service.rows(
            "SELECT DISTINCT colour FROM health_codes WHERE resident_id = ?", holder
        ) == [("green",)]
        assert "🟢" in await service.say("o_holder", "36.5")
