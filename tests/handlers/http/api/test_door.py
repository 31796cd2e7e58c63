"""The way of every call: consent first, one effect for one key, and every refusal as a problem in two languages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from bot.store.migrate import migrate
from handlers.http.api.calls import API, PREFIX
from handlers.http.api.door import asked_language
from handlers.http.api.operations import OPERATIONS
from handlers.http.api.problems import STATUS
from tests.fakes.clock import FakeClock
from tests.handlers.http.api.front import BASE, DECLARATION, Front, new_key
from tests.service import Service, running

REPORT = {"reports": [{"temperature_tenths": 365, "symptoms": []}]}


async def saves(service: Service) -> int:
    """How often a punch-in was saved."""
    return int((await service.rows("SELECT count(*) FROM punch_in_log"))[0][0])


# -- consent and what there is ---------------------------------------------------------------------------------


BODIES: dict[str, Any] = {
    "declare": DECLARATION,
    "punch_in": REPORT,
    "subscribe": {"form_id": "f"},
    "set_quiet_hours": {"from": None, "until": None},
}


async def test_nothing_is_told_or_kept_before_consent(front: Front) -> None:
    await front.log_in()
    before = await front.service.stored()
    for operation in (each for each in OPERATIONS if each.consent):
        path = operation.path.replace("{scheme}", "wuhan")
        answer = await front.call(operation.method, path, BODIES.get(operation.id))
        assert (answer.status, answer.kind) == (403, "consent_needed"), operation.id
    assert await front.service.stored() == before


async def test_nothing_answers_without_a_login(front: Front) -> None:
    for operation in (each for each in OPERATIONS if each.act):
        path = operation.path.replace("{scheme}", "wuhan")
        answer = await front.call(operation.method, path, BODIES.get(operation.id))
        assert (answer.status, answer.kind) == (401, "login_needed"), operation.id


async def test_unknown_address_is_a_problem_too(front: Front) -> None:
    for path in ("/nothing", "/me/more", ""):
        answer = await front.get(path)
        assert (answer.status, answer.kind) == (404, "not_found")


async def test_other_methods_are_told_which_there_are(front: Front) -> None:
    answer = await front.call("DELETE", "/consent")
    assert (answer.status, answer.kind) == (405, "wrong_method")
    assert answer.headers["Allow"] == "GET, POST"
    assert (await front.call("PATCH", "/codes/wuhan/why")).headers["Allow"] == "GET"


async def test_addresses_outside_of_the_api_keep_their_own_answers(front: Front) -> None:
    response = await front.service.client.get("/nowhere")
    assert response.status == 404
    assert "problem" not in response.headers["Content-Type"]


async def test_answers_are_not_kept_by_anybody(front: Front) -> None:
    await front.agreed()
    for answer in (await front.get("/me"), await front.get("/nothing")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


# -- one effect for one key --------------------------------------------------------------------------------------


async def test_same_key_again_gets_the_same_answer_and_has_no_second_effect(front: Front) -> None:
    await front.declared()
    key = new_key()
    first = await front.post("/punch-ins", REPORT, key=key)
    again = await front.post("/punch-ins", REPORT, key=key)
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    assert await saves(front.service) == 1


async def test_same_content_in_another_order_is_the_same_call(front: Front) -> None:
    await front.declared()
    key = new_key()
    first = await front.post(
        "/punch-ins", {"reports": [{"temperature_tenths": 365, "symptoms": []}]}, key=key
    )
    again = await front.post(
        "/punch-ins", {"reports": [{"symptoms": [], "temperature_tenths": 365}]}, key=key
    )
    assert again.body == first.body


async def test_same_key_with_other_content_is_refused(front: Front) -> None:
    await front.declared()
    key = new_key()
    await front.post("/punch-ins", REPORT, key=key)
    other = {"reports": [{"temperature_tenths": 381, "symptoms": []}]}
    answer = await front.post("/punch-ins", other, key=key)
    assert (answer.status, answer.kind) == (422, "key_reused")
    assert await saves(front.service) == 1


async def test_calls_of_one_key_at_the_same_time_are_one(front: Front) -> None:
    await front.declared()
    key = new_key()
    answers = await asyncio.gather(*(front.post("/punch-ins", REPORT, key=key) for _ in range(5)))
    assert {answer.status for answer in answers} == {201}
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    assert await saves(front.service) == 1


async def test_key_of_somebody_else_is_another_key(front: Front) -> None:
    """Whoever guesses a key gets no answer that was another's."""
    await front.declared()
    wang = await Front(front.service, "wang").declared(
        name="王芳", certificate={"kind": "passport", "number": "E12345678"}, phone="13900000002"
    )
    key = new_key()
    first = await front.post("/punch-ins", REPORT, key=key)
    second = await wang.post("/punch-ins", REPORT, key=key)
    assert second.status == 201
    assert first.body["punch_ins"][0]["receipt"] != second.body["punch_ins"][0]["receipt"]
    assert await saves(front.service) == 2


