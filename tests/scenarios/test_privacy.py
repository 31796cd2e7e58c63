"""What a whole conversation leaves behind: nothing personal that somebody without the keys can read."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from bot.errors import Unsealable
from bot.services.keys import context_of, rotate, sealed_tables
from bot.store.sealing import KeyRing
from tests.service import DATA_KEYS, INDEX_KEYS, LI, Service, running

STREET = "和平路77号3栋2单元501"
PHONE = "13912345678"
FREE_TEXT = "肝炎二十年了"
OPENID = "o_a-very-long-openid"
BORN = "1990-03-07"
SECRETS = (
    LI["name"],
    LI["certificate"],
    LI["certificate"][6:14],
    BORN,
    PHONE,
    "和平路",
    OPENID,
    "肝炎",
    "36.9 咳",
)


async def whole_conversation(service: Service) -> None:
    """First contact, declaration, a report, questions about it, a form left open, and things that fail."""
    say = service.talk
    await service.event(OPENID, "subscribe")
    await say(
        OPENID,
        "同意",
        "申报",
        f"{LI['name']}，身份证{LI['certificate']}，电话{PHONE}",
        "武汉市武昌区",
        STREET,
    )
    await say(OPENID, "没有", "没有", "没有", "没有", "没有", FREE_TEXT, "武汉健康码 穗康码", "提交")
    await say(OPENID, "36.9 咳嗽", "为什么", "我的码", "隐私", f"{LI['name']}在{STREET}，电话{PHONE}")
    wire = service.clock.wire()
    await service.answer(service.sender.location(OPENID, "30", "114", STREET, at=wire))
    forged = service.sender.text(OPENID, LI["name"], at=wire)
    query = tuple((name, "0" if name == "msg_signature" else value) for name, value in forged.query)
    assert (await service.post(forged._replace(query=query)))[0] == 403
    await fail_once(service)
    await say(OPENID, "修改地址")


async def fail_once(service: Service) -> None:
    """A handler that breaks with the words and the sender of the message in its error."""
    engine = service.engine
    tools, routes = engine._tools, engine._tools.routes

    async def break_down(message: Any, ctx: Any) -> None:
        raise RuntimeError(f"can't read {message.text} of {message.account}")

    broken = dataclasses.replace(routes[-1], matches=lambda message, ctx: True, handler=break_down)
    engine._tools = dataclasses.replace(tools, routes=(broken,))
    assert "没有保存" in await service.say(OPENID, f"{LI['certificate']} {PHONE}")
    engine._tools = tools


def readable(rows: dict[str, list[dict[str, Any]]]) -> str:
    """All that is stored, as somebody reads it who has the database and no key."""
    values = [value for table in rows.values() for row in table for value in row.values()]
    return "\n".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values
    )


async def test_nothing_personal_is_readable_in_tables_logs_or_metrics(
    database_url: str, logged: io.StringIO
) -> None:
    async with running(database_url) as service:
        await whole_conversation(service)
        stored = await service.stored()
        metrics = await (await service.client.get("/metrics")).text()
    assert all(stored[table] for table in ("accounts", "residents", "declarations", "punch_ins", "facts"))
    lines = [orjson.loads(line) for line in logged.getvalue().splitlines()]
    assert {"webhook_refuse", "message_fail"} <= {line.get("action") for line in lines}
    for place, text in (("tables", readable(stored)), ("logs", logged.getvalue()), ("metrics", metrics)):
        found = [secret for secret in SECRETS if secret in text]
        assert not found, place


async def test_everything_sealed_opens_with_its_own_context_and_with_no_other(database_url: str) -> None:
    async with running(database_url) as service:
        await whole_conversation(service)
        opened = open_all(service.tools.world.keys, await service.stored())
    assert opened["residents.name"] == [LI["name"]]
    assert opened["residents.phone"] == [PHONE]
    assert opened["residents.certificate"] == [LI["certificate"]]
    assert opened["residents.address"] == [STREET]
    assert opened["accounts.external"] == [OPENID]
    assert FREE_TEXT in opened["declarations.answers"][0]
    assert any("体温" in each for each in opened["inbox.reply"])


def open_all(keys: KeyRing, rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Every sealed value under its context, opened; each must refuse another context."""
    found: dict[str, list[str]] = {}
    for table in sealed_tables():
        for column in table.sealed:
            context = context_of(table.name, column)
            for blob in (row[column] for row in rows[table.name] if row[column] is not None):
                found.setdefault(context, []).append(keys.open(context, blob))
                with pytest.raises(Unsealable):
                    keys.open(f"{context}s", blob)
    return found


async def test_rotated_keys_leave_everything_readable_and_the_account_findable(database_url: str) -> None:
    async with running(database_url) as service:
        await whole_conversation(service)
        before = open_all(service.tools.world.keys, await service.stored())
    new_data, new_index = KeyRing.generate(), KeyRing.generate()
    both: dict[str, Any] = {
        "data_keys": SecretStr(f"{new_data},{DATA_KEYS}"),
        "index_keys": SecretStr(f"{new_index},{INDEX_KEYS}"),
    }
    async with running(database_url, **both) as service:
        report = await rotate(service.database, service.tools.world.keys)
        assert report.complete
        assert report.resealed > 10
        assert report.reindexed >= 3
        again = await rotate(service.database, service.tools.world.keys)
        assert (again.resealed, again.reindexed) == (0, 0)
    only_new: dict[str, Any] = {"data_keys": SecretStr(new_data), "index_keys": SecretStr(new_index)}
    async with running(database_url, **only_new) as service:
        after = open_all(service.tools.world.keys, await service.stored())
        assert {context: sorted(values) for context, values in after.items()} == {
            context: sorted(values) for context, values in before.items()
        }
        assert "改好了" in await service.talk(OPENID, STREET, "提交")  # the form that was open goes on
        assert len((await service.stored())["accounts"]) == 1
        with pytest.raises(Unsealable):
            KeyRing(DATA_KEYS, INDEX_KEYS).open(
                "residents.name", (await service.stored())["residents"][0]["name_sealed"]
            )
