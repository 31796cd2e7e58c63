"""From claimed to verified in chat: matches, mismatches, outages, limits, and a certificate that is taken."""

from __future__ import annotations

import pytest

from bot.message import Incoming, Kind
from bot.services.real_name import Verdict
from bot.store.database import Database
from handlers.chat.identity import wants_verification
from tests.fakes.clock import MORNING
from tests.handlers.chat.factory import AGREE, FIRST, FakeRegister, Phone, make_world


def make_phone(database: Database, verdict: Verdict, user: str = "li") -> tuple[Phone, FakeRegister]:
    register = FakeRegister(verdict)
    return Phone(database, user=user, world=make_world(register)), register


async def identities(phone: Phone) -> list[str]:
    return [row[0] for row in await phone.rows("SELECT identity FROM residents ORDER BY created_at")]


async def test_match_makes_the_identity_verified_and_the_codes_coloured(database: Database) -> None:
    phone, register = make_phone(database, Verdict.MATCH)
    answer = await phone.say(*FIRST, "提交")
    assert "🟢 绿码" in answer
    assert await phone.rows("SELECT identity, verified_by FROM residents") == [("verified", "register")]
    assert [claim.name for claim in register.asked] == ["李小梅"]
    assert await phone.rows("SELECT outcome, via FROM identity_checks") == [("verified", "register")]


async def test_mismatch_keeps_the_identity_claimed_and_every_code_grey(database: Database) -> None:
    phone, _ = make_phone(database, Verdict.MISMATCH)
    answer = await phone.say(*FIRST, "提交")
    assert "没有核对上" in answer
    assert "修改证件号" in answer
    assert "绿码" not in answer.replace("灰码", "")
    assert await identities(phone) == ["claimed"]
    assert {row[0] for row in await phone.rows("SELECT colour FROM health_codes")} == {"grey"}


async def test_outage_keeps_everything_and_is_tried_again_on_request(database: Database) -> None:
    phone, register = make_phone(database, Verdict.UNAVAILABLE)
    assert "连不上" in await phone.say(*FIRST, "提交")
    assert await phone.rows("SELECT * FROM identity_checks") == []
    register.verdict = Verdict.MATCH
    answer = await phone.say("实名")
    assert "核实好了" in answer
    assert "🟢" in answer
    assert await identities(phone) == ["verified"]


async def test_sixth_try_of_a_day_is_put_off_to_tomorrow(database: Database) -> None:
    phone, register = make_phone(database, Verdict.MISMATCH)
    await phone.say(*FIRST, "提交", "实名", "实名", "实名")
    assert "没有核对上" in await phone.say("实名")
    assert "明天" in await phone.say("实名")
    assert len(register.asked) == 5
    phone.wait(days=1)
    register.verdict = Verdict.MATCH
    assert "核实好了" in await phone.say("实名")


async def test_certificate_of_another_verified_resident_is_not_joined(database: Database) -> None:
    first, _ = make_phone(database, Verdict.MATCH)
    await first.say(*FIRST, "提交")
    second, _ = make_phone(database, Verdict.MATCH, user="somebody-else")
    answer = await second.say(*FIRST, "提交")
    assert "另一个账号" in answer
    assert await identities(second) == ["verified", "claimed"]
    assert len(await second.rows("SELECT DISTINCT resident_id FROM account_residents")) == 2


async def test_unverified_claim_is_answered_alike_whether_or_not_the_number_is_known(
    database: Database,
) -> None:
    first, _ = make_phone(database, Verdict.MATCH)
    await first.say(*FIRST, "提交")
    known, _ = make_phone(database, Verdict.MISMATCH, user="known-number")
    unknown, _ = make_phone(database, Verdict.MISMATCH, user="unknown-number")
    other = [line.replace("420106199003074527", "420106199503071111") for line in FIRST]
    answers = [await known.say(*FIRST, "提交"), await unknown.say(*other, "提交")]
    without_receipts = ["\n".join(answer.split("\n")[1:]) for answer in answers]
    assert without_receipts[0] == without_receipts[1]


async def test_another_certificate_after_verification_is_only_claimed_again(database: Database) -> None:
    phone, register = make_phone(database, Verdict.MATCH)
    await phone.say(*FIRST, "提交")
    register.verdict = Verdict.UNAVAILABLE
    answer = await phone.say("修改证件号", "420106199503071111", "提交")
    assert "灰" in answer
    assert await phone.rows("SELECT identity, verified_by, verified_at FROM residents") == [
        ("claimed", "", None)
    ]
    assert {row[0] for row in await phone.rows("SELECT colour FROM health_codes")} == {"grey"}


async def test_another_phone_after_verification_stays_verified(database: Database) -> None:
    phone, register = make_phone(database, Verdict.MATCH)
    await phone.say(*FIRST, "提交")
    register.verdict = Verdict.MISMATCH
    await phone.say("修改手机", "13900000002", "提交")
    assert await identities(phone) == ["verified"]
    assert len(register.asked) == 1


async def test_verified_resident_has_nothing_more_to_do(database: Database) -> None:
    phone, register = make_phone(database, Verdict.MATCH)
    await phone.say(*FIRST, "提交")
    assert "已经核实过" in await phone.say("实名认证")
    assert len(register.asked) == 1


async def test_without_a_declaration_there_is_nothing_to_verify(database: Database) -> None:
    phone, register = make_phone(database, Verdict.MATCH)
    assert "申报" in await phone.say(*AGREE, "实名")
    assert register.asked == []


async def test_asking_in_the_middle_of_the_declaration_fills_no_slot(database: Database) -> None:
    phone, register = make_phone(database, Verdict.MATCH)
    answer = await phone.say(*AGREE, "申报", "实名")
    assert "申报交上去以后" in answer
    assert "姓名" in answer
    assert "name" not in phone.ctx.talk.answers
    assert register.asked == []


@pytest.mark.parametrize(
    "words", ["实名", "认证", "实名认证", "我要实名", "核实身份", "verify", "Verify me", "身份认证"]
)
async def test_verification_is_asked_for_in_many_words(database: Database, words: str) -> None:
    phone, _ = make_phone(database, Verdict.MATCH)
    await phone.say("你好")
    phone.ctx.choice = None
    object.__setattr__(phone.ctx.message, "text", words)
    assert wants_verification(Incoming("simulator", "li", "k", Kind.TEXT, MORNING, text=words), phone.ctx)