async def test_key_counts_for_one_operation(front: Front) -> None:
    await front.declared()
    key = new_key()
    assert (await front.post("/consent", {"agree": True}, key=key)).status == 200
    assert (await front.post("/punch-ins", REPORT, key=key)).status == 201


async def test_key_of_a_refused_call_can_be_used_again(front: Front) -> None:
    await front.declared()
    key = new_key()
    wrong = {"reports": [{"temperature_tenths": 365, "symptoms": [], "person": "1"}]}
    assert (await front.post("/punch-ins", wrong, key=key)).status == 422
    assert (await front.post("/punch-ins", REPORT, key=key)).status == 201


async def test_post_without_a_proper_key_is_refused(front: Front) -> None:
    await front.declared()
    for key in ("", "short", "x" * 65, "with blank", "mit-Umlaut-ä"):
        headers = {"Idempotency-Key": key} if key else {}
        answer = await front.call("POST", "/punch-ins", REPORT, key="", **headers)
        assert (answer.status, answer.kind) == (400, "key_missing"), key
    assert await saves(front.service) == 0


async def test_answer_survives_a_restart(database_url: str) -> None:
    clock, key = FakeClock(), new_key()
    async with running(database_url, clock=clock) as service:
        front = await Front(service).declared()
        first = await front.post("/punch-ins", REPORT, key=key)
    clock.advance(timedelta(minutes=30))
    async with running(database_url, clock=clock) as service:
        later = Front(service, token=front.token)
        assert (await later.post("/punch-ins", REPORT, key=key)).body == first.body
        assert await saves(service) == 1


@asynccontextmanager
async def two_instances(url: str) -> AsyncIterator[tuple[Service, Service]]:
    """Two processes' worth of service on one database; there is one clock."""
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running(url, clock=clock))
        yield first, await stack.enter_async_context(running(url, clock=clock))


@pytest.mark.postgresql
async def test_two_instances_share_sessions_and_answers(postgres_database_url: str) -> None:
    await migrate(postgres_database_url)
    async with two_instances(postgres_database_url) as (one, other):
        front = await Front(one).declared()
        there = Front(other, token=front.token)
        key = new_key()
        calls = [each.post("/punch-ins", REPORT, key=key) for each in (front, there, front, there)]
        answers = await asyncio.gather(*calls)
        assert {answer.status for answer in answers} == {201}
        assert len({json.dumps(answer.body) for answer in answers}) == 1
        assert await saves(one) == 1


@pytest.mark.postgresql
async def test_one_login_at_two_instances_is_one_session(postgres_database_url: str) -> None:
    await migrate(postgres_database_url)
    async with two_instances(postgres_database_url) as (one, other):
        key, body = new_key(), {"platform": "simulator", "code": "li"}
        answers = await asyncio.gather(
            *(Front(each).post("/sessions", body, key=key) for each in (one, other))
        )
        assert answers[0].body == answers[1].body
        assert await one.rows("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM accounts)") == [
            (1, 1)
        ]


# -- what can't be read --------------------------------------------------------------------------------------------


NOT_JSON = (
    b"",
    b"{",
    b'{"agree": true, "agree": false}',
    b'{"agree": NaN}',
    b'{"agree": "\\ud800"}',
    b'{"agree": true}\xff',
    b"[" * 50_000,
    b'{"agree": ' + b"9" * 10_000 + b"}",
)


