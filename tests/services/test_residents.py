"""Who a resident says to be: sealed, indexed, and never taken over from somebody else."""

from __future__ import annotations

from datetime import date

from bot.core.model import Identity
from bot.services import residents
from bot.services.certificates import check_certificate
from bot.services.residents import Profile, birth_date, claim_of
from bot.store import indexes
from bot.store.sealing import KeyRing
from bot.store.snapshot import Account
from bot.store.work import Work
from tests.fakes.clock import MORNING
from tests.handlers.chat.factory import CHILD, LI

TODAY = date(2020, 2, 20)
ACCOUNT = Account(id=7, channel="simulator", external_index="k:0", consent="given")


def make_keys() -> KeyRing:
    return KeyRing(KeyRing.generate(), KeyRing.generate())


def make_profile(
    number: str = LI["certificate"], *, name: str = LI["name"], phone: str = LI["phone"]
) -> Profile:
    certificate = check_certificate("id_card", number, today=TODAY)
    return Profile(
        name=name, certificate=certificate, phone=phone, division="420102", address="百步亭社区 12号楼"
    )


def columns_of(work: Work, table: str) -> dict[str, object]:
    merged: dict[str, object] = {}
    for write in work.writes:
        if write.table == table:
            merged.update(write.row)
    return merged


def test_new_resident_is_claimed_and_linked_to_the_account() -> None:
    keys, work = make_keys(), Work(now=MORNING)
    resident = residents.create(work, keys, ACCOUNT, make_profile())
    assert resident.identity == Identity.CLAIMED
    link = columns_of(work, "account_residents")
    assert (link["account_id"], link["resident_id"], link["relation"]) == (7, resident.resident_id, "self")
    assert columns_of(work, "residents")["identity"] == "claimed"


def test_new_resident_expects_no_version_that_nobody_has_written() -> None:
    work = Work(now=MORNING)
    resident = residents.create(work, make_keys(), ACCOUNT, make_profile())
    assert resident.resident_id in work.touched
    assert work.expected == {}


def test_nothing_personal_is_written_in_the_clear() -> None:
    work = Work(now=MORNING)
    profile = make_profile()
    residents.create(work, make_keys(), ACCOUNT, profile)
    written = repr(work.writes)
    for secret in (profile.name, profile.certificate.number, profile.phone, profile.address, "1990-03-07"):
        assert secret not in written


def test_indexes_are_those_that_look_ups_use() -> None:
    keys, work = make_keys(), Work(now=MORNING)
    residents.create(work, keys, ACCOUNT, make_profile())
    row = columns_of(work, "residents")
    held = indexes.certificate("id_card", LI["certificate"])
    assert row["certificate_index"] == keys.index(held.kind, held.value)
    assert row["phone_index"] == keys.index("phone", LI["phone"])


def test_minor_is_told_by_the_date_of_birth() -> None:
    keys = make_keys()
    child = residents.create(Work(now=MORNING), keys, ACCOUNT, make_profile(CHILD["certificate"], phone=""))
    adult = residents.create(Work(now=MORNING), keys, ACCOUNT, make_profile())
    assert (child.minor, adult.minor) == (True, False)
    assert birth_date(keys, child) == date(2012, 3, 5)


def test_same_person_stays_verified_when_declaring_again() -> None:
    keys, profile = make_keys(), make_profile()
    resident = residents.create(Work(now=MORNING), keys, ACCOUNT, profile)
    resident.identity, resident.stored = Identity.VERIFIED, True
    residents.amend(Work(now=MORNING), keys, resident, profile, known=claim_of(profile))
    assert resident.identity == Identity.VERIFIED


def test_another_name_or_certificate_is_only_claimed_again() -> None:
    keys, profile = make_keys(), make_profile()
    for other in (make_profile("420106199503071111"), make_profile(name="李大梅")):
        resident = residents.create(Work(now=MORNING), keys, ACCOUNT, profile)
        resident.identity, resident.stored = Identity.VERIFIED, True
        work = Work(now=MORNING)
        residents.amend(work, keys, resident, other, known=claim_of(profile))
        row = columns_of(work, "residents")
        assert (resident.identity, row["identity"], row["verified_by"]) == (Identity.CLAIMED, "claimed", "")


def test_profile_hides_the_person_in_its_repr() -> None:
    assert LI["name"] not in repr(make_profile())
    assert LI["certificate"] not in repr(make_profile())
