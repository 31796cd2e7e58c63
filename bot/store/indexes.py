"""What each `*_index` column is made from, in one place: writing, looking up and key rotation must agree.

An index is an exact HMAC, so two spellings of one number must come to one form first. `kind` keeps equal values
of different meaning apart: a passport never matches an ID card, nor one platform's account another's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BLANKS = re.compile(r"[\s\-·]+")
_MOBILE = re.compile(r"(?:\+?86|0086)?(1\d{10})")
# Up to and with the building: 3栋, 12号楼, 甲座, B幢. A unit or a room behind it is not the building.
_BUILDING = re.compile(r".*?(?:\d+|[a-z]\d*|[甲乙丙丁戊己庚辛]|[一二三四五六七八九十]+)(?:号楼|#楼|栋|幢|座)")


@dataclass(frozen=True, slots=True)
class Indexed:
    """What one index value is the HMAC of."""

    kind: str
    value: str


def account(channel: str, external: str) -> Indexed:
    """The index of an account by its id on a platform, which is case-sensitive and taken as it is."""
    return Indexed(f"account:{channel}", external)


def certificate(kind: str, number: str) -> Indexed:
    """The index of a resident by a certificate of this kind, however the number was typed."""
    return Indexed(f"certificate:{kind}", _BLANKS.sub("", _plain(number)).upper())


def phone(number: str) -> Indexed:
    """The index of a resident by phone number; a mainland mobile number with and without +86 is one number."""
    digits = re.sub(r"[\s\-().]+", "", _plain(number))
    mobile = _MOBILE.fullmatch(digits)
    return Indexed("phone", mobile[1] if mobile else digits)


def building(division: str | None, address: str) -> Indexed | None:
    """The key of the building: the division and the address up to the building; None where no building is named."""
    found = _BUILDING.match(_BLANKS.sub("", _plain(address)).lower())
    if division is None or found is None:
        return None
    return Indexed("building", f"{division}:{found[0]}")


def of_row(table: str, column: str, row: Mapping[str, Any]) -> Indexed | None:
    """What this index of this row is made from.

    `row` holds the plain columns and the opened `*_sealed` ones by their column name. None: nothing to index.
    KeyError for an index that nobody described here.
    """
    match f"{table}.{column}":
        case "accounts.external_index":
            external = row["external_sealed"]
            return None if external is None else account(row["channel"], external)
        case "residents.certificate_index":
            number = row["certificate_sealed"]
            return None if number is None else certificate(row["certificate_kind"], number)
        case "residents.phone_index":
            return None if row["phone_sealed"] is None else phone(row["phone_sealed"])
        case "residents.building_index" | "households.building_index":
            address = row["address_sealed"]
            return None if address is None else building(row["division"], address)
    raise KeyError(f"{table}.{column}")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()
