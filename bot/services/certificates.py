"""Checks of certificate and phone numbers: what can be told from the number alone, with a typed reason for each no."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from bot.errors import BadRequest

ADULT_YEARS = 18
OLDEST_YEARS = 130

# GB 11643-1999: weights of the first 17 digits, modulus 11, and the check character of each remainder.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"

_SPACES = re.compile(r"[\s\-]+")
_ID_CARD = re.compile(r"[0-9]{17}[0-9X]")
_PASSPORT = re.compile(r"(?=[A-Z0-9]*[0-9])[A-Z0-9]{6,9}")
_HK_MACAU_PERMIT = re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?")
_TAIWAN_PERMIT = re.compile(r"[0-9]{8}(?:[0-9]{2})?")
_MAINLAND_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_FOREIGN_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


class CertificateKind(StrEnum):
    """The documents that a declaration accepts."""

    ID_CARD = "id_card"
    PASSPORT = "passport"
    HK_MACAU_PERMIT = "hk_macau_permit"
    TAIWAN_PERMIT = "taiwan_permit"


class Sex(StrEnum):
    """As an ID card's number tells it."""

    FEMALE = "female"
    MALE = "male"


class KnownDivisions(Protocol):
    """Whoever can say whether a division code exists or ever existed."""

    def known(self, code: str) -> bool:
        """Whether a padded or unpadded code is known, retired ones included."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A number that passed; `birth`, `sex` and `division` (six digits) are there for ID cards only."""

    kind: CertificateKind
    number: str
    birth: date | None = None
    sex: Sex | None = None
    division: str | None = None

    def __repr__(self) -> str:
        return f"Certificate(kind={self.kind.value!r})"


def check_certificate(
    kind: str, number: str, *, today: date, divisions: KnownDivisions | None = None
) -> Certificate:
    """The normalised certificate; BadRequest says why it can't be one.

    Reasons: certificate_kind, certificate_format, certificate_check_character, certificate_birth_date,
    certificate_birth_in_future, certificate_division.
    """
    try:
        wanted = CertificateKind(kind)
    except ValueError:
        raise BadRequest("certificate_kind") from None
    normal = _normal(number)
    if wanted is CertificateKind.ID_CARD:
        return _id_card(normal, today, divisions)
    if not _FORMATS[wanted](normal):
        raise BadRequest("certificate_format")
    return Certificate(wanted, normal)


def check_phone(number: str) -> str:
    """A mainland mobile number as eleven digits, any other as "+" and digits; BadRequest(phone_format) otherwise."""
    normal = re.sub(r"[()]", "", _normal(number))
    if normal.startswith("00"):
        normal = f"+{normal[2:]}"
    mainland = normal.removeprefix("+86") if normal.startswith("+") else normal
    if len(normal) == 13 and normal.startswith("86"):
        mainland = normal[2:]
    if _MAINLAND_MOBILE.fullmatch(mainland):
        return mainland
    if _FOREIGN_PHONE.fullmatch(normal) and not normal.startswith("+86"):
        return normal
    raise BadRequest("phone_format")


def masked_certificate(number: str) -> str:
    """Six and four characters of an ID card, one and two of the shorter ones; all else hidden."""
    return _masked(number, 6, 4) if len(number) == 18 else _masked(number, 1, 2)


def masked_phone(number: str) -> str:
    """The first and last characters of a phone number; all else hidden."""
    return _masked(number, 3 if len(number) == 11 else 4, 4)


def _masked(number: str, head: int, tail: int) -> str:
    hidden = max(0, len(number) - head - tail)
    return f"{number[:head]}{'*' * hidden}{number[len(number) - tail :]}" if hidden else "*" * len(number)


def is_minor(birth: date, today: date) -> bool:
    """Whether somebody is younger than eighteen; who was born on 29 February comes of age on 1 March."""
    return _age(birth, today) < ADULT_YEARS


def _age(birth: date, today: date) -> int:
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _normal(number: str) -> str:
    return _SPACES.sub("", unicodedata.normalize("NFKC", number)).upper()


def _id_card(number: str, today: date, divisions: KnownDivisions | None) -> Certificate:
    if not _ID_CARD.fullmatch(number):
        raise BadRequest("certificate_format")
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    if _CHECK_CHARACTERS[total % 11] != number[17]:
        raise BadRequest("certificate_check_character")
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise BadRequest("certificate_birth_date") from None
    if birth > today:
        raise BadRequest("certificate_birth_in_future")
    if _age(birth, today) > OLDEST_YEARS:
        raise BadRequest("certificate_birth_date")
    division = number[:6]
    if divisions is not None and not _is_known(division, divisions):
        raise BadRequest("certificate_division")
    return Certificate(
        CertificateKind.ID_CARD, number, birth, Sex.MALE if int(number[16]) % 2 else Sex.FEMALE, division
    )


def _is_known(division: str, divisions: KnownDivisions) -> bool:
    """Of Taiwan, Hong Kong and Macau (and residence permits, 81-83) only the province part is listed."""
    if division[:2] in ("71", "81", "82", "83"):
        return division[2:] == "0000"
    return divisions.known(division)


_FORMATS: dict[CertificateKind, Callable[[str], re.Match[str] | None]] = {
    CertificateKind.PASSPORT: _PASSPORT.fullmatch,
    CertificateKind.HK_MACAU_PERMIT: _HK_MACAU_PERMIT.fullmatch,
    CertificateKind.TAIWAN_PERMIT: _TAIWAN_PERMIT.fullmatch,
}
