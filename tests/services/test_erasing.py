"""After a deletion nothing of the person is left, opened or sealed, and everybody else's is as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import Conflict
from bot.services import erasing
from bot.services.deletion import LONGEST_WAIT, due_requests
from bot.services.erasing import HOLDERS, erase
from bot.services.retention import DELETE, KEEP, stored_columns
from bot.store.database import Database
from bot.store.ids import new_id
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import CHILD, LI, Phone
from tests.own_data import declare, everything, phone_of, readable, retention, run_deletions

STREET = "和平路77号3栋2单元"
OPENID = "o_a-very-long-openid"
BORN = "1990-03-07"
SECRETS = (LI["name"], LI["certificate"], LI["phone"], "和平路77号", OPENID, BORN)
_NOBODYS = {
    "households", "communities", "risk_levels", "rescore_runs", "stamps", "platform_states", "clock_offset", "job_runs",
    "job_shards",
}  # fmt: skip


async def lived(database: Database, clock: FakeClock) -> Phone:
    """Somebody with something in nearly every table, who wants it deleted."""
    phone = phone_of(database, clock, user=OPENID)
    await declare(phone, LI["name"], LI["certificate"], LI["phone"], address=STREET)
    await phone.say("36.5", "我的码", "导出我的数据", "修改电话", "取消")
    await phone.say("删除我的数据", "确认删除")
    return phone


async def _later(phone: Phone) -> dict[str, int]:
    phone.wait(days=9)
    return await run_deletions(phone)


def test_every_table_is_either_a_persons_or_nobodys() -> None:
    assert HOLDERS.keys() | _NOBODYS == stored_columns().keys()
    assert not HOLDERS.keys() & _NOBODYS
    for table, ways in HOLDERS.items():
        assert {column for column, _ in ways} <= stored_columns()[table].keys()


async def test_nothing_personal_is_left_opened_or_sealed(database: Database) -> None:
    phone = await lived(database, FakeClock())
    before = await readable(phone)
    assert all(secret in before for secret in SECRETS)
    assert (await _later(phone))["erased"] == 1
    phone.wait(days=2)
    assert (await run_deletions(phone))["accounts_forgotten"] == 1
    left = await readable(phone)
    assert not [secret for secret in SECRETS if secret in left]
    rows = await everything(phone)
    assert rows["accounts"] == []
    for kept in retention():
        if kept.table in HOLDERS and kept.on_deletion == DELETE:
            assert rows[kept.table] == [], kept.table
        elif kept.table in HOLDERS and kept.on_deletion != KEEP:
            empty = ("", None, "none", "all", "Asia/Shanghai", 0)
            for row in rows[kept.table]:
                assert all(row[column] in empty for column in row.keys() - kept.columns), kept.table
    assert rows["residents"][0]["erased_at"] is not None
    assert rows["deletion_requests"][0]["person_id"] == 0


async def test_before_its_day_nothing_is_deleted(database: Database) -> None:
    phone = await lived(database, FakeClock())
    phone.wait(days=6, hours=23)
    assert await run_deletions(phone) == {}
    assert LI["name"] in await readable(phone)


async def test_whoever_took_it_back_keeps_everything(database: Database) -> None:
    phone = await lived(database, FakeClock())
    await phone.say("撤回删除")
    before = await everything(phone)
    assert await _later(phone) == {}
    assert await everything(phone) == before


async def test_the_last_notice_says_that_it_is_done(database: Database) -> None:
    phone = await lived(database, FakeClock())
    await _later(phone)
    rows = await phone.rows("SELECT kind, state, params_sealed FROM notices")
    assert [row[:2] for row in rows] == [("deletion", "queued")]
    assert phone.world.keys.open_json("notices.params", bytes(rows[0][2]))["what"] == "done"


@pytest.mark.parametrize("days", [0, 2])
async def test_writing_again_begins_at_consent_as_somebody_new(database: Database, days: int) -> None:
    phone = await lived(database, FakeClock())
    await _later(phone)
    if days:
        phone.wait(days=days)
        await run_deletions(phone)
    assert "同意这样做吗" in await phone.say("36.5")
    assert await phone.rows("SELECT 1 FROM punch_ins") == []
    await declare(phone, LI["name"], LI["certificate"], LI["phone"])
    erased, new = await phone.rows("SELECT resident_id, erased_at FROM residents ORDER BY created_at")
    assert erased[1] is not None
    assert new[1] is None
    phone.wait(days=2)
    await run_deletions(phone)
    assert await phone.rows("SELECT COUNT(*) FROM accounts") == [(1,)]
    assert LI["name"] in await readable(phone)


@pytest.mark.parametrize("statement", range(1, 40, 3))
async def test_a_kill_between_statements_leaves_everything(database: Database, statement: int) -> None:
    phone = await lived(database, FakeClock())
    phone.wait(days=9)
    before = await everything(phone)
    (request,) = await due_requests(database, phone.clock.now())
    real = database.transaction

    async def dying(body: Any) -> Any:
        async def cut_short(session: Any) -> Any:
            return await body(_Dying(session, statement))

        return await real(cut_short)

    database.transaction = dying  # type: ignore[method-assign]
    try:
        with pytest.raises(_Killed):
            await erase(phone.world, database, retention(), request=request, now=phone.clock.now())
    except pytest.fail.Exception:
        assert statement > 20  # it has no more statements than that
        return
    finally:
        database.transaction = real  # type: ignore[method-assign]
    assert await everything(phone) == before
    assert (await run_deletions(phone))["erased"] == 1


class _Killed(Exception):
    pass


class _Dying:
    """A session that breaks at its n-th statement."""

    def __init__(self, session: Any, statement: int) -> None:
        self._session, self._left = session, statement

    async def execute(self, sql: str, params: Any = ()) -> int:
        self._left -= 1
        if self._left <= 0:
            raise _Killed
        count: int = await self._session.execute(sql, params)
        return count

    async def execute_many(self, statements: Any) -> None:
        self._left -= 1
        if self._left <= 0:
            raise _Killed
        await self._session.execute_many(statements)


async def test_somebody_who_is_just_writing_is_not_cut_in_half(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await lived(database, FakeClock())
    phone.wait(days=9)
    (request,) = await due_requests(database, phone.clock.now())
    real = erasing._doomed

    async def slow(*args: Any) -> Any:
        found = await real(*args)
        await phone.say("36.6")
        return found

    monkeypatch.setattr(erasing, "_doomed", slow)
    with pytest.raises(Conflict):
        await erase(phone.world, database, retention(), request=request, now=phone.clock.now())
    assert LI["name"] in await readable(phone)


async def test_others_keep_everything_and_members_are_not_lost(database: Database) -> None:
    phone = await lived(database, FakeClock())
    other = phone_of(database, phone.clock, user="child", world=phone.world)
    await declare(other, CHILD["name"], CHILD["certificate"], "13900000077")
    own = dict(
        await phone.rows("SELECT account_id, resident_id FROM account_residents WHERE relation = 'self'")
    )
    guardian, member = own[phone.ctx.account.id], own[other.ctx.account.id]
    await database.execute("DELETE FROM account_residents WHERE resident_id = ?", [member])
    await database.execute(
        "INSERT INTO account_residents (id, account_id, resident_id, relation, since) VALUES (?,?,?,'guardian',?)",
        [new_id(), phone.ctx.account.id, member, phone.clock.now()],
    )
    await database.execute(
        "INSERT INTO guardianships (id, resident_id, guardian_id, state, since) VALUES (?,?,?,'active',?)",
        [new_id(), member, guardian, phone.clock.now()],
    )
    before = {
        k: [r for r in v if r.get("resident_id") == member] for k, v in (await everything(phone)).items()
    }
    assert (await _later(phone))["erased"] == 1
    after = {
        k: [r for r in v if r.get("resident_id") == member] for k, v in (await everything(phone)).items()
    }
    follow_up = after["follow_ups"][0]
    assert (follow_up["reason"], follow_up["state"], follow_up["detail"]) == (
        "binding",
        "open",
        "guardian_deleted",
    )
    assert after["guardianships"] == after["account_residents"] == []
    for table in ("declarations", "facts", "health_codes", "colour_changes"):
        assert after[table] == before[table], table
    assert CHILD["name"] in await readable(phone)


async def test_one_failure_never_stops_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await lived(database, FakeClock())
    other = phone_of(database, phone.clock, user="child", world=phone.world)
    await declare(other, CHILD["name"], CHILD["certificate"], "13900000077")
    await other.say("删除我的数据", "确认删除")
    real, seen = erasing._doomed, []

    async def first_breaks(*args: Any) -> Any:
        seen.append(args)
        if len(seen) == 1:
            raise RuntimeError("broken")
        return await real(*args)

    monkeypatch.setattr(erasing, "_doomed", first_breaks)
    assert await _later(phone) == {"failed": 1, "erased": 1}


async def test_a_running_hold_puts_it_off_but_not_for_ever(database: Database) -> None:
    phone = await lived(database, FakeClock())
    phone.wait(days=5)
    await phone.say("38.9 咳嗽")
    held = await phone.rows("SELECT 1 FROM health_codes WHERE colour IN ('yellow', 'red')")
    assert held, "a fever holds at least one of these codes"
    phone.wait(days=2, hours=1)
    assert await run_deletions(phone) == {"put_off": 1}
    assert "隔离期或观察期" in await phone.say("删除我的数据")
    days = 7
    while not (await run_deletions(phone)).get("erased"):
        phone.wait(days=1)
        days += 1
        assert days <= LONGEST_WAIT.days + 1
    assert days > 8


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.sampled_from(["36.5", "37.0 咳嗽", "我的码", "为什么", "隐私", "导出我的数据", "加码", "撤回同意",
                                      "同意", "English", "免打扰 22点到7点", "修改地址", "取消", "我叫李小梅"]), max_size=6))  # fmt: skip
async def test_whatever_was_said_before_nothing_of_the_person_is_left(
    database: Database, said: list[str]
) -> None:
    for table in stored_columns():
        await database.execute(f"DELETE FROM {table}")
    phone = phone_of(database, FakeClock(), user=OPENID)
    await declare(phone, LI["name"], LI["certificate"], LI["phone"], address=STREET)
    await phone.say(*said, "取消", "删除我的数据", "确认删除", "delete my data", "confirm delete")
    for _ in range(100):
        phone.wait(days=1)
        await run_deletions(phone)
    left = await readable(phone)
    assert not [secret for secret in SECRETS if secret in left]
