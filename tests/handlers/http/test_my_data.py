"""The page behind a one-time link: what it gives, to whom, how often, and what it never tells."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from html import unescape

import orjson
import pytest
from prometheus_client import generate_latest

from bot.logs import redact
from bot.services.data_links import LASTS, MOST_FETCHES
from bot.store.database import Database
from bot.store.ids import new_id
from handlers.http import my_data
from handlers.http.keys import METRICS
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import CHILD, LI, Phone
from tests.own_data import declare, door, everything, path_in, phone_of

EVIL = "李<script>alert(1)</script>小梅"


@pytest.fixture
async def phone(database: Database) -> Phone:
    made = phone_of(database, FakeClock())
    await declare(made, LI["name"], LI["certificate"], LI["phone"])
    await made.say("36.5 咳嗽")
    return made


async def _path(phone: Phone) -> str:
    return path_in(await phone.say("导出我的数据"))


async def test_json_holds_everything_that_was_said_unsealed(phone: Phone) -> None:
    async with door(phone) as client:
        response = await client.post(f"{await _path(phone)}/json")
        assert response.status == 200
        assert response.headers["Content-Disposition"] == 'attachment; filename="yima-my-data.json"'
        copy = orjson.loads(await response.read())["sections"]
    person = copy["person"][0]
    assert (person["name"], person["certificate"], person["phone"]) == (
        LI["name"],
        LI["certificate"],
        LI["phone"],
    )
    assert copy["declarations"][0]["answers"]["name"] == LI["name"]
    assert copy["punch_ins"][0]["symptoms"] == ["cough"]
    assert copy["punch_ins"][0]["reported_by"] == "oneself"
    assert copy["accounts"][0]["external"] == "li"
    assert copy["facts"]
    assert copy["codes"]
    assert copy["colour_changes"][0]["assessment"]["findings"] is not None


async def test_page_is_chinese_first_self_contained_and_worded(phone: Phone) -> None:
    async with door(phone) as client:
        page = await (await client.post(f"{await _path(phone)}/view")).text()
    for words in (
        "身份和住址",
        LI["name"],
        LI["certificate"],
        "36.5 °C",
        "咳嗽",
        "百步亭社区",
        "没有写在这里的",
    ):
        assert words in page
    assert '<html lang="zh">' in page
    assert "src=" not in page
    assert "href=" not in page
    assert "<script" not in page


async def test_page_speaks_the_language_of_the_account(phone: Phone) -> None:
    await phone.say("English")
    async with door(phone) as client:
        page = await (await client.post(f"{await _path(phone)}/html")).text()
    assert "Identity and address" in page
    assert "Daily reports" in page


async def test_names_cannot_become_markup(phone: Phone) -> None:
    sealed = phone.world.keys.seal("residents.name", EVIL)
    await phone.database.execute("UPDATE residents SET name_sealed = ?", [sealed])
    async with door(phone) as client:
        page = await (await client.post(f"{await _path(phone)}/view")).text()
    assert "<script" not in page
    assert EVIL in unescape(page)


async def test_every_answer_is_kept_by_nobody_and_runs_nothing(phone: Phone) -> None:
    path = await _path(phone)
    async with door(phone) as client:
        answers = [
            await client.get(path),
            await client.post(f"{path}/json"),
            await client.get("/my-data/forged"),
        ]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_link_previews_show_nothing_and_use_nothing_up(phone: Phone) -> None:
    path = await _path(phone)
    async with door(phone) as client:
        for _ in range(MOST_FETCHES + 3):
            page = await (await client.get(path)).text()
            assert LI["name"] not in page
            assert LI["certificate"] not in page
        assert (await client.get(f"{path}/json")).status == 405
        assert (await client.head(path)).status == 405
        assert (await client.post(f"{path}/json")).status == 200
    assert await phone.rows("SELECT fetched FROM data_links") == [(1,)]


async def test_link_works_a_bounded_number_of_times(phone: Phone) -> None:
    path = await _path(phone)
    async with door(phone) as client:
        statuses = [(await client.post(f"{path}/json")).status for _ in range(MOST_FETCHES + 1)]
        assert statuses == [200] * MOST_FETCHES + [404]
        assert (await client.get(path)).status == 404


@pytest.mark.parametrize(("late", "status"), [(timedelta(seconds=-1), 200), (timedelta(0), 404)])
async def test_link_ends_after_a_quarter_of_an_hour(phone: Phone, late: timedelta, status: int) -> None:
    path = await _path(phone)
    phone.clock.advance(LASTS + late)
    async with door(phone) as client:
        assert (await client.get(path)).status == status
        assert (await client.post(f"{path}/json")).status == status


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 500, "%00" * 3, "..%2f..", "' OR 1=1 --"])
async def test_forged_tokens_get_the_same_kind_answer(phone: Phone, token: str) -> None:
    async with door(phone) as client:
        for answer in (await client.get(f"/my-data/{token}"), await client.post(f"/my-data/{token}/json")):
            assert answer.status == 404
            text = await answer.text()
            assert "链接已失效" in text
            assert "This link has ended" in text


async def test_unknown_form_is_not_there(phone: Phone) -> None:
    async with door(phone) as client:
        assert (await client.post(f"{await _path(phone)}/csv")).status == 404


async def test_link_of_an_erased_or_moved_resident_gives_nothing(phone: Phone) -> None:
    path = await _path(phone)
    async with door(phone) as client:
        await phone.database.execute("UPDATE accounts SET person_id = 12345")
        assert (await client.post(f"{path}/json")).status == 404
    assert await phone.rows("SELECT fetched FROM data_links") == [(0,)]


async def test_token_reaches_neither_logs_nor_metrics_nor_tables(
    phone: Phone, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _path(phone)
    token = path.rpartition("/")[2]

    async def fail(*_: object) -> None:
        raise RuntimeError(f"no {token}")

    async with door(phone) as client:
        await client.get(path)
        await client.post(f"{path}/json")
        monkeypatch.setattr(my_data, "collect", fail)
        failed = await client.post(f"{path}/json")
        assert failed.status == 500
        assert token not in await failed.text()
        metrics = generate_latest(client.server.app[METRICS].registry).decode()  # type: ignore[attr-defined]
    assert "my_data_fail" in logged.getvalue()
    assert token not in logged.getvalue()
    assert token not in metrics
    assert token not in str((await everything(phone))["data_links"])
    assert redact(f"GET {path}/json") == "GET /my-data/…/json"


async def test_a_member_appears_masked_and_without_what_is_theirs(phone: Phone, database: Database) -> None:
    other = phone_of(database, phone.clock, user="child", world=phone.world)
    await declare(other, CHILD["name"], CHILD["certificate"], "13900000077")
    await other.say("37.9")
    own = await phone.rows("SELECT account_id, resident_id FROM account_residents WHERE relation = 'self'")
    ids = dict(own)
    guardian, member = ids[phone.ctx.account.id], ids[other.ctx.account.id]
    await database.execute(
        "INSERT INTO guardianships (id, resident_id, guardian_id, state, label_sealed, since) VALUES (?,?,?,?,?,?)",
        [
            new_id(),
            member,
            guardian,
            "active",
            phone.world.keys.seal("guardianships.label", "宝宝"),
            phone.clock.now(),
        ],
    )
    async with door(phone) as client:
        mine = await (await client.post(f"{await _path(phone)}/json")).text()
        theirs = await (await client.post(f"{path_in(await other.say('导出我的数据'))}/json")).text()
    assert orjson.loads(mine)["sections"]["members"][0]["label"] == "宝宝"
    for secret in (CHILD["name"], CHILD["certificate"], "13900000077"):
        assert secret not in mine
    assert not re.search(r"(?<!\d)37\.?9(?!\d)", mine)  # an id may hold these digits, too
    for secret in (LI["name"], LI["certificate"], LI["phone"], "宝宝"):
        assert secret not in theirs
    assert orjson.loads(theirs)["sections"]["guardians"][0]["name"].startswith("李")
