"""Codes and their explanation: what the chat says, and nothing of anybody else."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.handlers.http.api.front import Front
from tests.service import running

FEVER = {"reports": [{"temperature_tenths": 385, "symptoms": ["cough"]}]}


async def test_explanation_has_the_lines_of_the_chat(front: Front) -> None:
    await front.declared()
    await front.post("/punch-ins", FEVER)
    why = await front.get("/codes/wuhan/why")
    assert why.status == 200
    said = {"user": front.user, "text": "武汉健康码为什么"}
    response = await front.service.client.post("/simulator/messages", json=said)
    chat = (await response.json())["replies"][0]["text"]
    assert why.body["title"] in chat
    assert all(line.strip() in chat for line in why.body["lines"])


async def test_explanation_says_what_it_was_read_off(front: Front) -> None:
    await front.declared()
    await front.post("/punch-ins", FEVER)
    why = (await front.get("/codes/wuhan/why")).body
    assert why["colour"] != "green"
    assert why["findings"][0]["text"] in why["lines"][0]
    assert why["findings"][0]["fact"]["kind"] == "symptom"
    assert why["rule_book"]["scheme"] == "wuhan"
    assert why["next_change"] is None or why["next_change"]["colour"] in ("green", "yellow")


async def test_explanation_comes_in_the_language_of_the_call(front: Front) -> None:
    await front.declared()
    why = await front.get("/codes/wuhan/why", Accept_Language="en")
    assert "Wuhan" in why.body["title"]
    assert (await front.get("/me")).body["language"] == "zh"


async def test_code_that_is_not_held_is_not_found_whether_or_not_there_is_one(front: Front) -> None:
    await front.declared()
    for scheme in ("guangdong", "nowhere", "%2e%2e"):
        assert (await front.get(f"/codes/{scheme}/why")).kind == "not_found"


async def test_codes_before_a_declaration_are_none(front: Front) -> None:
    await front.agreed()
    assert (await front.get("/codes")).body == {"codes": []}
    assert (await front.get("/me")).body["missing"] == ["declaration"]


async def test_code_whose_report_ran_out_is_reviewed_before_it_is_shown(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        front = await Front(service).declared()
        clock.advance(timedelta(days=4))
        await front.log_in()
        codes = (await front.get("/codes")).body["codes"]
        assert {code["colour"] for code in codes} == {"yellow"}
        assert await service.rows("SELECT DISTINCT colour FROM health_codes") == [("yellow",)]


async def test_nothing_of_another_resident_is_in_any_answer(front: Front) -> None:
    await Front(front.service, "wang").declared(
        name="王芳", certificate={"kind": "passport", "number": "E87654321"}, address="青年路9号2栋"
    )
    await front.declared()
    paths = (
        "/me",
        "/codes",
        "/codes/wuhan/why",
        "/declarations/current",
        "/punch-ins/today",
        "/history",
        "/notices",
    )
    shown = json.dumps([(await front.get(path)).body for path in paths], ensure_ascii=False)
    assert not any(theirs in shown for theirs in ("王", "E8765", "青年路"))
    assert "420106199003074527" not in shown


async def test_me_masks_the_name_and_shows_a_claim_as_undecided(front: Front) -> None:
    await front.agreed()
    await front.declared(name="不符生")
    me = (await front.get("/me")).body["people"][0]
    assert (me["name"], me["identity"]) == ("不**", "claimed")
    assert "identity" in me["missing"]
    assert {code["state"] for code in (await front.get("/codes")).body["codes"]} == {"undecided"}


async def test_withdrawn_consent_closes_the_door_again(front: Front) -> None:
    await front.declared()
    assert (await front.post("/consent", {"agree": False})).body["consent"] == "withdrawn"
    assert (await front.get("/codes")).kind == "consent_needed"
    assert (await front.get("/me")).body["people"] == []
    assert (await front.post("/consent", {"agree": True})).body["consent"] == "given"


async def test_refusal_is_kept_as_one(front: Front) -> None:
    await front.log_in()
    assert (await front.post("/consent", {"agree": False})).body["consent"] == "refused"
    assert "同意" in (await front.get("/consent")).body["text"]
