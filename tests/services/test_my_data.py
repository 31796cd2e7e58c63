"""What is told of what is stored: every table of a person's is told, or it is said why not."""

from __future__ import annotations

from bot.services.erasing import HOLDERS
from bot.services.my_data import ORDER, collect, overview, whose
from bot.services.my_data_sections import GROUPS, LEFT_OUT, SECTIONS
from bot.services.retention import stored_columns
from bot.store.database import Database
from bot.store.ids import new_id
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import LI
from tests.own_data import declare, phone_of


def test_every_table_that_holds_a_person_is_told_or_explained() -> None:
    told = {section.table for section in SECTIONS} | {each.partition(".")[0] for each in LEFT_OUT}
    assert set(HOLDERS) <= told


def test_sections_name_columns_that_exist_and_are_all_in_order() -> None:
    for section in SECTIONS:
        assert set(section.columns) <= stored_columns()[section.table].keys(), section.name
    assert {section.name for section in SECTIONS if section.listed} < set(ORDER)
    assert {section.group for section in SECTIONS} == {*GROUPS, ""}


async def test_notices_tell_their_words_only_about_oneself(database: Database) -> None:
    phone = phone_of(database, FakeClock())
    await declare(phone, LI["name"], LI["certificate"], LI["phone"])
    person, now, seal = phone.ctx.account.person_id, phone.clock.now(), phone.world.keys.seal_json
    own = (await whose(database, person)).resident_ids[0]
    for about, to, kind in (
        (own, person, "link_asked"),
        (own, 5, "link_asked"),
        (99, person, "link_asked"),
        (own, person, "answer"),
    ):
        await database.execute(
            "INSERT INTO notices (id, resident_id, account_id, person_id, kind, params_sealed, state, dedup_key,"
            " not_before, expires_at, created_at) VALUES (?,?,?,?,?,?,'sent',?,?,?,?)",
            [
                new_id(),
                about,
                to,
                to,
                kind,
                seal("notices.params", {"text": "words"}),
                str(new_id()),
                now,
                now,
                now,
            ],
        )
    copy = await collect(database, phone.world.keys, await whose(database, person), now)
    told = {(each["to"], each["about"], each["kind"]): each["params"] for each in copy["sections"]["notices"]}
    assert told == {
        ("oneself", "oneself", "link_asked"): {"text": "words"},
        ("guardian", "oneself", "link_asked"): None,
        ("oneself", "member", "link_asked"): None,
        ("oneself", "oneself", "answer"): None,
    }


async def test_facts_leave_out_where_others_sat_and_who_signed(database: Database) -> None:
    phone = phone_of(database, FakeClock())
    await declare(phone, LI["name"], LI["certificate"], LI["phone"])
    who = await whose(database, phone.ctx.account.person_id)
    await database.execute(
        "INSERT INTO facts (id, resident_id, kind, start_day, source, reference, occurrence_id, details, known_at)"
        " VALUES (?, ?, 'journey', ?, 'rail', 'r1', 'G1:6', ?, ?)",
        [
            new_id(),
            who.resident_ids[0],
            phone.clock.now().date(),
            '{"mode":"train","row":6,"case_row":5}',
            phone.clock.now(),
        ],
    )
    facts = (await collect(database, phone.world.keys, who, phone.clock.now()))["sections"]["facts"]
    journey = next(each for each in facts if each["kind"] == "journey")
    assert journey["details"] == {"mode": "train", "row": 6}
    assert "G1:6" not in str(facts)


async def test_overview_of_a_person_without_a_declaration_is_the_account(database: Database) -> None:
    phone = phone_of(database, FakeClock())
    await phone.say("你好", "同意")
    stored = await overview(database, await whose(database, phone.ctx.account.person_id))
    assert [each.group for each in stored] == ["chat"]
