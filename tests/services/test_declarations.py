"""Submitting a declaration: one unit of work with its receipt, codes, colours and history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.services.certificates import check_certificate
from bot.services.declarations import Declared, latest, submit
from bot.services.declared_facts import Statements
from bot.services.identities import Outcome
from bot.services.real_name import Verdict
from bot.services.residents import Profile
from bot.store.database import Database
from bot.store.ids import is_receipt
from bot.store.snapshot import Account
from bot.store.work import Work
from bot.store.writer import Outcome as Written
from bot.store.writer import Writer
from tests.fakes.clock import MORNING
from tests.handlers.chat.factory import LI, FakeRegister, make_world

TODAY = date(2020, 2, 20)
ACCOUNT = Account(id=7, channel="simulator", external_index="k:0", consent="given")


def make_declared(**changes: object) -> Declared:
    profile = Profile(
        name=LI["name"],
        certificate=check_certificate("id_card", LI["certificate"], today=TODAY),
        phone=LI["phone"],
        division="420102",
        address="百步亭社区 12号楼 301",
    )
    declared = Declared(profile, Statements("420102"), ("hubei", "national"), {"name": LI["name"]})
    return replace(declared, **changes)  # type: ignore[arg-type]  # what is changed is the test's business


async def test_submission_is_one_unit_of_work_that_commits(database: Database) -> None:
    work = Work(now=MORNING)
    submitted = await submit(
        make_world(), work, database, account=ACCOUNT, resident=None, declared=make_declared()
    )
    assert is_receipt(submitted.receipt)
    assert submitted.identity == Outcome.VERIFIED
    assert sorted(submitted.resident.codes) == ["hubei", "national"]
    assert {change.new_colour for change in submitted.changes} == {"green"}
    assert await Writer(database).commit(work) == Written.COMMITTED
    stored = await latest(make_world(), database, submitted.resident.resident_id)
    assert stored is not None
    assert (stored.revision, stored.answers) == (1, {"name": LI["name"]})


async def test_next_submission_counts_revisions_up(database: Database) -> None:
    work = Work(now=MORNING)
    first = await submit(
        make_world(), work, database, account=ACCOUNT, resident=None, declared=make_declared()
    )
    await Writer(database).commit(work)
    first.resident.stored = True
    again = Work(now=MORNING)
    second = await submit(
        make_world(), again, database, account=ACCOUNT, resident=first.resident, declared=make_declared()
    )
    assert (second.revision, second.receipt != first.receipt) == (2, True)
    assert again.expected == {("residents", first.resident.resident_id): 0}


async def test_colours_stay_grey_while_the_identity_is_only_claimed(database: Database) -> None:
    world = make_world(FakeRegister(Verdict.MISMATCH))
    work = Work(now=MORNING)
    submitted = await submit(world, work, database, account=ACCOUNT, resident=None, declared=make_declared())
    assert submitted.identity == Outcome.MISMATCH
    assert {code.colour for code in submitted.resident.codes.values()} == {"grey"}


@pytest.mark.parametrize(
    ("communities", "division"),
    [
        ([("420102003001", "百步亭社区")], "420102003001"),
        ([("420102003001", "百步亭"), ("420102003002", "百步亭社区")], "420102003002"),
        ([("420102003001", "百步亭社区"), ("420102004001", "12号楼")], "420102"),
        ([("420106003001", "百步亭社区")], "420102"),
        ([], "420102"),
    ],
)
async def test_address_that_names_one_community_gets_its_code(
    database: Database, communities: list[tuple[str, str]], division: str
) -> None:
    for code, name in communities:
        await database.execute(
            "INSERT INTO communities (code, name, registered_at) VALUES (?, ?, ?)", [code, name, MORNING]
        )
    work = Work(now=MORNING)
    submitted = await submit(
        make_world(), work, database, account=ACCOUNT, resident=None, declared=make_declared()
    )
    assert submitted.resident.division == division


async def test_nobody_has_declared_who_is_not_there(database: Database) -> None:
    assert await latest(make_world(), database, 12345) is None