async def test_content_that_is_not_plain_json_is_refused(front: Front) -> None:
    await front.log_in()
    for body in NOT_JSON:
        answer = await raw(front, body)
        assert (answer["status"], answer["type"]) == (400, "urn:yima:problem:not_json"), body[:30]


async def raw(front: Front, body: bytes, content_type: str = "application/json") -> Any:
    """What is answered to these very bytes."""
    response = await front.service.client.post(
        f"{BASE}/consent",
        data=body,
        headers={
            "Authorization": f"Bearer {front.token}",
            "Content-Type": content_type,
            "Idempotency-Key": new_key(),
        },
    )
    return await response.json(content_type=None)


async def test_other_types_of_content_are_refused(front: Front) -> None:
    await front.log_in()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = await raw(front, b'{"agree": true}', content_type)
        assert (answer["status"], answer["type"]) == (415, "urn:yima:problem:not_json_type")


async def test_content_over_64_kib_is_refused(front: Front) -> None:
    await front.log_in()
    answer = await raw(front, b'{"agree": true' + b" " * 64 * 1024 + b"}")
    assert (answer["status"], answer["type"]) == (413, "urn:yima:problem:too_large")
    assert (await raw(front, b'{"agree": true' + b" " * (64 * 1024 - 15) + b"}"))["consent"] == "given"


async def test_every_wrong_field_is_named_and_no_value_is_repeated(front: Front) -> None:
    await front.declared()
    body = {"reports": [{"temperature_tenths": "secret-one", "symptoms": ["secret-two"], "secret-three": 1}]}
    answer = await front.post("/punch-ins", body)
    assert (answer.status, answer.kind) == (422, "invalid")
    assert answer.wrong == {
        "reports/0/temperature_tenths": "wrong_type",
        "reports/0/symptoms/0": "not_one_of",
        "reports/0": "unknown_field",
    }
    assert "secret" not in json.dumps(answer.body)


async def test_wrong_query_is_refused(front: Front) -> None:
    await front.agreed()
    for query in ("limit=0", "limit=101", "limit=x", "limit=1&limit=2", "other=1", "after=!", "after=AAAA"):
        answer = await front.get(f"/history?{query}")
        assert (answer.status, answer.kind) == (400, "bad_query"), query


async def test_query_where_none_is_taken_is_refused(front: Front) -> None:
    await front.agreed()
    assert (await front.get("/codes?resident=1")).kind == "bad_query"


async def test_error_that_nobody_foresaw_says_nothing_of_itself(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    await front.agreed()

    async def fails(*_: object) -> None:
        raise RuntimeError("李小梅 420106199003074527")

    monkeypatch.setattr(type(front.service.app[API].engine), "perform", fails)
    answer = await front.post("/consent", {"agree": True})
    assert (answer.status, answer.kind) == (500, "failed")
    assert "李小梅" not in json.dumps(answer.body, ensure_ascii=False)


# -- languages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", None),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB", "en"),
        ("fr", None),
        ("zh;q=0.1, en;q=0.2", "en"),
        ("en;q=0", None),
        ("EN", "en"),
        ("*", None),
        (";;;", None),
    ],
)
def test_language_is_the_one_that_is_asked_for_most(header: str, language: str | None) -> None:
    assert asked_language(header) == language


async def test_problem_is_told_in_the_language_of_the_call_else_of_the_account(front: Front) -> None:
    await front.log_in()
    assert (await front.get("/codes")).body["title"] == "请先阅读并同意说明"
    answer = await front.get("/codes", Accept_Language="en")
    assert answer.body["title"] == "Please read and agree first"
    assert answer.headers["Content-Language"] == "en"
    await front.service.database.execute("UPDATE accounts SET language = 'en'")
    assert (await front.get("/codes")).headers["Content-Language"] == "en"


async def test_every_problem_has_words_in_both_languages(service: Service) -> None:
    texts = service.tools.texts
    wanted = {f"api.{kind}_{part}" for kind in STATUS for part in ("title", "detail")}
    assert wanted <= texts.keys()


def test_table_of_operations_names_each_once() -> None:
    assert len({each.id for each in OPERATIONS}) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)
    assert all((each.act is None) != (each.enter is None) for each in OPERATIONS)
    assert PREFIX == BASE
