"""A declaration through the front end is the chat's: the same rules, the same facts, every wrong field at once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, get_args

from bot.conversation.understanding.places import Places
from bot.core.facts import SYMPTOMS
from bot.services.certificates import CertificateKind
from bot.services.declaration_rules import MODES
from bot.services.real_name_fake import MISMATCHING
from handlers.http.api.declarations import JourneySaid, Kind
from handlers.http.api.declared_fields import is_deep
from handlers.http.api.punch_ins import Symptom
from tests.fakes.clock import FakeClock
from tests.handlers.http.api.front import DECLARATION, Front
from tests.service import CODES, LI, Service, running

STAY = {"from": "2020-02-10", "to": "2020-02-12", "place": "4201"}
TRIP = {"mode": "train", "day": "2020-02-12", "from": "4201", "to": "4401", "number": "g1003次"}


async def wrong(front: Front, **changes: Any) -> dict[str, str]:
    """Reason by field of a declaration with these changes."""
    answer = await front.post("/declarations", {**DECLARATION, **changes})
    assert answer.status == 422, answer.body
    return answer.wrong


async def test_declaration_gives_receipt_codes_and_identity(front: Front) -> None:
    await front.agreed()
    answer = await front.post("/declarations", DECLARATION)
    assert answer.status == 201
    assert answer.body["receipt"].startswith("D200220-")
    assert (answer.body["revision"], answer.body["identity"]) == (1, "verified")
    assert [(each["scheme"], each["colour"]) for each in answer.body["codes"]] == [
        ("hubei", "green"),
        ("wuhan", "green"),
    ]


async def test_front_end_and_chat_declare_the_same(service: Service) -> None:
    """The same person, once through each: the same facts and answers."""
    await service.declare("o_li", 1, codes=CODES, **LI)
    chat = await service.rows("SELECT scheme FROM health_codes ORDER BY held_since, id")
    schemes = [row[0] for row in chat]
    await Front(service).declared(
        certificate={"kind": "id_card", "number": LI["certificate"]}, schemes=schemes
    )
    facts = await service.rows(
        "SELECT resident_id, kind, start_day, end_day, division, source, details FROM facts ORDER BY kind, start_day"
    )
    people = {row[0] for row in facts}
    assert len(people) == 2
    of_each = [[row[1:] for row in facts if row[0] == person] for person in people]
    assert of_each[0] == of_each[1]
    sealed = await service.rows("SELECT answers_sealed FROM declarations")
    answers = [service.tools.world.keys.open_json("declarations.answers", row[0]) for row in sealed]
    for each in answers:
        each["schemes"] = sorted(each["schemes"])
    assert answers[0] == answers[1]


async def test_declaration_is_read_back_with_masked_numbers(front: Front) -> None:
    await front.declared(stays=[STAY], journeys=[TRIP])
    answer = await front.get("/declarations/current")
    assert answer.status == 200
    assert (answer.body["certificate_number"], answer.body["phone"]) == ("420106********4527", "139****0001")
    assert answer.body["stays"] == [STAY]
    assert answer.body["journeys"] == [{**TRIP, "number": "G1003"}]
    assert "420106199003074527" not in json.dumps(answer.body)


async def test_nothing_declared_is_not_found(front: Front) -> None:
    await front.agreed()
    assert (await front.get("/declarations/current")).kind == "not_found"


async def test_every_wrong_field_is_named_at_once(front: Front) -> None:
    await front.agreed()
    assert await wrong(
        front,
        name="42",
        certificate={"kind": "id_card", "number": "420106199003074528"},
        phone="123",
        division="99",
        address="x",
        stays=[{"from": "2020-02-12", "to": "2020-02-10", "place": "42"}],
        journeys=[{**TRIP, "to": "4201", "number": "???"}],
        case_contact_day="2020-02-19",
        risk_contact=None,
        diseases=None,
        schemes=["nowhere"],
    ) == {
        "name": "name_unclear",
        "certificate/number": "certificate_check_character",
        "phone": "phone_format",
        "division": "place_unknown",
        "address": "address_short",
        "stays/0/place": "place_too_wide",
        "stays/0/to": "before_its_beginning",
        "journeys/0/to": "same_place",
        "journeys/0/number": "wrong_format",
        "case_contact_day": "contradicts",
        "risk_contact": "missing",
        "diseases": "missing",
        "schemes/0": "not_one_of",
    }
    assert await front.service.rows("SELECT count(*) FROM declarations") == [(0,)]


async def test_days_are_held_to_the_rules_of_the_chat(front: Front) -> None:
    await front.agreed()
    assert await wrong(
        front,
        stays=[
            {**STAY, "to": "2020-02-21"},
            {**STAY, "from": "2020-02-01", "to": "2020-02-06"},
            {**STAY, "from": "2019-12-01"},
        ],
        journeys=[{**TRIP, "day": "2020-02-21"}, {**TRIP, "day": "2020-02-06"}],
        case_contact="yes",
        case_contact_day="2020-02-21",
    ) == {
        "stays/0/from": "day_to_come",
        "stays/1/from": "stay_long_ago",
        "stays/2/from": "stay_too_early",
        "journeys/0/day": "day_to_come",
        "journeys/1/day": "journey_long_ago",
        "case_contact_day": "day_to_come",
    }
    early = await wrong(front, case_contact="unsure", case_contact_day="2019-12-01")
    assert early == {"case_contact_day": "contact_too_early"}


async def test_missing_and_unknown_fields_are_refused(front: Front) -> None:
    await front.agreed()
    body = {name: value for name, value in DECLARATION.items() if name not in ("stays", "name")}
    answer = await front.post("/declarations", {**body, "colour": "green"})
    assert answer.wrong == {"stays": "missing", "": "unknown_field"}


async def test_first_declaration_needs_who_one_is(front: Front) -> None:
    await front.agreed()
    kept = dict.fromkeys(("name", "certificate", "phone", "division", "address", "diseases"))
    assert set((await wrong(front, **kept)).items()) == {(name, "missing") for name in kept}


async def test_later_declaration_keeps_what_is_left_out(front: Front) -> None:
    await front.declared(diseases=["heart"])
    kept = dict.fromkeys(("name", "certificate", "phone", "division", "address", "diseases"))
    answer = await front.post("/declarations", {**DECLARATION, **kept, "symptoms": ["cough"]})
    assert (answer.status, answer.body["revision"]) == (201, 2)
    current = (await front.get("/declarations/current")).body
    assert (current["name"], current["diseases"], current["symptoms"]) == ("李小梅", ["heart"], ["cough"])


async def test_moving_needs_a_new_address(front: Front) -> None:
    await front.declared()
    assert await wrong(front, division="440106", address=None) == {"address": "missing"}


async def test_minors_are_asked_less(front: Front) -> None:
    await front.agreed()
    number = id_card("42010620100307452")
    child = {"certificate": {"kind": "id_card", "number": number}, "phone": ""}
    asked = await wrong(front, **child, diseases=["heart"])
    assert asked == {"risk_contact": "not_of_minors", "diseases": "not_of_minors"}
    answer = await front.post(
        "/declarations", {**DECLARATION, **child, "risk_contact": None, "diseases": None}
    )
    assert answer.status == 201
    assert await wrong(front, phone="") == {"phone": "phone_needed"}


def id_card(body: str) -> str:
    """A made-up number with its check character."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


