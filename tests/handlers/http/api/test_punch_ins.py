"""Punch-ins through the front end: of oneself and of members, exactly those named, and only those one speaks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.clock import FakeClock
from tests.handlers.http.api.front import Front
from tests.service import Service, running

WELL = {"temperature_tenths": 365, "symptoms": []}


async def person(front: Front) -> str:
    """The id of oneself."""
    return str((await front.get("/me")).body["people"][0]["id"])


async def family(service: Service) -> tuple[Front, str, str]:
    """Somebody who speaks for a member as well: the front end, one's own id, the member's."""
    member = await Front(service, "child").declared(
        name="李小宝", certificate={"kind": "passport", "number": "E12345678"}, phone="13900000002"
    )
    front = await Front(service).declared()
    own, other = await person(front), await person(member)
    await service.database.execute(
        "INSERT INTO account_residents (id, account_id, resident_id, relation, since)"
        " SELECT 7, a.account_id, ?, 'guardian', a.since FROM account_residents a WHERE a.resident_id = ?",
        [int(other), int(own)],
    )
    return front, own, other


async def stored(service: Service) -> list[tuple[Any, ...]]:
    return await service.rows(
        "SELECT resident_id, temperature_tenths, symptoms FROM punch_ins ORDER BY resident_id"
    )


async def test_report_gives_receipt_and_covered_codes(front: Front) -> None:
    await front.declared()
    answer = await front.post("/punch-ins", {"reports": [WELL]})
    assert answer.status == 201
    (told,) = answer.body["punch_ins"]
    assert told["receipt"].startswith("P200220-")
    assert (told["day"], told["revision"], told["normal"]) == ("2020-02-20", 1, True)
    assert [(each["scheme"], each["covered_until"]) for each in told["codes"]] == [
        ("hubei", "2020-02-22T16:00:00Z"),
        ("wuhan", "2020-02-22T16:00:00Z"),
    ]


async def test_second_report_of_a_day_amends_the_first(front: Front) -> None:
    await front.declared()
    first = await front.post("/punch-ins", {"reports": [WELL]})
    fever = {"temperature_tenths": 385, "symptoms": ["cough"]}
    second = await front.post("/punch-ins", {"reports": [fever]})
    (told,) = second.body["punch_ins"]
    assert told["receipt"] == first.body["punch_ins"][0]["receipt"]
    assert (told["revision"], told["normal"]) == (2, False)
    lower = await front.post("/punch-ins", {"reports": [WELL]})
    assert lower.body["punch_ins"][0]["kept_fever"]
    right = await front.post("/punch-ins", {"reports": [{**WELL, "corrects": True}]})
    assert (right.body["punch_ins"][0]["kept_fever"], right.body["punch_ins"][0]["symptoms"]) == (False, [])


async def test_only_the_members_that_are_named_are_changed(service: Service) -> None:
    front, own, other = await family(service)
    answer = await front.post("/punch-ins", {"reports": [{**WELL, "person": other}]})
    assert [each["person"] for each in answer.body["punch_ins"]] == [other]
    assert [row[0] for row in await stored(service)] == [int(other)]
    today = await front.get("/punch-ins/today")
    assert ([each["person"] for each in today.body["punch_ins"]], today.body["open"]) == ([other], [own])
    both = await front.post(
        "/punch-ins",
        {"reports": [WELL, {"person": other, "temperature_tenths": None, "symptoms": ["cough"]}]},
    )
    assert [each["person"] for each in both.body["punch_ins"]] == [own, other]
    assert sorted(await stored(service)) == sorted([(int(own), 365, ""), (int(other), None, "cough")])


async def test_abnormal_report_of_a_member_is_followed_up(service: Service) -> None:
    front, _, other = await family(service)
    fever = {"person": other, "temperature_tenths": 382, "symptoms": []}
    assert (await front.post("/punch-ins", {"reports": [WELL, fever]})).status == 201
    rows = await service.rows("SELECT resident_id, reason FROM follow_ups WHERE state = 'open'")
    assert rows == [(int(other), "abnormal")]


async def test_nobody_reports_for_somebody_else(service: Service) -> None:
    wang = await Front(service, "wang").declared(
        name="王芳", certificate={"kind": "passport", "number": "E87654321"}, phone="13900000003"
    )
    theirs = await person(wang)
    front = await Front(service).declared()
    known = await front.post("/punch-ins", {"reports": [WELL, {**WELL, "person": theirs}]})
    unknown = await front.post("/punch-ins", {"reports": [WELL, {**WELL, "person": "1"}]})
    assert known.status == unknown.status == 422
    assert known.wrong == unknown.wrong == {"reports/1/person": "not_yours"}
    assert await stored(service) == []


async def test_one_person_comes_once(service: Service) -> None:
    front, own, _ = await family(service)
    answer = await front.post("/punch-ins", {"reports": [WELL, {**WELL, "person": own}]})
    assert answer.wrong == {"reports/1/person": "comes_twice"}


async def test_report_has_to_say_what_was_measured_and_felt(front: Front) -> None:
    await front.declared()
    for said, field in (
        ({}, "symptoms"),
        ({"symptoms": []}, "temperature_tenths"),
        ({"temperature_tenths": 365}, "symptoms"),
    ):
        answer = await front.post("/punch-ins", {"reports": [said]})
        assert answer.wrong == {f"reports/0/{field}": "missing"}
    for tenths in (339, 431):
        answer = await front.post("/punch-ins", {"reports": [{"temperature_tenths": tenths, "symptoms": []}]})
        assert set(answer.wrong) == {"reports/0/temperature_tenths"}


async def test_no_change_goes_on_from_the_last_report(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        front = await Front(service).declared()
        none = await front.post("/punch-ins", {"reports": [{"no_change": True}]})
        assert none.wrong == {"reports/0/no_change": "no_earlier_report"}
        await front.post("/punch-ins", {"reports": [{"temperature_tenths": 380, "symptoms": ["cough"]}]})
        clock.advance(timedelta(days=1))
        await front.log_in()
        (told,) = (await front.post("/punch-ins", {"reports": [{"no_change": True}]})).body["punch_ins"]
        assert (told["temperature_tenths"], told["symptoms"]) == (None, ["fever", "cough"])
        (again,) = (await front.post("/punch-ins", {"reports": [{"no_change": True}]})).body["punch_ins"]
        assert (again["receipt"], again["revision"]) == (told["receipt"], 1)


async def test_no_change_and_a_reading_contradict_each_other(front: Front) -> None:
    await front.declared()
    answer = await front.post("/punch-ins", {"reports": [{**WELL, "no_change": True}]})
    assert answer.wrong == {"reports/0/no_change": "contradicts"}


async def test_report_before_a_declaration_is_refused(front: Front) -> None:
    await front.agreed()
    answer = await front.post("/punch-ins", {"reports": [WELL]})
    assert (answer.status, answer.kind) == (409, "declare_first")


async def test_today_ends_at_midnight_in_the_residents_zone(database_url: str) -> None:
    clock = FakeClock(datetime(2020, 2, 20, 15, 59, tzinfo=UTC))
    async with running(database_url, clock=clock) as service:
        front = await Front(service).declared()
        await front.post("/punch-ins", {"reports": [WELL]})
        assert (await front.get("/punch-ins/today")).body["open"] == []
        clock.advance(timedelta(minutes=1))
        today = (await front.get("/punch-ins/today")).body
        assert (today["day"], today["punch_ins"], len(today["open"])) == ("2020-02-21", [], 1)
