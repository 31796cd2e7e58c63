"""Who a resident says to be: the sealed row of a person, made once and corrected by declaring again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.clock import DEFAULT_ZONE, resident_day
from bot.core.model import Identity
from bot.services.certificates import Certificate, is_minor
from bot.services.real_name import Claim
from bot.store import indexes
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.indexes import Indexed
from bot.store.sealing import KeyRing
from bot.store.snapshot import Account, Resident
from bot.store.work import Work


@dataclass(frozen=True, slots=True)
class Profile:
    """Who somebody is and where they live. `division` is unpadded; an empty phone means there is none."""

    name: str
    certificate: Certificate
    phone: str
    division: str
    address: str

    def __repr__(self) -> str:
        return f"Profile(division={self.division!r})"


def create(work: Work, keys: KeyRing, account: Account, profile: Profile) -> Resident:
    """A new resident for whom this account speaks; only claimed, whether or not the certificate is known."""
    resident = create_member(work, keys, profile)
    work.insert(
        "account_residents",
        id=new_id(),
        account_id=account.id,
        resident_id=resident.resident_id,
        relation="self",
        since=work.now,
    )
    return resident


def create_member(work: Work, keys: KeyRing, profile: Profile) -> Resident:
    """A new resident for whom nobody speaks yet, as a guardian describes them; only claimed."""
    resident = Resident(
        resident_id=new_id(),
        identity=Identity.CLAIMED,
        certificate_kind=profile.certificate.kind.value,
        name_sealed=None,
        birth_sealed=None,
        division=profile.division,
        zone=DEFAULT_ZONE,
        declared_at=work.now,
        last_punch_in=None,
        input_version=0,
        stored=False,
    )
    work.insert(
        "residents",
        resident_id=resident.resident_id,
        zone=resident.zone,
        created_at=work.now,
        **_columns(work, keys, resident, profile),
    )
    work.touch(resident.resident_id, resident.input_version)
    return resident


def amend(work: Work, keys: KeyRing, resident: Resident, profile: Profile, *, known: Claim | None) -> None:
    """Take over what is declared now. Another name or certificate than the one known has to be verified anew."""
    if known is None or not _same_person(known, profile):
        resident.identity = Identity.CLAIMED
        work.update("residents", {"resident_id": resident.resident_id}, verified_by="", verified_at=None)
    resident.certificate_kind = profile.certificate.kind.value
    resident.division, resident.declared_at = profile.division, work.now
    work.touch(resident.resident_id, resident.input_version)
    work.update("residents", {"resident_id": resident.resident_id}, **_columns(work, keys, resident, profile))


async def stored_claim(database: Database, keys: KeyRing, resident_id: int) -> Claim | None:
    """Who a stored resident says to be; None if nothing was declared yet."""
    rows = await database.fetch(
        "SELECT certificate_kind, certificate_sealed, name_sealed, phone_sealed FROM residents"
        " WHERE resident_id = ?",
        [resident_id],
    )
    if not rows or rows[0][1] is None or rows[0][2] is None:
        return None
    kind, certificate, name, phone = rows[0]
    return Claim(
        certificate_kind=kind,
        certificate_number=keys.open("residents.certificate", certificate),
        name=keys.open("residents.name", name),
        phone=keys.open("residents.phone", phone) if phone is not None else "",
    )


def claim_of(profile: Profile) -> Claim:
    """The claim that a profile makes."""
    certificate = profile.certificate
    return Claim(certificate.kind.value, certificate.number, profile.name, profile.phone)


def _same_person(known: Claim, profile: Profile) -> bool:
    claimed = claim_of(profile)
    return (known.certificate_kind, known.certificate_number, known.name) == (
        claimed.certificate_kind,
        claimed.certificate_number,
        claimed.name,
    )


def _columns(work: Work, keys: KeyRing, resident: Resident, profile: Profile) -> dict[str, Any]:
    """The columns that a declaration fills; the snapshot gets what it holds of them."""
    certificate, birth = profile.certificate, profile.certificate.birth
    resident.name_sealed = keys.seal("residents.name", profile.name)
    resident.birth_sealed = keys.seal("residents.birth", birth.isoformat()) if birth else None
    resident.minor = birth is not None and is_minor(birth, resident_day(work.now, resident.zone))
    building = indexes.building(profile.division, profile.address)
    return {
        "identity": resident.identity.value,
        "certificate_kind": certificate.kind.value,
        "certificate_index": _index(keys, indexes.certificate(certificate.kind.value, certificate.number)),
        "certificate_sealed": keys.seal("residents.certificate", certificate.number),
        "phone_index": _index(keys, indexes.phone(profile.phone)) if profile.phone else None,
        "phone_sealed": keys.seal("residents.phone", profile.phone) if profile.phone else None,
        "name_sealed": resident.name_sealed,
        "birth_sealed": resident.birth_sealed,
        "address_sealed": keys.seal("residents.address", profile.address),
        "division": profile.division,
        "building_index": _index(keys, building) if building else None,
        "declared_at": work.now,
    }


def _index(keys: KeyRing, indexed: Indexed) -> str:
    return keys.index(indexed.kind, indexed.value)


def tell_age(keys: KeyRing, resident: Resident, at: datetime) -> None:
    """Say whether the resident is a minor at that instant: the date of birth is sealed; not known is of age."""
    birth = birth_date(keys, resident)
    resident.minor = birth is not None and is_minor(birth, resident_day(at, resident.zone))


def birth_date(keys: KeyRing, resident: Resident) -> date | None:
    """The date of birth, where the certificate told it."""
    if resident.birth_sealed is None:
        return None
    return date.fromisoformat(keys.open("residents.birth", resident.birth_sealed))