async def test_correction_puts_the_earlier_day_right(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        front = await Front(service).declared(stays=[STAY], symptoms=["cough"])
        clock.advance(timedelta(days=1))
        await front.log_in()
        answer = await front.post("/declarations", {**DECLARATION, "corrects": True})
        assert answer.status == 201
        standing = "SELECT kind, division FROM facts WHERE withdrawn_at IS NULL AND source = 'declaration'"
        assert {tuple(row) for row in await service.rows(standing)} == {("stay", "420106")}


async def test_correcting_nothing_is_refused(front: Front) -> None:
    await front.agreed()
    answer = await front.post("/declarations", {**DECLARATION, "corrects": True})
    assert (answer.status, answer.kind) == (409, "declare_first")


async def test_claimed_number_that_is_known_is_answered_like_any_other(front: Front) -> None:
    """Without a match with the register nothing tells whether somebody holds the number."""
    await front.declared()
    shown = []
    for user, number in (("one", LI["certificate"]), ("two", id_card("42010619900307454"))):
        other = await Front(front.service, user).agreed()
        claim = {"name": f"{MISMATCHING}生", "certificate": {"kind": "id_card", "number": number}}
        claim["certificate"]["number_is_right"] = True  # type: ignore[index]  # a dictionary of its own
        answer = await other.post("/declarations", {**DECLARATION, **claim})
        shown.append(
            (answer.status, answer.body["identity"], [each["state"] for each in answer.body["codes"]])
        )
    assert shown[0] == shown[1] == (201, "mismatch", ["undecided", "undecided"])


def test_choices_are_those_of_the_rules() -> None:
    assert get_args(Symptom) == SYMPTOMS
    assert set(get_args(Kind)) == {kind.value for kind in CertificateKind}
    assert get_args(JourneySaid.model_fields["mode"].annotation) == MODES


def test_division_is_deep_enough_where_it_goes_no_deeper() -> None:
    places = Places.load()
    assert is_deep(places, "420106", 6)
    assert not is_deep(places, "4201", 6)
    assert is_deep(places, "4201", 4)
    assert not is_deep(places, "42", 4)
    assert is_deep(places, "11", 4)
